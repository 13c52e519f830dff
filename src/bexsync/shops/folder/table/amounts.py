"""Amounts as people and spreadsheets write them, and which sign stands before the decimals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bexsync.records.quoting import shown
from bexsync.shops.folder.json_source import UnusableFile

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
