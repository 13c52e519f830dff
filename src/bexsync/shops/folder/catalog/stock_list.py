"""The stock that a shop lists apart from its products, and which product each row is about."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from bexsync.ports.shop import ImportNote, InvalidInput
from bexsync.records import Product, StockLevel
from bexsync.records.quoting import shown
from bexsync.shops.folder.catalog.lists import CORRECT_THERE
from bexsync.shops.folder.catalog.reading import Listed, ListError

_Name = tuple[str, str]


class StockList:
    """What each row says, by the product it names; kept small, because there are as many as products."""

    def __init__(self, rows: Iterable[Listed | ListError | ImportNote], source: str) -> None:
        self._source = source
        self._word = ""
        self._index: dict[str, dict[str, int]] = {"shop_id": {}, "sku": {}}
        self._numbers = array("q")
        self._stocks: list[Decimal] = []
        self._is_used = bytearray()
        self._doubts: dict[_Name, InvalidInput] = {}
        self._nameless: list[InvalidInput] = []
        self.remarks: list[ImportNote] = []
        self._settled: set[_Name] = set()
        same: dict[Decimal, Decimal] = {}
        for row in rows:
            if isinstance(row, ImportNote):
                self.remarks.append(row)
            elif isinstance(row, ListError):
                self._doubt(row)
            else:
                self._keep(row, same)

    def applied(self, product: Product) -> Product | InvalidInput:
        """The product with the stock of its row; where that is in doubt, what is wrong with it."""
        found, doubt = [], None
        for field, value in (("shop_id", product.shop_id), ("sku", product.sku or "")):
            index = self._index[field].get(value)
            if index is not None:
                self._is_used[index] = True
                found.append(index)
            if (field, value) in self._doubts:
                self._settled.add((field, value))
                doubt = doubt or self._doubts[field, value]
        if doubt is not None:
            return replace(doubt, kind="product", shop_id=product.shop_id)
        if len(found) == 2 and self._stocks[found[0]] != self._stocks[found[1]]:
            return self._contradiction(found[1], self._stocks[found[1]], found[0], "product", product.shop_id)
        return product.model_copy(update={"stock": self._stocks[found[0]]}) if found else product

    def left_over(self) -> Iterator[InvalidInput]:
        """The rows that no product used: those that cannot be read, and those of no product."""
        yield from self._nameless
        yield from (doubt for name, doubt in self._doubts.items() if name not in self._settled)
        for field, names in self._index.items():
            for value, index in names.items():
                if not self._is_used[index] and (field, value) not in self._doubts:
                    yield InvalidInput(
                        self._source,
                        self._location(index),
                        f"is the stock of a product that is not listed: no product has the {field} {shown(value)}",
                        "Correct the row, or export the products anew as well.",
                        "stock_level",
                        value if field == "shop_id" else "",
                    )

    def _keep(self, row: Listed, same: dict[Decimal, Decimal]) -> None:
        level = row.record
        assert isinstance(level, StockLevel)  # noqa: S101  the list of stock holds nothing else
        field, value = ("shop_id", level.shop_id) if level.shop_id else ("sku", level.sku or "")
        self._word, number = row.location.split()
        index = self._index[field].setdefault(value, len(self._stocks))
        if index == len(self._stocks):
            self._numbers.append(int(number))
            self._stocks.append(same.setdefault(level.stock, level.stock))
            self._is_used.append(False)
        elif self._stocks[index] != level.stock:
            said = self._contradiction(index, level.stock, index, "stock_level", level.shop_id or "")
            self._doubts.setdefault((field, value), replace(said, location=row.location))

    def _doubt(self, row: ListError) -> None:
        """Note a row that cannot be read, so that its product is not read without its stock."""
        if row.shop_id or row.sku:
            name = ("shop_id", row.shop_id) if row.shop_id else ("sku", row.sku)
            self._doubts.setdefault(name, row.invalid)
        else:
            self._nameless.append(row.invalid)

    def _contradiction(self, index: int, stock: Decimal, other: int, kind: str, shop_id: str) -> InvalidInput:
        said = f"{self._location(other)} says {self._stocks[other]} of the same product"
        message = f"says that the stock is {stock}, but {said}"
        return InvalidInput(self._source, self._location(index), message, CORRECT_THERE, kind, shop_id)

    def _location(self, index: int) -> str:
        return f"{self._word} {self._numbers[index]}"
