"""Lists as JSON: arrays and envelopes value by value, NDJSON line by line."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from bexsync.records import Malformed
from bexsync.records.quoting import named, printable
from bexsync.shops.folder.catalog.entries import NOTHING, Entry, InvalidEntry
from bexsync.shops.folder.catalog.lists import LARGEST_LIST
from bexsync.shops.folder.json_source import (
    AS_UTF8,
    BrokenLine,
    UnusableFile,
    check_envelope,
    line_entries,
    not_json,
    without_mark,
)
from bexsync.shops.folder.json_values import DECODER, Doubled, NotJson

_CHUNK = 1 << 18
_LONGEST_VALUE = 8 << 20
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonLines:
    """One record a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def entries(self) -> Iterator[Entry | InvalidEntry]:
        """Each line; the last one decides whether the list is whole."""
        found = False
        torn: BrokenLine | None = None
        for entry in line_entries(self._stream, LARGEST_LIST):
            found = True
            if torn is not None:
                yield InvalidEntry(torn.location, torn.message, torn.hint, NOTHING)
            torn = entry if isinstance(entry, BrokenLine) else None
            if not isinstance(entry, BrokenLine):
                yield Entry(entry.location, entry.value, NOTHING)
        if torn is not None:
            if not self._has_its_end():
                raise UnusableFile(f"ends in the middle of {torn.location}")
            yield InvalidEntry(torn.location, torn.message, torn.hint, NOTHING)
        if not found:
            raise UnusableFile("is empty")

    def remarks(self) -> Iterator[str]:
        """Nothing: a record of JSON that is not understood is refused."""
        return iter(())

    def blame(self, entry: Entry, problem: Malformed) -> tuple[str, str]:
        """The line, and the field as the record names it."""
        return entry.location, problem.message

    def _has_its_end(self) -> bool:
        self._stream.seek(-1, 2)
        return self._stream.read(1) == b"\n"


class JsonArray:
    """One array of records, an envelope around one, or one record alone."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = _Text(stream)

    def entries(self) -> Iterator[Entry | InvalidEntry]:
        """Each record as soon as it was read."""
        text, found = self._text, False
        sign = text.next_sign()
        if not sign:
            raise UnusableFile("is empty")
        entries = self._members() if sign == "{" else self._elements(NOTHING) if sign == "[" else self._alone()
        for entry in entries:
            found = True
            yield entry
        if text.next_sign():
            raise text.fault("Extra data")
        if not found:
            raise UnusableFile("holds no records", "Leave the file away when there is nothing to hand over.")

    def remarks(self) -> Iterator[str]:
        """Nothing: a record of JSON that is not understood is refused."""
        return iter(())

    def blame(self, entry: Entry, problem: Malformed) -> tuple[str, str]:
        """The record, and the field as it names it."""
        return entry.location, problem.message

    def _alone(self) -> Iterator[Entry]:
        yield Entry("record 1", self._text.value(), NOTHING)

    def _elements(self, head: Mapping[str, Any]) -> Iterator[Entry]:
        text, number = self._text, 0
        text.skip("[")
        while text.next_sign() != "]" or number:
            number += 1
            yield Entry(f"record {number}", text.value(), head)
            if text.next_sign() == "]":
                break
            text.skip(",")
        text.skip("]")

    def _members(self) -> Iterator[Entry]:
        """An object whose `records` are read one by one; without them it is a record itself."""
        text, pairs, is_envelope = self._text, list[tuple[str, Any]](), False
        head: dict[str, Any] = {}
        text.skip("{")
        while text.next_sign() != "}" or pairs:
            if text.next_sign() != '"':
                raise text.fault("Expecting property name enclosed in double quotes")
            name = text.value()
            text.skip(":")
            if name == "records" and text.next_sign() == "[":
                if is_envelope:
                    raise UnusableFile("has the field `records` twice")
                is_envelope = True
                check_envelope(head)
                pairs.append((name, None))
                yield from self._elements(head)
            else:
                value = text.value()
                pairs.append((name, value))
                head.setdefault(name, value)
            if text.next_sign() == "}":
                break
            text.skip(",")
        text.skip("}")
        whole = DECODER.object_pairs_hook(pairs)
        if is_envelope:
            _check_whole(whole)
        elif "records" in whole:
            raise UnusableFile(f"has {named(whole['records'])} in the field `records`, where a list belongs")
        else:
            yield Entry("record 1", whole, NOTHING)


def _check_whole(whole: dict[str, Any]) -> None:
    if isinstance(whole, Doubled):
        raise UnusableFile(f"has the field `{printable(whole.name)}` twice beside or as `records`")
    check_envelope({name: value for name, value in whole.items() if name != "records"})


class _Text:
    """A JSON text of which only the part that is being read is held."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._held = ""
        self._at = 0
        self._line = 1  # of the beginning of what is held
        self._column = 0
        self._is_first = True

    def next_sign(self) -> str:
        """The sign after any space, which is skipped, "" at the end."""
        while True:
            self._at = _SPACE.match(self._held, self._at).end()  # type: ignore[union-attr]  # matches anywhere
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def skip(self, sign: str) -> None:
        """Goes past a sign that must stand here."""
        if self.next_sign() != sign:
            raise self.fault(f"Expecting '{sign}' delimiter")
        self._at += 1

    def value(self) -> Any:
        """The value that begins here, as a whole."""
        self.next_sign()
        while True:
            try:
                value, end = DECODER.raw_decode(self._held, self._at)
            except json.JSONDecodeError as problem:
                fault = self.fault(problem.msg, problem.pos)
                if len(self._held) - self._at > _LONGEST_VALUE or not self._more():
                    raise fault from problem
                continue
            except RecursionError as problem:
                raise not_json(NotJson("nested too deeply")) from problem
            if end < len(self._held) or not self._more():  # a number may go on
                self._at = end
                return value

    def fault(self, message: str, at: int | None = None) -> UnusableFile:
        """What is said of something that is no JSON."""
        before = self._held[: self._at if at is None else at]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else self._column + len(before) + 1
        return not_json(NotJson(message, self._line + lines, column))

    def _more(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        is_last = not chunk
        if self._is_first:
            chunk, self._is_first = without_mark(chunk), False
        self._forget()
        try:
            text = self._decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as problem:
            line = self._line + self._held.count("\n") + problem.object.count(b"\n", 0, problem.start)
            byte = problem.object[problem.start]
            raise UnusableFile(f"is not UTF-8 (byte 0x{byte:02X} in line {line})", AS_UTF8) from problem
        self._held += text
        return not is_last

    def _forget(self) -> None:
        """Lets go of what was read."""
        gone = self._held[: self._at]
        lines = gone.count("\n")
        self._column = len(gone) - gone.rfind("\n") - 1 if lines else self._column + len(gone)
        self._line += lines
        self._held, self._at = self._held[self._at :], 0
