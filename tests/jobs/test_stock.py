"""stock pull, through the front door: bexio's numbers to the shop, and no sale lost on the way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bexsync.engine.result import Result
from bexsync.errors import Exit
from bexsync.jobs.stock import StockOptions, pull
from bexsync.ports.shop import Catalog, StockChange
from front_door import called
from world import World, a_product


@pytest.fixture
def shop(world: World) -> World:
    """Three linked products of five pieces each."""
    world.set_profile(products={"enabled": True})
    world.list_products(a_product(), a_product("18"), a_product("19", type="service", stock=None))
    assert world.sync_products().exit_code is Exit.OK
    return world


def an_id(shop: World, code: str = "A-17") -> int:
    return int(shop.items()[code]["id"])


def said(result: Result) -> dict[str, tuple[str, str]]:
    return {o.shop_id: (o.status.value, o.code or o.reason) for o in result.outcomes}


def test_only_what_differs_is_told_once(shop: World) -> None:
    assert shop.pull_stock().counts == {"unchanged": 2, "ignored": 1}
    assert shop.told("stock") == {}
    shop.sandbox.person.book_stock(an_id(shop), -2)
    writes = shop.writes()
    assert said(shop.pull_stock()) == {"17": ("done", "5 → 3")}
    told = {"17": {"shop_id": "17", "sku": "A-17", "stock": "3", "expected": "5"}}
    assert shop.told("stock") == told
    before = (shop.shop / "out" / "stock.csv").stat().st_mtime_ns
    assert shop.pull_stock().counts == {"unchanged": 2, "ignored": 1}  # the shop has not taken it over yet
    shop.list_products(a_product(stock="3"), a_product("18"))
    assert shop.pull_stock().counts == {"unchanged": 2}
    assert (shop.told("stock"), (shop.shop / "out" / "stock.csv").stat().st_mtime_ns) == (told, before)
    assert shop.writes() == writes  # nothing is ever written to bexio


def test_the_same_number_again_is_told_again(shop: World) -> None:
    for booked, stock in ((-2, "3"), (2, "5"), (-2, "3"), (2, "5")):
        shop.sandbox.person.book_stock(an_id(shop), booked)
        assert shop.pull_stock().counts["done"] == 1
        assert shop.told("stock")["17"]["stock"] == stock
        shop.list_products(a_product(stock=stock), a_product("18"))


class SoldJustBefore:
    """The shop's own catalog, in which one piece is sold just before it is told of its stock."""

    def __init__(self, catalog: Catalog, shop: World) -> None:
        self._catalog = catalog
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    def change_stock(self, changes: Sequence[StockChange]) -> Sequence[StockChange]:
        self._shop.list_products(a_product(stock="4"), a_product("18"))
        return self._catalog.change_stock(changes)


def test_a_sale_in_between_is_not_lost(shop: World) -> None:
    """The shop sells one while the pull is at work: its list changes between reading and writing."""
    shop.sandbox.person.book_stock(an_id(shop), 7)
    with shop.workspace() as workspace:
        assert workspace.catalog is not None
        workspace.catalog = SoldJustBefore(workspace.catalog, shop)
        result = pull(workspace, StockOptions())
    assert said(result)["17"][0] == "open"
    assert "moved since" in said(result)["17"][1]
    assert result.exit_code is Exit.TRY_LATER
    assert shop.told("stock") == {}
    assert said(shop.pull_stock())["17"] == ("done", "4 → 12")
    assert shop.told("stock")["17"]["expected"] == "4"


@pytest.mark.parametrize(
    ("booked", "setting", "told"),
    [
        ("-8", {}, "negative_stock"),
        ("-8", {"negative_stock": "zero"}, "0"),
        ("-8", {"negative_stock": "keep"}, "-3"),
        ("-1.5", {}, "fractional_stock"),
        ("-1.5", {"fractional_stock": "down"}, "3"),
        ("-1.5", {"fractional_stock": "keep"}, "3.5"),
        ("-7.5", {"negative_stock": "keep", "fractional_stock": "down"}, "-3"),
        ("-7.5", {"negative_stock": "zero"}, "0"),
    ],
)
def test_numbers_a_shop_may_not_take(shop: World, booked: str, setting: dict[str, Any], told: str) -> None:
    shop.set_profile(products=setting)
    shop.sandbox.person.book_stock(an_id(shop), booked)
    result = shop.pull_stock()
    if told.endswith("stock"):
        assert said(result) == {"17": ("blocked", told)}
        assert shop.told("stock") == {}
        shop.sandbox.person.book_stock(an_id(shop), booked.removeprefix("-"))
        assert shop.pull_stock().exit_code is Exit.OK
        with shop.workspace() as workspace:
            assert workspace.store.errors.open() == []
    else:
        assert shop.told("stock")["17"]["stock"] == told


