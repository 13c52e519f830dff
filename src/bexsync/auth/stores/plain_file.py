"""The login in plain text, for this user only; chosen by name, never fallen back to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bexsync.auth.stores.port import StoreChoice
from bexsync.auth.stores.private_file import PrivateFile
from bexsync.auth.stores.trial import round_trip
from bexsync.errors import TokenStoreProblem
from bexsync.http.redaction import register_secret

_ROOM = 16 * 1024  # more than any login takes


class PlainFile:
    """Keeps the login in a file with the rights 0600."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path)

    @property
    def choice(self) -> StoreChoice:
        return StoreChoice("file")

    @property
    def where(self) -> str:
        return str(self._file.path)

    @property
    def warning(self) -> str:
        return "in plain text: whoever reads this user's files, or a backup of them, can use it"

    def load(self) -> str | None:
        """The login, None when there is none."""
        content = self._file.read()
        return None if content is None else self._opened(content)

    def save(self, secret: str) -> None:
        """Replaces the login."""
        register_secret(secret)
        self._file.write(json.dumps({"version": 1, "sha256": _digest(secret), "login": secret}).encode())

    def erase(self) -> None:
        """Removes the file."""
        self._file.erase()

    def assert_writable(self) -> None:
        """Tries the folder with another file."""
        self._file.assert_writable(_ROOM)

    def try_out(self, canary: str) -> None:
        """A round trip with another file."""
        round_trip(PlainFile(self._file.beside().path), canary)

    def _opened(self, content: bytes) -> str:
        try:
            box = json.loads(content)
            if box["version"] != 1:
                raise TokenStoreProblem(f"{self.where} was written by a newer bexsync.", "Update bexsync.")
            secret, digest = box["login"], box["sha256"]
            if not isinstance(secret, str) or digest != _digest(secret):
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):
            # Without the cause: a JSON error carries the whole text it could not read.
            raise TokenStoreProblem(
                f"{self.where} is damaged.", "Log in again: `bexsync auth login`; nothing else is lost."
            ) from None
        register_secret(secret)
        return secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
