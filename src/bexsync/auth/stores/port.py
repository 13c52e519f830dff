"""What a place that keeps a login has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


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
