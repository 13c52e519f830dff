"""What the folder is told: an event a file, and the list of all records with where they stand."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from datetime import UTC
from io import BytesIO
from itertools import chain, islice
from operator import attrgetter
from typing import BinaryIO

from bexsync.characters import lines_of_text
from bexsync.ports.shop import Event, StatusRow
from bexsync.records.quoting import csv_row, escape_formula
from bexsync.shops.folder.durable import Folder, changing, locked

_BLOCK = 65_536
_NAME = "status.csv"
_COLUMNS = tuple(field.name for field in fields(StatusRow))
_cells = attrgetter(*_COLUMNS)
_ROWS_TOGETHER = 500


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


def has_status_list(out: Folder) -> bool:
    """Whether the list is there; a link or a pipe in its place is none, and is replaced."""
    status = out.status(_NAME)
    return status is not None and stat.S_ISREG(status.st_mode)


def replace_status_list(out: Folder, rows: Iterable[StatusRow]) -> None:
    """Writes the list in one step, in the order given; nothing where it already says the same.

    The caller holds the folder's lock.
    """
    parts = _parts(rows)
    with ExitStack() as opened:
        try:
            before = opened.enter_context(out.reading(_NAME))
        except OSError:
            before = opened.enter_context(BytesIO())
        same, part = _first_difference(before, parts)
        if part is None and has_status_list(out):
            return
        with out.replacement(_NAME) as stream:
            before.seek(0)
            _copy(before, stream, same)
            stream.write(part or b"")
            stream.writelines(parts)


def _first_difference(before: BinaryIO, parts: Iterator[bytes]) -> tuple[int, bytes | None]:
    """How many bytes are the same as before, and the first part that is not; None where all are."""
    same = 0
    for part in parts:
        if before.read(len(part)) != part:
            return same, part
        same += len(part)
    return same, b"" if before.read(1) else None


def _copy(source: BinaryIO, target: BinaryIO, length: int) -> None:
    for start in range(0, length, _BLOCK):
        target.write(source.read(min(_BLOCK, length - start)))


def _parts(rows: Iterable[StatusRow]) -> Iterator[bytes]:
    """The list in parts of some hundred rows."""
    texts = chain((csv_row(_COLUMNS),), (csv_row(escape_formula(cell) for cell in _cells(row)) for row in rows))
    while part := "".join(islice(texts, _ROWS_TOGETHER)):
        yield part.encode(errors="replace")
