"""What the operating system says of bexsync's own files, as one sentence of the right class."""

from __future__ import annotations

import errno
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
