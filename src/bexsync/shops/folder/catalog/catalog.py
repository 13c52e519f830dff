"""The folder's catalog: three lists go in, what the ledger says of products and stock comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from bexsync.ports.shop import ImportNote, Incoming, IncomingRecord, InvalidInput, ProductChange, StockChange
from bexsync.records import Product
from bexsync.records.quoting import shown
from bexsync.shops.folder.catalog.lists import CORRECT_THERE, ListFile, Stamp, find_list, no_list
from bexsync.shops.folder.catalog.outbox import PRODUCT_COLUMNS, STOCK_COLUMNS, OutboxTable
from bexsync.shops.folder.catalog.reading import Listed, ListError, read_list
from bexsync.shops.folder.catalog.stock_list import StockList
from bexsync.shops.folder.durable import Folder
from bexsync.shops.folder.layout import Layout, Owner, Ownership
from bexsync.shops.folder.problems import explained
from bexsync.shops.folder.settings import CsvSection

_PLACE_BITS = 40


class FolderCatalog:
    """The Catalog that every system can be: it exports whole lists into catalog/, and reads what stands in out/."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime],
        quiet_seconds: float = 5.0,
        csv: CsvSection | None = None,
        owner: Owner | None = None,
    ) -> None:
        self._layout = Layout(path)
        self._ownership = Ownership(self._layout, owner)
        self._now = now
        self._quiet_seconds = quiet_seconds
        self._csv = csv or CsvSection()
        self._read_at: tuple[Stamp | None, ...] = ()
        self._stock: dict[str, Decimal | None] = {}

    def products(self) -> Iterator[Incoming]:
        """Every product of catalog/products.*, with its number of catalog/stock.* where that names it."""
        with explained(self._layout):
            self._ownership.check()
            products, stock = self._lists()
            levels = StockList(read_list(stock, self._csv), stock.source) if stock else None
            numbers: dict[str, Decimal | None] = {}
            same: dict[Decimal | None, Decimal | None] = {}  # few numbers stand for many products
            for outcome in _told_apart(products, read_list(products, self._csv)):
                if isinstance(outcome, ImportNote):
                    yield outcome
                    continue
                if isinstance(outcome, InvalidInput):
                    numbers.pop(outcome.shop_id, None)
                    yield outcome
                    continue
                product = levels.applied(outcome[1]) if levels else outcome[1]
                if isinstance(product, InvalidInput):
                    yield product
                    continue
                numbers[product.shop_id] = same.setdefault(product.stock, product.stock)
                yield IncomingRecord("product", product, products.source, outcome[0])
            if levels is not None:
                yield from levels.left_over()
                yield from levels.remarks
            self._read_at, self._stock = _stamps(products, stock), numbers

    def tax_rates(self) -> Iterator[Incoming]:
        """Every rate of catalog/taxes.*, none where there is no such list."""
        with explained(self._layout):
            self._ownership.check()
            taxes = self._find("tax_rate")
            if taxes is None:
                return
            for outcome in read_list(taxes, self._csv):
                if isinstance(outcome, ListError):
                    yield outcome.invalid
                elif isinstance(outcome, ImportNote):
                    yield outcome
                else:
                    yield IncomingRecord("tax_rate", outcome.record, taxes.source, outcome.location)

    def change_products(self, changes: Sequence[ProductChange]) -> None:
        """Change rows of out/products.csv; other fields of these products stay as they were written before."""
        news: dict[str, dict[str, str]] = {}
        for change in changes:
            cells = {"shop_id": change.shop_id, "sku": change.sku, **change.fields}
            if "weight" in change.fields:
                cells["weight_unit"] = "g" if change.fields["weight"] else ""
            news.setdefault(change.shop_id, {}).update(cells)
        if not news:
            return
        with explained(self._layout):
            self._ownership.claim()
            with self._layout.locked(self._layout.out) as out:
                self._outbox(out, "products.csv", PRODUCT_COLUMNS).update(news)

    def change_stock(self, changes: Sequence[StockChange]) -> Sequence[StockChange]:
        """Changes rows of out/stock.csv where catalog/ still says what was expected; gives back the others."""
        if not changes:
            return ()
        with explained(self._layout):
            self._ownership.claim()
            with self._layout.locked(self._layout.out) as out:
                self._look_again()
                refused = [change for change in changes if not self._is_expected(change)]
                news = {c.shop_id: _stock_cells(c) for c in changes if self._is_expected(c)}
                if news:
                    self._outbox(out, "stock.csv", STOCK_COLUMNS).update(news)
                return refused

    def _look_again(self) -> None:
        """Read the lists again, unless they are still the ones that were read last."""
        if _stamps(*self._lists()) != self._read_at:
            for _ in self.products():
                pass

    def _is_expected(self, change: StockChange) -> bool:
        return change.shop_id in self._stock and self._stock[change.shop_id] == change.expected

    def _lists(self) -> tuple[ListFile, ListFile | None]:
        products = self._find("product")
        if products is None:
            raise no_list(self._layout, "product")
        return products, self._find("stock_level")

    def _find(self, kind: str) -> ListFile | None:
        return find_list(self._layout, kind, now=self._now().timestamp(), quiet_seconds=self._quiet_seconds)

    def _outbox(self, out: Folder, name: str, columns: Sequence[str]) -> OutboxTable:
        return OutboxTable(
            out, name, columns, {field: chosen[0] for field, chosen in self._csv.columns.items() if chosen}
        )


def _stamps(products: ListFile, stock: ListFile | None) -> tuple[Stamp | None, ...]:
    return products.stamp, stock.stamp if stock else None


def _stock_cells(change: StockChange) -> dict[str, str]:
    expected = "" if change.expected is None else f"{change.expected:f}"
    return {"shop_id": change.shop_id, "sku": change.sku, "stock": f"{change.stock:f}", "expected": expected}


def _told_apart(
    file: ListFile, outcomes: Iterator[Listed | ListError | ImportNote]
) -> Iterator[tuple[str, Product] | InvalidInput | ImportNote]:
    """Products that stand there once; the same again is nothing, and with other content a question for a person."""
    known: dict[str, int] = {}  # a digest of what it says above the number of its row: many of them fit into memory
    for outcome in outcomes:
        if isinstance(outcome, ListError | ImportNote):
            yield outcome.invalid if isinstance(outcome, ListError) else outcome
            continue
        product = outcome.record
        assert isinstance(product, Product)  # noqa: S101  the list of products holds nothing else
        word, number = outcome.location.split()
        digest = _content(product) << _PLACE_BITS | int(number)
        earlier = known.setdefault(product.shop_id, digest)
        if earlier == digest:
            yield outcome.location, product
        elif earlier >> _PLACE_BITS != digest >> _PLACE_BITS:
            first = earlier & ((1 << _PLACE_BITS) - 1)
            yield InvalidInput(
                file.source,
                outcome.location,
                f"product {shown(product.shop_id)} occurs twice, {word}s {first} and {number}, with different content",
                CORRECT_THERE,
                "product",
                product.shop_id,
            )


def _content(product: Product) -> int:
    fields = product.__dict__
    return hash(tuple((fields | {"metadata": repr(fields["metadata"])}).values()))
