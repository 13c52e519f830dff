"""From the rows of one record to that record, or to one sentence that names row and column."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bexsync.ports.shop import IncomingRecord, InvalidInput
from bexsync.records import Malformed, Reading, read_record
from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.problems import CORRECT, InputError, id_in
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.headers import Field
from bexsync.shops.folder.table.sheet import InvalidRow, Row, Sheet
from bexsync.shops.folder.table.values import CellReader, WrongCell

_LINE_PATH = re.compile(r"lines\[(\d+)\]\.(.+)")


Marks = Mapping[str, tuple[Row, Field]]


class RecordWriter(ABC):
    """Turns the groups of one sheet into records; what its marks and sums say is the business of each kind."""

    def __init__(self, sheet: Sheet, settings: CsvSection, source: str, currency: str) -> None:
        self._kind = sheet.table.kind
        self._number = sheet.table.number
        self._cells = CellReader(settings, sheet.decimal or ".", is_workbook=bool(sheet.name))
        self._source = source
        self._currency = "" if sheet.header.field("currency") else sheet.header.currency or currency
        self._broken = sheet.broken
        numbered = list(enumerate(sheet.header.fields))
        self._of_record = [(i, f) for i, f in numbered if not f.column.of_line]
        self._of_line = [(i, f) for i, f in numbered if f.column.of_line]
        self._has_shop_id = sheet.header.field("shop_id") is not None

    def write(self, key: str, rows: Sequence[Row]) -> IncomingRecord | InputError:
        """The record of these rows."""
        first = f"row {rows[0].number}"
        if key in self._broken:
            return self._invalid_row(key, self._broken[key])
        wrong: list[WrongCell] = []
        value = self._value(key, rows, wrong)
        if wrong:
            return self._error(key, wrong)
        try:
            reading = Reading()
            record = read_record(self._kind, value, reading)
        except Malformed as problem:
            return self._malformed(key, rows, problem)
        return IncomingRecord(self._kind, record, self._source, first, tuple(reading.cleaned))

    def _value(self, key: str, rows: Sequence[Row], wrong: list[WrongCell]) -> dict[str, Any]:
        written: dict[tuple[int, str], str] = {}
        value: dict[str, Any] = {"currency": self._currency} if self._currency else {}
        marks: dict[str, tuple[Row, Field]] = {}
        columns = {field.column.name: field for _, field in self._of_record}
        for index, field in self._of_record:
            try:
                if field.column.sort == "mark":
                    if marked := next((row for row in rows if self._is_marked(row, index, field)), None):
                        marks.setdefault(field.column.name, (marked, field))
                    continue
                found = self._agreed(index, field, rows, written)
            except WrongCell as problem:
                wrong.append(problem)
                continue
            if found is not None:
                _put(value, field.column.path, found)
        self.settle(value, marks, columns, rows, wrong)
        value["shop_id"] = key
        lines = [self._line(row, written, wrong) for row in rows]
        value["lines"] = [line for line in lines if line]
        if any("unit_price_gross" in line for line in lines):
            self._make_gross(value, rows[0], wrong)
        _settle_customer(value)
        wrong.extend(self._foreign(written, value.get("currency")))
        return value

    @abstractmethod
    def settle(
        self,
        value: dict[str, Any],
        marks: Marks,
        columns: Mapping[str, Field],
        rows: Sequence[Row],
        wrong: list[WrongCell],
    ) -> None:
        """What marks, and columns that stand for something else, make of the record."""

    def _is_marked(self, row: Row, index: int, field: Field) -> bool:
        return bool(row.cells[index]) and bool(self._cells.read(row.cells[index], row.number, field).value)

    def _agreed(self, index: int, field: Field, rows: Sequence[Row], written: dict[tuple[int, str], str]) -> Any:
        """What all rows say that say anything; two that differ are a question for a person."""
        said: tuple[Row, str, Any] | None = None
        for row in rows:
            text = row.cells[index]
            if not text or (said and said[1] == text):
                continue
            read = self._cells.read(text, row.number, field)
            if currency := read.currency or field.currency:
                written[row.number, field.header] = currency
            if said is None:
                said = row, text, read.value
            elif not _is_same(said[2], read.value, field):
                raise WrongCell(
                    row.number,
                    field.header,
                    f"says {shown(text)}, but row {said[0].number} of the same {self._kind} says {shown(said[1])}",
                    self._hint_for_disagreement(field),
                )
        return said[2] if said else None

    def _line(self, row: Row, written: dict[tuple[int, str], str], wrong: list[WrongCell]) -> dict[str, Any]:
        line: dict[str, Any] = {}
        for index, field in self._of_line:
            text = row.cells[index]
            if not text:
                continue
            try:
                read = self._cells.read(text, row.number, field)
            except WrongCell as problem:
                wrong.append(problem)
                continue
            if currency := read.currency or field.currency:
                written[row.number, field.header] = currency
            name = "unit_price_gross" if field.column.name == "unit_price_gross" else field.column.path[0]
            line[name] = read.value
        return line

    def _make_gross(self, value: dict[str, Any], first: Row, wrong: list[WrongCell]) -> None:
        """A column of prices with VAT says by itself that they are."""
        header = next(f.header for _, f in self._of_line if f.column.name == "unit_price_gross")
        if value.get("prices_include_tax") is False:
            wrong.append(
                WrongCell(first.number, header, "holds prices with VAT, but another column says that they are without")
            )
        value["prices_include_tax"] = True
        for line in value["lines"]:
            if "unit_price_gross" in line:
                line["unit_price"] = line.pop("unit_price_gross")

    # what is said of a record that is none

    def _error(self, key: str, wrong: Sequence[WrongCell]) -> InputError:
        first = min(wrong, key=lambda w: w.row)
        more = f" ({len(wrong) - 1} more after it)" if len(wrong) > 1 else ""
        return self._say(
            key, f"row {first.row}, column `{printable(first.header)}`", f"{first.message}{more}", first.hint
        )

    def _invalid_row(self, key: str, invalid: InvalidRow) -> InputError:
        return self._say(key, f"row {invalid.row}", invalid.message, invalid.hint)

    def _malformed(self, key: str, rows: Sequence[Row], problem: Malformed) -> InputError:
        """The record's own error, with the location in the table instead of that in the record."""
        row, header = self._location(rows, problem.field)
        message = problem.message
        if header:
            message = message.removeprefix(f"field `{problem.field}` ")
            message = "is empty" + message.removeprefix("is missing") if message.startswith("is missing") else message
        location = f"row {row.number}, column `{printable(header)}`" if header else f"row {row.number}"
        return self._say(key, location, message, CORRECT)

    def _location(self, rows: Sequence[Row], path: str) -> tuple[Row, str]:
        in_line = _LINE_PATH.fullmatch(path)
        if in_line:
            lines = [row for row in rows if any(row.cells[index] for index, _ in self._of_line)]
            header = next((f.header for _, f in self._of_line if f.column.path == (in_line[2],)), "")
            return lines[int(in_line[1]) - 1], header
        for index, field in self._of_record:
            if ".".join(field.column.path) == path or (path == "shop_id" and field.column.name == self._key_name):
                return next((row for row in rows if row.cells[index]), rows[0]), field.header
        return rows[0], ""

    @property
    def _key_name(self) -> str:
        return "shop_id" if self._has_shop_id else self._number

    def _say(self, key: str, location: str, message: str, hint: str) -> InputError:
        return InputError(InvalidInput(self._source, location, message, hint, self._kind, id_in(key)))

    def _foreign(self, written: Mapping[tuple[int, str], str], currency: Any) -> Iterator[WrongCell]:
        """Amounts that name another currency than their record does."""
        for (row, header), mark in written.items():
            if isinstance(currency, str) and currency.strip().upper() != mark:
                yield WrongCell(row, header, f"is in {mark}, but the {self._kind} is in {printable(currency)}")

    def _hint_for_disagreement(self, field: Field) -> str:
        if field.column.name in ("total", "total_net", "total_tax", "total_rounding"):
            line = "line_tax" if field.column.name == "total_tax" else "line_total"
            return (
                f"All rows of an {self._kind} give its total. If the column holds amounts of single lines, say so "
                f'under [shop.csv.columns] in the profile: {line} = "{printable(field.header)}".'
            )
        return (
            f"All rows of an {self._kind} must agree on this; "
            "correct the one that is wrong, or give one of them another number."
        )


def _is_same(one: Any, other: Any, field: Field) -> bool:
    """Amounts are the same however many zeros end them."""
    if field.column.sort in ("amount", "percent"):
        return Decimal(one) == Decimal(other)
    return bool(one == other)


def _put(value: dict[str, Any], path: Sequence[str], found: Any) -> None:
    for name in path[:-1]:
        value = value.setdefault(name, {})
    value[path[-1]] = found


def _settle_customer(value: dict[str, Any]) -> None:
    """Nothing but an id names a customer that was handed over as a record of its own."""
    customer = value.get("customer")
    if customer and set(customer) == {"shop_id"}:
        value["customer_id"] = value.pop("customer")["shop_id"]
