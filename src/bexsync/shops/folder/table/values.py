"""What the cells of a table mean: each read after the sort of its column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from bexsync.records.columns import CHOICES
from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.input_errors import CORRECT
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.amounts import read_amount
from bexsync.shops.folder.table.cells import (
    WORDS,
    WORDS_FOR_NOTHING,
    YES_NO,
    day_of_workbook,
    is_scientific,
    read_day,
    read_whole,
)
from bexsync.shops.folder.table.headers import Field

_UNMARKED = frozenset(
    (
        *(
            "-",
            "–",
            "/",
            "none",
            "keine",
            "aucun",
            "nessuno",
            "open",
            "offen",
            "unpaid",
            "unbezahlt",
            "ouvert",
            "impayé",
        ),
        *("aperto", "aperta", "paid", "pending", "authorized", "partially_paid", "partially paid"),
        *WORDS_FOR_NOTHING,
    )
)
_DATE_HINT = (
    "Correct it, or say under [shop.csv] in the profile how the file writes days, as in "
    'date_format = "%d.%m.%Y" or "%Y-%m-%d %H:%M:%S %z".'
)
_EXAMPLES = {".": "1'234.50", ",": "1'234,50"}


class WrongCell(ValueError):
    """A cell that cannot be what its column says."""

    def __init__(self, row: int, header: str, message: str, hint: str = CORRECT) -> None:
        super().__init__(message)
        self.row = row
        self.header = header
        self.message = message
        self.hint = hint


class Value(NamedTuple):
    """What a cell means, and in which currency it was written."""

    value: Any
    currency: str = ""


class CellReader:
    """Reads the cells of one file, whose amounts all have the same decimal sign.

    In a workbook that sign is the one of amounts that are texts; its numbers have a point, and its days are days.
    """

    def __init__(self, settings: CsvSection, decimal: str, *, is_workbook: bool = False) -> None:
        self._is_workbook = is_workbook
        self._date_format = settings.date_format
        self._values = {
            name: {word.casefold(): meaning for word, meaning in words.items()}
            for name, words in settings.values.items()
        }
        self._decimal = decimal

    def read(self, text: str, row: int, field: Field) -> Value:
        """A cell after the sort of its column; raises WrongCell."""
        text = self._values.get(field.column.name, {}).get(text.casefold(), text)
        match field.column.sort:
            case "text":
                return Value(text)
            case "id":
                _refuse_scientific(text, row, field, "text, enter the number again,")
                return Value(text.replace("\u00a0", " "))
            case "amount" | "percent":
                return self._amount(text, row, field)
            case "day":
                day = (self._is_workbook and day_of_workbook(text)) or read_day(text, self._date_format)
                if day is None:
                    raise _unlike(row, field, text, f"must be a date like {self._example_of_day()}", _DATE_HINT)
                return Value(day)
            case "whole":
                days = read_whole(text)
                if days is None:
                    raise _unlike(row, field, text, "must be a whole number of days")
                return Value(days)
            case "yes_no":
                answer = YES_NO.get(text.casefold())
                if answer is None:
                    raise _unlike(row, field, text, "must be yes or no")
                return Value(answer == "yes")
            case "mark":
                return Value(_is_marked(text))
            case "word":
                return Value(_meaning(text, row, field))

    def _amount(self, text: str, row: int, field: Field) -> Value:
        found = read_amount(text, self._decimal)
        if found is None and self._is_workbook:
            found = read_amount(text, ".")
        if found is not None and (not found.is_percentage or field.column.sort == "percent"):
            return Value(found.number, found.currency)
        _refuse_scientific(text, row, field, "a number")
        raise _unlike(row, field, text, f"must be a number like {_EXAMPLES[self._decimal]}")

    def _example_of_day(self) -> str:
        wanted = self._date_format
        if not wanted:
            return "2026-11-20 or 20.11.2026"
        from datetime import UTC, datetime

        return datetime(2026, 11, 20, tzinfo=UTC).strftime(wanted)


def _refuse_scientific(text: str, row: int, field: Field, remedy: str) -> None:
    if is_scientific(text):
        message = f"says {shown(text)}, which is what a spreadsheet makes of a long number"
        raise WrongCell(row, field.header, message, f"Format the column as {remedy} and save the file anew.")


def _unlike(row: int, field: Field, text: str, wish: str, hint: str = CORRECT) -> WrongCell:
    return WrongCell(row, field.header, f"{wish}, it says {shown(text)}", hint)


def _is_marked(text: str) -> bool:
    """Whether a cell says that something is so: anything but a no, nought, or a word for a payment to come."""
    word = text.casefold()
    amount = next((found for sign in ".," if (found := read_amount(text, sign)) is not None), None)
    if amount is not None:
        return Decimal(amount.number) != 0
    return word not in _UNMARKED and YES_NO.get(word) != "no"


def _meaning(text: str, row: int, field: Field) -> str:
    """Our word for one of the shop's; raises WrongCell for a word that could mean anything."""
    name = field.column.name
    meaning = WORDS[name].get(text.casefold(), text)
    allowed = CHOICES.get(name)
    if allowed and meaning not in allowed and meaning.casefold() in allowed:
        meaning = meaning.casefold()
    if allowed and meaning not in allowed:
        raise WrongCell(
            row,
            field.header,
            f"says {shown(text)}, which is no known word for `{name}`",
            f'Say what it means in the profile, under [shop.csv.values.{name}], as in "{printable(text)}" = '
            f'"{allowed[0]}"; it may be {" or ".join(allowed)}.',
        )
    return meaning
