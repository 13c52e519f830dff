"""Writing and moving so that a crash leaves the old state or the new one."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_LONGEST_NAME = 200
_LOCKS_UNKNOWN_HERE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)


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


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keeps other bexsync processes from placing files in the folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with locked(handle):
            yield
    finally:
        os.close(handle)


def move_beside(source: Path, folder: Path, name: str) -> Path | None:
    """Moves a file under a free name, never over another one; None when the file is gone.

    The caller holds the folder's lock, so that the name stays free until it is used.
    """
    target = folder / free_name(folder, name)
    try:
        source.rename(target)
    except FileNotFoundError:
        return None
    return target


def free_name(folder: Path, name: str) -> str:
    """The name itself, or the next numbered one that nothing bears yet."""
    stem, dot, suffix = name.rpartition(".")
    candidate, number = name, 2
    while os.path.lexists(folder / candidate):
        candidate, number = f"{stem}-{number}{dot}{suffix}", number + 1
    return candidate


def tame_name(name: str) -> str:
    """A name that can be stored, printed and lengthened: UTF-8, printable, at most 200 bytes."""
    text = os.fsencode(name).decode(errors="replace")
    text = "".join(c if c.isprintable() else "_" for c in text)
    stem, dot, suffix = text.rpartition(".")
    room = _LONGEST_NAME - len((dot + suffix).encode())
    return stem.encode()[: max(room, 0)].decode(errors="ignore") + dot + suffix


def replace_file(path: Path, content: bytes) -> None:
    """Puts the content in the file's place as a whole; the caller holds the folder's lock."""
    with replacement(path) as stream:
        stream.write(content)


@contextmanager
def replacement(path: Path) -> Iterator[BinaryIO]:
    """A stream that takes the file's place as a whole once it is written; the caller holds the folder's lock."""
    fresh = path.with_name(f".{path.name}.tmp")
    try:
        with fresh.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in the folder survive a power cut, where the file system can promise that."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
