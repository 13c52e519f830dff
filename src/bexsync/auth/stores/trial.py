"""Trying a store out before it is used, and waiting for one for a limited time."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Protocol, TypeVar

from bexsync.auth.stores.port import TokenStore
from bexsync.errors import BexsyncError, TokenStoreProblem
from bexsync.http.redaction import register_secret

PATIENCE = 30.0
AS_LONG_AS_A_LOGIN = 6000  # a store that only takes short texts must be found out now
T = TypeVar("T")


class Entry(Protocol):
    """The part of a store that a round trip needs."""

    @property
    def where(self) -> str: ...
    def load(self) -> str | None: ...
    def save(self, secret: str) -> None: ...
    def erase(self) -> None: ...


def probe(store: TokenStore) -> None:
    """Makes sure that the store keeps a login; raises TokenStoreProblem that names the other stores."""
    canary = secrets.token_hex(AS_LONG_AS_A_LOGIN // 2)
    register_secret(canary)
    try:
        run_with_timeout(PATIENCE, lambda: store.try_out(canary))
    except TooSlow:
        raise TokenStoreProblem(
            f"{_sentence(store.where)} did not answer within {PATIENCE:.0f} seconds.", other_stores(store.choice.name)
        ) from None
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
        raise TokenStoreProblem(f"{_sentence(entry.where)} does not give back what was put in.")


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


def _sentence(words: str) -> str:
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
