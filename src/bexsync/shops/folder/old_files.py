"""Deleting old files of the shop's folder: those booked long ago, and those left uncorrected for as long."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bexsync.shops.folder.durable import Folder
from bexsync.shops.folder.layout import Layout

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_REASONS = ".error.txt"


def delete_old_files(root: Path, before: datetime, *, kept: Collection[str] = (), dry: bool = False) -> dict[str, int]:
    """Deletes the files of whole months in done/, and those in failed/ that are older; how many in each.

    Files named in `kept` stay in failed/. A folder that is not there has no old files; raises OSError.
    """
    layout = Layout(root)
    return {"done": _delete_months(layout, before, dry), "failed": _delete_failed(layout, before, kept, dry)}


def _delete_months(layout: Layout, before: datetime, dry: bool) -> int:
    count = 0
    with suppress(FileNotFoundError), layout.opened(layout.done) as done:
        names = os.listdir(done.handle)  # noqa: PTH208  a path would follow links
        for month in sorted(name for name in names if _is_before(name, before)):
            with layout.locked(layout.done / month) as folder:
                files = [name for name, _ in _files(folder)]
                count += len(files)
                for name in files if not dry else ():
                    folder.remove(name)
            if not dry:
                with suppress(OSError):  # somebody keeps something else in it
                    os.rmdir(month, dir_fd=done.handle)
    return count


def _is_before(name: str, before: datetime) -> bool:
    """Whether a whole month lies before a moment."""
    month = _MONTH.fullmatch(name)
    return month is not None and (int(month[1]), int(month[2])) < (before.year, before.month)


def _delete_failed(layout: Layout, before: datetime, kept: Collection[str], dry: bool) -> int:
    """A file and its reasons go together, by the age of the newer one."""
    count = 0
    with suppress(FileNotFoundError), layout.locked(layout.failed) as failed:
        newest: dict[str, float] = {}
        files = dict(_files(failed))
        for name, age in files.items():
            base = name.removesuffix(_REASONS)
            newest[base] = max(age, newest.get(base, 0))
        for name in files:
            base = name.removesuffix(_REASONS)
            if newest[base] >= before.timestamp() or base in kept:
                continue
            count += not name.endswith(_REASONS)
            if not dry:
                failed.remove(name)
    return count


def _files(folder: Folder) -> Iterator[tuple[str, float]]:
    """The files of a folder with when they were last written; links and folders are not bexsync's."""
    for name in sorted(os.listdir(folder.handle)):  # noqa: PTH208  a path would follow links
        status = folder.status(name)
        if status is not None and stat.S_ISREG(status.st_mode) and not name.startswith("."):
            yield name, status.st_mtime
