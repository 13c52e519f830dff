"""The rows of one table, grouped by record: everything that has to be known of a file before its first record."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.cells import (
    FLAW_HINT,
    TOTALS,
    DateText,
    NumberText,
    amount_text,
    cleaned,
    day_before_time,
    day_of_workbook,
    flaw_in_cell,
    is_month_first,
    read_day,
)
from bexsync.shops.folder.table.decisive import LeftOut
from bexsync.shops.folder.table.headers import Field, Header, read_headers
from bexsync.shops.folder.table.kinds import EITHER, INVOICE_TABLE, TableKind, kind_of_table
from bexsync.shops.folder.table.text import (
    cells_of,
    delimiter_of,
    encoding_of,
    known_headers,
    opened_text,
    sample_of,
    skip_sep_line,
)
from bexsync.shops.folder.table.values import DecimalSign, is_amount

_BETWEEN = "\0"  # no table holds it
_MOST_INVALID_ROWS = 100


@dataclass(frozen=True)
class Row:
    """One row: its number as a spreadsheet shows it, and the cells of the columns that are read."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class InvalidRow:
    """A row that cannot belong to a record, or that cannot be read."""

    row: int
    message: str
    hint: str


@dataclass
class Sheet:
    """A table as it was understood; rows are kept as one text each, because a file may hold many."""

    table: TableKind = INVOICE_TABLE
    encoding: str = ""
    name: str = ""
    delimiter: str = ""
    header: Header = field(default_factory=lambda: Header((), (), 0))
    decimal: str | None = None
    has_days_first: bool = False
    rows: int = 0
    totals: list[int] = field(default_factory=list)
    invalid_rows: list[InvalidRow] = field(default_factory=list)
    more_invalid_rows: int = 0
    broken: dict[str, InvalidRow] = field(default_factory=dict)
    _groups: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._groups)

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """The rows of each record, in the order in which the file names them first; each can be had once."""
        for key in list(self._groups):
            yield key, [_unpacked(packed) for packed in self._groups.pop(key)]

    def saying(self, index: int, words: Collection[str]) -> list[str]:
        """The keys of the records of which a cell of this column is one of these words; asked before `groups`."""
        return [
            key
            for key, rows in self._groups.items()
            if any(_unpacked(packed).cells[index].casefold() in words for packed in rows)
        ]

    def keep(self, key: str, row: Row) -> None:
        """Adds a row to a record."""
        self._groups.setdefault(key, []).append(_BETWEEN.join((str(row.number), *row.cells)))

    def set_aside(self, invalid: InvalidRow) -> None:
        """Keeps what is wrong with a row; of very many only how many they are."""
        if len(self.invalid_rows) < _MOST_INVALID_ROWS:
            self.invalid_rows.append(invalid)
        else:
            self.more_invalid_rows += 1


def _unpacked(packed: str) -> Row:
    number, *cells = packed.split(_BETWEEN)
    return Row(int(number), tuple(cells))


def read_sheet(stream: BinaryIO, settings: CsvSection, sheet: Sheet, *, has_currency: bool) -> None:
    """Fills the sheet from a file, so that what was understood is known when UnusableFile is raised."""
    encoding = encoding_of(stream, settings.encoding, known_headers(settings.columns, EITHER))
    sheet.encoding = encoding.label
    text = opened_text(stream, encoding)
    try:
        said = skip_sep_line(text)
        sheet.delimiter = settings.delimiter or said or delimiter_of(sample_of(text), settings.columns, EITHER)
        _Reader(sheet, settings, has_currency).read(numbered_rows(text, sheet.delimiter))
    finally:
        text.detach()  # the file is the caller's to close


def read_workbook(stream: BinaryIO, settings: CsvSection, sheet: Sheet, *, has_currency: bool) -> None:
    """Fills the sheet from a workbook, so that what was understood is known when UnusableFile is raised."""
    from bexsync.shops.folder.table.workbook import Workbook, sheet_with_records  # most shops have none

    sheet.encoding = "XLSX"
    workbook = Workbook(stream)
    sheet.name = sheet_with_records(workbook, settings.columns, settings.sheet, EITHER)
    _Reader(sheet, settings, has_currency).read(workbook.rows(sheet.name))


