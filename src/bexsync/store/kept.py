"""What outlives the state database: when a site began, and which documents were issued, mailed, adopted or forgotten.

One append-only file per site of a company. It lies in a folder beside the state folder, so that losing that one loses
nothing of it; where no folder can be made there, it lies inside.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bexsync.files import unusable
from bexsync.ids import LedgerId
from bexsync.ports.store import DocumentEvent

# Which first run is noted: that of any job with invoices, unless another name is given.
BEGAN = "began"
# Nearly all lines, one for each document that was ever issued, are so; they are not parsed as JSON.
_NUMBERED = re.compile(r'(\["[^"\\]*", "[^"\\]*"), ([1-9][0-9]*)\]\n')


@dataclass
class Kept:
    """The file of one site; it is read once, when something is asked for first."""

    folders: tuple[Path, ...]
    name: str
    # By the beginning of their lines; the ids as they are written, and parsed when they are asked for.
    _notes: dict[str, str] | None = field(default=None, repr=False)

    def began(self, what: str = BEGAN) -> date | None:
        """The day of the site's first run, None where nothing was noted."""
        start = _beginning(what, "")[:-1]
        lines = [line for folder in self.folders for line in _lines(folder / self.name) if line.startswith(start)]
        days = [day for line in lines for day in _days(line)]
        with suppress(ValueError):
            return min(date.fromisoformat(day) for day in days) if days else None
        return None

    def note_began(self, day: date, what: str = BEGAN) -> None:
        """Note the day of the site's first run."""
        self._append(what, day.isoformat(), LedgerId(0))

    def documents(self, event: DocumentEvent, reference: str) -> tuple[LedgerId, ...]:
        """The documents of one reference with which this was done, the latest last."""
        ids = self._known().get(_beginning(event.value, reference), "")
        return tuple(LedgerId.read(one) for one in json.loads(f"[{ids}]"))

    def note(self, event: DocumentEvent, reference: str, document_id: LedgerId) -> None:
        """Note what was done with a document, durably before returning."""
        if document_id not in self.documents(event, reference)[-1:]:
            self._append(event.value, reference, document_id)

    def _known(self) -> dict[str, str]:
        if self._notes is None:
            self._notes = {}
            for folder in self.folders:
                for line in _lines(folder / self.name):
                    _add(self._notes, line)
        return self._notes

    def _append(self, what: str, subject: str, document_id: LedgerId) -> None:
        known = self._known()  # before the line is written, which would else be counted twice
        line = json.dumps([what, subject, document_id.wire], ensure_ascii=False) + "\n"
        for folder in self.folders[:-1]:
            with suppress(PermissionError, FileNotFoundError, NotADirectoryError, FileExistsError):
                _append(folder / self.name, line)
                break
        else:
            _append_or_say_why(self.folders[-1] / self.name, line)
        _add(known, line)


def kept_beside(state: Path, site: str) -> Kept:
    """The notes of a site, in `<state folder>-kept` or, where that cannot be made, in `<state folder>/kept`."""
    folder = state.parent
    return Kept((folder.with_name(f"{folder.name}-kept"), folder / "kept"), f"{state.stem}-{site}.ndjson")


def _beginning(what: str, subject: str) -> str:
    """How a line begins that notes this of a subject, before its id."""
    return json.dumps([what, subject], ensure_ascii=False)[:-1]


def _days(line: str) -> Iterator[str]:
    with suppress(ValueError, TypeError):
        _, day, _ = json.loads(line)
        yield str(day)


def _add(notes: dict[str, str], line: str) -> None:
    """Add a whole line to the notes; what a power cut left of one says nothing."""
    numbered = _NUMBERED.fullmatch(line)
    if numbered is not None:
        beginning, ledger_id = numbered.groups()
    else:
        try:
            what, subject, other = json.loads(line)
            beginning, ledger_id = _beginning(what, subject), json.dumps(LedgerId.read(other).wire)
        except (ValueError, TypeError):
            return
    notes[beginning] = f"{notes[beginning]}, {ledger_id}" if beginning in notes else ledger_id


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            yield from file
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        raise unusable(path, problem) from problem


def _append_or_say_why(path: Path, line: str) -> None:
    try:
        _append(path, line)
    except OSError as problem:
        raise unusable(path, problem) from problem


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileExistsError(path)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        torn = end > 0 and file.read(1) != b"\n"
        file.write(f"{chr(10) if torn else ''}{line}".encode())
        os.fsync(handle)
