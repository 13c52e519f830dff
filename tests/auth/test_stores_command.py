"""Commands that keep the login: real programs, real pipes, real time limits."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import pytest

from auth.stores_kit import PROFILE, SECRET
from bexsync.auth.stores import StoreChoice, TokenStore, open_store, probe
from bexsync.config.profile import TokenCommandSection
from bexsync.errors import TokenStoreProblem, TryLater
from constants import set_constant


def sh(line: str) -> tuple[str, ...]:
    return ("sh", "-c", line)


def with_commands(**commands: tuple[str, ...]) -> TokenStore:
    return open_store(StoreChoice("command"), PROFILE, Path("/nowhere"), TokenCommandSection(**commands))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept 'here'"


@pytest.fixture
def store(kept: Path) -> TokenStore:
    file = shlex.quote(str(kept))
    return with_commands(get=("cat", str(kept)), set=sh(f"cat > {file}"), erase=("rm", "-f", str(kept)))


def test_a_login_is_kept_replaced_and_forgotten(store: TokenStore, kept: Path) -> None:
    store.save(SECRET)
    assert store.load() == SECRET
    store.save("short")
    assert store.load() == "short"
    store.assert_writable()
    store.erase()
    assert not kept.exists()


def test_a_long_login_goes_through(store: TokenStore) -> None:
    store.save("x" * 500_000)
    assert store.load() == "x" * 500_000


@pytest.mark.parametrize("output", ["", "\n", "\r\n"])
def test_nothing_is_no_login(output: str, tmp_path: Path) -> None:
    assert with_commands(get=("printf", output), set=("cat",)).load() is None


def test_without_erase_an_empty_line_takes_the_place(kept: Path) -> None:
    store = with_commands(get=("cat", str(kept)), set=sh(f"cat > {shlex.quote(str(kept))}"))
    store.save(SECRET)
    store.erase()
    assert store.load() is None
    assert "canary" not in kept.read_text()


@pytest.mark.parametrize(("missing", "why"), [("set", "Logins change with every use"), ("get", "Name one")])
def test_get_and_set_are_needed(missing: str, why: str) -> None:
    commands = {name: ("true",) for name in ("get", "set", "erase") if name != missing}
    with pytest.raises(TokenStoreProblem, match=f"`{missing}` in \\[ledger.token_command\\] is empty") as caught:
        with_commands(**commands)
    assert why in caught.value.hint


def test_the_login_is_in_neither_arguments_nor_environment(kept: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    spy = f"cat /proc/$$/cmdline /proc/$$/environ > {shlex.quote(str(seen))}; cat > {shlex.quote(str(kept))}"
    store = with_commands(get=("cat", str(kept)), set=sh(spy))
    store.save(SECRET)
    assert store.load() == SECRET
    assert b"PATH=" in seen.read_bytes()
    assert b"canary" not in seen.read_bytes()


def test_there_is_no_shell(tmp_path: Path) -> None:
    store = with_commands(get=("printf", "%s", "$(touch pwned); *"), set=("cat",))
    assert store.load() == "$(touch pwned); *"


@pytest.mark.parametrize(
    ("get", "told"),
    [
        (
            sh("echo first >&2; echo 'the vault is sealed.' >&2; exit 3"),
            "`sh` failed (exit code 3): the vault is sealed.",
        ),
        (sh("exit 4"), "`sh` failed (exit code 4)."),
        (sh("kill -9 $$"), "`sh` failed (signal 9)."),
        (("/no/such/program",), "There is no program /no/such/program."),
        (("/etc",), "The program /etc cannot be run: Permission denied."),
        (("printf", "\\377"), "`printf` printed something that is no text."),
        (sh("printf '\\033[31mred\\n' >&2; exit 1"), "`sh` failed (exit code 1): \N{REPLACEMENT CHARACTER}[31mred."),
    ],
)
def test_failures_are_told_with_the_programs_last_words(get: tuple[str, ...], told: str) -> None:
    with pytest.raises(TokenStoreProblem) as caught:
        with_commands(get=get, set=("cat",)).load()
    assert caught.value.message == told
    assert "[ledger.token_command]" in caught.value.hint


@pytest.mark.parametrize(
    "complaint",
    ["cat >&2", "head -c 40 | tail -c 22 >&2", 'read x; echo "bad: $x" >&2', "cut -c 20-60 >&2", "tr a-z A-Z >&2"],
)
def test_last_words_that_repeat_the_login_are_not_shown(complaint: str) -> None:
    with pytest.raises(TokenStoreProblem) as caught:
        with_commands(get=("cat",), set=sh(f"{complaint}; exit 1")).save(SECRET)
    assert "`sh` failed (exit code 1)" in caught.value.message
    assert "6d1f0b7e55c9" not in caught.value.message.lower()


def test_last_words_that_repeat_what_was_printed_are_not_shown() -> None:
    with pytest.raises(TokenStoreProblem, match="are not shown") as caught:
        with_commands(get=sh("echo s3cret-of-the-vault; echo no: s3cret-of-the-vault >&2; exit 1"), set=("cat",)).load()
    assert "s3cret" not in caught.value.message


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "command.PATIENCE", 0.4)
    pids = tmp_path / "pids"
    store = with_commands(get=sh(f"sleep 60 & echo $! $$ > {pids}; wait"), set=("sleep", "60"))
    began = time.monotonic()
    for attempt in (store.load, lambda: store.save("x" * 500_000)):
        with pytest.raises(TryLater, match="did not end within"):
            attempt()
    assert time.monotonic() - began < 3
    deadline = time.monotonic() + 2
    while any(is_running(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline, "a child lives on"
        time.sleep(0.01)


def test_a_child_that_keeps_the_pipes_open_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_constant(monkeypatch, "command.PATIENCE", 0.4)
    began = time.monotonic()
    with pytest.raises(TryLater):
        with_commands(get=sh(f"setsid sleep 5 & echo $! > {tmp_path}/pid; exit 0"), set=("cat",)).load()
    assert time.monotonic() - began < 2
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_set_need_not_read_its_input() -> None:
    same = ("sh", "-c", "head -c 500000 /dev/zero | tr '\\0' x")
    with_commands(get=same, set=("true",)).save("x" * 500_000)


def test_what_was_set_is_read_back() -> None:
    with pytest.raises(TokenStoreProblem, match="does not give back what was put in") as caught:
        with_commands(get=("echo", "another"), set=("true",)).save(SECRET)
    assert "`set` and `get`" in caught.value.hint


def test_trying_out_writes_the_present_login_back(store: TokenStore, kept: Path) -> None:
    probe(store)
    assert not kept.exists()
    store.save(SECRET)
    probe(store)
    assert store.load() == SECRET


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        ({"get": ("true",), "set": ("true",)}, "does not give back what was put in"),
        ({"get": ("echo", "always this"), "set": ("false",)}, "`false` failed"),
        ({"get": ("true",), "set": ("no-such-program",)}, "There is no program no-such-program"),
        ({"get": ("true",), "set": ("true",), "erase": ("gone",)}, "There is no program gone"),
    ],
)
def test_trying_out_finds_what_does_not_work(commands: dict[str, tuple[str, ...]], told: str) -> None:
    with pytest.raises(TokenStoreProblem, match=told) as caught:
        probe(with_commands(**commands))
    for name in ("encrypted-file", "`file`", "keyring"):
        assert name in caught.value.hint


def test_writable_means_that_the_programs_are_there_and_the_login_is_read(store: TokenStore, kept: Path) -> None:
    store.save(SECRET)
    store.assert_writable()
    with pytest.raises(TokenStoreProblem, match="no program"):
        with_commands(get=("cat", str(kept)), set=("no-such-program",)).assert_writable()
    kept.unlink()
    with pytest.raises(TokenStoreProblem, match="No such file"):
        store.assert_writable()


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"
