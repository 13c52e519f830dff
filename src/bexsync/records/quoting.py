"""Texts made safe to show: quoted in sentences, and escaped for spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bexsync.characters import lines_of_text

_LONGEST = 60
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# Where a spreadsheet splits at another sign than the comma, the quotes of our cell are no longer at its beginning,
# so that it splits, and ends rows, in the middle of it.
_INNER_FORMULA = re.compile(r"([;|\t\r\n][\"\s]*)(?=[=+\-@＝＋－＠])(?![+-]?[0-9]+(?:\.[0-9]+)?\s*(?:[;|\t\r\n]|$))")
_SPLITTING = frozenset('",;|\t\r\n')


def printable(text: str) -> str:
    """The text cut to a glance, with everything that does not print replaced."""
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in short)


def shown(value: Any) -> str:
    """A JSON value as a sentence quotes it."""
    if isinstance(value, str):
        return f'"{printable(value)}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a very long number"
    return named(value) if value is None or isinstance(value, Mapping | list | tuple) else printable(str(value))


def named(value: Any) -> str:
    """What sort of JSON value it is."""
    if isinstance(value, Mapping):
        return "an object"
    names = {list: "a list", tuple: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def escape_formula(cell: str) -> str:
    """The cell without what nobody sees, an apostrophe before whatever would be calculated; plain numbers are not."""
    cell = lines_of_text(cell)
    if not _SPLITTING.isdisjoint(cell):
        cell = _INNER_FORMULA.sub(r"\1'", cell)
    return f"'{cell}" if cell.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(cell) else cell


def csv_row(cells: Iterable[str]) -> str:
    """A row after RFC 4180; a cell that holds a sign at which any spreadsheet splits is quoted."""
    return ",".join(_quoted(cell) for cell in cells) + "\r\n"


def _quoted(cell: str) -> str:
    if _SPLITTING.isdisjoint(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
