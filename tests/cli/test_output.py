"""What the installed program says: to a person on a terminal, to a script, to cron; and its exit codes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from constants import set_constant
from front_door import called
from world import BEXSYNC, TOKEN, World, an_invoice

LINK = "https://office.bexio.com/index.php/kb_invoice/show/id/1"
ESCAPES = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(world: World, *arguments: str, columns: int = 80, **more: str) -> tuple[int, str]:
    """The program on a terminal of so many columns: its exit code and everything it wrote."""
    pid, handle = pty.fork()
    if pid == 0:  # pragma: no cover
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = world.environment | {"TERM": "xterm-256color"} | more
        os.execve(BEXSYNC, [str(BEXSYNC), "--profile", str(world.profile_path), *arguments], environment)
    written = b""
    while True:
        try:
            piece = os.read(handle, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), written.decode().replace("\r", "")


def plain(text: str) -> str:
    return ESCAPES.sub("", text)


@pytest.fixture
def mixed(world: World) -> World:
    """Three good invoices, one of them with a long id, and one that is blocked."""
    world.drop(an_invoice("R-1"), an_invoice("x" * 60), an_invoice("R-3", currency="XXX"))
    return world


# cron


def test_silence_when_all_is_well(world: World) -> None:
    world.drop(an_invoice())
    for command in (("invoices", "push"), ("invoices", "push"), ("payments", "poll")):
        run = called(world, *command)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_failures_are_one_line_a_cause_on_stderr_and_a_summary(world: World) -> None:
    world.drop(an_invoice("good"), *(an_invoice(f"bad {n}", currency="XXX") for n in range(7)))
    run = called(world, "invoices", "push")
    assert (run.returncode, run.stdout) == (1, "")
    cause, summary = run.stderr.splitlines()
    assert cause.startswith("invoices push: bad 0, bad 1, bad 2, bad 3, bad 4 and 2 more: bexio has no currency XXX.")
    assert summary == "invoices push: 1 done, 7 blocked. `bexsync errors list` shows what is open."


def test_quiet_says_what_is_wrong_and_verbose_what_was_done(mixed: World) -> None:
    loud = called(mixed, "invoices", "push", "-v")
    assert "RE-00001" in loud.stdout
    assert "invoices push: 2 done, 1 blocked, CHF 216.20" in loud.stdout
    code, text = on_terminal(mixed, "invoices", "push", "-q")
    assert code == 1
    assert text.startswith("invoices push: R-3: bexio has no currency XXX.")


def test_a_dry_run_always_prints_its_plan(mixed: World) -> None:
    run = called(mixed, "invoices", "push", "--dry-run")
    assert run.returncode == 1
    assert re.search(r"Plan \w{12}: 2 documents, 2 mails, 5 requests, CHF 216.20. Nothing was changed.", run.stdout)
    assert "create contact Anna Keller, invoice for Anna Keller, send to anna.keller@example.ch" in run.stdout
    assert "R-3: bexio has no currency XXX." in run.stderr
    assert mixed.invoices() == []


def test_a_dry_run_of_nothing_and_of_too_much_says_so(world: World) -> None:
    assert called(world, "invoices", "push", "-n").stdout == "invoices push: nothing to do (0 requests)\n"
    world.set_profile(limits={"documents": 1})
    world.drop(an_invoice("1"), an_invoice("2"))
    run = called(world, "invoices", "push", "-n")
    assert run.returncode == 78
    assert "2 documents, 2 mails" in run.stdout
    assert "If that is meant, confirm it with --confirm 2, or raise [limits]." in run.stderr
    assert "Look at it with --dry-run, then confirm it with --confirm 2" in called(world, "invoices", "push").stderr


def test_nobody_is_asked_about_what_is_not_there(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    link = called(world, "links", "forget", "nope")
    assert (link.returncode, 'There is no link of "nope".' in link.stderr) == (2, True)
    asked = called(world, "links", "forget", "1").stderr
    assert "Forget the link of 1 to RE-00001? There is no terminal to ask on." in asked
    copy = called(world, "state", "restore", "/nope")
    assert (copy.returncode, "There is no file /nope." in copy.stderr) == (78, True)


UNREACHABLE = "http://127.0.0.1:9"


def test_no_network_is_75_and_says_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "READ_ATTEMPTS", 1)  # else it takes its time
    run = called(world, "payments", "poll", "--json", BEXSYNC_LEDGER__API_URL=UNREACHABLE)
    (error,) = json.loads(run.stdout)["errors"]
    assert (run.returncode, error["code"], run.stderr) == (75, "unreachable", "")
    assert "cannot be reached: the connection was refused" in error["message"]


def test_75_is_said_after_the_third_in_a_row(world: World) -> None:
    world.push()
    with world.workspace() as workspace, workspace.locks.job("payments poll"):
        runs = [called(world, "payments", "poll") for _ in range(4)]
        code, text = on_terminal(world, "payments", "poll")
    assert [(run.returncode, bool(run.stderr)) for run in runs] == [
        (75, False), (75, False), (75, True), (75, True),
    ]  # fmt: skip
    said = "payments poll: Another `payments poll` of this site is running. This run changed nothing.\n"
    assert runs[2].stderr == said
    assert (code, text) == (75, said)  # a person is told at once
    assert called(world, "payments", "poll").returncode == 0
    with world.workspace() as workspace, workspace.locks.job("payments poll"):
        assert called(world, "payments", "poll").stderr == ""  # the count begins anew


@pytest.mark.parametrize(
    "words", ["invoices push -n", "links adopt", "links adopt --yes", "test-connection --yes", "products check",
              "products sync -n", "stock pull -n", "vat map -n"]
)  # fmt: skip
def test_what_a_person_asked_for_always_says_why_it_could_not(
    world: World, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_constant(monkeypatch, "READ_ATTEMPTS", 1)  # else each takes its time
    world.set_profile(products={"enabled": True})
    for command in (words, *(["invoices push"] if words == "invoices push -n" else [])):
        run = called(world, *command.split(), BEXSYNC_LEDGER__API_URL=UNREACHABLE)
        is_cron = command == "invoices push"
        assert (run.returncode, run.stderr == "") == (75, is_cron)
    assert is_cron or "cannot be reached" in run.stderr


def test_a_profile_that_is_switched_off_needs_no_token(world: World) -> None:
    run = called(world, "invoices", "push", "--json", BEXSYNC_ENABLED="false", BEXSYNC_ACCESS_TOKEN="")
    assert run.returncode == 0
    assert json.loads(run.stdout)["data"]["disabled"] is True
    assert world.sandbox.requests == []


# scripts

COMMANDS = [
    ("invoices", "push"),
    ("invoices", "push", "--dry-run"),
    ("invoices", "list"),
    ("payments", "poll"),
    ("errors",),
    ("errors", "list"),
    ("errors", "show", "all"),
    ("errors", "ack", "all"),
    ("errors", "retry", "all"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_json_is_one_object_whatever_happens(mixed: World, command: tuple[str, ...]) -> None:
    mixed.push()
    for environment in ({}, {"BEXSYNC_LEDGER__FOO": "x"}, {"BEXSYNC_ACCESS_TOKEN": ""}):
        run = called(mixed, *command, "--json", **environment)
        envelope = json.loads(run.stdout)
        assert run.stdout.count("\n") == 1
        assert run.stderr == ""
        assert envelope["exit_code"] == run.returncode
        assert envelope["command"].split() == (["errors", "list"] if command == ("errors",) else list(command[:2]))
        assert set(envelope) == {"bexsync", "command", "profile", "site", "status", "exit_code", "data", "errors"}
        assert (envelope["status"] == "ok") == (run.returncode == 0)
        assert bool(envelope["errors"]) == (run.returncode != 0)
        for error in envelope["errors"]:
            assert set(error) == {"code", "message", "hint", "kind", "shop_id"}


def test_json_of_a_push(mixed: World) -> None:
    envelope = json.loads(called(mixed, "invoices", "push", "--json").stdout)
    assert (envelope["status"], envelope["exit_code"], envelope["site"]) == ("partial", 1, "main")
    assert envelope["data"]["counts"] == {"done": 2, "blocked": 1}
    assert envelope["data"]["totals"] == {"CHF": {"invoiced": "216.20"}}
    assert envelope["data"]["requests"] == len(mixed.sandbox.requests) - 2  # which company it is was asked before
    first = next(o for o in envelope["data"]["outcomes"] if o["shop_id"] == "R-1")
    assert (first["ledger_id"], first["number"], first["url"], first["status"]) == ("1", "RE-00001", LINK, "done")
    (error,) = envelope["errors"]
    assert (error["code"], error["kind"], error["shop_id"]) == ("unknown_currency", "invoice", "R-3")


MISUSES = [
    ("invoices", "push", "--foo"),
    ("invoices", "push", "--limit", "many"),
    ("invoices", "nonsense"),
    ("nonsense",),
    ("errors", "show"),
    ("payments",),
    ("payments", "poll", "extra"),
]


@pytest.mark.parametrize("misuse", MISUSES, ids=" ".join)
def test_misuse_is_2_also_as_json(world: World, misuse: tuple[str, ...]) -> None:
    run = called(world, *misuse)
    assert run.returncode == 2
    assert "Usage: bexsync" in run.stderr
    assert "Traceback" not in run.stderr
    run = called(world, *misuse, "--json")
    envelope = json.loads(run.stdout)
    assert (run.returncode, run.stderr) == (2, "")
    assert (envelope["exit_code"], envelope["status"], envelope["data"]) == (2, "error", {})
    assert envelope["errors"][0]["code"] == "usage"
    assert "--help" in envelope["errors"][0]["hint"]


# a person


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(60, marks=pytest.mark.long),
        pytest.param(80, marks=pytest.mark.slow),
        pytest.param(120, marks=pytest.mark.slow),
    ],
)
def test_no_line_is_longer_than_the_terminal(mixed: World, columns: int) -> None:
    commands = (
        ("invoices", "push", "--dry-run"), ("invoices", "push"), ("payments", "poll"), ("invoices", "list"),
        ("errors",), ("errors", "show", "all"),
    )  # fmt: skip
    for command in commands:
        _, text = on_terminal(mixed, *command, columns=columns)
        for line in plain(text).splitlines():
            assert len(line) <= columns or line.strip().startswith("https://"), (command, line)
            assert line == line.rstrip()


def test_what_is_wrong_is_no_longer_than_the_terminal(mixed: World) -> None:
    mixed.push()
    _, text = on_terminal(mixed, "errors", "show", "all", columns=60)
    assert [line for line in plain(text).splitlines() if len(line) > 60] == []
    assert "bexio has no currency XXX" in plain(text)


def test_the_list_shows_links_whole_and_amounts_aligned(mixed: World) -> None:
    mixed.push()
    mixed.sandbox.person.pay(1)
    mixed.sandbox.person.pay(2, "8.10")
    mixed.poll()
    _, narrow = on_terminal(mixed, "invoices", "list", columns=80)
    lines = plain(narrow).splitlines()
    assert {line.split("  ")[-1] for line in lines} >= {"blocked", "paid", "partly paid"}
    assert len({line.index("108.10") for line in lines if " 108.10" in line and "CHF" not in line}) == 1
    assert "    bexio has no currency XXX." in lines
    assert LINK in plain(on_terminal(mixed, "invoices", "list", columns=200)[1])
    listed = called(mixed, "invoices", "list").stdout.splitlines()
    assert len(listed) == 7
    assert any(LINK in line and line.startswith("R-1") for line in listed)
    assert any(line.startswith("R-3") and line.endswith("bexio has no currency XXX.") for line in listed)


def test_the_list_of_one_status(mixed: World) -> None:
    mixed.push()
    assert called(mixed, "invoices", "list", "--status", "blocked").stdout.count("\n") == 2
    assert called(mixed, "invoices", "list", "--status", "paid").stdout == "No invoice has the status paid.\n"


def test_colours_on_a_terminal_only_and_not_where_they_are_unwanted(mixed: World) -> None:
    mixed.push()
    assert "\x1b[" in on_terminal(mixed, "invoices", "list")[1]
    assert "\x1b[3" not in on_terminal(mixed, "invoices", "list", NO_COLOR="1")[1]
    assert "\x1b" not in on_terminal(mixed, "invoices", "list", TERM="dumb")[1]
    assert "\x1b" not in called(mixed, "invoices", "list").stdout


def test_long_work_shows_progress_on_a_terminal(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    world.drop(*(an_invoice(str(n)) for n in range(30)))
    code, text = on_terminal(world, "invoices", "push")
    assert code == 0
    assert "pushing" in text
    assert "30/30" in text


# what may never happen


def test_a_bug_is_70_and_one_line(world: World, tmp_path: Path) -> None:
    """A Python whose secrets module is broken stands for a bug of ours."""
    (tmp_path / "sitecustomize.py").write_text("import secrets\nsecrets.token_hex = None\n")
    world.drop(an_invoice())
    broken = {"PYTHONPATH": str(tmp_path)}
    run = world.cli("invoices", "push", **broken)
    assert (run.returncode, run.stdout) == (70, "")
    assert re.fullmatch(
        r"invoices push: A bug in bexsync: TypeError at [\w/]+\.py:\d+\. Nothing is lost.*\n", run.stderr
    )
    envelope = json.loads(world.cli("invoices", "push", "--json", **broken).stdout)
    assert (envelope["exit_code"], envelope["errors"][0]["code"]) == (70, "bug")
    assert called(world, "invoices", "push").returncode == 0
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


def test_a_damaged_book_of_companies_is_78_and_one_line(world: World) -> None:
    world.push()
    (world.folder / "state" / "companies.json").write_text('{"companies": [{}], "profiles": {}}')
    run = called(world, "invoices", "push")
    assert run.returncode == 78
    assert "is damaged" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_small_alphabet_costs_signs_and_no_more(mixed: World) -> None:
    mixed.push()
    run = mixed.cli("errors", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert run.returncode == 0
    assert "? It has CHF" in run.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("invoices", "push", "-v"),
        pytest.param(("invoices", "list"), marks=pytest.mark.long),
        pytest.param(("errors", "--json"), marks=pytest.mark.long),
    ],
)
def test_a_reader_that_goes_away_and_a_full_disk_under_the_output(mixed: World, command: tuple[str, ...]) -> None:
    mixed.push()
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [BEXSYNC, "--profile", mixed.profile_path, *command]
    for stdout in (writing, os.open("/dev/full", os.O_WRONLY)):
        run = subprocess.run(
            arguments, env=mixed.environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(stdout)
        assert run.returncode == 75
        assert "Traceback" not in run.stderr
        assert "Exception ignored" not in run.stderr
    assert "the output could not be written: No space left on device" in run.stderr


def test_a_closed_output_is_no_reason_to_fail(world: World) -> None:
    run = subprocess.run(
        ["sh", "-c", f"exec {BEXSYNC} --profile {world.profile_path} payments poll >&- 2>&-"],
        env=world.environment,
        check=False,
    )
    assert run.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_signal_stops_at_the_next_step(world: World, number: int) -> None:
    world.set_profile(invoices={"finish": "issue"})
    world.drop(*(an_invoice(str(n)) for n in range(60)))
    running = subprocess.Popen(
        [BEXSYNC, "--profile", world.profile_path, "invoices", "push", "--json"],
        env=world.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    while len(world.invoices()) < 3:
        time.sleep(0.02)
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)
    envelope = json.loads(out)
    assert (running.returncode, envelope["errors"][-1]["code"]) == (75, "stopped")
    issued = sum(row["kb_item_status_id"] == 8 for row in world.invoices())
    assert 0 < issued < 60
    assert envelope["data"]["counts"]["done"] == issued
    # No step is begun, so that the one under way may stay a draft until the next run.
    assert len(world.invoices()) - issued in (0, 1)


def test_the_token_is_nowhere(mixed: World) -> None:
    outputs = []
    for command in (("invoices", "push"), ("payments", "poll"), ("invoices", "list"), ("errors",)):
        flags = ["-vv"] if command[0] != "errors" and command[1] != "list" else []
        for run in (called(mixed, *command, *flags), called(mixed, *command, "--json")):
            outputs.append(run.stdout + run.stderr)
    mixed.sandbox.revoke_token(TOKEN)
    outputs.append(called(mixed, "payments", "poll", "-vv", "--full").stderr)
    assert any("/2.0/kb_invoice" in output for output in outputs)
    assert TOKEN not in "".join(outputs)
    for file in (*(mixed.folder / "state").rglob("*"), *mixed.shop.rglob("*")):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_only_the_owner_may_read_the_state(mixed: World) -> None:
    called(mixed, "invoices", "push")
    with mixed.workspace() as workspace, workspace.locks.job("payments poll"):
        called(mixed, "payments", "poll")
    for file in (mixed.folder / "state").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file


# how quickly it starts

FORBIDDEN = (
    "httpx", "keyring", "pydantic", "pydantic_settings", "sqlite3", "ssl", "cryptography", "rich", "asyncio",
)  # fmt: skip
LOADED = """
import contextlib, io, sys
from bexsync.__main__ import main
for line in sys.stdin.read().splitlines():
    sys.argv = ["bexsync", *line.split()]
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main()
    assert said.buffer.getvalue(), line
    loaded = sorted(set(sys.modules) & set(FORBIDDEN))
    assert not loaded, (line, loaded)
