"""What the folder is told: an event a file, and the list of all records with where they stand."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC

from bexsync.characters import lines_of_text
from bexsync.ports.shop import Event, StatusRow
from bexsync.records.quoting import csv_row, escape_formula
from bexsync.shops.folder.durable import Folder, changing, locked

_BLOCK = 8192
_NAME = "status.csv"
_COLUMNS = tuple(field.name for field in fields(StatusRow))


def append_event(out: Folder, event: Event) -> None:
    """Adds the event to the journal of its month, on the disk before returning, whole or not at all."""
    moment = event.at.astimezone(UTC)
    name = f"events-{moment:%Y-%m}.ndjson"
    is_new = not out.has(name)
    handle = out.open(name, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    try:
        with locked(handle), changing(name):
            _append(handle, _line(event, f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"))
    finally:
        os.close(handle)
    if is_new:
        out.sync()


def _line(event: Event, at: str) -> bytes:
    content = {
        **{name: lines_of_text(value) for name, value in event.data.items()},
        "event_id": event.event_id,
        "at": at,
        "event": event.name,
        "kind": event.kind,
        "shop_id": event.shop_id,
    }
    first = ("event_id", "at", "event", "kind", "shop_id")
    ordered = {name: content[name] for name in (*first, *event.data)}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def _append(handle: int, line: bytes) -> None:
    """Writes the line in one piece; where the disk fills up in the middle, it takes the beginning back."""
    end = _mended_end(handle)
    try:
        written = os.write(handle, line)
        while written < len(line):
            written += os.write(handle, line[written:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise


def _mended_end(handle: int) -> int:
    """Where the whole lines end, after what a crash left unended was ended or taken away.

    Whoever wrote a torn line never heard that it was delivered, so its event comes again.
    """
    size = os.fstat(handle).st_size
    torn = _after_last_newline(handle, size)
    if not torn:
        return size
    if _is_json(torn):
        return size + os.write(handle, b"\n")
    os.ftruncate(handle, size - len(torn))
    return size - len(torn)


def _after_last_newline(handle: int, size: int) -> bytes:
    tail = b""
    while size > len(tail) and b"\n" not in tail:
        start = max(0, size - len(tail) - _BLOCK)
        tail = os.pread(handle, size - len(tail) - start, start) + tail
    return tail.rpartition(b"\n")[2]


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def replace_status_list(out: Folder, rows: Sequence[StatusRow]) -> None:
    """Writes the list in one step, in the order given; nothing where it already says the same.

    The caller holds the folder's lock.
    """
    content = _content(rows)
    if not _says(out, content):
        out.replace(_NAME, content)


def _says(out: Folder, content: bytes) -> bool:
    """Whether the list has this content; a link or a pipe in its place has none, and is replaced."""
    try:
        with out.reading(_NAME) as stream:
            return stream.read(len(content) + 1) == content
    except OSError:
        return False


def _content(rows: Sequence[StatusRow]) -> bytes:
    text = csv_row(_COLUMNS) + "".join(csv_row(escape_formula(cell) for cell in astuple(row)) for row in rows)
    return text.encode(errors="replace")
