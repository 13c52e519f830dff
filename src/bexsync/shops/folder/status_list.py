"""The status list: one CSV with the status of every record.

Comma separated after RFC 4180, UTF-8 without a mark, lines ended by CR LF, amounts with a point. Cells that a
spreadsheet would take for a formula begin with an apostrophe; plain numbers, also negative ones, do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields

from bexsync.ports.shop import StatusRow
from bexsync.records.escape_formula import csv_row, escape_formula
from bexsync.shops.folder.durable import Folder

_NAME = "status.csv"
_COLUMNS = tuple(field.name for field in fields(StatusRow))


def replace_status_list(out: Folder, rows: Sequence[StatusRow]) -> None:
    """Writes the list in one step, in the order given; nothing where it already says the same.

    The caller holds the folder's lock.
    """
    content = _content(rows)
    if not _says(out, content):
        out.replace(_NAME, content)


def _says(out: Folder, content: bytes) -> bool:
    """Whether the list has this content; a link or a pipe in its place has none, and is replaced."""
    try:
        with out.reading(_NAME) as stream:
            return stream.read(len(content) + 1) == content
    except OSError:
        return False


def _content(rows: Sequence[StatusRow]) -> bytes:
    text = csv_row(_COLUMNS) + "".join(csv_row(escape_formula(cell) for cell in astuple(row)) for row in rows)
    return text.encode(errors="replace")
