"""Values of cells: words, days and amounts as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from bexsync.records.columns import CHOICES
from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.problems import CORRECT
from bexsync.shops.folder.settings import CsvSection
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
from bexsync.shops.folder.table.moments import NoMoment, read_moment

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
_ONE_SPELLING = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008", " "),
        **dict.fromkeys("’‘´`′", "'"),
        "−": "-",
        "–": "-",
        "—": "-",
    }
)
_CURRENCIES = {"€": "EUR", "fr.": "CHF", "fr": "CHF", "sfr.": "CHF", "sfr": "CHF"}
_CURRENCY = r"[A-Z]{3}|€|S?Fr\.?"
_SHAPE = re.compile(
    rf"(?P<before>{_CURRENCY})?\s*(?P<sign>[+-])?\s*(?P<body>\d[\d.,' ]*?|[.,]\d+)"
    rf"(?P<no_cents>[.,]-{{1,2}})?\s*(?P<after>%|{_CURRENCY})?",
    re.ASCII,
)
_GROUPED = {sign: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+", re.ASCII) for sign in ".,' "}
_LONGEST = 60
SETTLE = 'Say which it is under [shop.csv]: decimal = "." or decimal = ",".'


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
        self._time_zone = settings.time_zone
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
                return Value(self._day(text, row, field))
            case "moment":
                return Value(self._moment(text, row, field))
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

    def _day(self, text: str, row: int, field: Field) -> str:
        day = (self._is_workbook and day_of_workbook(text)) or read_day(text, self._date_format)
        if day is None:
            raise _unlike(row, field, text, f"must be a date like {self._example_of_day()}", _DATE_HINT)
        return day

    def _moment(self, text: str, row: int, field: Field) -> str:
        try:
            return read_moment(text, self._date_format, self._time_zone)
        except NoMoment as problem:
            raise _unlike(row, field, text, problem.message, problem.hint or _DATE_HINT) from None

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
    allowed = field.column.choices or CHOICES.get(name)
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


@dataclass(frozen=True)
class Amount:
    """A number as records take it, the currency it was written with, and whether it is a percentage."""

    number: str
    currency: str = ""
    is_percentage: bool = False


def read_amount(text: str, decimal: str) -> Amount | None:
    """The amount in a cell, None where it is not written so."""
    return _read_amount(text, decimal) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)  # prices and rates repeat themselves
def _read_amount(text: str, decimal: str) -> Amount | None:
    found = _SHAPE.fullmatch(text.translate(_ONE_SPELLING))
    if found is None or (found["before"] and found["after"]):
        return None
    whole, point, cents = found["body"].partition(decimal)
    if (point and not cents.isdecimal()) or (found["no_cents"] and point):
        return None
    digits = _digits(whole, decimal) if whole or not point else "0"
    if not digits:
        return None
    sign = "-" if found["sign"] == "-" else ""
    mark = found["before"] or found["after"] or ""
    currency = "" if mark == "%" else _CURRENCIES.get(mark.lower(), mark)
    return Amount(f"{sign}{digits}{'.' if point else ''}{cents}", currency, mark == "%")


def _digits(whole: str, decimal: str) -> str:
    """The digits before the decimals; thousands are set apart by one and the same sign."""
    if whole.isdecimal():
        return whole
    for sign in ".,' ":
        if sign != decimal and _GROUPED[sign].fullmatch(whole):
            return whole.replace(sign, "")
    return ""


def is_amount(text: str) -> bool:
    """Whether the cell holds an amount in any spelling."""
    return any(read_amount(text, sign) for sign in ".,")


def decimal_sign_in(text: str) -> str:
    """The sign before the decimals as far as one amount tells: "." or ",", "?" where it could be either, else ""."""
    if "." not in text and "," not in text:
        return ""
    readings = [sign for sign in ".," if read_amount(text, sign)]
    if len(readings) != 1:
        return "?" if readings and not _is_same_either_way(text) else ""
    (sign,) = readings
    return sign


def _is_same_either_way(text: str) -> bool:
    """As 50.- is, which has no decimals."""
    return read_amount(text, ".") == read_amount(text, ",")


class DecimalSign:
    """Collects what the amounts of one file tell of its decimal sign."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._seen: dict[str, tuple[int, str, str]] = {}

    def look_at(self, text: str, row: int, header: str) -> None:
        """Takes one cell of an amount into account."""
        if self._wanted:
            return
        sign = decimal_sign_in(text)
        if sign:
            self._seen.setdefault(sign, (row, header, text))

    def decided(self) -> str:
        """The sign that holds for the whole file, "" where no amount has decimals; raises UnusableFile."""
        if self._wanted:
            return self._wanted
        if "." in self._seen and "," in self._seen:
            one, other = (seen for sign, seen in self._seen.items() if sign != "?")
            raise UnusableFile(f"writes amounts in two ways, {_location(one)} and {_location(other)}", SETTLE)
        found = next((sign for sign in ".," if sign in self._seen), "")
        if "?" in self._seen and not found:
            row, header, text = self._seen["?"]
            readings = " or ".join(shown_number(read_amount(text, sign)) for sign in ".,")
            raise UnusableFile(f"does not tell whether {shown(text)} in row {row} (`{header}`) is {readings}", SETTLE)
        return found


def shown_number(amount: Amount | None) -> str:
    """The number with its thousands set apart."""
    number = amount.number if amount else ""
    whole, point, cents = number.lstrip("-").partition(".")
    grouped = re.sub(r"(?<=\d)(?=(\d{3})+$)", "'", whole)
    return f"{'-' if number.startswith('-') else ''}{grouped}{point}{cents}"


def _location(cell: tuple[int, str, str]) -> str:
    row, header, text = cell
    return f"{shown(text)} in row {row} (`{header}`)"