def numbered_rows(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number, empty ones left out but counted; raises UnusableFile."""
    number = 0
    try:
        for number, cells in enumerate(cells_of(text, delimiter), 1):
            row = "".join(cells)
            if row and not row.isspace():
                yield number, cells
    except csv.Error as problem:
        reason = "a cell of more than 131072 characters" if "limit" in str(problem) else "a quotation mark too many"
        raise UnusableFile(
            f"has {reason} in the row after row {number}",
            "Export the file again: a cell with quotation marks stands in quotation marks, each of its own doubled.",
        ) from problem


class _Reader:
    """Reads the rows of one file into a sheet."""

    def __init__(self, sheet: Sheet, settings: CsvSection, has_currency: bool) -> None:
        self._sheet = sheet
        self._settings = settings
        self._has_currency = has_currency
        self._decimal = DecimalSign(settings.decimal)
        self._latest: dict[str, str] = {}
        self._month_first: tuple[int, Field, str] | None = None
        self._amounts: tuple[tuple[int, Field], ...] = ()
        self._days: tuple[tuple[int, Field], ...] = ()

    def read(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        _, headers = next(rows, (0, None))
        if headers is None:
            raise UnusableFile("is empty")
        self._understand([cleaned(header).replace("\n", " ") for header in headers])
        for number, cells in rows:
            self._take(number, cells)
        if not self._sheet.rows:
            raise UnusableFile(
                "holds no rows beneath its headers", "Leave the file away when there is nothing to hand over."
            )
        self._left_out.refuse()
        self._sheet.decimal = self._decimal.decided()
        self._refuse_months_first()

    def _understand(self, headers: list[str]) -> None:
        while headers and not headers[-1]:
            headers.pop()
        table = self._sheet.table = kind_of_table(headers, self._settings)
        self._sheet.header = read_headers(
            headers,
            self._settings.columns,
            has_currency=self._has_currency,
            vocabulary=table.vocabulary,
            ignore=self._settings.ignore,
        )
        self._left_out = LeftOut.of(self._sheet.header, table.doubts)
        fields = self._sheet.header.fields
        self._key = fields.index(self._key_field())
        self._amounts = tuple((i, f) for i, f in enumerate(fields) if f.column.sort in ("amount", "percent"))
        self._days = tuple((i, f) for i, f in enumerate(fields) if f.column.sort in ("day", "moment"))
        self._named = tuple((i, header) for i, header in enumerate(headers) if header)
        self._nameless = frozenset(i for i, header in enumerate(headers) if not header)

    def _key_field(self) -> Field:
        found = self._sheet.header.field("shop_id", self._sheet.table.number)
        assert found is not None  # noqa: S101  `understood` has seen to it
        return found

    def _take(self, number: int, given: list[str]) -> None:
        sheet = self._sheet
        sheet.rows += 1
        fields = sheet.header.fields
        cells = tuple(_meant(f.cell(given), f) for f in fields)
        row = Row(number, cells)
        key = self._key_of(" ".join(cells[self._key].split("\u00a0")), cells)
        if not key or self._is_totals_row(row):
            self._set_aside(row, given)
            return
        if invalid := self._beyond(number, given) or self._flaw(number, given):
            sheet.broken.setdefault(key, invalid)
        self._look_at(row, given)
        self._left_out.look_at(number, given)
        sheet.keep(key, row)

    def _key_of(self, number: str, cells: tuple[str, ...]) -> str:
        """The number, with its year where numbers begin again each year; without a date, that of the row before."""
        since = self._settings.yearly_since
        if (
            self._sheet.table is not INVOICE_TABLE
            or not since
            or not number
            or self._sheet.header.field("shop_id") is not None
        ):
            return number
        days = (cells[i] for i, f in self._days if f.column.name == "invoice_date")
        day = next((day for text in days if (day := self._day(text))), "")
        if not day:
            return self._latest.get(number, number)
        year = int(day[:4])
        self._latest[number] = f"{year}/{number}" if year >= since else number
        return self._latest[number]

    def _day(self, text: str) -> str:
        return (bool(self._sheet.name) and day_of_workbook(text)) or read_day(text, self._settings.date_format) or ""

    def _flaw(self, number: int, given: list[str]) -> InvalidRow | None:
        """A cell that is read and holds an error, or a day where a spreadsheet made one of a number."""
        for named in self._sheet.header.fields:
            cell = named.cell(given)
            if flaw := flaw_in_cell(cell):
                return InvalidRow(number, f"column `{printable(named.header)}` {flaw}", FLAW_HINT)
            if isinstance(cell, DateText) and named.column.sort in ("id", "amount", "percent"):
                message = f"column `{printable(named.header)}` holds the day {cell}, where a number belongs"
                return InvalidRow(number, message, "Format the column as text and enter the number again.")
        return None

    def _look_at(self, row: Row, given: list[str]) -> None:
        for index, named in self._amounts:
            if row.cells[index] and not isinstance(named.cell(given), NumberText):
                self._decimal.look_at(row.cells[index], row.number, named.header)
        if self._settings.date_format:
            return
        for index, named in self._days:
            text = row.cells[index]
            if named.column.sort == "moment":
                text = day_before_time(text)
            if not text or text[4:5] == "-":
                continue
            self._sheet.has_days_first = self._sheet.has_days_first or read_day(text, "") is not None
            if self._month_first is None and is_month_first(text):
                self._month_first = row.number, named, text

    def _beyond(self, number: int, given: list[str]) -> InvalidRow | None:
        return beyond_headers(number, given, self._sheet.header.width, self._nameless, self._sheet.delimiter)

    def _set_aside(self, row: Row, given: list[str]) -> None:
        sheet = self._sheet
        if self._is_totals_row(row, given):
            sheet.totals.append(row.number)
            return
        key = self._key_field()
        if any(row.cells):
            message = (
                f"has no `{key.column.name}` (column `{printable(key.header)}`), so nobody can say whose line it is"
            )
            hint = f"Write the {sheet.table.kind}'s number into each of its rows."
            sheet.set_aside(InvalidRow(row.number, message, hint))
        elif invalid := self._beyond(row.number, given):
            sheet.set_aside(invalid)

    def _is_totals_row(self, row: Row, given: list[str] | None = None) -> bool:
        """Whether a row adds others up: sums, with nothing beside them but words that say so and a currency."""
        amounts = {index for index, _ in self._amounts}
        fields = self._sheet.header.fields
        sums = [cell for index, cell in enumerate(row.cells) if index in amounts and cell and is_amount(cell)]
        words = {
            cell
            for index, cell in enumerate(row.cells)
            if cell and fields[index].column.name != "currency" and not (index in amounts and is_amount(cell))
        }
        if not row.cells[self._key] and given is not None:
            read = {index for f in fields for index in (f.index, *f.others)}
            words |= {
                text for i, c in enumerate(given) if i not in read and (text := cleaned(c)) and not is_amount(text)
            }
        if not all(TOTALS.fullmatch(word) for word in words):
            return False
        return bool(words) if row.cells[self._key] else bool(sums) and (bool(words) or not self._has_price(row))

    def _has_price(self, row: Row) -> bool:
        prices = ("unit_price", "unit_price_gross")
        return any(row.cells[index] for index, f in self._amounts if f.column.name in prices)

    def _refuse_months_first(self) -> None:
        """One day that can only be read so makes every other one doubtful."""
        if self._month_first is not None:
            raise months_first(*self._month_first)


def _meant(cell: str, named: Field) -> str:
    return amount_text(cell) if named.column.sort in ("amount", "percent") else cleaned(cell)


def months_first(row: int, named: Field, text: str) -> UnusableFile:
    """What is said of a table with a day that is one only when its month stands first."""
    return UnusableFile(
        f"writes the month first in row {row}, column `{printable(named.header)}`: {shown(text)}",
        'Write days as 2026-12-31 or 31.12.2026, or say so under [shop.csv]: date_format = "%m/%d/%Y".',
    )


def beyond_headers(
    number: int, given: list[str], width: int, nameless: frozenset[int], delimiter: str
) -> InvalidRow | None:
    """Cells without a header may be cells that have slipped, so that nothing of the row is used."""
    for index, cell in enumerate(given):
        if (index >= width or index in nameless) and (text := cleaned(cell)):
            return InvalidRow(
                number,
                f"has {shown(text)} in column {_letters(index)}, which has no header",
                f"Perhaps a cell holds the sign `{printable(delimiter)}` without quotation marks. "
                "If not, give the column a header, or empty it.",
            )
    return None


def _letters(index: int) -> str:
    """A column as a spreadsheet names it."""
    name = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        name, index = chr(ord("A") + letter) + name, index - 1
    return name
