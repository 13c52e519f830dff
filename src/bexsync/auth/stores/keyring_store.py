"""The login in the keyring of the desktop or of the operating system."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bexsync.auth.stores.port import StoreChoice, TooSlow, capitalized, other_stores, round_trip, run_with_timeout
from bexsync.errors import BexsyncError, TokenStoreProblem, TryLater
from bexsync.http.redaction import redact, register_secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

PATIENCE = 5.0
PATIENCE_WITH_THE_FIRST_SAVE = 10.0  # the system may have to ask its user whether bexsync is welcome
BUS = "DBUS_SESSION_BUS_ADDRESS"
SECRET_SERVICE = "keyring.backends.SecretService"  # noqa: S105  the name of a module
CHAINER = "keyring.backends.chainer"
NOTHING = "keyring.backends.fail"
KEYRINGS = {
    SECRET_SERVICE: "the desktop's keyring (Secret Service)",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "the macOS keychain",
    "keyring_pass": "the password store `pass`",
}
_USER = "login"
_SHORT = "bexsync tries whether it may write here"


class KeyringStore:
    """Keeps the login under the profile's path; every call ends in time, whatever the keyring does."""

    def __init__(self, profile: str, backend: str = "", *, name: str = "") -> None:
        self._name = name or f"bexsync:{profile}"
        self._backend = backend
        self._saved = False

    @property
    def choice(self) -> StoreChoice:
        """With the keyring it turned out to be, so that another one is not taken for it."""
        return StoreChoice("keyring", {"backend": self._backend} if self._backend else {})

    @property
    def where(self) -> str:
        return KEYRINGS.get(self._backend, "the keyring")

    @property
    def warning(self) -> str:
        return ""

    def load(self) -> str | None:
        """The login, None when there is none."""
        secret = self._in_time(PATIENCE, lambda entry: entry.load())
        if secret is not None:
            register_secret(secret)
        return secret

    def save(self, secret: str) -> None:
        """Replaces the login, and reads it back: not every keyring says when it kept nothing."""
        register_secret(secret)

        def work(entry: KeyringEntry) -> None:
            entry.save(secret)
            if entry.load() != secret:
                raise TokenStoreProblem(f"{capitalized(self.where)} did not keep the login.", other_stores("keyring"))

        self._in_time(PATIENCE if self._saved else PATIENCE_WITH_THE_FIRST_SAVE, work)
        self._saved = True

    def erase(self) -> None:
        """Removes the entry."""
        self._in_time(PATIENCE, lambda entry: entry.erase())

    def assert_writable(self) -> None:
        """A short round trip beside the entry."""
        trial = self._beside()

        def work(entry: KeyringEntry) -> None:
            entry.save(_SHORT)
            if entry.load() != _SHORT:
                raise TokenStoreProblem(f"{capitalized(self.where)} keeps nothing.", other_stores("keyring"))
            entry.erase()

        trial._in_time(PATIENCE_WITH_THE_FIRST_SAVE, work)
        self._backend = trial._backend

    def try_out(self, canary: str) -> None:
        """A round trip under another name."""
        trial = self._beside()
        round_trip(trial, canary)
        self._backend = trial._backend

    def reach(self) -> None:
        """Makes sure, without any question to a person, that the keyring is one to trust and is unlocked."""
        self._in_time(PATIENCE, lambda _entry: None)

    def _beside(self) -> KeyringStore:
        return KeyringStore("", self._backend, name=f"{self._name}#trial")

    def _in_time(self, seconds: float, action: Callable[[KeyringEntry], T]) -> T:
        deadline = time.monotonic() + seconds

        def work() -> T:
            backend = trusted_backend(self._backend)
            self._backend = _module(backend)
            if self._backend == SECRET_SERVICE:
                assert_unlocked(getattr(backend, "preferred_collection", ""))
            return action(KeyringEntry(backend, self._name, deadline))

        try:
            return run_with_timeout(seconds, work)
        except TooSlow:
            raise _too_slow(self.where, seconds) from None
        except BexsyncError:
            raise
        except Exception as problem:  # noqa: BLE001  keyrings raise what their systems raise
            raise _explained(self.where, problem) from None


@dataclass(frozen=True)
class KeyringEntry:
    """One text in a keyring; nothing is written after its deadline."""

    backend: KeyringBackend
    name: str
    deadline: float

    def load(self) -> str | None:
        self._assert_wanted()
        return self.backend.get_password(self.name, _USER)

    def save(self, secret: str) -> None:
        self._assert_wanted()
        self.backend.set_password(self.name, _USER, secret)

    def erase(self) -> None:
        if self.load() is not None:
            self._assert_wanted()
            self.backend.delete_password(self.name, _USER)

    def _assert_wanted(self) -> None:
        """Nobody waits for the answer any more, and somebody else may be writing by now."""
        if time.monotonic() > self.deadline:
            raise TooSlow


