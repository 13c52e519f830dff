"""Folders held open, and files written and moved in them so that a crash leaves the old state or the new one.

Others may write in a shop's folder, so nothing here follows a link that another user has put there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bexsync.files import NOT_FOLLOWED, PUBLIC, replacement, sync
from bexsync.hooks import notify

_LONGEST_NAME = 200
_ABANDONED = 3600  # seconds; no list takes so long to write
_LOCKS_UNKNOWN_HERE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Folder:
    """A folder held open: whatever takes its place meanwhile, its files are read and written where it was."""

    path: Path
    handle: int

    @contextmanager
    def replacement(self, name: str) -> Iterator[BinaryIO]:
        """Gives a stream that takes the file's place as a whole once it is written; the caller holds the lock."""
        with replacement(self.path / name, mode=PUBLIC, folder=self.handle) as stream:
            yield stream
            self._remove_abandoned(name, os.fstat(stream.fileno()).st_mtime - _ABANDONED)
            notify("file:before", file=name)  # all is written, and not in its place yet
        notify("file:after", file=name)

    def replace(self, name: str, content: bytes) -> None:
        """Puts the content in the file's place as a whole; the caller holds the lock."""
        with self.replacement(name) as stream:
            stream.write(content)

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """A handle of a plain file; raises OSError, also for a link, and for a pipe, which would block."""
        try:
            handle = os.open(name, flags | NOT_FOLLOWED | os.O_NONBLOCK, PUBLIC, dir_fd=self.handle)
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(self.path / name)) from problem
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "it is no plain file", str(self.path / name))
        return handle

    def reading(self, name: str) -> BinaryIO:
        """The content of a plain file as a stream; raises OSError."""
        return os.fdopen(self.open(name), "rb")

    def has(self, name: str) -> bool:
        """Whether anything bears the name."""
        return self.status(name) is not None

    def status(self, name: str) -> os.stat_result | None:
        """What bears the name, a link as a link; None where nothing does."""
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Deletes a file; raises OSError."""
        with changing(name):
            os.unlink(name, dir_fd=self.handle)

    def sync(self) -> None:
        """Makes renames in the folder survive a power cut."""
        sync(self.handle)

    def _remove_abandoned(self, name: str, before: float) -> None:
        """Removes what a killed process left half written; the disk's clock alone says how old that is."""
        prefix = f".{Path(name).stem}-"
        with os.scandir(self.handle) as entries:
            for entry in entries:
                if entry.name.startswith(prefix) and entry.name.endswith(".tmp"):
                    with suppress(OSError):
                        if entry.stat(follow_symlinks=False).st_mtime < before:
                            os.unlink(entry.name, dir_fd=self.handle)


@contextmanager
def changing(name: str) -> Iterator[None]:
    """Notifies the observer before and after one change of a file in a shop's folder."""
    notify("file:before", file=name)
    yield
    notify("file:after", file=name)


@contextmanager
def opened_folder(root: Path, *below: str) -> Iterator[Folder]:
    """Holds a folder open; raises OSError where a part below the root is a link of another user."""
    path, handle = root, os.open(root, _FOLDER)
    try:
        for name in below:
            path = path / name
            upper, handle = handle, _opened_below(handle, name, path)
            os.close(upper)
        yield Folder(path, handle)
    finally:
        os.close(handle)


def _opened_below(handle: int, name: str, path: Path) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
    except OSError as problem:
        if problem.errno not in (errno.ELOOP, errno.ENOTDIR) or is_foreign_link(path):
            code = errno.ELOOP if is_foreign_link(path) else problem.errno
            raise OSError(code, os.strerror(code or 0), str(path)) from problem
    return os.open(name, _FOLDER, dir_fd=handle)


def is_foreign_link(path: Path) -> bool:
    """Whether a link stands there that was made neither by this user nor by root."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) and status.st_uid not in (0, os.geteuid())


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Keeps other bexsync processes off an open file or folder; some network shares know no such lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as problem:
        if problem.errno not in _LOCKS_UNKNOWN_HERE:
            raise
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)


def move_beside(source: Folder, name: str, target: Folder, wanted: str) -> str | None:
    """Moves a file under a free name, never over another one; None when the file is gone.

    The caller holds the target's lock, so that the name stays free until it is used.
    """
    free = free_name(target, wanted)
    try:
        with changing(name):
            os.rename(name, free, src_dir_fd=source.handle, dst_dir_fd=target.handle)
    except FileNotFoundError:
        return None
    return free


def free_name(folder: Folder, name: str) -> str:
    """The name itself, or the next numbered one that nothing bears yet."""
    stem, dot, suffix = name.rpartition(".")
    candidate, number = name, 2
    while folder.has(candidate):
        candidate, number = f"{stem}-{number}{dot}{suffix}", number + 1
    return candidate


def tame_name(name: str) -> str:
    """A name that can be stored, printed and lengthened: UTF-8, printable, at most 200 bytes."""
    text = os.fsencode(name).decode(errors="replace")
    text = "".join(c if c.isprintable() else "_" for c in text)
    stem, dot, suffix = text.rpartition(".")
    room = _LONGEST_NAME - len((dot + suffix).encode())
    return stem.encode()[: max(room, 0)].decode(errors="ignore") + dot + suffix