print("bexsync" in sys.modules)
"""


def _helps() -> list[str]:
    import typer

    from bexsync.cli.app import app

    found = ["--version", "--help"]

    def walk(command: Any, path: str) -> None:
        for name, child in getattr(command, "commands", {}).items():
            found.append(f"{path}{name} --help")
            walk(child, f"{path}{name} ")

    walk(typer.main.get_command(app), "")
    return found


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """All of them in one process, so that the first that loads something heavy is named."""
    program = f"FORBIDDEN = {FORBIDDEN!r}\n{LOADED}"
    run = subprocess.run(
        [sys.executable, "-c", program],
        input="\n".join(_helps()),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "True\n"), run.stderr


# Of a push with nothing to do, and no request to make. Each is one that a start took long for.
NOT_FOR_IDLE = (
    "httpx", "asyncio", "ssl", "tenacity", "truststore", "oauthlib", "joserfc", "keyring", "cryptography", "jinja2",
    "rich", "pydantic_settings", "bexio_sandbox", "bexsync.admin", "bexsync.auth.service", "bexsync.http.client",
    "bexsync.ledgers.bexio.ledger", "bexsync.ledgers.bexio.models", "bexsync.planning.invoices",
    "bexsync.planning.contacts", "bexsync.planning.documents", "bexsync.ports.contact_effects", "bexsync.ports.wanted",
    "bexsync.records.base", "bexsync.shops.folder.catalog", "bexsync.shops.folder.documents",
    "bexsync.cli.commands.init",
)  # fmt: skip
MOST_MODULES = 420
IDLE = """
import sys
from bexsync.__main__ import main
try:
    main()
