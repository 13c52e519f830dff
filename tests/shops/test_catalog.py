"""The folder's catalog: the contract of every catalog, and what is its own."""

from __future__ import annotations

import csv
import io
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.errors import BexsyncError, ConfigurationProblem, TryLater
from bexsync.ports.shop import IncomingRecord, InvalidInput, ProductChange, StockChange
from bexsync.records import Product
from bexsync.shops.folder.catalog import FolderCatalog
from bexsync.shops.folder.catalog.entries import Entry
from bexsync.shops.folder.catalog.json_lists import JsonArray
from bexsync.shops.folder.json_source import UnusableFile, not_json
from bexsync.shops.folder.json_values import NotJson, parse
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.shop import FolderShop
from constants import set_constant
from contract.catalog import CatalogContract, Show, Told, a_change, a_product, a_stock_change, products, stocks
from contract.catalog import unreadable as unreadable_in
from contract.shop import handed_over

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
NAMES = {"product": "products", "stock_level": "stock", "tax_rate": "taxes"}


def put(root: Path, name: str, content: str | bytes, *, age: float = 600.0) -> Path:
    """A list in catalog/ that was last written `age` seconds ago."""
    path = root / "catalog" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    moment = NOW.timestamp() - age
    os.utime(path, (moment, moment))
    return path


def listed(*records: Mapping[str, Any]) -> str:
    return json.dumps(list(records))


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def tree_of(root: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def open_catalog(root: Path, **settings: Any) -> FolderCatalog:
    return FolderCatalog(root, now=lambda: NOW, csv=CsvSection(**settings))


@pytest.fixture
def catalog(root: Path) -> FolderCatalog:
    return open_catalog(root)


class TestTheFolder(CatalogContract):
    @pytest.fixture
    def catalog(self, root: Path) -> FolderCatalog:
        return open_catalog(root)

    @pytest.fixture
    def show(self, root: Path) -> Show:
        def write(kind: str, records: Sequence[Mapping[str, Any]]) -> None:
            put(root, f"{NAMES[kind]}.json", json.dumps({"schema": "bexsync/1", "kind": kind, "records": records}))

        return write

    @pytest.fixture
    def traces(self, root: Path) -> Callable[[], object]:
        return lambda: tree_of(root)

    @pytest.fixture
    def told_products(self, root: Path) -> Told:
        return lambda: rows_of(root / "out" / "products.csv")

    @pytest.fixture
    def told_stock(self, root: Path) -> Told:
        return lambda: rows_of(root / "out" / "stock.csv")


# ---- which file is the list


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("products.json", listed(a_product())),
        ("products.json", "  " + json.dumps(a_product())),
        ("products.json", b"\xef\xbb\xbf" + listed(a_product()).encode()),
        ("products.json", json.dumps({"records": [a_product()], "kind": "product"})),
        ("products.json", json.dumps({"schema": "bexsync/1", "kind": "product", **a_product()})),
        ("products.ndjson", json.dumps(a_product())),
        ("products.jsonl", "\r\n" + json.dumps(a_product()) + "\r\n"),
        ("Products.CSV", "shop_id;sku;title;price\nP-1;SKU-P-1;Tasse blau;19,90\n"),
        ("products.tsv", "shop_id\tsku\ttitle\tprice\nP-1\tSKU-P-1\tTasse blau\t19.90"),
    ],
)
def test_every_form_of_a_list_says_the_same(
    catalog: FolderCatalog, root: Path, name: str, content: str | bytes
) -> None:
    put(root, name, content)
    [found] = catalog.products()
    assert isinstance(found, IncomingRecord)
    assert isinstance(found.record, Product)
    assert found.record.canonical() == {
        "shop_id": "P-1", "sku": "SKU-P-1", "title": "Tasse blau", "price": "19.9",
    }  # fmt: skip
    assert found.source == f"catalog/{name}"


def told_of(catalog: FolderCatalog) -> BexsyncError:
    with pytest.raises(BexsyncError) as caught:
        list(catalog.products())
    assert caught.value.hint
    assert "in/" not in caught.value.hint
    return caught.value


