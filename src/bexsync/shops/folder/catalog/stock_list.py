"""The stock that a shop lists apart from its products, and which product each row is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from bexsync.ports import Unreadable
from bexsync.records import Product, StockLevel
from bexsync.records.quoting import shown
from bexsync.shops.folder.catalog.lists import CORRECT_THERE
from bexsync.shops.folder.catalog.reading import Complaint, Listed

_Level = tuple[str, Decimal]


class StockList:
    """What each row says, by the product it names; a row is used up by its product."""

    def __init__(self, rows: Iterable[Listed | Complaint], origin: str) -> None:
        self._origin = origin
        self._levels: dict[tuple[str, str], _Level] = {}
        self._doubts: dict[tuple[str, str], Unreadable] = {}
        self._nameless: list[Unreadable] = []
        self._used: set[tuple[str, str]] = set()
        for row in rows:
            if isinstance(row, Complaint):
                self._doubt(row)
            else:
                self._keep(row)

    def applied(self, product: Product) -> Product | Unreadable:
        """The product with the stock of its row; where that is in doubt, what is wrong with it."""
        names = [("shop_id", product.shop_id), *([("sku", product.sku)] if product.sku else [])]
        found = [name for name in names if name in self._levels or name in self._doubts]
        self._used.update(found)
        for name in found:
            if name in self._doubts:
                return replace(self._doubts[name], kind="product", shop_id=product.shop_id)
        levels = [self._levels[name] for name in found]
        if len(levels) == 2 and levels[0][1] != levels[1][1]:
            return self._contradiction(product, *levels)
        return product.model_copy(update={"stock": levels[0][1]}) if levels else product

    def left_over(self) -> Iterator[Unreadable]:
        """What no product used: rows that cannot be read, and rows for nobody."""
        yield from self._nameless
        yield from (doubt for name, doubt in self._doubts.items() if name not in self._used)
        for (field, value), (place, _) in self._levels.items():
            if (field, value) not in self._used:
                yield Unreadable(
                    self._origin,
                    place,
                    f"is the stock of a product that is not listed: no product has the {field} {shown(value)}",
                    "Correct the row, or export the products anew as well.",
                    "stock_level",
                    value if field == "shop_id" else "",
                )

    def _keep(self, row: Listed) -> None:
        level = row.record
        assert isinstance(level, StockLevel)  # noqa: S101  the list of stock holds nothing else
        name = ("shop_id", level.shop_id) if level.shop_id else ("sku", level.sku or "")
        place, stock = self._levels.setdefault(name, (row.place, level.stock))
        if stock != level.stock:
            self._doubts.setdefault(
                name,
                Unreadable(
                    self._origin,
                    row.place,
                    f"says that the stock is {level.stock}, but {place} says {stock} of the same product",
                    "Keep the row that is right.",
                    "stock_level",
                    level.shop_id or "",
                ),
            )

    def _doubt(self, row: Complaint) -> None:
        """Which number counts cannot be told, so that the product must not go on without it."""
        if row.shop_id or row.sku:
            name = ("shop_id", row.shop_id) if row.shop_id else ("sku", row.sku)
            self._doubts.setdefault(name, row.unreadable)
        else:
            self._nameless.append(row.unreadable)

    def _contradiction(self, product: Product, one: _Level, other: _Level) -> Unreadable:
        return Unreadable(
            self._origin,
            other[0],
            f"says that the stock is {other[1]}, but {one[0]} says {one[1]} of the same product",
            CORRECT_THERE,
            "product",
            product.shop_id,
        )