finally:
    print(*(name for name, module in sys.modules.items() if module is not None))
"""


def test_an_idle_push_loads_little(world: World) -> None:
    world.drop(an_invoice("1001"))
    assert called(world, "invoices", "push").returncode == 0
    run = subprocess.run(
        [sys.executable, "-c", IDLE, "-p", str(world.profile_path), "invoices", "push"],
        env=world.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    loaded = run.stdout.split()
    assert {"sqlite3", "pydantic", "bexsync.jobs.invoices"} <= set(loaded)
    assert sorted(set(loaded) & set(NOT_FOR_IDLE)) == []
    assert len(loaded) < MOST_MODULES


def test_what_stands_in_bexio_never_steers_a_terminal(world: World) -> None:
    """Also what the program did not write itself: a name in bexio, an old record, the text of an error."""
    steering = "\x1b[2J\x9b\u202e\u2066"
    world.drop(an_invoice("1"))
    world.push()
    with world.workspace() as workspace, workspace.store.transaction():
        workspace.store.errors.note(
            "invoices push",
            "invoice",
            "1",
            "refused",
            "x",
            f"bexio said: a{steering}b",
            f"so{steering}",
            "",
            world.clock.now(),
        )
    code, text = on_terminal(world, "errors", "list", columns=200)
    assert code == 0
    assert "bexio said: a\ufffd[2J" in plain(text)
    outputs = [text, called(world, "errors", "list").stdout, called(world, "errors", "--json").stdout]
    assert [sign for sign in "\x9b\u202e\u2066" for output in outputs if sign in output] == []
    assert "\x1b[2J" not in outputs[1] + outputs[2]
    (error,) = json.loads(outputs[2])["data"]["errors"]
    assert error["message"] == f"bexio said: a{steering}b"
    assert "\x1b" not in (world.shop / "out" / "status.csv").read_text()
