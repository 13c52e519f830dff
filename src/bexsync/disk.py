"""What the operating system says of bexsync's own files, as one sentence of the right class."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bexsync.errors import BexsyncError, StateProblem, TryLater

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE)


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
    _write(path, content, lambda temporary: temporary.replace(path))


def replace_alike(path: Path, content: bytes, *, like: Path) -> None:
    """Replaces a file, as a whole or not at all, that those may read who may read `like`; raises as above."""

    def put_in_place(temporary: Path) -> None:
        before = like.stat()
        temporary.chmod(stat.S_IMODE(before.st_mode))
        with suppress(OSError):  # only root may give a file away
            os.chown(temporary, before.st_uid, before.st_gid)
        temporary.replace(path)

    _write(path, content, put_in_place)


def write_new_privately(path: Path, content: bytes) -> None:
    """The same for a file that must not be there yet; raises FileExistsError where it is."""
    _write(path, content, lambda temporary: _appear(temporary, path))


def _appear(temporary: Path, path: Path) -> None:
    """A link never replaces anything; where the disk knows no links, looking first has to do."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)


def _write(path: Path, content: bytes, put_in_place: Callable[[Path], object]) -> None:
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary)
        _sync(path.parent)
    except FileExistsError:
        raise
    except OSError as problem:
        raise unusable(path, problem) from problem
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Only a folder that was brought to the disk is sure to show the new file after a power cut."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
