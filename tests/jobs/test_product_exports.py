"""A web shop's own export, through the front door: what of it becomes an item, and what is said of the rest."""

from __future__ import annotations

import json

import pytest

from front_door import called
from world import World

EXPORT = """\
ID,Type,SKU,Name,Published,Description,Tax status,Tax class,In stock?,Stock,Weight (lbs),Sale price,Regular price,Parent
44,variable,HEMD,Hemd,1,Weich,taxable,,1,,.5,,,
76,variation,HEMD-ROT,Hemd - Rot,1,,taxable,parent,1,7,.5,,29.90,HEMD
77,variation,HEMD-GRAU,Hemd - Grau,1,,taxable,parent,0,0,.5,25,29.90,id:44
73,"simple, downloadable, virtual",LIED,Lied,1,Eins\\nZwei,taxable,,1,,,,15,
80,simple,ENTWURF,Entwurf,-1,,taxable,,1,3,.2,,10,
82,external,FREMD,Fremdes,1,,taxable,,1,,,,11,
87,simple,BON,Bon,1,,none,,1,,,,100,
"""


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(products={"enabled": True, "weight": "shop"})
    (world.shop / "catalog").mkdir()
    (world.shop / "catalog" / "products.csv").write_text(EXPORT)
    return world


def test_an_export_is_read_as_it_is_and_an_untaxed_product_waits_for_its_code(shop: World) -> None:
    run = called(shop, "products", "sync", "--json")
    said = json.loads(run.stdout)["data"]
    assert run.returncode == 1
    assert said["counts"] == {"done": 3, "blocked": 1, "ignored": 1}
    assert said["remarks"] == [
        "catalog/products.csv: left out 1 external product, which the shop does not sell itself: FREMD.",
        "1 product is not active and has no item yet.",
    ]
    items = shop.items()
    assert {"HEMD", "ENTWURF", "FREMD", "BON"}.isdisjoint(items)
    assert (items["HEMD-ROT"]["weight"], items["HEMD-ROT"]["stock_nr"]) == (227, 7)
    assert (items["LIED"]["article_type_id"], items["LIED"]["intern_description"]) == (2, "Eins<br/>Zwei")
    (blocked,) = [o for o in said["outcomes"] if o["status"] == "blocked"]
    assert blocked["shop_id"] == "87"
    assert "0 % VAT" in blocked["reason"]

    assert called(shop, "vat", "map", "--set", "none=ULA", "--yes").returncode == 0
    assert called(shop, "products", "sync").returncode == 0
    bon = shop.items()["BON"]
    assert bon["sale_price"] == "100.000000"
    assert bon["tax_income_id"] not in (None, items["LIED"]["tax_income_id"])


def test_another_tax_class_in_the_shop_reaches_the_item(shop: World) -> None:
    rows = "ID,SKU,Name,Tax class,Regular price\n7,BUCH,Buch,{},108.10\n"
    list_file = shop.shop / "catalog" / "products.csv"
    list_file.write_text(rows.format("normal"))
    called(shop, "vat", "map", "--set", "normal=UN81", "--set", "klein=UR26", "--yes")
    assert called(shop, "products", "sync").returncode == 0
    before = shop.items()["BUCH"]
    list_file.write_text(rows.format("klein"))
    rehearsed = json.loads(called(shop, "products", "sync", "--dry-run", "--json").stdout)["data"]["fields"]
    assert [(f["field"], f["old"], f["new"]) for f in rehearsed] == [
        ("tax", "UN81", "UR26"),
        ("price", "100", "105.36"),
    ]
    assert called(shop, "products", "sync").returncode == 0
    after = shop.items()["BUCH"]
    assert before["tax_income_id"] != after["tax_income_id"]
    assert (before["sale_price"], after["sale_price"]) == ("100.000000", "105.360000")
    writes = shop.writes()
    assert called(shop, "products", "sync").returncode == 0
    assert shop.writes() == writes
