"""The status list: one CSV that says of every record where it stands.

Comma separated after RFC 4180, UTF-8 without a mark, lines ended by CR LF, amounts with a point. Cells that a
spreadsheet would take for a formula begin with an apostrophe; plain numbers, also negative ones, do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from bexsync.ports import StatusRow
from bexsync.shops.folder.durable import locked_folder, replace_file
from bexsync.shops.folder.harmless import harmless

_COLUMNS = tuple(field.name for field in fields(StatusRow))


def replace_status_list(out: Path, rows: Sequence[StatusRow]) -> None:
    """Writes the list in one step, in the order given; nothing where it already says the same."""
    path, content = out / "status.csv", _content(rows)
    with locked_folder(out):
        if not path.is_file() or path.read_bytes() != content:
            replace_file(path, content)


def _content(rows: Sequence[StatusRow]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([harmless(cell) for cell in astuple(row)] for row in rows)
    return text.getvalue().encode(errors="replace")
