"""Which sign stands between the columns, found out by the headers it brings out and by rows of one length."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TextIO

from bexsync.shops.folder.table.cells import cleaned
from bexsync.shops.folder.table.headers import count_known
from bexsync.shops.folder.table.vocabulary import INVOICES, Columns, Vocabulary, header_letters

DELIMITERS = (";", ",", "\t", "|")
_SAMPLE = 1 << 16
_ROWS = 50
_SEP_LINE = re.compile(r'\ufeff?"?sep=(.)"?[^\S\t]*', re.IGNORECASE)


def skip_sep_line(text: TextIO) -> str:
    """The sign that a first line like `sep=;` names; spreadsheets do not show that line as a row."""
    line = text.readline(16)
    found = _SEP_LINE.fullmatch(line.rstrip("\r\n"))
    if found is None:
        text.seek(0)
        return ""
    return found[1]


def delimiter_of(sample: str, wanted: Columns, vocabulary: Vocabulary = INVOICES) -> str:
    """The sign that makes most sense of the beginning of a table."""
    return max(DELIMITERS, key=lambda sign: _sense(sample, sign, wanted, vocabulary))


def known_headers(wanted: Columns, vocabulary: Vocabulary = INVOICES) -> Callable[[str], int]:
    """Counts the headers that are known, accents and all, at the beginning of a text, whatever stands between them."""
    ours = {header_letters(header) for chosen in wanted.values() for header in chosen}

    def count(sample: str) -> int:
        text = io.StringIO(sample, newline="")
        said = skip_sep_line(text)
        table = text.read()
        headers = (
            next((row for row in _first_rows(table, sign) if any(cell.strip() for cell in row)), [])
            for sign in (said or DELIMITERS)
        )
        return max(
            sum(
                letters in vocabulary.spelled or letters in ours
                for header in row
                if (letters := header_letters(header))
            )
            for row in headers
        )

    return count


def sample_of(text: TextIO) -> str:
    """The beginning of the text, cut at a line's end."""
    start = text.tell()
    sample = text.read(_SAMPLE)
    text.seek(start)
    return sample if len(sample) < _SAMPLE else sample[: sample.rfind("\n") + 1] or sample


def cells_of(lines: TextIO, delimiter: str) -> Iterator[list[str]]:
    """The rows; raises csv.Error where quotes do not match."""
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")


def _sense(sample: str, delimiter: str, wanted: Columns, vocabulary: Vocabulary) -> tuple[int, int, int]:
    """How many headers are known, how many rows are as long as the header, how many columns there are."""
    filled = [row for row in _first_rows(sample, delimiter) if any(cell.strip() for cell in row)]
    if not filled:
        return 0, 0, 2  # nothing but this sign: blank rows, and not one column
    header = filled[0]
    alike = sum(len(row) == len(header) for row in filled) if len(header) > 1 else 0
    return count_known([cleaned(cell) for cell in header], wanted, vocabulary), alike, len(header)


def _first_rows(sample: str, delimiter: str) -> list[list[str]]:
    """Up to where the sample ends, or quotes stop making sense."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for row in islice(cells_of(io.StringIO(sample, newline=""), delimiter), _ROWS):
            rows.append(row)
    return rows
