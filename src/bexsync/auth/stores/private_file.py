"""A file that only its owner may read, replaced as a whole or not at all; and the login in such a file."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bexsync.auth.stores.port import StoreChoice, round_trip
from bexsync.errors import BexsyncError, StateProblem, TokenStoreProblem
from bexsync.files import unusable, write_privately
from bexsync.http.redaction import register_secret

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_BIGGEST = 1024 * 1024
_ABANDONED = 60.0  # seconds; nobody writes a few kilobytes for so long
_ROOM = 16 * 1024  # more bytes than any login takes


class PrivateFile:
    """One file with a secret, in a folder that nobody else may write to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def beside(self) -> PrivateFile:
        """Another file in the same folder, for trying things out."""
        return PrivateFile(self.path.with_name(f"{self.path.stem}-trial{self.path.suffix}"))

    def read(self) -> bytes | None:
        """The content, None when there is no file; raises TokenStoreProblem when others may read it too."""
        try:
            return read_own(self.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise _explained(self.path, problem) from problem

    def write(self, content: bytes) -> None:
        """Replaces the content durably."""
        self._assert_folder()
        self._sweep(older_than=_ABANDONED)
        try:
            write_privately(self.path, content)
        except StateProblem as problem:
            raise TokenStoreProblem(problem.message, problem.hint) from problem

    def erase(self) -> None:
        """Removes the file, and what a killed process left of it."""
        try:
            self.path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as problem:
            raise _explained(self.path, problem) from problem
        self._sweep(older_than=0)

    def assert_writable(self, size: int) -> None:
        """Makes sure that `write` would succeed with so many bytes."""
        self._assert_folder()
        try:
            with tempfile.TemporaryFile(dir=self.path.parent, prefix=f".{self.path.stem}-") as file:
                file.write(bytes(size))
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise _explained(self.path, problem) from problem

    def _assert_folder(self) -> None:
        folder = self.path.parent
        try:
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
            status = folder.stat()
        except OSError as problem:
            raise _explained(folder, problem) from problem
        if status.st_mode & _OTHERS_WRITE or status.st_uid != os.geteuid():
            raise TokenStoreProblem(
                f"The folder {folder} may be changed by others, so it is not safe for a login.",
                f"Make it this user's own: `chown $(id -un) {folder.resolve()}; chmod 700 {folder.resolve()}`.",
            )

    def _sweep(self, older_than: float) -> None:
        """A killed process leaves its temporary file, which holds a secret too."""
        for leftover in self.path.parent.glob(f".{self.path.stem}-*"):
            with suppress(OSError):
                # A time in the future comes from a wrong clock, and must not keep a secret for ever.
                if abs(time.time() - leftover.stat().st_mtime) >= older_than:
                    leftover.unlink()


def read_own(path: Path, *, owned: bool = True) -> bytes:
    """The content of a file nobody else may read; raises OSError or TokenStoreProblem.

    `owned` says that it must belong to this user, too, as what is written anew by us has to.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise TokenStoreProblem(f"{path} is no ordinary file.", "Name a file.")
        if owned and status.st_uid != os.geteuid():
            raise TokenStoreProblem(
                f"{path} belongs to another user.", "Run bexsync as that user, or log in again as this one."
            )
        if status.st_mode & _OTHERS:
            raise TokenStoreProblem(
                f"{path} may be read by other users, so it is not used.",
                f"Run `chmod 600 {path}`; if others could read it, make a new one.",
            )
        return file.read(_BIGGEST)


def _explained(path: Path, problem: OSError) -> BexsyncError:
    explained = unusable(path, problem)
    if isinstance(explained, StateProblem):
        return TokenStoreProblem(explained.message, explained.hint)
    return explained


class PlainFile:
    """Keeps the login in plain text in a file with the rights 0600; chosen by name, never fallen back to."""

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
