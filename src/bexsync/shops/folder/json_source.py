"""From the bytes of one file to the values in it, each with its place."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bexsync.records.quoting import named, printable
from bexsync.shops.folder.inbox import RECORD_LINES
from bexsync.shops.folder.json_values import Doubled, NotJson, flaw_in, parse

LARGEST = 50 * 1024 * 1024
EXPORT_AGAIN = "Export the file again and drop it into in/."
AS_UTF8 = "Save the file as UTF-8 and drop it into in/ again."
_ENVELOPE = ("schema", "kind", "records")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnusableFile(ValueError):
    """The file as a whole says nothing."""

    def __init__(self, message: str, hint: str = EXPORT_AGAIN) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class JsonEntry:
    """A value where a record should be, and what the envelope around it says of all its records."""

    location: str
    value: Any
    schema: Any = None
    kind: Any = None


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no JSON."""

    location: str
    message: str
    hint: str


def entries_in(path: Path) -> Iterator[JsonEntry | BrokenLine]:
    """The pieces of a file in order; lines are read one by one. Raises UnusableFile."""
    with opened(path) as stream:
        if path.suffix.lower() in RECORD_LINES:
            yield from line_entries(stream)
        else:
            yield from _records(_document(stream.read(LARGEST + 1)))


def opened(path: Path, largest: int = LARGEST) -> BinaryIO:
    """The plain file itself: links are not followed, and a pipe would block; raises UnusableFile and OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    stream = os.fdopen(handle, "rb")
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_size <= largest:
        return stream
    stream.close()
    raise _too_large(status.st_size, largest) if stat.S_ISREG(status.st_mode) else UnusableFile("is no plain file")


def _too_large(size: int, largest: int = LARGEST) -> UnusableFile:
    return UnusableFile(
        f"is {-(-size // 1024**2)} MB large, and bexsync reads files up to {largest // 1024**2} MB",
        "Export fewer records into one file, or one record a line into a *.ndjson file below that size.",
    )


def line_entries(stream: BinaryIO, largest: int = LARGEST) -> Iterator[JsonEntry | BrokenLine]:
    """One value a line; raises UnusableFile."""
    read = 0
    for number, line in enumerate(stream, 1):
        read += len(line)
        if read > largest:
            raise _too_large(read, largest)
        if number == 1:
            line = without_mark(line)
        if line.strip():
            yield _line(f"line {number}", line)


def _line(location: str, line: bytes) -> JsonEntry | BrokenLine:
    try:
        return JsonEntry(location, parse(line.rstrip(b"\r\n").decode()))
    except UnicodeDecodeError as problem:
        return BrokenLine(location, f"is not UTF-8 (byte {problem.start + 1} is 0x{line[problem.start]:02X})", AS_UTF8)
    except NotJson as problem:
        at = f", column {problem.column}" if problem.column else ""
        return BrokenLine(location, f"is not valid JSON: {problem.message}{at}", "Write one whole record on each line.")


def _document(content: bytes) -> Any:
    if len(content) > LARGEST:
        raise _too_large(len(content))
    content = without_mark(content)
    if not content.strip():
        raise UnusableFile("is empty")
    try:
        return parse(content.decode())
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        byte = content[problem.start]
        raise UnusableFile(f"is not UTF-8 (byte 0x{byte:02X} in line {line})", AS_UTF8) from problem
    except NotJson as problem:
        raise not_json(problem) from problem


def without_mark(content: bytes) -> bytes:
    """The content without the mark of UTF-8 at its beginning; raises UnusableFile for the mark of UTF-16."""
    if content.startswith(_UTF16):
        raise UnusableFile("is UTF-16, and bexsync reads UTF-8", AS_UTF8)
    return content.removeprefix(codecs.BOM_UTF8)


def not_json(problem: NotJson) -> UnusableFile:
    """What is said of a file that is no JSON."""
    at = f" in line {problem.line}, column {problem.column}" if problem.line else ""
    hint = EXPORT_AGAIN
    if problem.message == "Extra data":
        hint = "A *.json file holds one value; with one record a line, name it *.ndjson."
    return UnusableFile(f"is not valid JSON: {problem.message}{at}", hint)


def _records(document: Any) -> Iterator[JsonEntry]:
    """One record, an array of records, or an envelope around an array."""
    envelope: Mapping[str, Any] = {}
    values = document if isinstance(document, list) else [document]
    if isinstance(document, Mapping) and "records" in document:
        envelope, values = document, _enveloped(document)
    if not values:
        raise UnusableFile("holds no records", "Leave the file away when there is nothing to hand over.")
    for number, value in enumerate(values, 1):
        yield JsonEntry(f"record {number}", value, envelope.get("schema"), envelope.get("kind"))


def _enveloped(envelope: Mapping[str, Any]) -> list[Any]:
    if isinstance(envelope, Doubled):
        raise UnusableFile(f"has the field `{printable(envelope.name)}` twice beside or as `records`")
    check_envelope({name: value for name, value in envelope.items() if name != "records"})
    values = envelope["records"]
    if not isinstance(values, list):
        raise UnusableFile(f"has {named(values)} in the field `records`, where a list belongs")
    return values


def check_envelope(head: Mapping[str, Any]) -> None:
    """Raises UnusableFile where something beside `records` does not belong there."""
    if said := flaw_in(head):
        raise UnusableFile(said)
    unknown = next((name for name in head if name not in _ENVELOPE), None)
    if unknown is not None:
        raise UnusableFile(
            f"has the field `{printable(unknown)}` beside `records`, where only `schema` and `kind` may stand",
            "Write it into each record, or leave it away.",
        )
