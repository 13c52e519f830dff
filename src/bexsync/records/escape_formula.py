"""Cells and rows of CSV in which no spreadsheet finds a formula, whatever it splits them at."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bexsync.characters import lines_of_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# Where a spreadsheet splits at another sign than the comma, the quotes of our cell are no longer at its beginning,
# so that it splits, and ends rows, in the middle of it.
_INNER_FORMULA = re.compile(r"([;|\t\r\n][\"\s]*)(?=[=+\-@＝＋－＠])(?![+-]?[0-9]+(?:\.[0-9]+)?\s*(?:[;|\t\r\n]|$))")
_SPLITTING = frozenset('",;|\t\r\n')


def escape_formula(cell: str) -> str:
    """The cell without what nobody sees, an apostrophe before whatever would be calculated; plain numbers are not."""
    cell = _INNER_FORMULA.sub(r"\1'", lines_of_text(cell))
    return f"'{cell}" if cell.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(cell) else cell


def csv_row(cells: Iterable[str]) -> str:
    """A row after RFC 4180; a cell that holds a sign at which any spreadsheet splits is quoted."""
    return ",".join(_quoted(cell) for cell in cells) + "\r\n"


def _quoted(cell: str) -> str:
    if _SPLITTING.isdisjoint(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
