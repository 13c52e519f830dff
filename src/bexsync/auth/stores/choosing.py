"""Which stores can be used on this machine, and which one to propose."""

from __future__ import annotations

from dataclasses import dataclass

from bexsync.auth.stores.port import StoreChoice
from bexsync.errors import BexsyncError


@dataclass(frozen=True)
class Availability:
    """Whether a store can be used here and now, and a sentence why or why not."""

    name: str
    usable: bool
    why: str


@dataclass(frozen=True)
class Suggestion:
    """The store to propose, None where the user has to name one, and a sentence why."""

    choice: StoreChoice | None
    why: str


def suggest() -> Suggestion:
    """The keyring where one is reached and unlocked; a server's store is never guessed."""
    from bexsync.auth.stores.keyring_store import KeyringStore

    store = KeyringStore("")
    try:
        store.reach()
    except BexsyncError as problem:
        return Suggestion(None, problem.message)
    return Suggestion(store.choice, f"{store.where[:1].upper()}{store.where[1:]} is there and unlocked.")


def available_stores() -> tuple[Availability, ...]:
    """All stores but the environment, which is no place to keep a login that changes."""
    return (_keyring(), _encrypted_file(), *_always())


def _keyring() -> Availability:
    suggestion = suggest()
    return Availability("keyring", suggestion.choice is not None, suggestion.why)


def _encrypted_file() -> Availability:
    from bexsync.auth.stores.encrypted_file import find_key

    try:
        key = find_key()
    except BexsyncError as problem:
        return Availability("encrypted-file", False, problem.message)
    return Availability("encrypted-file", True, f"Its key is in {key.path}.")


def _always() -> tuple[Availability, ...]:
    return (
        Availability("file", True, "It is in plain text, for this user only."),
        Availability("command", True, "It takes the commands of [ledger.token_command]."),
    )
