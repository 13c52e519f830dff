"""The one way files are written, and what the operating system says of bexsync's own ones."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bexsync.errors import BexsyncError, ConfigurationProblem, StateProblem, TryLater

PRIVATE = 0o600
PUBLIC = 0o666  # less what the umask takes away
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC


def unusable(path: Path | str, problem: OSError) -> BexsyncError:
    """Space and a tired disk want time; rights, and whatever else, want a person."""
    said = problem.strerror or str(problem)
    if problem.errno in _FULL:
        return TryLater(f"{path} could not be written: {said}.", "Free some space; nothing was lost.", code="disk")
    if problem.errno in _PASSING:
        return TryLater(f"{path} does not answer: {said}.", "The next run goes on from here.", code="disk")
    return StateProblem(
        f"{path} cannot be used: {said}.",
        "Give this user the right to write it and its folder, or set BEXSYNC_STATE_DIR to a folder of its own.",
    )


def write_privately(path: Path, content: bytes) -> None:
    """Replaces a file that only this user may read, as a whole or not at all; raises what `unusable` makes of it."""
    _write(path, content)


def replace_alike(path: Path, content: bytes, *, like: Path) -> None:
    """Replaces a file, as a whole or not at all, that those may read who may read `like`; raises as above."""
    _write(path, content, like=like)


def write_new_privately(path: Path, content: bytes) -> None:
    """The same for a file that must not be there yet; raises FileExistsError where it is."""
    _write(path, content, put_in_place=_appear)


@contextmanager
def replacement(
    path: Path,
    *,
    mode: int,
    folder: int | None = None,
    put_in_place: Callable[[str, str, int | None], None] | None = None,
) -> Iterator[BinaryIO]:
    """Gives a stream whose content takes the file's place as a whole, once all of it is on the disk; raises OSError.

    `folder` is the path's folder held open: then nobody can put another folder in its place meanwhile.
    """
    # A name that can be foreseen could be a link laid by another user, which leads to any file of this one.
    name = f".{path.stem}-{secrets.token_hex(8)}.tmp"
    temporary, target = (str(path.with_name(name)), str(path)) if folder is None else (name, path.name)
    handle = os.open(temporary, _NEW | NOT_FOLLOWED, mode, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        (put_in_place or _take_the_place)(temporary, target, folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    sync(path.parent if folder is None else folder)


def _take_the_place(temporary: str, target: str, folder: int | None) -> None:
    os.replace(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)


def _appear(temporary: str, target: str, folder: int | None) -> None:
    """Puts a file where none is: a hard link never replaces anything, and a disk without them is looked at first."""
    try:
        os.link(temporary, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        _take_the_place(temporary, target, folder)
    else:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)


def _write(
    path: Path,
    content: bytes,
    *,
    like: Path | None = None,
    put_in_place: Callable[[str, str, int | None], None] | None = None,
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacement(path, mode=PRIVATE, put_in_place=put_in_place) as stream:
            stream.write(content)
            if like is not None:
                _resemble(stream, like)
    except FileExistsError:
        raise
    except OSError as problem:
        raise unusable(path, problem) from problem


def _resemble(stream: BinaryIO, like: Path) -> None:
    """Gives the open file itself the rights of another; by its name it could be a link by now."""
    before = like.stat()
    os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
    with suppress(OSError):  # only root may give a file away
        os.fchown(stream.fileno(), before.st_uid, before.st_gid)


def sync(folder: Path | int) -> None:
    """Makes new names in a folder survive a power cut, where the file system can promise that."""
    if isinstance(folder, int):
        with suppress(OSError):
            os.fsync(folder)
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_writable(folder: Path, hint: str) -> None:
    """Raises ConfigurationProblem where a folder, or the one in which it would be made, may not be written to."""
    standing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not standing.is_dir():
        raise ConfigurationProblem(f"{standing} is no folder.", hint)
    if not os.access(standing, os.W_OK | os.X_OK):
        raise ConfigurationProblem(f"This user may not write to {standing}.", hint)


@contextmanager
def usable_path(path: Path) -> Iterator[None]:
    """A path that the system cannot even look at is none to take."""
    try:
        yield
    except OSError as problem:
        raise ConfigurationProblem(f"{path} cannot be used: {problem.strerror}.", "Name another place.") from problem
