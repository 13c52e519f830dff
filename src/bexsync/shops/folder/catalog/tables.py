"""Lists as tables: one row per record, read twice so that no row has to be held."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Protocol

from bexsync.records import Malformed
from bexsync.records.quoting import printable
from bexsync.shops.folder.catalog.entries import NOTHING, Entry, InvalidEntry
from bexsync.shops.folder.catalog.parents import Parents, UnknownParent
from bexsync.shops.folder.catalog.shopify import ShopifyRows, is_shopify
from bexsync.shops.folder.catalog.vocabulary import (
    NOT_SOLD,
    OF_PARENT,
    PRODUCT_KINDS,
    PRODUCT_TYPES,
    REGULAR_PRICE,
    ROOFS,
    STATES,
    TAX_STATUS,
    VOCABULARIES,
    WEIGHT_UNITS,
    is_weight_of_unknown_unit,
    is_whether,
    named_when_ignored,
)
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.cells import (
    FLAW_HINT,
    CellFlaw,
    DateText,
    NumberText,
    amount_text,
    cleaned,
    flaw_in_cell,
    is_month_first,
)
from bexsync.shops.folder.table.decisive import LeftOut
from bexsync.shops.folder.table.headers import Field, Header, read_headers
from bexsync.shops.folder.table.sheet import beyond_headers, months_first, numbered_rows
from bexsync.shops.folder.table.text import (
    delimiter_of,
    encoding_of,
    known_headers,
    opened_text,
    sample_of,
    skip_sep_line,
)
from bexsync.shops.folder.table.values import CellReader, DecimalSign, WrongCell
from bexsync.shops.folder.table.vocabulary import plain_header

_IMPLIED: Mapping[str, tuple[str, Any]] = {
    "price_net": ("prices_include_tax", False),
    "price_gross": ("prices_include_tax", True),
    **{column: ("weight_unit", unit) for column, unit in WEIGHT_UNITS.items()},
}
# Untaxed products get a class of their own, which the VAT map may name: 0 % has several reasons.
_UNTAXED = {"tax_class": "none", "tax_rate": "0"}
_TYPES_APART = re.compile(r"\s*[,;|]\s*")
_ESCAPED_BREAK = re.compile(r"(\\?)\\n")
_MOST_NAMED = 5
_Shape = tuple[int, frozenset[int], str]


class Rows(Protocol):
    """The rows of a list as it lies there, the one with the headers first; they can be had again and again."""

    delimiter: str
    is_workbook: bool

    def __iter__(self) -> Iterator[tuple[int, list[str]]]: ...

    def has_its_end(self) -> bool:
        """Whether the last row is there as a whole."""
        ...


class TextRows:
    """The rows of a list in CSV."""

    is_workbook = False

    def __init__(self, stream: BinaryIO, kind: str, settings: CsvSection) -> None:
        self._stream = stream
        self._settings = settings
        self._vocabulary = VOCABULARIES[kind]
        self._encoding = encoding_of(stream, settings.encoding, known_headers(settings.columns, self._vocabulary))
        self.delimiter = ""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        text = opened_text(self._stream, self._encoding)
        try:
            said = skip_sep_line(text)
            self.delimiter = self.delimiter or self._settings.delimiter or said
            self.delimiter = self.delimiter or delimiter_of(sample_of(text), self._settings.columns, self._vocabulary)
            yield from numbered_rows(text, self.delimiter)
        finally:
            text.detach()  # the file is the caller's to close

    def has_its_end(self) -> bool:
        """Whether a line break ends the file."""
        self._stream.seek(-4, os.SEEK_END)  # a line break in UTF-32
        return self._stream.read(4).rstrip(b"\0")[-1:] in (b"\n", b"\r")


class WorkbookRows:
    """The rows of a list in a workbook, which is there as a whole or not at all."""

    is_workbook = True
    delimiter = ""

    def __init__(self, stream: BinaryIO, kind: str, settings: CsvSection) -> None:
        from bexsync.shops.folder.table.workbook import Workbook, sheet_with_records  # most shops have none

        self._workbook = Workbook(stream)
        self._sheet = sheet_with_records(self._workbook, settings.columns, settings.sheet, VOCABULARIES[kind])

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._workbook.rows(self._sheet)

    def has_its_end(self) -> bool:
        """Always: a workbook that was cut off cannot be opened."""
        return True


class TableList:
    """One list as a table; all of it is checked before its first row is used."""

    def __init__(self, rows: Rows, kind: str, settings: CsvSection) -> None:
        self._all = rows
        self._settings = settings
        self._kind = kind
        self._vocabulary = VOCABULARIES[kind]
        self._width = 0
        self._header = Header((), (), 0)
        self._looked_at: list[Field] = []
        self._left_out = LeftOut()
        self._shopify: ShopifyRows | None = None
        self._nameless: frozenset[int] = frozenset()
        self._parents = Parents()
        self._not_sold: Mapping[str, list[str]] = {}

    def entries(self) -> Iterator[Entry | InvalidEntry]:
        """A record per row."""
        decimal = self._look_through() or "."
        cells = CellReader(self._settings, decimal, is_workbook=self._all.is_workbook)
        if self._parents.are_needed:
            for _, _, row in self._rows():
                self._parents.meet(self._header, row or ())
        shape = self._width, self._nameless, self._all.delimiter
        reader = _RowReader(self._kind, self._header, cells, self._parents, shape)
        self._not_sold = reader.not_sold
        for number, given, row in self._rows():
            entry = reader.entry(number, given, row) if row is not None else None
            if entry is not None:
                yield entry

    def remarks(self) -> Iterator[str]:
        """What of the list was left out, once all of it is read."""
        for what, ids in self._not_sold.items():
            yield f"left out {_counted(len(ids), f'{what} product')}, which the shop does not sell itself: {_some(ids)}"
        odd = [header for header in self._header.ignored if is_weight_of_unknown_unit(header)]
        ignored = self._shopify.ignored if self._shopify else named_when_ignored(self._header.ignored)
        if others := [header for header in ignored if header not in odd]:
            yield f"ignored {_columns(others)}"
        if odd:
            units = "kg, g, lb and oz"
            yield f"ignored {_columns(odd)}, whose unit is none of {units}: the weights are not synchronised"
        if parents := self._parents.shared_stock():
            yield f"each variant has the whole stock that it shares with the others of its parent: {_some(parents)}"

    def blame(self, entry: Entry, problem: Malformed) -> tuple[str, str]:
        """The row and the column in place of the record's field."""
        field = next((f for f in self._header.fields if f.column.path == (problem.field,)), None)
        if field is None:
            return entry.location, problem.message
        message = problem.message.removeprefix(f"field `{problem.field}` ")
        return f"{entry.location}, column `{printable(field.header)}`", message.replace("is missing", "is empty", 1)

    def _rows(self) -> Iterator[tuple[int, list[str], list[str] | None]]:
        """Each row beneath the headers as it stands there, and as the header has it; None where it is no product."""
        rows = iter(self._all)
        next(rows, None)
        for number, given in rows:
            yield number, given, self._shopify.row(given) if self._shopify else given

    def _headers(self) -> list[str]:
        _, headers = next(iter(self._all), (0, None))
        if headers is None:
            raise UnusableFile("is empty")
        headers = [cleaned(header).replace("\n", " ") for header in headers]
        while headers and not headers[-1]:
            headers.pop()
        return headers

    def _look_through(self) -> str:
        """Understands the headers, and the decimal sign by all amounts; raises UnusableFile."""
        self._understand(self._headers())
        decimal = DecimalSign(self._settings.decimal)
        number = 0
        last: list[str] = []
        for number, given, row in self._rows():
            last = given
            self._look_at(number, row or (), decimal)
            if self._shopify is None:
                self._left_out.look_at(number, given)
        self._refuse_half(number, last)
        self._left_out.refuse()
        return decimal.decided()

    def _look_at(self, number: int, row: Sequence[str], decimal: DecimalSign) -> None:
        for field in self._looked_at:
            cell = field.cell(row)
            if isinstance(cell, NumberText | DateText | CellFlaw) or not (text := cleaned(cell)):
                continue
            if field.column.sort != "day":
                decimal.look_at(text, number, field.header)
            elif is_month_first(text):
                raise months_first(number, field, text)
        if self._kind == "product":
            self._parents.look_for(self._header, row)

    def _understand(self, headers: list[str]) -> None:
        columns = self._settings.columns
        self._width = len(headers)
        self._nameless = frozenset(i for i, header in enumerate(headers) if not header)
        if self._kind == "product" and is_shopify(headers):
            self._shopify = ShopifyRows(headers, [header for chosen in columns.values() for header in chosen])
        read = self._shopify.headers if self._shopify else ["" if is_whether(h) else h for h in headers]
        found = read_headers(
            read, columns, has_currency=False, vocabulary=self._vocabulary, ignore=self._settings.ignore
        )
        originals = self._shopify.originals if self._shopify else {}
        fields = [replace(field, header=originals.get(field.header, field.header)) for field in found.fields]
        self._header = replace(found, fields=tuple(fields))
        if self._kind == "product":
            self._left_out = LeftOut.of(self._header, PRODUCT_KINDS)
        sorts = ("amount", "percent") if self._settings.date_format else ("amount", "percent", "day")
        self._looked_at = [field for field in fields if field.column.sort in sorts]

    def _refuse_half(self, number: int, last: list[str]) -> None:
        """A list that was cut off must not pass for one from which products have vanished."""
        if not number:
            raise UnusableFile(
                "holds no rows beneath its headers", "Leave the file away when there is nothing to hand over."
            )
        if len(last) < self._width and not self._all.has_its_end():
            raise UnusableFile(
                f"ends in the middle of row {number}", "Export the list again; a line break ends its last row."
            )


