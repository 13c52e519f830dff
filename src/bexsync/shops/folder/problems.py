"""What is wrong in the folder: with single pieces of input, and with what the system lets us do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bexsync.errors import BexsyncError, ConfigurationProblem, TryLater
from bexsync.ports.shop import InvalidInput
from bexsync.shops.folder.layout import Layout

_ALL = os.R_OK | os.W_OK | os.X_OK
_MISSING = (errno.ENOENT, errno.ENOTDIR)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE)
CORRECT = "Correct it and drop the file into in/ again; records that are already booked are recognised."
_LONGEST_ID = 120


@contextmanager
def explained(layout: Layout) -> Iterator[None]:
    """Turns an OSError about the shop folder into ConfigurationProblem or TryLater."""
    try:
        yield
    except OSError as problem:
        raise _explanation(layout, problem) from problem


def _explanation(layout: Layout, problem: OSError) -> BexsyncError:
    root = layout.root
    if problem.errno in _FULL:
        return TryLater(
            f"The disk of the shop folder {root} is full.", "Make room; the next run goes on where this one stopped."
        )
    if problem.errno in _PASSING:
        return TryLater(
            f"The shop folder {root} does not answer properly: {_said(problem)}.",
            "If it lies on a network share, check the connection; the next run goes on where this one stopped.",
        )
    if problem.errno in _NO_RIGHT:
        return ConfigurationProblem(
            f"bexsync may not read and write in {_closed(layout)}: {_said(problem)}.",
            f"Give the user that runs bexsync (uid {os.geteuid()}) the right to read and write there.",
            code="shop_folder",
        )
    if (problem.errno in _MISSING or isinstance(problem, NotADirectoryError)) and not root.is_dir():
        return ConfigurationProblem(
            f"The shop folder {root} does not exist or is no folder.",
            "Create it, mount it, or correct `path` under [shop] in the profile.",
            code="shop_folder",
        )
    if problem.errno == errno.ELOOP:
        return ConfigurationProblem(
            f"{problem.filename or root} is a link, and bexsync follows no link that another user may have put there.",
            "Put the folder or file itself in its place, and look who may write to the shop folder.",
            code="shop_folder",
        )
    if problem.errno == errno.EXDEV:
        return ConfigurationProblem(
            f"The subfolders of {root} lie on different disks, so that files cannot be moved whole.",
            "Keep in/, work/, done/, failed/ and out/ on one disk.",
            code="shop_folder",
        )
    return ConfigurationProblem(
        f"The shop folder {root} cannot be used: {_said(problem)}"
        + (f" ({problem.filename})." if problem.filename else "."),
        "Check what stands there; bexsync needs the plain folders in/, work/, done/, failed/ and out/.",
        code="shop_folder",
    )


def _closed(layout: Layout) -> str:
    """The folder that may not be read or written, as far as can be seen."""
    if layout.catalog.is_dir() and not os.access(layout.catalog, os.R_OK | os.X_OK, effective_ids=True):
        return str(layout.catalog)
    for folder in (layout.root, *layout.folders):
        if folder.is_dir() and not os.access(folder, _ALL, effective_ids=True):
            return str(folder)
    return str(layout.root)


def _said(problem: OSError) -> str:
    return problem.strerror or str(problem)


@dataclass(frozen=True)
class InputError:
    """Something unreadable, and whether it is a matter of format."""

    invalid: InvalidInput
    is_format: bool = False

    @property
    def is_countless(self) -> bool:
        """Whether a file of garbage could hold any number of these."""
        return self.is_format or not self.invalid.shop_id


def id_in(text: str) -> str:
    """The id as far as it can be one, for an error."""
    text = text.strip()
    return text if text.isprintable() and len(text) <= _LONGEST_ID else ""
