"""Where logins are kept: chosen by name at login, recorded, and never changed for another in silence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bexsync.auth.stores.port import StoreChoice, TokenStore, capitalized, probe
from bexsync.errors import BexsyncError, TokenStoreProblem

if TYPE_CHECKING:
    from bexsync.config.profile import TokenCommandSection

__all__ = ["StoreChoice", "Suggestion", "TokenStore", "open_store", "probe", "same_place", "suggest"]


@dataclass(frozen=True)
class Suggestion:
    """The store to propose, None where the user has to name one, and a sentence why."""

    choice: StoreChoice | None
    why: str


def open_store(choice: StoreChoice, profile: str, folder: Path, command: TokenCommandSection) -> TokenStore:
    """The store of a profile's login; nothing is read or asked yet, and only what it needs is imported."""
    match choice.name:
        case "keyring":
            from bexsync.auth.stores.keyring_store import KeyringStore

            return KeyringStore(profile, choice.settings.get("backend", ""))
        case "encrypted-file":
            from bexsync.auth.stores.encrypted_file import EncryptedFile

            return EncryptedFile(_file(folder, profile, "enc"), choice.settings.get("key_file", ""))
        case "file":
            from bexsync.auth.stores.private_file import PlainFile

            return PlainFile(_file(folder, profile, "json"))
        case "command":
            from bexsync.auth.stores.command import CommandStore

            return CommandStore(command)
    raise TokenStoreProblem(
        f'There is no token store "{choice.name}".',
        "Name one of keyring, encrypted-file, file and command: `bexsync auth login --token-store encrypted-file`.",
    )


def suggest() -> Suggestion:
    """The keyring where one is reached and unlocked; a server's store is never guessed."""
    from bexsync.auth.stores.keyring_store import KeyringStore

    store = KeyringStore("")
    try:
        store.reach()
    except BexsyncError as problem:
        return Suggestion(None, problem.message)
    return Suggestion(store.choice, f"{capitalized(store.where)} is there and unlocked.")


def same_place(one: StoreChoice, other: StoreChoice) -> bool:
    """Whether two choices lead to the same entry; another key file, say, does not make it another place."""
    backends = {choice.settings.get("backend", "") for choice in (one, other)} - {""}
    return one.name == other.name and len(backends) <= 1


def _file(folder: Path, profile: str, ending: str) -> Path:
    name = hashlib.sha256(profile.encode(errors="surrogateescape")).hexdigest()[:16]
    return folder / "logins" / f"{name}.{ending}"