class _RowReader:
    """Makes an entry of each row, once the whole list was looked through."""

    def __init__(self, kind: str, header: Header, cells: CellReader, parents: Parents, shape: _Shape) -> None:
        self._kind = kind
        self._header = header
        self._cells = cells
        self._parents = parents
        self._shape = shape
        # Where a shop has no other ids, its numbers are what its products are known by for ever.
        self._is_known_by_sku = kind == "product" and header.field("shop_id") is None
        price = header.field("price")
        self._has_escaped_breaks = (
            price is not None
            and plain_header(price.header) in REGULAR_PRICE
            and {"type", "active"} <= {field.column.name for field in header.fields}
        )
        self.not_sold: dict[str, list[str]] = {}

    def entry(self, number: int, given: list[str], row: list[str]) -> Entry | InvalidEntry | None:
        """The record in a row, None where it stands for nothing that the shop sells."""
        location = f"row {number}"
        value: dict[str, Any] = {}
        wrong: list[WrongCell] = []
        marks: list[tuple[Field, str]] = []
        implying: list[Field] = []
        for field in self._header.fields:
            text = _text_of(field, row)
            if not text:
                continue
            name = field.column.path[0]
            if name == "type" and self._is_left_out(text, row):
                return None
            try:
                _refuse_flaw(number, field, row)
                text = self._meant(text, number, field, row)
                if not text:
                    continue
                read = self._cells.read(text, number, field)
            except WrongCell as problem:
                wrong.append(problem)
                continue
            value[name] = read.value
            if mark := read.currency or field.currency:
                marks.append((field, mark))
            if field.column.name in _IMPLIED:
                implying.append(field)
        if self._is_known_by_sku and "sku" in value:
            value["shop_id"] = value["sku"]
        if invalid := beyond_headers(number, given, *self._shape):
            return InvalidEntry(location, invalid.message, invalid.hint, value)
        wrong.extend(said for field, mark in marks if (said := _foreign(number, field, mark, value)))
        wrong.extend(said for field in implying if (said := _contradiction(number, field, value)))
        wrong.extend(self._untaxed(number, value))
        if not wrong:
            return Entry(location, value, NOTHING)
        more = f" ({len(wrong) - 1} more after it)" if len(wrong) > 1 else ""
        where = f"{location}, column `{printable(wrong[0].header)}`"
        return InvalidEntry(where, f"{wrong[0].message}{more}", wrong[0].hint, value)

    def _is_left_out(self, types: str, row: Sequence[str]) -> bool:
        """Whether a row stands for nothing that the shop sells: a roof over variants, or a link to another shop."""
        words = _types(types)
        kind = next((NOT_SOLD[word] for word in words if word in NOT_SOLD), "")
        if kind:
            names = [f for f in (self._header.field("sku"), self._header.field("shop_id")) if f is not None]
            texts = [text for f in names if (text := _text_of(f, row))]
            self.not_sold.setdefault(kind, []).append(texts[0] if texts else "without a number")
        return bool(kind) or any(word in ROOFS for word in words)

    def _meant(self, text: str, number: int, field: Field, row: Sequence[str]) -> str:
        """What a shop's own export means by a cell, in words that every table knows; raises WrongCell."""
        name = field.column.name
        if self._kind != "product":
            return text
        if name in ("tax_status", "tax_class", "stock") and text.casefold() == OF_PARENT:
            try:
                text = self._parents.said(self._header, row, field)
            except UnknownParent as problem:
                hint = "Export the parents together with their variants."
                raise WrongCell(number, field.header, str(problem), hint) from problem
        match name:
            case "type":
                meant = {PRODUCT_TYPES.get(word, "") for word in _types(text)}
                return text if "" in meant else "service" if "service" in meant else "physical"
            case "active":
                return STATES.get(text.casefold(), text)
            case "tax_status" if text and text.casefold() not in TAX_STATUS:
                raise WrongCell(number, field.header, f"must be taxable, shipping or none, it says {text[:40]!r}")
            case "tax_status":
                return TAX_STATUS.get(text.casefold(), text)
            case "description" if self._has_escaped_breaks:
                return _ESCAPED_BREAK.sub(lambda found: "\\n" if found[1] else "\n", text)
            case _:
                return text

    def _untaxed(self, number: int, value: dict[str, Any]) -> Iterator[WrongCell]:
        """Gives an untaxed product what says so in the record; a rate beside it is a contradiction."""
        if value.pop("tax_status", "taxable") == "taxable":
            return
        rate = self._header.field("tax_rate")
        if rate is not None and str(value.get("tax_rate", "0")).strip("0.") != "":
            yield WrongCell(number, rate.header, f"says {value['tax_rate']}, but the product is not taxed")
        value.update(_UNTAXED)


def _text_of(field: Field, row: Sequence[str]) -> str:
    cell = field.cell(row)
    return amount_text(cell) if field.column.sort in ("amount", "percent") else cleaned(cell)


def _refuse_flaw(number: int, field: Field, row: Sequence[str]) -> None:
    """Raise WrongCell for an error of a spreadsheet, and for a day that it made of a number."""
    cell = field.cell(row)
    if flaw := flaw_in_cell(cell):
        raise WrongCell(number, field.header, flaw, FLAW_HINT)
    if isinstance(cell, DateText) and field.column.sort in ("id", "amount", "percent"):
        message = f"holds the day {cell}, where a number belongs"
        raise WrongCell(number, field.header, message, "Format the column as text and enter the number again.")


def _types(text: str) -> list[str]:
    """The types of a product that a shop writes into one cell, as in `simple, downloadable, virtual`."""
    whole = text.casefold()
    return [whole] if whole in NOT_SOLD else [word for word in _TYPES_APART.split(whole) if word]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(printable(name) for name in names[:_MOST_NAMED]) + more


def _columns(headers: Sequence[str]) -> str:
    return f"column{'' if len(headers) == 1 else 's'} {_some([f'`{header}`' for header in headers])}"


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
