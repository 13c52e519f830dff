"""What a place that keeps a login has to do, and how it is tried out before it is used."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Protocol, TypeVar

from bexsync.errors import BexsyncError, TokenStoreProblem
from bexsync.http.redaction import register_secret

_PATIENCE = 30.0
_AS_LONG_AS_A_LOGIN = 6000  # a store that only takes short texts must be found out now
T = TypeVar("T")


@dataclass(frozen=True)
class StoreChoice:
    """Which store was chosen at login, with what it needs to be found again; it holds no secret.

    `name` is one of keyring, encrypted-file, file, command. `settings` are texts: `key_file` of an encrypted
    file, `backend` of a keyring. They are kept in the login's record, never in the profile.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)


class TokenStore(Protocol):
    """Keeps one secret text (the login of one profile) where other users cannot read it.

    Every method may raise TokenStoreProblem (a person has to do something) or TryLater (disk full, no answer
    in time), never anything else, and none of them asks anything on a terminal or waits longer than ten seconds;
    only `try_out` makes several such calls in a row.
    """

    @property
    def choice(self) -> StoreChoice:
        """How this very place is found again, to be recorded once the store was tried out."""
        ...

    @property
    def where(self) -> str:
        """Where the secret lies, in words for a person, such as "the GNOME keyring" or a path."""
        ...

    @property
    def warning(self) -> str:
        """What a person should know of this store, such as "in plain text"; "" if nothing."""
        ...

    def load(self) -> str | None:
        """The secret, None when there is none; raises TokenStoreProblem when it is damaged or cannot be reached."""
        ...

    def save(self, secret: str) -> None:
        """Keeps the secret durably, as a whole or not at all, in place of the one before; it must not be empty."""
        ...

    def erase(self) -> None:
        """Forgets the secret; nothing happens when there is none."""
        ...

    def assert_writable(self) -> None:
        """Makes sure, without touching the secret, that `save` would succeed now."""
        ...

    def try_out(self, canary: str) -> None:
        """Saves, loads and erases a text that is no secret, without harm to the secret."""
        ...


class Entry(Protocol):
    """The part of a store that a round trip needs."""

    @property
    def where(self) -> str: ...
    def load(self) -> str | None: ...
    def save(self, secret: str) -> None: ...
    def erase(self) -> None: ...


def probe(store: TokenStore) -> None:
    """Makes sure that the store keeps a login; raises TokenStoreProblem that names the other stores."""
    canary = secrets.token_hex(_AS_LONG_AS_A_LOGIN // 2)
    register_secret(canary)
    try:
        run_with_timeout(_PATIENCE, lambda: store.try_out(canary))
    except TooSlow:
        said = f"{capitalized(store.where)} did not answer within {_PATIENCE:.0f} seconds."
        raise TokenStoreProblem(said, other_stores(store.choice.name)) from None
    except BexsyncError as problem:
        others = other_stores(store.choice.name)
        hint = problem.hint if others in problem.hint else f"{problem.hint} {others}".strip()
        raise TokenStoreProblem(problem.message, hint) from problem


def round_trip(entry: Entry, canary: str) -> None:
    """Saves, loads and erases a text; raises TokenStoreProblem unless it came back as it was."""
    try:
        entry.save(canary)
        found = entry.load()
    except BexsyncError:
        with suppress(BexsyncError):
            entry.erase()
        raise
    entry.erase()
    if found != canary:
        raise TokenStoreProblem(f"{capitalized(entry.where)} does not give back what was put in.")


_STORES = {
    "keyring": "`keyring` (desktops)",
    "encrypted-file": "`encrypted-file` (servers)",
    "file": "`file` (plain text, for this user only)",
    "command": "`command` (a password manager)",
}


def other_stores(than: str) -> str:
    """The hint that names every store but one."""
    first, *others = (words for name, words in _STORES.items() if name != than)
    name, remark = first.strip("`").split("` ")
    return f"Another store is chosen with `bexsync auth login --token-store {name}` {remark}, or {' or '.join(others)}."


def capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]


class TooSlow(Exception):
    """The work did not end in time and was left to itself."""


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """What the work returns or raises; raises TooSlow when it takes longer.

    A thread cannot be stopped, so work that hangs goes on hanging; as a daemon it keeps no process from ending.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as failure:  # noqa: BLE001  whatever it is, it is raised again where it is waited for
            failures.append(failure)

    thread = Thread(target=run, name="bexsync-in-time", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise TooSlow
    return results[0]
