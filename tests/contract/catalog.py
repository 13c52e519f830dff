"""What every catalog must do; a new one inherits CatalogContract and supplies its five fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from bexsync.errors import ConfigurationProblem
from bexsync.ports.shop import Catalog, IncomingRecord, InvalidInput, ProductChange, StockChange
from bexsync.records import Product

Show = Callable[[str, Sequence[Mapping[str, Any]]], None]
Told = Callable[[], Sequence[Mapping[str, str]]]


def a_product(shop_id: str = "P-1", **fields: Any) -> dict[str, Any]:
    """The JSON of a small product."""
    return {"shop_id": shop_id, "sku": f"SKU-{shop_id}", "title": "Tasse blau", "price": "19.90", **fields}


def a_change(shop_id: str = "P-1", **fields: str) -> ProductChange:
    """Something to tell the shop of a product."""
    return ProductChange(shop_id, f"SKU-{shop_id}", fields)


def a_stock_change(shop_id: str = "P-1", stock: str = "7", expected: str | None = "10") -> StockChange:
    """A number to tell the shop."""
    return StockChange(shop_id, f"SKU-{shop_id}", Decimal(stock), None if expected is None else Decimal(expected))


def products(catalog: Catalog) -> list[Product]:
    """The products the shop lists now."""
    records = [found.record for found in catalog.products() if isinstance(found, IncomingRecord)]
    return [record for record in records if isinstance(record, Product)]


def unreadable(catalog: Catalog) -> list[InvalidInput]:
    """What of the list is no product."""
    return [found for found in catalog.products() if isinstance(found, InvalidInput)]


def stocks(catalog: Catalog) -> dict[str, Decimal | None]:
    """The stock of every product by its id."""
    return {product.shop_id: product.stock for product in products(catalog)}


class CatalogContract:
    """Inherit it, name the class Test..., and override the fixtures."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """A catalog without any list."""
        raise NotImplementedError

    @pytest.fixture
    def show(self) -> Show:
        """Makes the shop list JSON records from now on: `show("product", [...])`, "stock_level" or "tax_rate"."""
        raise NotImplementedError

    @pytest.fixture
    def traces(self) -> Callable[[], object]:
        """Everything the shop keeps, so that two looks can be compared."""
        raise NotImplementedError

    @pytest.fixture
    def told_products(self) -> Told:
        """What the shop was told of products, a row each, with `shop_id`, `sku` and the fields as texts."""
        raise NotImplementedError

    @pytest.fixture
    def told_stock(self) -> Told:
        """What the shop was told of stock, a row each, with `shop_id`, `sku`, `stock`, `expected` as texts."""
        raise NotImplementedError

    # ---- reading

    def test_every_product_is_listed_each_time(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1"), a_product("P-2")])
        assert [p.shop_id for p in products(catalog)] == [p.shop_id for p in products(catalog)] == ["P-1", "P-2"]

    def test_a_product_says_where_it_stands(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1"), a_product("P-2")])
        first, second = catalog.products()
        assert first.source == second.source != ""
        assert isinstance(first, IncomingRecord)
        assert first.kind == "product"
        assert first.location != second.location

    def test_the_list_of_now_counts(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1"), a_product("P-2")])
        products(catalog)
        show("product", [a_product("P-2", title="Teller")])
        assert [(p.shop_id, p.title) for p in products(catalog)] == [("P-2", "Teller")]

    @pytest.mark.parametrize("nothing", [None, []])
    def test_no_list_is_never_an_empty_one(self, catalog: Catalog, show: Show, nothing: list[Any] | None) -> None:
        if nothing is not None:
            show("product", nothing)
        with pytest.raises(ConfigurationProblem) as caught:
            list(catalog.products())
        assert caught.value.hint

    def test_what_is_unreadable_leaves_the_others_alone(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1"), a_product("P-2", price="viel"), a_product("P-3")])
        assert [p.shop_id for p in products(catalog)] == ["P-1", "P-3"]
        [complaint] = unreadable(catalog)
        assert (complaint.kind, complaint.shop_id) == ("product", "P-2")
        assert "viel" in complaint.message
        assert complaint.source
        assert complaint.location
        assert complaint.hint

    def test_one_id_with_two_contents_is_a_question(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1"), a_product("P-2"), a_product("P-1", title="Teller")])
        [complaint] = unreadable(catalog)
        assert complaint.shop_id == "P-1"
        assert "twice" in complaint.message

    def test_the_same_product_again_is_nothing(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1", price="19.90"), a_product("P-1", price="19.9")])
        assert [p.shop_id for p in products(catalog)] == ["P-1"]
        assert not unreadable(catalog)

    def test_a_product_brings_its_stock(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1", stock="5"), a_product("P-2")])
        assert stocks(catalog) == {"P-1": 5, "P-2": None}

    def test_a_list_of_stock_wins(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1", stock="5"), a_product("P-2", stock="6"), a_product("P-3", stock="7")])
        show("stock_level", [{"shop_id": "P-1", "stock": "1"}, {"sku": "SKU-P-2", "stock": "-2.5"}])
        assert stocks(catalog) == {"P-1": 1, "P-2": Decimal("-2.5"), "P-3": 7}
        assert not unreadable(catalog)

    def test_stock_of_nobody_is_said(self, catalog: Catalog, show: Show) -> None:
        show("product", [a_product("P-1")])
        show("stock_level", [{"sku": "0815", "stock": "1"}])
        assert stocks(catalog) == {"P-1": None}
        [complaint] = unreadable(catalog)
        assert complaint.kind == "stock_level"
        assert "0815" in complaint.message
        assert complaint.hint

    def test_doubtful_stock_holds_its_product_back(self, catalog: Catalog, show: Show) -> None:
        """A first stock can be told the ledger only once, so it must not be left out by mistake."""
        show("product", [a_product("P-1", stock="5"), a_product("P-2", stock="6"), a_product("P-3")])
        rows = [{"shop_id": "P-1", "stock": "viel"}, {"sku": "SKU-P-2", "stock": "1"}, {"sku": "SKU-P-2", "stock": "2"}]
        show("stock_level", rows)
        assert stocks(catalog) == {"P-3": None}
        assert [(c.kind, c.shop_id) for c in unreadable(catalog)] == [("product", "P-1"), ("product", "P-2")]

    def test_tax_rates_are_optional(self, catalog: Catalog, show: Show) -> None:
        assert list(catalog.tax_rates()) == []
        show("tax_rate", [{"name": "Normal", "rate": "8.1"}, {"rate": "viel"}])
        good, bad = catalog.tax_rates()
        assert isinstance(good, IncomingRecord)
        assert (good.kind, good.record.canonical()) == ("tax_rate", {"name": "Normal", "rate": "8.1"})
        assert isinstance(bad, InvalidInput)

    def test_reading_changes_nothing(self, catalog: Catalog, show: Show, traces: Callable[[], object]) -> None:
        show("product", [a_product("P-1"), a_product("P-2", price="viel")])
        show("tax_rate", [{"rate": "8.1"}])
        before = traces()
        list(catalog.products())
        list(catalog.tax_rates())
        assert traces() == before

    # ---- telling

    def test_the_latest_of_each_field_is_told(self, catalog: Catalog, told_products: Told) -> None:
        catalog.change_products([a_change("P-1", title="Tasse", price="20"), a_change("P-2", ledger_id="8")])
        catalog.change_products([a_change("P-1", title="Becher", ledger_id="7", ledger_code="SKU-P-1")])
        first, second = told_products()
        assert (first["title"], first["price"], first["ledger_id"]) == ("Becher", "20", "7")
        assert (second["shop_id"], second["sku"], second["ledger_id"]) == ("P-2", "SKU-P-2", "8")

    def test_telling_a_product_the_same_twice_writes_once(self, catalog: Catalog, traces: Callable[[], object]) -> None:
        catalog.change_products([a_change("P-1", title="Tasse", weight="450")])
        before = traces()
        catalog.change_products([a_change("P-1", title="Tasse", weight="450")])
        catalog.change_products([a_change("P-1", weight="450")])
        catalog.change_products([])
        assert traces() == before

    def test_stock_is_told_where_it_is_as_expected(self, catalog: Catalog, show: Show, told_stock: Told) -> None:
        show("product", [a_product("P-1", stock="10"), a_product("P-2", stock="10"), a_product("P-3")])
        show("stock_level", [{"sku": "SKU-P-2", "stock": "9"}])
        changes = [a_stock_change("P-1"), a_stock_change("P-2"), a_stock_change("P-3", expected=None)]
        assert catalog.change_stock(changes) == [changes[1]]
        assert [(row["shop_id"], row["sku"], row["stock"], row["expected"]) for row in told_stock()] == [
            ("P-1", "SKU-P-1", "7", "10"),
            ("P-3", "SKU-P-3", "7", ""),
        ]

    def test_a_sale_in_between_is_not_lost(self, catalog: Catalog, show: Show, told_stock: Told) -> None:
        show("product", [a_product("P-1", stock="10")])
        assert stocks(catalog) == {"P-1": 10}
        show("product", [a_product("P-1", stock="8")])
        assert catalog.change_stock([a_stock_change("P-1", "7", expected="10")]) == [a_stock_change("P-1")]
        assert list(told_stock()) == []
        assert catalog.change_stock([a_stock_change("P-1", "5", expected="8")]) == []
        assert [row["stock"] for row in told_stock()] == ["5"]

    def test_stock_of_what_is_not_listed_is_given_back(self, catalog: Catalog, show: Show, told_stock: Told) -> None:
        show("product", [a_product("P-1", stock="10"), a_product("P-2", stock="viel")])
        changes = [a_stock_change("P-2"), a_stock_change("P-9", expected=None)]
        assert catalog.change_stock(changes) == changes
        assert list(told_stock()) == []

    def test_telling_stock_twice_writes_once(self, catalog: Catalog, show: Show, traces: Callable[[], object]) -> None:
        show("product", [a_product("P-1", stock="10.50")])
        assert catalog.change_stock([a_stock_change("P-1", "7", expected="10.5")]) == []
        before = traces()
        assert catalog.change_stock([a_stock_change("P-1", "7", expected="10.5")]) == []
        assert traces() == before
