"""Where a claimed file goes when all its records are settled."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bexsync.ports.shop import SourceReport, SourceState
from bexsync.shops.folder.durable import free_name, move_beside
from bexsync.shops.folder.layout import Layout

Stamp = tuple[int, int, int]
_REASONS = """\
{name} was not booked, or only in part:

{sentences}
{understood}
Correct the file and drop it into in/ again. Records that are already booked are recognised and not booked twice.
"""


def stamp_of(path: Path) -> Stamp | None:
    """Which file it is, and how large and how old; None where it is gone."""
    try:
        return _stamp(path.lstat())
    except OSError:
        return None


def archive_file(layout: Layout, report: SourceReport, now: datetime, read_as: Stamp | None) -> bool:
    """Moves the file of a settled source out of work/; False where it is no longer as it was read, and stays.

    A file that is gone, or still open, is left in peace.
    """
    if report.state is SourceState.OPEN or Path(report.source).name != report.source:
        return True
    with layout.opened(layout.work) as work:
        status = work.status(report.source)
        if status is None or not stat.S_ISREG(status.st_mode):
            return True
        if read_as is not None and _stamp(status) != read_as:
            return False
        folder = layout.failed if report.state is SourceState.GIVEN_UP else _of_month(layout, now)
        with layout.locked(folder) as target:
            name = free_name(target, report.source)
            if report.state is SourceState.GIVEN_UP:
                # Before the move: a crash in between leaves a reason too many, which the next call replaces.
                target.replace(f"{name}.error.txt", _reasons(report).encode(errors="replace"))
            move_beside(work, report.source, target, name)
            is_as_read = read_as is None or _is(target.status(name), read_as)
            if not is_as_read:  # somebody who has it open added to it just now
                move_beside(target, name, work, report.source)
                if report.state is SourceState.GIVEN_UP:
                    target.remove(f"{name}.error.txt")
            target.sync()
        work.sync()
    return is_as_read


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is(status: os.stat_result | None, read_as: Stamp) -> bool:
    return status is None or _stamp(status) == read_as


def _of_month(layout: Layout, now: datetime) -> Path:
    """The folder in done/ that the files of this month go to; it is made where it is missing."""
    name = f"{now:%Y-%m}"
    with layout.opened(layout.done) as done, suppress(FileExistsError):
        os.mkdir(name, dir_fd=done.handle)
    return layout.done / name


def _reasons(report: SourceReport) -> str:
    sentences = [" ".join(sentence.split()) for sentence in report.sentences] or ["No reason was given."]
    understood = f"\nIt was {report.understood}.\n" if report.understood else ""
    listed = "\n".join(f"- {sentence}" for sentence in sentences)
    return _REASONS.format(name=report.source, sentences=listed, understood=understood)