def test_a_missing_list_is_named(catalog: FolderCatalog, root: Path) -> None:
    problem = told_of(catalog)
    assert isinstance(problem, ConfigurationProblem)
    assert problem.message == (
        f"There is no list of products: {root}/catalog holds no products.json, products.ndjson, products.csv or "
        "products.xlsx."
    )
    put(root, "products.json.tmp", listed(a_product()))
    put(root, "products.ods", listed(a_product()))
    assert told_of(catalog).message == problem.message


def test_a_missing_shop_is_named(tmp_path: Path) -> None:
    problem = told_of(open_catalog(tmp_path / "away"))
    assert isinstance(problem, ConfigurationProblem)
    assert problem.message == f"The shop folder {tmp_path}/away does not exist or is no folder."


def test_two_files_for_one_list_are_one_too_many(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(a_product()))
    put(root, "products.csv", "shop_id,title\nP-1,Tasse\n")
    problem = told_of(catalog)
    assert isinstance(problem, ConfigurationProblem)
    assert problem.message == (
        f"{root}/catalog holds products.csv and products.json, and nobody can say which one counts."
    )


def test_a_link_is_no_list(catalog: FolderCatalog, root: Path, tmp_path: Path) -> None:
    (tmp_path / "else.json").write_text(listed(a_product()))
    (root / "catalog").mkdir()
    (root / "catalog" / "products.json").symlink_to(tmp_path / "else.json")
    os.utime(root / "catalog" / "products.json", (1, 1), follow_symlinks=False)
    assert told_of(catalog).message == f"{root}/catalog/products.json is no plain file."


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_list_is_named(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(a_product())).chmod(0)
    assert told_of(catalog).message == f"{root}/catalog/products.json may not be read: Permission denied."


# ---- a list that is being written


@pytest.mark.parametrize(
    ("name", "content", "age"),
    [
        ("products.json", listed(a_product()), 2.0),
        ("products.json", listed(a_product())[:-1], 30.0),
        ("products.ndjson", json.dumps(a_product())[:-1], 30.0),
        ("products.csv", "shop_id,title\nP-1,Tas", 30.0),
        ("products.json", "", 30.0),
    ],
)
def test_a_young_list_is_left_for_later(
    catalog: FolderCatalog, root: Path, name: str, content: str, age: float
) -> None:
    put(root, name, content, age=age)
    problem = told_of(catalog)
    assert isinstance(problem, TryLater)
    assert problem.message == f"{root}/catalog/{name} is still being written."


def test_a_young_list_of_stock_is_waited_for(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(a_product("P-1", stock="10")))
    put(root, "stock.csv", "shop_id,stock\nP-1,3\n", age=2.0)
    with pytest.raises(TryLater):
        list(catalog.products())
    with pytest.raises(TryLater):
        catalog.change_stock([a_stock_change()])
    assert not (root / "out" / "stock.csv").exists()