def trusted_backend(recorded: str = "") -> KeyringBackend:
    """The keyring that is used here; raises TokenStoreProblem for one that is no keyring, or not the recorded one."""
    import keyring

    try:
        backend = keyring.get_keyring()
    except RuntimeError as problem:  # a keyring was named that cannot be reached
        raise _no_keyring(str(problem)) from None
    except Exception as problem:  # noqa: BLE001  the name comes from a variable or a file and may be anything
        raise TokenStoreProblem(
            f"The keyring that was named cannot be used: {_said(problem)}.",
            "Correct PYTHON_KEYRING_BACKEND or keyringrc.cfg, or leave them away.",
        ) from None
    if _module(backend) == CHAINER:
        members: list[KeyringBackend] = list(getattr(backend, "backends", ()))
        fitting = [member for member in members if _module(member) == recorded] or members
        if not fitting:
            raise _no_keyring()
        backend = fitting[0]  # the one that the chain would write to
    module = _module(backend)
    if module == NOTHING:
        raise _no_keyring()
    if module not in KEYRINGS:
        raise TokenStoreProblem(
            f"The keyring in use is {module}, which bexsync does not entrust with a login.",
            f"Leave PYTHON_KEYRING_BACKEND and keyringrc.cfg away, or uninstall it. {other_stores('keyring')}",
        )
    if recorded and module != recorded:
        raise TokenStoreProblem(
            f"The login lies in {KEYRINGS.get(recorded, recorded)}, but here it would be {KEYRINGS[module]}.",
            "Run bexsync in the same kind of session as at login, or log in again: `bexsync auth login`.",
        )
    return backend


def assert_unlocked(collection_path: str = "") -> None:
    """Asks the Secret Service without causing any prompt; raises TokenStoreProblem."""
    import secretstorage
    from secretstorage.collection import DEFAULT_COLLECTION

    try:
        with closing(secretstorage.dbus_init()) as connection:
            collection = secretstorage.Collection(connection, collection_path or DEFAULT_COLLECTION)
            locked = collection.is_locked()
    except secretstorage.ItemNotFoundException:
        raise TokenStoreProblem(
            "The desktop has no keyring yet.",
            "Log in to the desktop once, or make a keyring named Login in its passwords program. "
            + other_stores("keyring"),
        ) from None
    except secretstorage.SecretServiceNotAvailableException as problem:
        raise _no_keyring(str(problem)) from None
    if locked:
        raise _locked()


def _module(backend: KeyringBackend) -> str:
    module = type(backend).__module__
    return "keyring_pass" if module.startswith("keyring_pass.") else module


def _locked() -> TokenStoreProblem:
    if sys.platform == "darwin":
        return TokenStoreProblem(
            "The keychain is locked, or may not be asked from here.",
            "Run bexsync in the desktop session (a LaunchAgent instead of cron), or `security unlock-keychain` first. "
            + other_stores("keyring"),
        )
    return TokenStoreProblem(
        "The keyring is locked.",
        "Unlock it by logging in to the desktop; where nobody does so after a restart, it is the wrong store. "
        + other_stores("keyring"),
    )


def _no_keyring(said: str = "") -> TokenStoreProblem:
    """There are several ways to have none, and each is mended differently."""
    if sys.platform != "linux":
        return TokenStoreProblem(f"There is no keyring here{_because(said)}.", other_stores("keyring"))
    address = os.environ.get(BUS, "")
    way = (
        f"In the crontab, write the line {BUS}=unix:path=/run/user/{os.getuid()}/bus above the jobs and run "
        f"`loginctl enable-linger` once. {other_stores('keyring')}"
    )
    if not address:
        return TokenStoreProblem(f"There is no session bus to reach the keyring by: {BUS} is not set.", way)
    if not _bus_answers():
        return TokenStoreProblem(f"The session bus {address} does not answer, so there is no keyring.", way)
    return TokenStoreProblem(
        f"No program on the session bus offers a keyring{_because(said)}.",
        f"Install one, such as gnome-keyring. {other_stores('keyring')}",
    )


def _bus_answers() -> bool:
    try:
        import secretstorage

        secretstorage.dbus_init().close()
    except Exception:  # noqa: BLE001  whatever it is, there is no bus to speak of
        return False
    return True


def _too_slow(where: str, seconds: float) -> TryLater:
    return TryLater(
        f"{capitalized(where)} did not answer within {seconds:.0f} seconds.",
        f"See whether it waits for somebody at a screen, or restart it. {other_stores('keyring')}",
        code=TokenStoreProblem.code,
    )


def _explained(where: str, problem: Exception) -> TokenStoreProblem:
    from keyring.errors import KeyringLocked

    said = str(problem)
    name = type(problem).__name__
    if isinstance(problem, KeyringLocked) or name == "LockedException" or "-25308" in said:
        return _locked()
    if name == "PromptDismissedException" or "dismissed" in said.lower() or "cancelled" in said.lower():
        return TokenStoreProblem(
            "The question whether bexsync may use the keyring was answered with no.",
            f"Log in again and allow it. {other_stores('keyring')}",
        )
    if name == "SecretServiceNotAvailableException":
        return _no_keyring(said)
    return TokenStoreProblem(f"{capitalized(where)} refused: {_said(problem)}.", other_stores("keyring"))


def _said(problem: Exception) -> str:
    return redact(str(problem)).strip().rstrip(".")[:200] or type(problem).__name__


def _because(said: str) -> str:
    said = redact(said).strip().rstrip(".")[:200]
    return f" ({said})" if said else ""
