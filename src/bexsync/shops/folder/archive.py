"""Files whose records have all ended go to done/ or failed/, and old ones of these are deleted."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bexsync.ports.shop import SourceReport, SourceState
from bexsync.shops.folder.durable import Folder, free_name, move_beside
from bexsync.shops.folder.layout import Layout

Stamp = tuple[int, int, int]
_REASONS = """\
{name} was not booked, or only in part:

{sentences}
{understood}
Correct the file and drop it into in/ again. Records that are already booked are recognised and not booked twice.
"""
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_WHY_KEPT = ".error.txt"


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
            base = name.removesuffix(_WHY_KEPT)
            newest[base] = max(age, newest.get(base, 0))
        for name in files:
            base = name.removesuffix(_WHY_KEPT)
            if newest[base] >= before.timestamp() or base in kept:
                continue
            count += not name.endswith(_WHY_KEPT)
            if not dry:
                failed.remove(name)
    return count


def _files(folder: Folder) -> Iterator[tuple[str, float]]:
    """The files of a folder with when they were last written; links and folders are not bexsync's."""
    for name in sorted(os.listdir(folder.handle)):  # noqa: PTH208  a path would follow links
        status = folder.status(name)
        if status is not None and stat.S_ISREG(status.st_mode) and not name.startswith("."):
            yield name, status.st_mtime
