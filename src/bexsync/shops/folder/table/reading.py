"""Reads a table of invoices or orders, CSV or a workbook's sheet: one row per line, grouped by their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records.quoting import printable
from bexsync.shops.folder.inbox import WORKBOOKS
from bexsync.shops.folder.json_source import UnusableFile, opened
from bexsync.shops.folder.problems import InputError
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.invoices import InvoiceWriter
from bexsync.shops.folder.table.orders import OrderWriter
from bexsync.shops.folder.table.sheet import Sheet, read_sheet, read_workbook
from bexsync.shops.folder.table.vocabulary import FINANCIAL_STATUS, plain_header
from bexsync.shops.folder.table.writing import RecordWriter

_SIGNS = {"\t": "tab", " ": "space"}
_DECIMALS = {".": "decimal point", ",": "decimal comma", "": "no decimals"}
_MOST_SHOWN = 10
_WRITERS: Mapping[str, type[RecordWriter]] = {"invoice": InvoiceWriter, "order": OrderWriter}
_PAID = frozenset(("paid", "partially_paid", "partially paid"))


def read_table(path: Path, settings: CsvSection, currency: str) -> Iterator[IncomingRecord | InputError | ImportNote]:
    """Everything in a table, how it was understood first; raises UnusableFile and OSError.

    `currency` is that of records where the file has no column for it, "" where it must have one.
    """
    sheet = Sheet()
    with opened(path) as stream:
        try:
            read = read_workbook if path.suffix.lower() in WORKBOOKS else read_sheet
            read(stream, settings, sheet, has_currency=bool(currency))
        except UnusableFile:
            if sheet.delimiter or sheet.name:
                yield ImportNote(path.name, understanding(sheet, settings, currency), facts(sheet))
            raise
    yield ImportNote(path.name, understanding(sheet, settings, currency), facts(sheet))
    writer = _WRITERS[sheet.table.kind](sheet, settings, path.name, currency)
    for key, rows in sheet.groups():
        yield writer.write(key, rows)
    for invalid in sheet.invalid_rows:
        yield InputError(InvalidInput(path.name, f"row {invalid.row}", invalid.message, invalid.hint))
    for _ in range(sheet.more_invalid_rows):
        yield InputError(InvalidInput(path.name, "", "", ""))  # counted, never shown


def describe(path: Path, settings: CsvSection, currency: str = "") -> str:
    """How a table would be understood, in words, without taking anything in; raises OSError."""
    said, kind, records, wrong = "", "record", 0, ""
    try:
        for found in read_table(path, settings, currency):
            match found:
                case ImportNote():
                    said = f"{found.message}; columns {_columns(found.facts)}"
                case IncomingRecord():
                    kind, records = found.kind, records + 1
                case InputError(invalid=invalid):
                    wrong = wrong or _sentence(f"{invalid.location}: {invalid.message}", invalid.hint)
    except UnusableFile as problem:
        return " ".join(part for part in (said and f"{said}.", _sentence(problem.message, problem.hint)) if part)
    count = f"{records} {kind}{'' if records == 1 else 's'}"
    return f"{said}; {count}.{f' {wrong}' if wrong else ''}"


def understanding(sheet: Sheet, settings: CsvSection, currency: str) -> str:
    """How a file was read, as part of a sentence."""
    sign = f"sheet `{printable(sheet.name)}`" if sheet.name else _SIGNS.get(sheet.delimiter, f"`{sheet.delimiter}`")
    is_order = sheet.table.kind == "order"
    parts = [f"read as {'orders, ' if is_order else ''}{sheet.encoding}, {sign}"]
    if sheet.decimal is not None and not (sheet.name and not sheet.decimal):
        parts[0] += f", {_DECIMALS[sheet.decimal]}"
    if settings.date_format:
        parts[0] += f", days as {settings.date_format}"
    elif sheet.has_days_first:
        parts[0] += ", days before months"
    if currency and sheet.header.fields and sheet.header.field("currency") is None:
        parts.append(f"{currency} as the profile says")
    if sheet.header.ignored:
        parts.append(f"ignored {_several('column', [f'`{printable(h)}`' for h in sheet.header.ignored])}")
    if sheet.totals:
        parts.append(f"left out {_several('row', [str(row) for row in sheet.totals])} as totals without a number")
    return "; ".join(parts)


def facts(sheet: Sheet) -> Mapping[str, Any]:
    """The same for a script."""
    return {
        "encoding": sheet.encoding,
        "delimiter": sheet.delimiter,
        **({"sheet": sheet.name} if sheet.name else {}),
        "decimal": sheet.decimal,
        "columns": {field.column.name: field.header for field in sheet.header.fields},
        "ignored_columns": list(sheet.header.ignored),
        "unknown_columns": [header for _, header in sheet.header.unasked],
        **_paid_at_the_shop(sheet),
        "totals_rows": sheet.totals,
        "rows": sheet.rows,
        f"{sheet.table.kind}s": len(sheet),
    }


def _paid_at_the_shop(sheet: Sheet) -> Mapping[str, Any]:
    """Orders that the shop's column of payments calls paid; they are booked as open, which a note reports."""
    for index, field in enumerate(sheet.header.fields):
        if plain_header(field.header) == FINANCIAL_STATUS and field.column.name == "refunded":
            paid = sheet.saying(index, _PAID)
            return {"paid_column": field.header, "paid": paid} if paid else {}
    return {}


def _several(noun: str, names: list[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(names[:_MOST_SHOWN])}{more}"


def _columns(found: Mapping[str, Any]) -> str:
    names = found["columns"].items()
    told = [
        name if plain_header(header) == plain_header(name) else f"`{printable(header)}` = {name}"
        for name, header in names
    ]
    return ", ".join(told) or "unknown"


def _sentence(message: str, hint: str) -> str:
    return " ".join(text if text.endswith((".", "?", "!")) else f"{text}." for text in (message, hint) if text)
