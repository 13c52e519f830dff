"""Lists as tables: one row per record, read twice so that no row has to be held."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from bexsync.profile import CsvSection
from bexsync.records import Malformed
from bexsync.records.quoting import printable
from bexsync.shops.folder.catalog.entries import NOTHING, Entry, Spoilt
from bexsync.shops.folder.catalog.words import VOCABULARIES
from bexsync.shops.folder.pieces import UnusableFile
from bexsync.shops.folder.table.amounts import DecimalSign
from bexsync.shops.folder.table.cells import cleaned, is_month_first
from bexsync.shops.folder.table.delimiters import delimiter_of, sample_of, skip_sep_line
from bexsync.shops.folder.table.headers import Field, Header, understood
from bexsync.shops.folder.table.sheet import beyond_headers, months_first, numbered_rows
from bexsync.shops.folder.table.text import encoding_of, opened_text
from bexsync.shops.folder.table.values import CellReader, WrongCell

_IMPLIED: Mapping[str, tuple[str, Any]] = {
    "price_net": ("prices_include_tax", False),
    "price_gross": ("prices_include_tax", True),
    "weight_grams": ("weight_unit", "g"),
}
# A shop's word for a product that is only the roof over its variants.
_ROOFS = ("variable", "grouped", "variabel", "gruppiert")


class TableList:
    """One list as CSV; the whole of it is looked through before its first row is believed."""

    def __init__(self, stream: BinaryIO, kind: str, settings: CsvSection) -> None:
        self._stream = stream
        self._settings = settings
        self._kind = kind
        self._vocabulary = VOCABULARIES[kind]
        self._encoding = encoding_of(stream, settings.encoding)
        self._delimiter = ""
        self._header = Header((), (), 0)
        self._nameless: frozenset[int] = frozenset()
        self._is_known_by_sku = False

    def entries(self) -> Iterator[Entry | Spoilt]:
        """A record per row."""
        cells = CellReader(self._settings, self._look_through() or ".")
        text = self._opened()
        try:
            rows = numbered_rows(text, self._delimiter)
            next(rows)
            for number, given in rows:
                entry = self._entry(number, given, cells)
                if entry is not None:
                    yield entry
        finally:
            text.detach()  # the file is the caller's to close

    def blame(self, entry: Entry, problem: Malformed) -> tuple[str, str]:
        """The row and the column in place of the record's field."""
        field = next((f for f in self._header.fields if f.column.path == (problem.field,)), None)
        if field is None:
            return entry.place, problem.message
        message = problem.message.removeprefix(f"field `{problem.field}` ")
        return f"{entry.place}, column `{printable(field.header)}`", message.replace("is missing", "is empty", 1)

    def _opened(self) -> io.TextIOWrapper:
        text = opened_text(self._stream, self._encoding)
        said = skip_sep_line(text)
        if not self._delimiter:
            wanted = self._settings.columns
            self._delimiter = (
                self._settings.delimiter or said or delimiter_of(sample_of(text), wanted, self._vocabulary)
            )
        return text

    def _look_through(self) -> str:
        """Understands the headers, and the decimal sign by all amounts; raises UnusableFile."""
        text = self._opened()
        try:
            rows = numbered_rows(text, self._delimiter)
            _, headers = next(rows, (0, None))
            if headers is None:
                raise UnusableFile("is empty")
            self._understand([cleaned(header).replace("\n", " ") for header in headers])
            decimal = DecimalSign(self._settings.decimal)
            amounts = [f for f in self._header.fields if f.column.sort in ("amount", "percent")]
            days = [f for f in self._header.fields if f.column.sort == "day" and not self._settings.date_format]
            number = 0
            last: list[str] = []
            for number, last in rows:
                for field in amounts:
                    if field.index < len(last) and (cell := cleaned(last[field.index])):
                        decimal.look_at(cell, number, field.header)
                for field in days:
                    if field.index < len(last) and is_month_first(cell := cleaned(last[field.index])):
                        raise months_first(number, field, cell)
            self._refuse_half(number, last)
            return decimal.decided()
        finally:
            text.detach()

    def _understand(self, headers: list[str]) -> None:
        while headers and not headers[-1]:
            headers.pop()
        self._header = understood(headers, self._settings.columns, has_currency=False, vocabulary=self._vocabulary)
        self._nameless = frozenset(i for i, header in enumerate(headers) if not header)
        # Where a shop has no other ids, its numbers are what its products are known by for ever.
        self._is_known_by_sku = self._kind == "product" and self._header.field("shop_id") is None

    def _refuse_half(self, number: int, last: list[str]) -> None:
        """A list that was cut off must not pass for one from which products have vanished."""
        if not number:
            raise UnusableFile(
                "holds no rows beneath its headers", "Leave the file away when there is nothing to hand over."
            )
        if len(last) < self._header.width and not self._has_its_end():
            raise UnusableFile(
                f"ends in the middle of row {number}", "Export the list again; a line break ends its last row."
            )

    def _has_its_end(self) -> bool:
        self._stream.seek(-4, os.SEEK_END)  # a line break in UTF-32
        return self._stream.read(4).rstrip(b"\0")[-1:] in (b"\n", b"\r")

    def _entry(self, number: int, given: list[str], cells: CellReader) -> Entry | Spoilt | None:
        place = f"row {number}"
        value: dict[str, Any] = {}
        wrong: list[WrongCell] = []
        marks: list[tuple[Field, str]] = []
        implying: list[Field] = []
        for field in self._header.fields:
            text = cleaned(given[field.index]) if field.index < len(given) else ""
            if not text:
                continue
            name = field.column.path[0]
            if name == "type" and text.casefold() in _ROOFS:
                return None
            try:
                read = cells.read(text, number, field)
            except WrongCell as problem:
                wrong.append(problem)
                continue
            value[name] = read.value
            if read.currency:
                marks.append((field, read.currency))
            if field.column.name in _IMPLIED:
                implying.append(field)
        if self._is_known_by_sku and "sku" in value:
            value["shop_id"] = value["sku"]
        if stray := beyond_headers(number, given, self._header.width, self._nameless, self._delimiter):
            return Spoilt(place, stray.message, stray.hint, value)
        wrong.extend(said for field, mark in marks if (said := _foreign(number, field, mark, value)))
        wrong.extend(said for field in implying if (said := _contradiction(number, field, value)))
        if not wrong:
            return Entry(place, value, NOTHING)
        more = f" ({len(wrong) - 1} more after it)" if len(wrong) > 1 else ""
        where = f"{place}, column `{printable(wrong[0].header)}`"
        return Spoilt(where, f"{wrong[0].message}{more}", wrong[0].hint, value)


def _foreign(number: int, field: Field, mark: str, value: dict[str, Any]) -> WrongCell | None:
    """A price that names its currency says which one the product is in; other amounts have none."""
    if field.column.path != ("price",):
        return WrongCell(number, field.header, f"names the currency {mark} where a plain number belongs")
    said = value.setdefault("currency", mark)
    if said.strip().upper() == mark:
        return None
    return WrongCell(number, field.header, f"is in {mark}, but the product is in {printable(said)}")


def _contradiction(number: int, field: Field, value: dict[str, Any]) -> WrongCell | None:
    """What a column says by its name alone must not stand otherwise in another one."""
    name, implied = _IMPLIED[field.column.name]
    if value.setdefault(name, implied) == implied:
        return None
    return WrongCell(number, field.header, f"says by its name what the column for `{name}` contradicts")
