"""The files that wait in the folder: those that are taken in, and those that are left, with the reason."""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bexsync.ports.shop import Leftover, LeftoverState
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
_MOST = 50
_STALLED = 3600.0  # seconds after which an upload or download has been broken off
_SYSTEMS_OWN = frozenset(
    ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "lost+found", "__macosx", "@eadir")
)
_NOTES = ("readme", "liesmich", "lisezmoi", "lisez-moi", "leggimi")
_PARTIAL = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".swp")
_BACKUPS = ("~", ".bak", ".orig")
_SPREADSHEETS = (".ods", ".fods", ".xls", ".xlsb", ".numbers", ".xlt", ".xltx", ".gnumeric")
_PACKED = (".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".zst")
_TEXTS = (".txt", ".text", ".dat", ".log", ".asc", "")
_AS_A_TABLE = "Save it as XLSX or CSV and drop that into in/; take this one away."
_AS_A_FILE = "Drop the file itself into in/."


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


def left_behind(layout: Layout, *, now: float, quiet_seconds: float) -> list[Leftover]:
    """Everything in in/ that is not taken, by name, and what in work/ is being added to; raises OSError."""
    found = [
        *_in_work(layout.work, now, quiet_seconds),
        *(left for left in _entries(layout.incoming, now, quiet_seconds) if left is not None),
    ]
    found.sort(key=lambda left: (left.state is not LeftoverState.WRONG, left.source))
    more = found[_MOST:]
    if more:
        said = f"in/ holds {len(more)} more files and folders that are not read"
        found[_MOST:] = [Leftover("in/", said, "Take away what is not to be booked.", more[0].state)]
    return found


def _in_work(work: Path, now: float, quiet_seconds: float) -> Iterator[Leftover]:
    for found in files_in_work(work):
        if being_written(found, now, quiet_seconds):
            yield _young(f"work/{found.path.name}", now - found.changed, quiet_seconds)


def _entries(incoming: Path, now: float, quiet_seconds: float) -> Iterator[Leftover | None]:
    try:
        entries = os.scandir(incoming)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            try:
                yield _judged(entry, now, quiet_seconds)
            except FileNotFoundError:
                continue


def _judged(entry: os.DirEntry[str], now: float, quiet_seconds: float) -> Leftover | None:
    lower = entry.name.lower()
    if lower.startswith(".") or lower in _SYSTEMS_OWN:
        return None
    status = entry.stat(follow_symlinks=False)
    source = f"in/{tame_name(entry.name)}"
    if stat.S_ISLNK(status.st_mode):
        return Leftover(source, f"{source} is a link, and bexsync follows none there", _AS_A_FILE)
    if stat.S_ISDIR(status.st_mode):
        return _folder(source, Path(entry.path))
    if not stat.S_ISREG(status.st_mode):
        return Leftover(source, f"{source} is no plain file", _AS_A_FILE)
    if is_ours(entry.name):
        found = Found(Path(entry.path), status.st_mtime)
        is_young = being_written(found, now, quiet_seconds)
        return _young(source, now - status.st_mtime, quiet_seconds) if is_young else None
    return _unread_file(source, lower, abs(now - status.st_mtime))


def _folder(source: str, path: Path) -> Leftover:
    """A folder matters where invoices may lie in it."""
    try:
        count = sum(is_ours(inner.name) for inner in path.iterdir())
    except OSError:
        count = 0
    holding = f" with {count} file{'' if count == 1 else 's'} like those that are read" if count else ""
    said = f"{source} is a folder{holding}, and bexsync does not look into folders"
    state = LeftoverState.WRONG if count else LeftoverState.NAMED
    return Leftover(source, said, "Put the files themselves into in/, or the folder elsewhere.", state)


def _young(source: str, age: float, quiet_seconds: float) -> Leftover:
    said = f"{source} is still being written: it was last changed {_span(abs(age))} ago"
    hint = f"It is taken once nobody has written to it for {quiet_seconds:g} s; run again in a moment."
    return Leftover(source, said, hint, LeftoverState.PASSING)


def _unread_file(source: str, lower: str, age: float) -> Leftover:
    if lower.startswith("~$"):
        said = f"{source} says that a spreadsheet or document is open in an office program"
        return Leftover(source, said, "Close it there before the file is dropped.", LeftoverState.NAMED)
    if lower.endswith(_BACKUPS):
        said = f"{source} is the backup copy of an editor, and is not read"
        return Leftover(source, said, "Take it away.", LeftoverState.NAMED)
    if lower.endswith(_PARTIAL):
        said = f"{source} is an unfinished file, last changed {_span(age)} ago"
        if age < _STALLED:
            return Leftover(source, said, "It is taken once it has its final name.", LeftoverState.PASSING)
        hint = "Whatever wrote it was broken off: let it be written again, and take this one away."
        return Leftover(source, said, hint)
    kind = Path(lower).suffix
    what = f"bexsync reads no {kind[1:].upper()} file" if kind else "its name does not end in what it is"
    state = LeftoverState.NAMED if lower.startswith(_NOTES) else LeftoverState.WRONG
    return Leftover(source, f"{source} is not read: {what}", _way_out(kind), state)


def _way_out(kind: str) -> str:
    if kind in _SPREADSHEETS:
        return _AS_A_TABLE
    if kind in _PACKED:
        return "Unpack it, drop what is in it into in/, and take this one away."
    if kind in _TEXTS:
        return "If it is a table, name it *.csv; if it is JSON, name it *.json; else take it away."
    return "Export what is to be booked as JSON or as a table, as `bexsync docs format` says, and take this one away."


def _span(seconds: float) -> str:
    for name, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {name}"
    return f"{int(seconds)} s"
