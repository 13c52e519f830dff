"""The exports of WooCommerce and Shopify as they leave the shop: which products they hold, what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.errors import ConfigurationProblem
from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Product
from bexsync.shops.folder.catalog import FolderCatalog
from bexsync.shops.folder.settings import CsvSection
from workbooks import Cell, workbook

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
WOO = (
    "ID,Type,SKU,Name,Published,Is featured?,Description,Tax status,Tax class,In stock?,Stock,Weight (lbs),"
    "Sale price,Regular price,Parent,External URL\n"
)
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Variant Compare At Price,"
    "Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,Gift Card,Variant Weight Unit,"
    "Cost per item,Price / International,Status\n"
)


def read(root: Path, content: str | bytes, **settings: Any) -> tuple[dict[str, Product], dict[str, str], list[str]]:
    """The products by their SKU, what is wrong with the others by id, and the remarks."""
    (root / "catalog").mkdir(exist_ok=True)
    if isinstance(content, bytes):
        (root / "catalog" / "products.xlsx").write_bytes(content)
    else:
        (root / "catalog" / "products.csv").write_text(content)
    catalog = FolderCatalog(root, now=lambda: NOW, quiet_seconds=0, csv=CsvSection(**settings))
    found = list(catalog.products())
    products = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Product)]
    wrong = {f.shop_id: f"{f.location} {f.message}" for f in found if isinstance(f, InvalidInput)}
    return {p.sku or p.shop_id: p for p in products}, wrong, [f.message for f in found if isinstance(f, ImportNote)]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ('7,"simple, downloadable, virtual",A,Album,1,0,,taxable,,1,,,,15,,', {"type": "service"}),
        ('7,"simple, downloadable",A,Album,1,0,,taxable,,1,,,,15,,', {"type": "service"}),
        ('7,"virtual,simple",A,Album,1,0,,taxable,,1,,,,15,,', {"type": "service"}),
        ("7,simple,A,Album,1,0,,taxable,,1,,,,15,,", {"type": "physical", "active": True, "tax_class": None}),
        ("7,subscription,A,Album,1,0,,taxable,,1,,,,15,,", {"type": "physical"}),
        ("7,simple,A,Album,-1,0,,taxable,,1,,,,15,,", {"active": False}),
        ("7,simple,A,Album,0,0,,taxable,,1,,,,15,,", {"active": False}),
        ("7,simple,A,Album,2,0,,taxable,,1,,,,15,,", {"active": False}),
        ("7,simple,A,Album,1,0,,none,,1,,,,100,,", {"tax_class": "none", "tax_rate": Decimal(0)}),
        ("7,simple,A,Album,1,0,,shipping,reduced-rate,1,,,,100,,", {"tax_class": "none", "tax_rate": Decimal(0)}),
        ("7,simple,A,Album,1,0,,taxable,reduced-rate,1,,,,1,,", {"tax_class": "reduced-rate", "tax_rate": None}),
        ("7,simple,A,Album,1,0,,,,1,,.5,,1,,", {"weight": Decimal("0.5"), "weight_unit": "lb"}),
        ("7,simple,A,Album,1,0,,,,backorder,-2,,12,15,,", {"stock": Decimal(-2), "price": Decimal(15)}),
        (r"7,simple,A,Album,1,0,<p>Eins</p>\nzwei,,,1,,,,15,,", {"description": "<p>Eins</p>\nzwei"}),
        (r"7,simple,A,Album,1,0,C:\\neu,,,1,,,,15,,", {"description": r"C:\neu"}),
    ],
)
def test_what_woocommerce_means_by_its_cells(tmp_path: Path, row: str, wanted: Mapping[str, Any]) -> None:
    products, wrong, remarks = read(tmp_path, f"{WOO}{row}\n")
    assert not wrong
    assert not remarks
    assert {name: getattr(products["A"], name) for name in wanted} == wanted


def test_variants_take_from_their_parent_what_they_leave_to_it(tmp_path: Path) -> None:
    products, wrong, remarks = read(
        tmp_path,
        WOO
        + "44,variable,SHIRT,Shirt,1,0,,none,reduced-rate,1,7,,,,,\n"
        + '73,"simple, virtual",ALBUM,Album,1,0,,,books,1,,,,9,,\n'
        + "1,variation,ROT,Shirt - Rot,1,0,,parent,parent,1,parent,,,5,SHIRT,\n"
        + "2,variation,BLAU,Shirt - Blau,1,0,,taxable,parent,1,parent,,,5,id:44,\n"
        + '3,"variation, virtual",MP3,Album - MP3,1,0,,taxable,parent,1,,,,5,id:73,\n'
        + "4,variation,WAISE,Waise,1,0,,taxable,parent,1,,,,5,id:99,\n"
        + "5,variation,WEISE,Weise,1,0,,taxable,,1,parent,,,5,,\n",
    )
    says = {sku: (p.tax_class, p.tax_rate, p.stock) for sku, p in products.items()}
    assert says == {
        "ALBUM": ("books", None, None),
        "ROT": ("none", Decimal(0), Decimal(7)),
        "BLAU": ("reduced-rate", None, Decimal(7)),
        "MP3": ("books", None, None),
    }
    assert wrong["4"] == 'row 7, column `Tax class` says `parent`, but the list has no product "id:99"'
    assert wrong["5"] == "row 8, column `Stock` says `parent`, but its row names no parent"
    assert remarks == ["each variant has the whole stock that it shares with the others of its parent: SHIRT"]


def test_what_the_shop_does_not_sell_itself_is_named_once(tmp_path: Path) -> None:
    rows = "1,simple,A,Album,1,0,,,,1,,,,15,,\n2,external,EXT,Fremd,1,0,,,,1,,,,11,,https://x.example.ch\n"
    rows += "3,grouped,GRP,Gruppe,1,0,,,,1,,,,,,\n4,external,,Ohne,1,0,,,,1,,,,11,,\n"
    products, wrong, remarks = read(tmp_path, WOO + rows)
    assert (list(products), wrong) == (["A"], {})
    assert remarks == [
        "left out 2 external products, which the shop does not sell itself: EXT, 4",
        "left out 1 grouped product, which the shop does not sell itself: GRP",
    ]


@pytest.mark.parametrize("unit", ["stone", "t"])
def test_a_weight_of_an_unknown_unit_is_said(tmp_path: Path, unit: str) -> None:
    products, wrong, remarks = read(tmp_path, f"ID,SKU,Name,Weight ({unit}),Regular price\n1,A,Album,2,15\n")
    assert (products["A"].weight, wrong) == (None, {})
    assert remarks == [
        f"ignored column `Weight ({unit})`, whose unit is none of kg, g, lb and oz: the weights are not synchronised"
    ]


def test_words_that_nobody_knows_stop_their_row(tmp_path: Path) -> None:
    rows = "1,simple,A,Album,vielleicht,0,,taxable,,1,,,,15,,\n2,simple,B,Album,1,0,,halb,,1,,,,15,,\n"
    products, wrong, _ = read(tmp_path, WOO + rows + '3,"simple, quantum",C,Album,1,0,,,,1,,,,15,,\n')
    assert not products
    assert {shop_id: said.partition("`")[2].partition("`")[0] for shop_id, said in wrong.items()} == {
        "1": "Published",
        "2": "Tax status",
        "3": "Type",
    }


def test_the_same_export_in_french(tmp_path: Path) -> None:
    head = (
        "ID,Type,UGS,Nom,Publié,État de la TVA,Classe de TVA,En stock ?,Stock,Poids (kg),Tarif promo,Tarif régulier\n"
    )
    products, wrong, _ = read(tmp_path, head + '7,"simple, virtual",A,Album,-1,none,,1,3,0.2,,15\n')
    assert not wrong
    album = products["A"]
    assert (album.type, album.active, album.tax_class, album.stock) == ("service", False, "none", Decimal(3))


def test_shopifys_variants_have_the_title_of_their_product(tmp_path: Path) -> None:
    products, wrong, remarks = read(
        tmp_path,
        SHOPIFY
        + "shirt,Shirt,<p>Weich</p>,Berg,Kleider,true,Farbe,Rot,Grösse,S,S-ROT,200,shopify,7,29.90,39,true,true,761,"
        + "https://cdn/1.jpg,1,false,kg,9,30,active\n"
        + "shirt,,,,,,,Blau,,M,S-BLAU,250,shopify,0,25.00,,true,true,,,,,kg,9,,\n"
        + "shirt,,,,,,,,,,,,,,,,,,,https://cdn/2.jpg,2,,,,,\n"
        + "karte,Gutschein,,Berg,Karten,true,Wert,100,,,GUT,0,,,100,,false,false,,,,true,kg,,,active\n"
        + "buch,Buch,,Berg,Bücher,true,Title,Default Title,,,BUCH,800,,,26,,true,true,,,,false,g,,,draft\n"
        + "alt,Alt,,Berg,,true,Title,Default Title,,,ALT,0,,,26,,true,true,,,,false,g,,,archived\n"
        + "ohne,Ohne Nummer,,Berg,,true,Farbe,Rot,,,,0,,,26,,true,true,,,,false,g,,,active\n",
    )
    assert not wrong
    assert {sku: (p.title, p.active, p.type, p.weight) for sku, p in products.items()} == {
        "S-ROT": ("Shirt - Rot / S", True, "physical", Decimal(200)),
        "S-BLAU": ("Shirt - Blau / M", True, "physical", Decimal(250)),
        "GUT": ("Gutschein - 100", True, "service", Decimal(0)),
        "BUCH": ("Buch", False, "physical", Decimal(800)),
        "ALT": ("Alt", False, "physical", Decimal(0)),
        "ohne/Rot": ("Ohne Nummer - Rot", True, "physical", Decimal(0)),
    }
    blue = products["S-BLAU"]
    assert (blue.description, blue.parent_id, blue.weight_unit, blue.stock) == (
        "<p>Weich</p>",
        "shirt",
        "g",
        Decimal(0),
    )
    assert (blue.track_stock, products["BUCH"].track_stock) == (True, False)
    assert (products["GUT"].tax_class, products["GUT"].tax_rate, blue.tax_class) == ("none", Decimal(0), None)
    assert remarks == ["ignored column `Price / International`"]


def test_shopifys_export_of_today_has_other_headers(tmp_path: Path) -> None:
    head = (
        "Title,URL handle,Description,Vendor,Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,"
        "Price,Charge tax,Inventory tracker,Inventory quantity,Weight value (grams),Weight unit for display,"
        "Requires shipping\n"
    )
    row = "Tasse,tasse,<p>Blau</p>,Berg,TRUE,Active,T-1,'0761,Title,Default Title,19.50,FALSE,shopify,4,380,g,TRUE\n"
    products, wrong, _ = read(tmp_path, head + row, columns={"revenue_account": "Vendor"})
    assert not wrong
    cup = products["T-1"]
    assert (cup.title, cup.gtin, cup.price, cup.weight, cup.stock) == ("Tasse", "0761", Decimal("19.50"), 380, 4)
    assert (cup.tax_class, cup.active, cup.revenue_account) == ("none", True, "Berg")


def test_an_error_names_shopifys_own_column(tmp_path: Path) -> None:
    row = "buch,Buch,,Berg,Bücher,true,Title,Default Title,,,BUCH,800,,,viel,,true,true,,,,false,g,,,active\n"
    _, wrong, _ = read(tmp_path, SHOPIFY + row)
    assert wrong["BUCH"].startswith("row 2, column `Variant Price` must be a number")


# what decides something is never left out without a word


@pytest.mark.parametrize(
    ("header", "cell", "field"),
    [
        ("Verkaufswährung", "EUR", "currency"),
        ("Kürzel", "EUR", "currency"),
        ("Abgabe", "2.6", "tax_rate"),
        ("Abgabe", "8.1%", "tax_rate"),
        ("Mehrwertsteuergruppe", "A", "tax_rate"),
        ("TVA spéciale", "réduite", "tax_rate"),
        ("Bestand Zentrale", "12", "stock"),
        ("Erlöskonto Shop", "3400", "revenue_account"),
        ("Sichtbarkeit", "draft", "active"),
    ],
)
def test_a_column_that_may_decide_something_stops_the_list(tmp_path: Path, header: str, cell: str, field: str) -> None:
    content = f"ID;SKU;Name;Preis;{header}\n1;A;Tisch;15;{cell}\n"
    with pytest.raises(ConfigurationProblem) as caught:
        read(tmp_path, content)
    assert f"column `{header}` that is not known but may be `{field}`" in caught.value.message
    assert f'{field} = "{header}"' in caught.value.hint
    assert not read(tmp_path, content, ignore=[header])[1]


def test_a_price_that_is_not_known_stops_the_list_and_a_second_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationProblem, match="`Händlerpreis` that is not known but may be `price`"):
        read(tmp_path, "ID;SKU;Name;Händlerpreis\n1;A;Tisch;15\n")
    products, _, remarks = read(tmp_path, "ID;SKU;Name;Preis;Händlerpreis;Farbe;Mindestbestand\n1;A;Tisch;15;9;rot;3\n")
    assert products["A"].price == 15
    assert remarks == ["ignored columns `Händlerpreis`, `Farbe`, `Mindestbestand`"]


def test_a_header_names_the_currency_of_its_prices(tmp_path: Path) -> None:
    assert read(tmp_path, "ID;SKU;Name;Preis EUR\n1;A;Tisch;15\n")[0]["A"].currency == "EUR"


# workbooks


def test_a_workbook_is_read_as_its_cells_are_shown(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["ID", "Type", "SKU", "Name", "Published", "Tax status", "Stock", "Weight (kg)", "Regular price"],
        [7, "simple, virtual", Cell(17, "0000"), "Kurs", True, "none", None, None, 19.9],
        [8, "simple", "A-8", "Tisch", -1, "taxable", 1250, 1.234, "29,90"],
        [9, "simple", "A-9", "Stuhl", 1, "taxable", Cell(None, error="#REF!"), 2, 15],
    ]
    products, wrong, remarks = read(tmp_path, workbook({"Produkte": rows, "Notizen": [["Text"], ["egal"]]}))
    course, table = products["0017"], products["A-8"]
    assert (course.type, course.active, course.tax_class, course.price) == ("service", True, "none", Decimal("19.9"))
    assert (table.active, table.stock, table.weight, table.price) == (False, 1250, Decimal("1.234"), Decimal("29.9"))
    assert wrong == {"9": "row 4, column `Stock` holds the error #REF!"}
    assert remarks == []


def test_a_workbook_of_shopifys_columns(tmp_path: Path) -> None:
    rows = [line.split(",") for line in SHOPIFY.strip().splitlines()]
    row = dict.fromkeys(rows[0], "") | {"Handle": "t", "Title": "Tasse", "Variant SKU": "T-1", "Variant Price": 19.5}
    products, wrong, _ = read(tmp_path, workbook({"products_export": [*rows, list(row.values())]}))
    assert (wrong, products["T-1"].price) == ({}, Decimal("19.5"))


def test_a_workbook_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationProblem) as caught:
        read(tmp_path, b"ID;SKU;Name\n1;A;Tisch\n")
    assert "products.xlsx" in caught.value.message
    assert "in/" not in caught.value.hint
