"""No store shows a secret: in no failure, no name, no log, whatever goes wrong around it."""

from __future__ import annotations

import logging
import os
import shlex
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.core
import pytest

from auth.stores_kit import PROFILE, SECRET, login_file, opened
from auth.test_stores_keyring import named
from bexsync.auth.stores import StoreChoice, TokenStore, open_store, suggest
from bexsync.auth.stores.encrypted_file import find_key
from bexsync.config.profile import TokenCommandSection
from bexsync.errors import BexsyncError

CANARY = "6d1f0b7e55c94a38"
KEY = "canary-key-0c4b7712" + 24 * "A" + "="  # a Fernet key as it is, because stretching takes time
Scene = Callable[[Path], tuple[TokenStore, Callable[[], object]]]


def file_with(kind: str, harm: Callable[[Path], object]) -> Scene:
    """A saved login whose file was harmed."""

    def scene(folder: Path) -> tuple[TokenStore, Callable[[], object]]:
        store = opened(kind, folder, **({"key_file": str(folder / "key")} if kind == "encrypted-file" else {}))
        store.save(SECRET)
        harm(login_file(folder))
        return store, store.load

    return scene


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def tampered(path: Path) -> None:
    path.write_text(path.read_text().replace("generation", "deneration").replace("gAAA", "gBBB"))


def unreadable(path: Path) -> None:
    path.chmod(0o644)


def other_key(path: Path) -> None:
    (path.parent.parent / "key").write_text(KEY + "-another")


def open_key(path: Path) -> None:
    (path.parent.parent / "key").chmod(0o644)


def open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


def saving(kind: str) -> Scene:
    def scene(folder: Path) -> tuple[TokenStore, Callable[[], object]]:
        store, _ = file_with(kind, open_folder)(folder)
        return store, lambda: store.save(SECRET)

    return scene


def command(get: str = "cat kept", set_: str = "cat > kept", saves: bool = False) -> Scene:
    def scene(folder: Path) -> tuple[TokenStore, Callable[[], object]]:
        at = f"cd {shlex.quote(str(folder))}; "
        (folder / "kept").write_text(SECRET)
        section = TokenCommandSection(get=("sh", "-c", at + get), set=("sh", "-c", at + set_))
        store = open_store(StoreChoice("command"), PROFILE, folder, section)
        return store, (lambda: store.save(SECRET)) if saves else store.load

    return scene


def ring(module: str, saves: bool = True, **methods: object) -> Scene:
    def scene(folder: Path) -> tuple[TokenStore, Callable[[], object]]:
        backend = named(module, **methods)
        keyring.set_keyring(backend)
        store = opened("keyring", folder)
        return store, (lambda: store.save(SECRET)) if saves else store.load

    return scene


def blabs(_self: object, *arguments: str) -> None:
    raise ValueError(f"cannot keep {arguments!r}")


SCENES: dict[str, Scene] = {
    **{
        f"{kind} {harm.__name__}": file_with(kind, harm)
        for kind in ("file", "encrypted-file")
        for harm in (truncated, tampered, unreadable)
    },
    "encrypted-file with another key": file_with("encrypted-file", other_key),
    "encrypted-file with an open key": file_with("encrypted-file", open_key),
    "file saved into an open folder": saving("file"),
    "encrypted-file saved into an open folder": saving("encrypted-file"),
    "command that fails while printing": command("cat kept; cat kept >&2; exit 1"),
    "command that prints no text": command(r"cat kept; printf '\377'"),
    "command that repeats what it should keep": command(set_="cat >&2; exit 1", saves=True),
    "command that repeats a part of it": command(set_="cut -c 30-60 >&2; exit 1", saves=True),
    "keyring that repeats what it should keep": ring("keyring.backends.kwallet", set_password=blabs),
    "keyring that keeps nothing": ring("keyring.backends.kwallet", set_password=lambda *_: None),
    "keyring that is none": ring("keyrings.alt.file"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("BEXSYNC_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    yield tmp_path
    keyring.core._keyring_backend = None


def shown(problem: BexsyncError) -> str:
    """All that a person, a log or a traceback could ever show of it, its hidden causes included."""
    parts = [problem.message, problem.hint, repr(problem), *traceback.format_exception(problem)]
    cause: BaseException | None = problem
    while cause is not None:
        parts += [str(cause), repr(cause)] if isinstance(cause, BexsyncError | OSError) else []
        cause = cause.__cause__
    return "\n".join(parts)


@pytest.mark.parametrize("name", SCENES)
def test_no_failure_shows_the_login_or_its_key(
    name: str, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    store, attempt = SCENES[name](folder)
    with pytest.raises(BexsyncError) as caught:
        attempt()
    said = shown(caught.value)
    assert caught.value.message
    everything = [said, caplog.text, *capfd.readouterr(), repr(store), str(store.choice), store.where, store.warning]
    for text in everything:
        assert CANARY not in text
        assert KEY not in text


@pytest.mark.parametrize("name", SCENES)
def test_the_failure_of_a_trial_shows_nothing_either(name: str, folder: Path) -> None:
    store, _ = SCENES[name](folder)
    problems = []
    try:
        store.try_out(SECRET)
    except BexsyncError as problem:
        problems.append(problem)
    assert not any(CANARY in shown(problem) or KEY in shown(problem) for problem in problems)


def test_what_is_said_of_stores_shows_no_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEXSYNC_KEY_FILE", str(folder / "key"))
    assert KEY not in repr(find_key())
    keyring.set_keyring(named("keyring_pass"))
    assert suggest().choice == StoreChoice("keyring", {"backend": "keyring_pass"})


def test_no_secret_reaches_the_environment(folder: Path) -> None:
    for kind in ("file", "encrypted-file"):
        opened(kind, folder, key_file=str(folder / "key")).save(SECRET)
    assert not any(CANARY in value or KEY in value for value in os.environ.values())