@pytest.mark.parametrize(("number", "stock"), [("available", "2"), ("physical", "5")])
def test_what_is_reserved(shop: World, number: str, stock: str) -> None:
    shop.set_profile(products={"stock_number": number})
    shop.list_products(a_product(stock="9"), a_product("18"))
    shop.sandbox.person.reserve_stock(an_id(shop), 3)
    shop.pull_stock()
    assert shop.told("stock")["17"]["stock"] == stock


def test_what_is_not_tracked_or_not_linked_is_left_alone(shop: World) -> None:
    shop.sandbox.person.create_item("A-20", "Tisch")
    for code in ("A-17", "A-18"):
        shop.sandbox.person.book_stock(an_id(shop, code), 1)
    shop.list_products(a_product(track_stock=False), a_product("18", stock=None), a_product("19"), a_product("20"))
    assert said(shop.pull_stock()) == {"18": ("done", "unknown → 6")}
    assert set(shop.told("stock")) == {"18"}


def test_a_dry_run_and_single_products(shop: World) -> None:
    for code in ("A-17", "A-18"):
        shop.sandbox.person.book_stock(an_id(shop, code), 1)
    dry = shop.pull_stock(dry_run=True)
    assert [(f["sku"], f["old"], f["new"]) for f in dry.data["fields"]] == [("A-17", "5", "6"), ("A-18", "5", "6")]
    assert shop.told("stock") == {}
    assert said(shop.pull_stock(skus=("A-18", "x"))) == {"18": ("done", "5 → 6"), "x": ("failed", "unknown_id")}
    assert set(shop.told("stock")) == {"18"}


def test_two_sites_that_share_by_mistake_get_nothing(shop: World, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    (folder / "shop" / "in").mkdir(parents=True)
    second = World(folder, shop.sandbox, shop.url, shop.clock, folder / "second.toml")
    second._write_profile(shop.profile)
    second.set_profile(shop={"site": "second"}, products={"sku_conflicts": "share"})
    second.list_products(a_product())
    second.sync_products()
    shop.sandbox.person.book_stock(an_id(shop), 1)
    assert said(shop.pull_stock()) == {"17": ("blocked", "sku_conflict")}
    assert said(second.pull_stock()) == {"17": ("done", "5 → 6")}
    shop.set_profile(products={"sku_conflicts": "share"})
    assert said(shop.pull_stock()) == {"17": ("done", "5 → 6")}


def test_where_the_shop_is_master_it_says_why_nothing_is_done(shop: World) -> None:
    shop.set_profile(products={"stock": "shop"})
    run = called(shop, "stock", "pull", "--json", BEXSYNC_ACCESS_TOKEN="")
    assert (run.returncode, json.loads(run.stdout)["data"]["disabled"]) == (0, True)
    assert "no interface for stock movements" in called(shop, "stock", "pull", "-v").stdout
    assert "no interface for stock movements" in " ".join(called(shop, "stock", "pull", "--help").stdout.split())


def test_the_shops_number_is_written_until_something_is_booked(shop: World) -> None:
    shop.set_profile(products={"stock": "shop"})
    shop.list_products(a_product(stock="8"), a_product("18"), a_product("19", type="service", stock=None))
    planned = shop.sync_products(dry_run=True)
    assert [(f["sku"], f["field"], f["old"], f["new"]) for f in planned.data["fields"]] == [("A-17", "stock", "5", "8")]
    assert shop.sync_products().counts == {"done": 1, "unchanged": 2}
    assert shop.items()["A-17"]["stock_nr"] == 8
    assert shop.sync_products().counts == {"unchanged": 3}

    shop.sandbox.person.book_stock(an_id(shop), -2)
    shop.list_products(a_product(stock="9", title="Neu"), a_product("18"), a_product("19", type="service", stock=None))
    refused = shop.sync_products()
    assert refused.counts == {"done": 1, "unchanged": 2}
    assert "A-17: its stock stays: something was booked on the item" in " ".join(refused.remarks)
    assert (shop.items()["A-17"]["intern_name"], shop.items()["A-17"]["stock_nr"]) == ("Neu", 6)
    writes = shop.writes()
    assert (shop.sync_products().remarks, shop.writes()) == ([], writes)  # said once, and not tried again

    shop.sandbox.person.book_stock(an_id(shop, "A-18"), 1)
    shop.list_products(a_product(stock="9", title="Neu"), a_product("18", stock="1"))
    assert "A-18: its stock stays" in " ".join(shop.sync_products().remarks)
    assert shop.items()["A-18"]["stock_nr"] == 6
