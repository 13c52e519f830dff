"""The lists out/products.csv and out/stock.csv, which hold the latest values of everything.

Written as the status list is: comma separated after RFC 4180, UTF-8 without a mark, lines ended by CR LF, numbers with
a point, nothing that a spreadsheet would calculate. An empty cell says that nothing is to change.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from bexsync.errors import ConfigurationProblem
from bexsync.records.quoting import csv_row, escape_formula
from bexsync.shops.folder.durable import Folder

PRODUCT_COLUMNS = (
    *("shop_id", "sku", "ledger_id", "ledger_code", "url"),
    *("title", "description", "weight", "weight_unit", "price"),
)
STOCK_COLUMNS = ("shop_id", "sku", "stock", "expected")

Cells = Mapping[str, str]


@dataclass(frozen=True)
class OutboxTable:
    """One list in out/; the profile may give its columns other headers. The caller holds the folder's lock."""

    folder: Folder
    name: str
    columns: Sequence[str]
    headers: Mapping[str, str]

    def update(self, news: Mapping[str, Cells]) -> None:
        """Changes these cells of these products, by `shop_id`; where all of it stands there already, nothing."""
        fresh = {
            escape_formula(shop_id): [escape_formula(cells[name]) if name in cells else None for name in self.columns]
            for shop_id, cells in news.items()
        }
        if not self._says(fresh):
            with self.folder.replacement(self.name) as stream:
                text = io.TextIOWrapper(stream, "utf-8", "replace", newline="")
                self._write(text, fresh)
                text.detach()

    def _write(self, text: TextIO, fresh: dict[str, list[str | None]]) -> None:
        text.write(csv_row(escape_formula(self.headers.get(name) or name) for name in self.columns))
        for row in self._rows():
            text.write(csv_row(_merged(row, fresh.pop(row[0], None))))
        text.writelines(csv_row(cell or "" for cell in cells) for cells in fresh.values())

    def _says(self, fresh: Mapping[str, Sequence[str | None]]) -> bool:
        unseen = set(fresh)
        for row in self._rows():
            if row[0] in fresh and _merged(row, fresh[row[0]]) != row:
                return False
            unseen.discard(row[0])
        return not unseen

    def _rows(self) -> Iterator[list[str]]:
        """The rows that stand there, by their order: the headers may be those of an earlier profile."""
        try:
            with io.TextIOWrapper(self.folder.reading(self.name), encoding="utf-8", newline="") as text:
                for number, row in enumerate(csv.reader(text, strict=True)):
                    if len(row) != len(self.columns):
                        raise self._not_ours(f"row {number + 1} has {len(row)} cells instead of {len(self.columns)}")
                    if number:
                        yield row
        except FileNotFoundError:
            return
        except (UnicodeDecodeError, csv.Error) as problem:
            raise self._not_ours(str(problem)) from problem

    def _not_ours(self, why: str) -> ConfigurationProblem:
        return ConfigurationProblem(
            f"{self.folder.path / self.name} is no longer as bexsync wrote it: {why}.",
            "Move it away; bexsync then begins a new one.",
            code="catalog",
        )


def _merged(row: list[str], cells: Sequence[str | None] | None) -> list[str]:
    if cells is None:
        return row
    return [old if new is None else new for old, new in zip(row, cells, strict=True)]