@pytest.mark.parametrize("name", ["products.json", "products.ndjson", "products.csv"])
def test_a_list_that_changes_while_it_is_read_is_not_believed(catalog: FolderCatalog, root: Path, name: str) -> None:
    many = [a_product(f"P-{number}") for number in range(3000)]
    content = {
        "json": json.dumps(many),
        "ndjson": "".join(json.dumps(product) + "\n" for product in many),
        "csv": "shop_id,title\n" + "".join(f"P-{number},Tasse\n" for number in range(30_000)),
    }[name.partition(".")[2]]
    path = put(root, name, content)
    reading = catalog.products()
    next(reading)
    path.write_text(content[: len(content) // 2])  # as an exporter that begins anew
    with pytest.raises(TryLater, match=r"is being written at this moment\.$"):
        list(reading)


def test_a_list_that_is_replaced_while_it_is_read_is_read_to_its_end(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(*(a_product(f"P-{number}") for number in range(3000))))
    reading = catalog.products()
    next(reading)
    put(root, "fresh.tmp", listed(a_product("P-9"))).replace(root / "catalog" / "products.json")
    assert len(list(reading)) == 2999
    assert [p.shop_id for p in products(catalog)] == ["P-9"]


# ---- lists that cannot be used

UNUSABLE: list[tuple[str, str | bytes, str]] = [
    ("products.json", "", "is empty"),
    ("products.json", " \n ", "is empty"),
    ("products.ndjson", "\n", "is empty"),
    ("products.csv", "", "is empty"),
    ("products.json", "[]", "holds no records"),
    ("products.json", '{"kind": "product", "records": []}', "holds no records"),
    ("products.csv", "shop_id;title\n", "holds no rows beneath its headers"),
    ("products.json", listed(a_product(), a_product("P-2"))[:-30],
     "is not valid JSON: Unterminated string starting at in line 1, column 127"),
    ("products.json", listed(a_product()).replace("}", "},"),
     "is not valid JSON: Expecting value in line 1, column 80"),
    ("products.json", listed(a_product()) + "\n[]", "is not valid JSON: Extra data in line 2, column 1"),
    ("products.json", listed(a_product())[:-1], "is not valid JSON: Expecting ',' delimiter in line 1, column 79"),
    ("products.json", "{\n x: 1}",
     "is not valid JSON: Expecting property name enclosed in double quotes in line 2, column 2"),
    ("products.json", '[\n{"shop_id": "Käse"}]'.encode("cp1252"), "is not UTF-8 (byte 0xE4 in line 2)"),
    ("products.json", listed(a_product()).encode("utf-16"), "is UTF-16, and bexsync reads UTF-8"),
    ("products.json", '{"records": {}}', "has an object in the field `records`, where a list belongs"),
    ("products.json", '{"records": [1], "records": [2]}', "has the field `records` twice"),
    ("products.json", '{"record": 1, "records": [1]}',
     "has the field `record` beside `records`, where only `schema` and `kind` may stand"),
    ("products.json", "17",
     "holds no record: record 1 is a number where a record, that is an object with fields, belongs"),
    ("products.json", "[" * 5000, "is not valid JSON: nested too deeply"),
    ("products.ndjson", json.dumps(a_product()) + '\n{"shop_id": "P-2"', "ends in the middle of line 2"),
    ("products.ndjson", "viel\nmehr\n",
     "holds no record: line 1 is not valid JSON: Expecting value, column 1 (and 1 more like it)"),
    ("products.csv", "shop_id;title;price\nP-1;Tasse;1\nP-2;Te", "ends in the middle of row 3"),
    ("products.csv", 'shop_id;title\nP-1;"Tasse\nP-2;Teller\n', "has a quotation mark too many in the row after row 1"),
    ("products.csv", "shop_id;Preis\nP-1;1.00\n",
     "has no column for `title`; its columns are `shop_id`, `Preis`"),
    ("products.csv", "shop_id;title;Preis\nP-1;Tasse;1,234\n",
     'does not tell whether "1,234" in row 2 (`Preis`) is 1\'234 or 1.234'),
    ("products.csv", "shop_id;title;Preis\nP-1;Tasse;1,25\nP-2;Teller;1.25\n",
     'writes amounts in two ways, "1,25" in row 2 (`Preis`) and "1.25" in row 3 (`Preis`)'),
    ("products.csv", "shop_id;title;MWST\nP-1;Tasse;8.1\n",
     "has a column `MWST`, which may be `tax_rate` or `tax_class`"),
    ("products.csv", "shop_id;title;Name\nP-1;Tasse;Tasse\n",
     "has two columns that may be `title`: `title` and `Name`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), UNUSABLE)
def test_a_list_that_says_nothing_wants_a_person(
    catalog: FolderCatalog, root: Path, name: str, content: str | bytes, message: str
) -> None:
    put(root, name, content)
    problem = told_of(catalog)
    assert isinstance(problem, ConfigurationProblem)
    assert problem.message == f"{root}/catalog/{name} {message}."
    assert list(tree_of(root)) == [f"catalog/{name}"]


def said_at_once(text: str) -> str:
    try:
        parse(text)
    except NotJson as problem:
        return not_json(problem).message
    return ""


def said_piece_by_piece(text: str) -> str:
    try:
        list(JsonArray(io.BytesIO(text.encode())).entries())
    except UnusableFile as problem:
        return problem.message
    return "nothing"


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_a_json_list_is_read_as_if_it_were_read_at_once(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, cut off anywhere, or with a sign too many: the same values and the same complaint, location included."""
    set_constant(monkeypatch, "json_lists._CHUNK", chunk)
    array = '[\n {"a": "ü\\n", "b": [1, 2.5, {"c": null}]},\n {"a": true}, 17, "x"\n]'
    for text in (array, f'{{"kind": "k", "records": {array}, "schema": 1}}'):
        for cut, sign in itertools.product(range(1, len(text), chunk), ("", "§", ",", "}", '"')):
            mended = text[:cut] + sign + (text[cut:] if sign else "")
            assert said_at_once(mended) in ("", said_piece_by_piece(mended))
        found = list(JsonArray(io.BytesIO(text.encode())).entries())
        assert [entry.value for entry in found if isinstance(entry, Entry)] == parse(array)


def test_an_unusable_list_of_stock_stops_the_products(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(a_product("P-1", stock="10")))
    put(root, "stock.csv", "")
    assert told_of(catalog).message == f"{root}/catalog/stock.csv is empty."


def test_half_a_list_is_found_at_its_end_at_the_latest(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.json", listed(a_product("P-1"), a_product("P-2"))[:-1])
    reading = catalog.products()
    assert next(reading).source == "catalog/products.json"
    with pytest.raises(ConfigurationProblem):
        list(reading)


# ---- rows that are no records

ROWS: list[tuple[str, str, list[tuple[str, str, str]]]] = [
    ("products.json", listed(a_product(), {**a_product("P-2"), "prize": "1"}),
     [("record 2", "P-2", "field `prize` is unknown; did you mean `price`?")]),
    ("products.json", listed(a_product(), {"shop_id": "P-2"}), [("record 2", "P-2", "field `title` is missing")]),
    ("products.json", listed(a_product(), "x"),
     [("record 2", "", "is a text where a record, that is an object with fields, belongs")]),
    ("products.json", listed(a_product(), {"kind": "invoice", **a_product("P-2")}),
     [("record 2", "P-2", 'field `kind` must be "product" in this list, it says "invoice"')]),
    ("products.json", listed(a_product(), a_product("P-2", schema="bexsync/9")),
     [("record 2", "P-2", 'field `schema` must be "bexsync/1" in this list, it says "bexsync/9"')]),
    ("products.json", listed(a_product())[:-1] + ',{"shop_id": "P-2", "title": "a", "title": "b"}]',
     [("record 2", "P-2", "field `title` occurs twice in one object, so nobody can say which one counts")]),
    ("products.json", listed(a_product())[:-1] + ',{"shop_id": "P-2", "title": "a", "price": NaN}]',
     [("record 2", "P-2", "field `price` is NaN, which is no number")]),
    ("products.ndjson", f"{json.dumps(a_product())}\n{{\n{json.dumps(a_product('P-2'))}\n",
     [("line 2", "", "is not valid JSON: Expecting property name enclosed in double quotes, column 2")]),
    ("products.csv", "shop_id;Bezeichnung;Preis;Typ\nP-1;Tasse;1.00;\nP-2;Teller;viel;\nP-3;;1.00;\nP-4;x;1;Hund\n",
     [("row 3, column `Preis`", "P-2", 'must be a number like 1\'234.50, it says "viel"'),
      ("row 4, column `Bezeichnung`", "P-3", "is empty"),
      ("row 5, column `Typ`", "P-4", "must be 'physical' or 'service', it says \"Hund\"")]),
    ("products.csv", "shop_id;title;price\nP-1;Tasse;1\nP-2;Teller;1;blau\n",
     [("row 3", "P-2", 'has "blau" in column D, which has no header')]),
    ("products.csv", "shop_id;title;price\nP-1;Tasse;1\n1,23E+12;Teller;1\n",
     [("row 3, column `shop_id`", "", 'says "1,23E+12", which is what a spreadsheet makes of a long number')]),
    ("products.csv", "shop_id;title;price;currency\nP-1;Tasse;CHF 1.00;\nP-2;Teller;EUR 1.00;CHF\n",
     [("row 3, column `price`", "P-2", "is in EUR, but the product is in CHF")]),
    ("products.csv", "shop_id;title;Preis inkl. MWST;prices_include_tax\nP-1;Tasse;1;ja\nP-2;Teller;1;nein\n",
     [("row 3, column `Preis inkl. MWST`", "P-2",
       "says by its name what the column for `prices_include_tax` contradicts")]),
    ("products.csv", "sku;title\nA;Tasse\n;Teller\n", [("row 3", "", "field `shop_id` is missing")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "complaints"), ROWS)
def test_a_bad_row_is_one_sentence(
    catalog: FolderCatalog, root: Path, name: str, content: str, complaints: list[tuple[str, str, str]]
) -> None:
    put(root, name, content)
    found = unreadable_in(catalog)
    assert [(c.location, c.shop_id, c.message) for c in found] == complaints
    assert all(c.hint and "in/" not in c.hint and c.kind == "product" for c in found)
    assert all(c.source == f"catalog/{name}" for c in found)
    assert products(catalog)


def test_a_flood_of_nameless_rows_ends_in_a_count(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.ndjson", json.dumps(a_product()) + "\n" + "viel\n" * 250)
    found = unreadable_in(catalog)
    assert len(found) == 101
    assert found[-1].message == "holds 150 more pieces like these"


def test_stock_rows_are_blamed_in_their_own_list(catalog: FolderCatalog, root: Path) -> None:
    put(root, "products.csv", "shop_id;sku;title\nP-1;A;Tasse\nP-2;B;Teller\nP-3;C;Topf\n")
    put(root, "stock.csv", "shop_id,sku,stock\nP-1,,viel\n,X,1\nP-2,,3\n,B,4\n,,5\n")
    sentences = [(c.kind, c.shop_id, c.source, c.location, c.message) for c in unreadable_in(catalog)]
    assert sentences == [
        ("product", "P-1", "catalog/stock.csv", "row 2, column `stock`",
         'must be a number like 1\'234.50, it says "viel"'),
        ("product", "P-2", "catalog/stock.csv", "row 5",
         "says that the stock is 4, but row 4 says 3 of the same product"),
        ("stock_level", "", "catalog/stock.csv", "row 6", "names no product: give shop_id or sku"),
        ("stock_level", "", "catalog/stock.csv", "row 3",
         'is the stock of a product that is not listed: no product has the sku "X"'),
    ]  # fmt: skip
    assert stocks(catalog) == {"P-3": None}


def test_roofs_over_variants_are_no_products(catalog: FolderCatalog, root: Path) -> None:
    put(
        root,
        "products.csv",
        "ID,Type,SKU,Name,Parent\n1,variable,,Shirt,\n2,variation,S-M,Shirt M,1\n3,simple,T,Tasse,\n",
    )
    assert [(p.shop_id, p.type, p.parent_id) for p in products(catalog)] == [
        ("2", "physical", "1"),
        ("3", "physical", None),
    ]


# ---- what does not belong into in/


@pytest.mark.parametrize(("kind", "name"), NAMES.items())
def test_lists_dropped_into_in_are_sent_to_their_place(root: Path, kind: str, name: str) -> None:
    (root / "in").mkdir()
    dropped = root / "in" / "export.json"
    dropped.write_text(
        json.dumps({"schema": "bexsync/1", "kind": kind, "records": [{"shop_id": "1"}, {"shop_id": "2"}]})
    )
    os.utime(dropped, (1, 1))
    [complaint] = handed_over(FolderShop(root, now=lambda: NOW), claim=False)
    assert isinstance(complaint, InvalidInput)
    assert complaint.message == (
        f'holds no record: record 1 is of the kind "{kind}", which is not dropped into in/ but listed in catalog/ '
        "(and 1 more like it)"
    )
    assert f"catalog/{name}.json" in complaint.hint


# ---- what the shop is told


def test_products_are_told_in_a_plain_table(catalog: FolderCatalog, root: Path) -> None:
    catalog.change_products(
        [
            ProductChange("P-1", "0012", {"title": "Tasse, blau", "weight": "450", "ledger_id": "7"}),
            ProductChange("=1+1", "-", {"title": "-Rabatt", "price": "-3.5", "description": "a\nb"}),
        ]
    )
    content = (root / "out" / "products.csv").read_bytes().decode()
    assert content == (
        "shop_id,sku,ledger_id,ledger_code,url,title,description,weight,weight_unit,price\r\n"
        'P-1,0012,7,,,"Tasse, blau",,450,g,\r\n'
        "'=1+1,'-,,,,'-Rabatt,\"a\nb\",,,-3.5\r\n"
    )
    catalog.change_products([ProductChange("=1+1", "-", {"title": "@home"})])
    assert rows_of(root / "out" / "products.csv")[1]["title"] == "'@home"
    assert len(rows_of(root / "out" / "products.csv")) == 2


def test_the_profile_names_the_columns_of_what_is_told(root: Path) -> None:
    catalog = open_catalog(root, columns={"sku": "Artikelnummer", "stock": "Bestand", "title": ""})
    put(root, "products.csv", "shop_id;Artikelnummer;Name;Bestand\nP-1;A;Tasse;10\n")
    assert stocks(catalog) == {"P-1": 10}
    catalog.change_products([a_change("P-1", title="Becher")])
    catalog.change_stock([a_stock_change("P-1")])
    assert rows_of(root / "out" / "products.csv")[0] | {} == {
        **dict.fromkeys(("ledger_id", "ledger_code", "url", "description", "weight", "weight_unit", "price"), ""),
        "shop_id": "P-1", "Artikelnummer": "SKU-P-1", "title": "Becher",
    }  # fmt: skip
    assert rows_of(root / "out" / "stock.csv") == [
        {"shop_id": "P-1", "Artikelnummer": "SKU-P-1", "Bestand": "7", "expected": "10"}
    ]
    open_catalog(root).change_products([a_change("P-2", title="Teller")])
    assert [row["title"] for row in rows_of(root / "out" / "products.csv")] == ["Becher", "Teller"]


@pytest.mark.parametrize("content", [b"shop_id;sku;title\r\nP-1;A;Tasse\r\n", b"\xff\xfe\x00", b'"'])
def test_a_told_list_of_somebody_else_is_not_overwritten(catalog: FolderCatalog, root: Path, content: bytes) -> None:
    (root / "out").mkdir()
    told = root / "out" / "products.csv"
    told.write_bytes(content)
    with pytest.raises(ConfigurationProblem, match="is no longer as bexsync wrote it") as caught:
        catalog.change_products([a_change("P-1", title="Becher")])
    assert caught.value.hint == "Move it away; bexsync then begins a new one."
    assert told.read_bytes() == content
    assert [path.name for path in (root / "out").iterdir()] == ["products.csv"]


@pytest.mark.parametrize("column", ["price", "weight"])
def test_a_field_can_be_emptied(catalog: FolderCatalog, root: Path, column: str) -> None:
    catalog.change_products([a_change("P-1", price="1", weight="450")])
    catalog.change_products([a_change("P-1", **{column: ""})])
    [row] = rows_of(root / "out" / "products.csv")
    assert row[column] == ""
    assert row["weight_unit"] == ("" if column == "weight" else "g")


def test_a_full_disk_leaves_the_old_list(catalog: FolderCatalog, root: Path) -> None:
    """Under a limit on the size of files, as a disk that fills up in the middle."""
    catalog.change_products([a_change("P-1", title="Tasse")])
    before = tree_of(root)
    code = (
        "import resource, signal, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from bexsync.ports.shop import ProductChange; from bexsync.shops.folder.catalog import FolderCatalog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "catalog = FolderCatalog(Path(sys.argv[1]), now=lambda: datetime(2026, 11, 20, tzinfo=UTC))\n"
        "catalog.change_products([ProductChange('P-2', 'B', {'title': 'x' * 20_000})])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=False)
    assert "ConfigurationProblem" in done.stderr
    assert tree_of(root) == before


def test_a_death_in_the_middle_leaves_a_whole_list(catalog: FolderCatalog, root: Path) -> None:
    catalog.change_products([a_change(f"P-{number}", title="0") for number in range(2000)])
    code = (
        "import itertools, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from bexsync.ports.shop import ProductChange; from bexsync.shops.folder.catalog import FolderCatalog\n"
        "catalog = FolderCatalog(Path(sys.argv[1]), now=lambda: datetime(2026, 11, 20, tzinfo=UTC))\n"
        "for version in itertools.count(1):\n"
        "    changes = [ProductChange(f'P-{n}', f'SKU-P-{n}', {'title': str(version)}) for n in range(2000)]\n"
        "    catalog.change_products(changes)\n"
        "    print(version, flush=True)\n"
    )
    for delay in (0.001, 0.01, 0.02):
        with subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay)
            writer.kill()
        rows = rows_of(root / "out" / "products.csv")
        assert len(rows) == 2000
        assert len({row["title"] for row in rows}) == 1
    for leftover in (root / "out").glob(".*.tmp"):
        os.utime(leftover, (0, 0))  # another process could still be writing a younger one
    catalog.change_products([a_change("P-1", title="x")])
    assert [path.name for path in (root / "out").iterdir()] == ["products.csv"]


def tell_many(root: Path, first: int) -> None:
    catalog = open_catalog(root)
    for number in range(first, first + 20):
        catalog.change_products([a_change(f"P-{number}", title=f"Tasse {number}")])
        catalog.change_stock([a_stock_change(f"P-{number}")])


def test_two_at_once_keep_the_words_of_both(root: Path) -> None:
    put(root, "products.json", listed(*(a_product(f"P-{number}", stock="10") for number in range(40))))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=tell_many, args=(root, first)) for first in (0, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for name in ("products.csv", "stock.csv"):
        assert {row["shop_id"] for row in rows_of(root / "out" / name)} == {f"P-{number}" for number in range(40)}


def test_a_reader_sees_the_old_list_or_the_new_one(catalog: FolderCatalog, root: Path) -> None:
    told = root / "out" / "products.csv"
    catalog.change_products([a_change(f"P-{number}", title="0") for number in range(200)])
    seen: list[int] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            rows = rows_of(told)
            seen.append(len({row["title"] for row in rows}) * len(rows))

    reader = threading.Thread(target=look)
    reader.start()
    for version in range(20):
        catalog.change_products([a_change(f"P-{number}", title=str(version)) for number in range(200)])
    is_over.set()
    reader.join()
    assert set(seen) == {200}


# ---- many


def test_stock_is_compared_with_the_list_of_now_even_when_only_its_time_changed(
    catalog: FolderCatalog, root: Path
) -> None:
    put(root, "products.json", listed(a_product("P-1", stock="10")))
    assert catalog.change_stock([a_stock_change("P-1", "7", "10")]) == []
    put(root, "products.json", listed(a_product("P-1", stock="11")), age=500)
    refused = StockChange("P-1", "SKU-P-1", Decimal(6), Decimal(10))
    assert catalog.change_stock([refused]) == [refused]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_a_hundred_thousand_products_are_not_held(tmp_path: Path, form: str) -> None:
    """Measured in a process of its own: what it needs beyond the interpreter, and how long it takes."""
    root = tmp_path / "shop"
    root.mkdir()
    text = "<p>Ein Text &amp; mehr</p>\n" * 8
    rows = [a_product(f"P-{number}", description=text, stock=str(number % 90)) for number in range(100_000)]
    if form == "csv":
        path = put(root, "products.csv", "")
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        os.utime(path, (1, 1))
    else:
        lines = (json.dumps(row) for row in rows)
        put(root, f"products.{form}", f"[{','.join(lines)}]" if form == "json" else "\n".join(lines) + "\n")
    code = (
        "import resource, sys, time; from datetime import UTC, datetime; from pathlib import Path\n"
        "from bexsync.shops.folder.catalog import FolderCatalog\n"
        "catalog = FolderCatalog(Path(sys.argv[1]), now=lambda: datetime(2026, 11, 20, tzinfo=UTC))\n"
        "before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()\n"
        "count = sum(1 for _ in catalog.products())\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(count, grown // 1024, time.process_time() - start)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    count, megabytes, seconds = done.stdout.split()
    assert int(count) == 100_000
    assert int(megabytes) < 60
    assert float(seconds) < 12
