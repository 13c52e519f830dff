"""Where a claimed file goes when all its records are settled."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bexsync.ports import OriginReport, OriginState
from bexsync.shops.folder.durable import free_name, locked_folder, move_beside, replace_file, sync_folder
from bexsync.shops.folder.layout import Layout

_REASONS = """\
{name} was not booked, or only in part:

{sentences}
{understood}
Correct the file and drop it into in/ again. Records that are already booked are recognised and not booked twice.
"""


def put_away(layout: Layout, report: OriginReport, now: datetime) -> None:
    """Moves the file of a settled origin out of work/; a file that is gone, or still open, is left in peace."""
    source = layout.work / report.origin
    if report.state is OriginState.OPEN or Path(report.origin).name != report.origin or not source.is_file():
        return
    folder = layout.failed if report.state is OriginState.GIVEN_UP else layout.done / f"{now:%Y-%m}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked_folder(folder):
        name = free_name(folder, report.origin)
        if report.state is OriginState.GIVEN_UP:
            # Before the move: a crash in between leaves a reason too many, which the next call replaces.
            replace_file(folder / f"{name}.error.txt", _reasons(report).encode(errors="replace"))
        move_beside(source, folder, name)
    sync_folder(folder)
    sync_folder(layout.work)


def _reasons(report: OriginReport) -> str:
    sentences = [" ".join(sentence.split()) for sentence in report.sentences] or ["No reason was given."]
    understood = f"\nIt was {report.understood}.\n" if report.understood else ""
    listed = "\n".join(f"- {sentence}" for sentence in sentences)
    return _REASONS.format(name=report.origin, sentences=listed, understood=understood)
