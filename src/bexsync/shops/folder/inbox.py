"""Which files are complete, and how one is claimed."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bexsync.shops.folder.durable import move_beside, tame_name
from bexsync.shops.folder.layout import Layout

RECORD_LINES = (".ndjson", ".jsonl")
TABLES = (".csv", ".tsv")
WORKBOOKS = (".xlsx", ".xlsm")
_SUFFIXES = (".json", *RECORD_LINES, *TABLES, *WORKBOOKS)
_LINE_ENDS = (b"\n", b"\r", b"\n\0", b"\r\0")  # the latter in UTF-16
_END_OF = {b"[": (b"]",), b"{": (b"}",)}
_END_OF_ARCHIVE = b"PK\x05\x06"
_TAIL = 65_536
# A writer that stalls mid-file is given this many quiet periods before its torso counts as its last word.
_PATIENCE = 12


@dataclass(frozen=True)
class Found:
    """A plain file, as it was when the folder was read."""

    path: Path
    changed: float


def claimed_files(work: Path, *, now: float, quiet_seconds: float) -> list[Found]:
    """What was claimed earlier, is still there and is not being added to just now, oldest first."""
    return sorted((f for f in files_in_work(work) if not being_written(f, now, quiet_seconds)), key=_age_then_name)


def files_in_work(work: Path) -> Iterator[Found]:
    """Everything that was claimed earlier and is still there."""
    return (found for found in _plain_files(work) if found.path.name == tame_name(found.path.name))


def finished_files(incoming: Path, *, now: float, quiet_seconds: float) -> list[Found]:
    """What lies in the folder and is no longer being written, oldest first."""
    return sorted((f for f in _plain_files(incoming) if not being_written(f, now, quiet_seconds)), key=_age_then_name)


def claim(layout: Layout, path: Path) -> Path | None:
    """Moves a file from in/ to work/ in one step; None when somebody took it first."""
    with layout.opened(layout.incoming) as incoming, layout.locked(layout.work) as work:
        name = move_beside(incoming, path.name, work, tame_name(path.name))
    return layout.work / name if name else None


def _age_then_name(found: Found) -> tuple[float, str]:
    return found.changed, found.path.name


def _plain_files(folder: Path) -> Iterator[Found]:
    """Regular files with a suffix that is read; a folder that does not exist yet is empty."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if not is_ours(entry.name):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    yield Found(Path(entry.path), entry.stat(follow_symlinks=False).st_mtime)
            except FileNotFoundError:
                continue


def is_ours(name: str) -> bool:
    """Whether a file of this name is one that is read."""
    lower = name.lower()
    return lower.endswith(_SUFFIXES) and not lower.startswith((".", "~$"))


def being_written(found: Found, now: float, quiet_seconds: float) -> bool:
    """Whether somebody may still be at it."""
    # A time far in the future is a wrong clock, not a writer.
    age = abs(now - found.changed)
    return age < quiet_seconds or (age < quiet_seconds * _PATIENCE and _lacks_its_end(found.path))


def _lacks_its_end(path: Path) -> bool:
    """Whether the file stops in the middle of a value or row; what cannot be read is for the reader to complain of."""
    try:
        tail = _tail(path)
        if path.suffix.lower() in WORKBOOKS:
            return _END_OF_ARCHIVE not in tail
        if path.suffix.lower() in TABLES:
            return not tail.endswith(_LINE_ENDS) or _has_an_open_quotation(path)
        if path.suffix.lower() not in RECORD_LINES:
            return not tail.rstrip().endswith(_END_OF.get(_first_sign(path), (b"}", b"]")))
    except OSError:
        return False
    last_line = tail.rpartition(b"\n")[2]
    if not last_line.strip():
        return False
    try:
        json.loads(last_line)
    except (ValueError, RecursionError):
        return True
    return False


def _has_an_open_quotation(path: Path) -> bool:
    """Whether a line's end at the end of the file may stand within a cell."""
    with path.open("rb") as stream:
        return sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(1 << 20), b"")) % 2 == 1


def _first_sign(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_TAIL).removeprefix(codecs.BOM_UTF8).lstrip()[:1]


def _tail(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
        return stream.read(_TAIL)
