"""Lists as tables: every way of writing one gives the records that JSON gives, and the page says how."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bexsync.config.loading import load_profile
from bexsync.errors import BexsyncError, ConfigurationProblem, TryLater
from bexsync.ports.shop import IncomingRecord, InvalidInput
from bexsync.records import Product, Record, StockLevel, TaxRate, read_record
from bexsync.records.columns import LIST_COLUMNS, NAMES, Column
from bexsync.shops.folder.catalog import FolderCatalog
from bexsync.shops.folder.catalog.outbox import PRODUCT_COLUMNS, STOCK_COLUMNS
from bexsync.shops.folder.catalog.vocabulary import VOCABULARIES
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.cells import WORDS
from bexsync.shops.folder.table.headers import read_headers
from bexsync.shops.folder.table.vocabulary import plain_header

ROOT = Path(__file__).parents[2]
FORMAT_PAGE = ROOT / "docs" / "format.md"
EXAMPLE = ROOT / "examples" / "web-shop"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MODELS: Mapping[str, type[BaseModel]] = {"product": Product, "stock_level": StockLevel, "tax_rate": TaxRate}


def records_of(root: Path, kind: str, **csv_settings: Any) -> list[Record]:
    catalog = FolderCatalog(root, now=lambda: NOW, quiet_seconds=0, csv=CsvSection(**csv_settings))
    found = list(catalog.tax_rates() if kind == "tax_rate" else catalog.products())
    assert not [f for f in found if isinstance(f, InvalidInput)]
    return [f.record for f in found if isinstance(f, IncomingRecord)]


def put(root: Path, name: str, content: str | bytes) -> None:
    folder = root / "catalog"
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.glob(f"{Path(name).stem}.*"):
        other.unlink()
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(folder / name, (1, 1))


# ---- the same list in every form

_SIGNS = "aäzAÖZéè09 .,;:|/&+@#%()[]-–_'\"«»?!€\n\t<>"
_TEXT = st.text(_SIGNS, min_size=1, max_size=16).filter(str.strip)
_WIDE = st.text(_SIGNS + "漢Жß😀", min_size=1, max_size=16).filter(str.strip)
_LONG = st.builds(lambda text, times: (f"<p>{text} &amp; mehr</p>\r\n" * times).strip(), _TEXT, st.integers(1, 60))
_ID = st.text("aäZ019-_/. é'=", min_size=1, max_size=12).filter(str.strip) | st.sampled_from(["0012", "7612345678900"])
_WORDS = {
    "type": ["physical", "service"],
    "weight_unit": ["g", "kg", "mg", "lb", "oz"],
    "tax_country": ["CH", "LI"],
    "country_code": ["CH", "DE"],
    "use": ["sale", "shipping", "fee"],
}
_VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "id": _ID,
    "text": _WIDE,
    "percent": st.decimals(min_value=0, max_value=100, places=2),
    "day": st.dates(datetime(2000, 1, 1).date(), datetime(2099, 12, 31).date()).map(lambda day: day.isoformat()),  # noqa: DTZ001
    "yes_no": st.booleans(),
}
_STOCK = st.decimals(min_value=-(10**9), max_value=10**9, places=6) | st.integers(-5, 5000).map(Decimal)
_PRICE = st.decimals(min_value=0, max_value=10**9, places=6) | st.integers(0, 5_000_000).map(lambda n: Decimal(n) / 100)
_ALTERNATIVES = ("price_net", "price_gross", "weight_grams", "weight_pounds", "weight_ounces", "tax_status")


def _cells(column: Column) -> st.SearchStrategy[Any]:
    if column.name == "currency":
        return st.sampled_from(["CHF", "EUR"])
    if column.name == "description":
        return _LONG | _WIDE
    if column.sort == "amount":
        return _STOCK if column.name == "stock" else _PRICE
    return st.sampled_from(_WORDS[column.name]) if column.sort == "word" else _VALUES[column.sort]


def _lists(kind: str, *needed: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = {c.name: _cells(c) for c in LIST_COLUMNS[kind] if c.name not in _ALTERNATIVES}
    record = st.fixed_dictionaries(
        {name: columns[name] for name in needed}, optional={n: c for n, c in columns.items() if n not in needed}
    )
    ids = (lambda r: str(r["shop_id"]).strip()) if "shop_id" in needed else None
    return st.lists(record, min_size=1, max_size=4, unique_by=ids)


@dataclass(frozen=True)
class Dialect:
    """One way of writing a table."""

    encoding: str
    delimiter: str
    decimal: str
    line_end: str
    is_german: bool
    is_quoted: bool
    is_announced: bool
    ids_as_formulas: bool

    def write(self, kind: str, records: Sequence[Mapping[str, Any]]) -> bytes:
        columns = [c for c in LIST_COLUMNS[kind] if any(c.name in record for record in records)]
        text = io.StringIO(newline="")
        if self.is_announced:
            text.write(f"sep={self.delimiter}{self.line_end}")
        quoting = csv.QUOTE_ALL if self.is_quoted else csv.QUOTE_MINIMAL
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator=self.line_end, quoting=quoting)
        synonyms = VOCABULARIES[kind].synonyms
        writer.writerow([synonyms[c.name][0] if self.is_german else c.name for c in columns])
        writer.writerows([self._cell(c, record.get(c.name)) for c in columns] for record in records)
        return text.getvalue().encode(self.encoding)

    def _cell(self, column: Column, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return ("ja" if value else "nein") if self.is_german else ("1" if value else "0")
        if isinstance(value, Decimal):
            return self._amount(value)
        if value.lstrip().startswith(("'", "=")) or (column.sort == "id" and self.ids_as_formulas):
            doubled = value.replace('"', '""')
            return f'="{doubled}"'
        return str(value)

    def _amount(self, value: Decimal) -> str:
        """With two decimals at least, and never with three, which might be thousands."""
        whole, _, decimals = format(abs(value).normalize(), "f").partition(".")
        decimals = decimals.ljust(4 if len(decimals) == 3 else 2, "0")
        return f"{'-' if value < 0 else ''}{whole}{self.decimal}{decimals}"


_DIALECTS = st.builds(
    Dialect,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from([";", ",", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    line_end=st.sampled_from(["\r\n", "\n"]),
    is_german=st.booleans(),
    is_quoted=st.booleans(),
    is_announced=st.booleans(),
    ids_as_formulas=st.booleans(),
)


def _spelled(records: list[dict[str, Any]], encoding: str) -> list[dict[str, Any]]:
    """What of the records can be written in an encoding; a cell knows no lone line feed beside CR LF."""

    def spell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.replace("\r\n", "\n").encode(encoding, "replace").decode(encoding)

    return [{name: spell(value) for name, value in record.items()} for record in records]


def _json(record: Mapping[str, Any]) -> dict[str, Any]:
    return {n: format(v, "f") if isinstance(v, Decimal) else v for n, v in record.items()}


def _same_in_every_form(root: Path, kind: str, name: str, records: list[dict[str, Any]], dialect: Dialect) -> None:
    records = _spelled(records, dialect.encoding)
    values = [_json(record) for record in records]
    put(root, f"{name}.json", json.dumps(values))
    as_json = records_of(root, kind)
    assert [r.fingerprint() for r in as_json] == [read_record(kind, value).fingerprint() for value in values]
    put(root, f"{name}.ndjson", "".join(json.dumps(value) + "\n" for value in values))
    as_lines = records_of(root, kind)
    # Nothing in a file of few umlauts tells Windows from UTF-8 where it happens to be both.
    put(root, f"{name}.csv", dialect.write(kind, records))
    wanted = {"encoding": "cp1252"} if dialect.encoding == "cp1252" else {}
    assert records_of(root, kind, **wanted) == as_lines == as_json


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_lists("product", "shop_id", "title"), _DIALECTS)
def test_every_way_of_writing_products_gives_the_same(
    tmp_path: Path, records: list[dict[str, Any]], dialect: Dialect
) -> None:
    _same_in_every_form(tmp_path, "product", "products", records, dialect)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_lists("tax_rate", "rate"), _DIALECTS)
def test_every_way_of_writing_taxes_gives_the_same(
    tmp_path: Path, records: list[dict[str, Any]], dialect: Dialect
) -> None:
    _same_in_every_form(tmp_path, "tax_rate", "taxes", records, dialect)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_STOCK, min_size=1, max_size=4), st.booleans(), _DIALECTS)
def test_every_way_of_writing_stock_gives_the_same(
    tmp_path: Path, numbers: list[Decimal], by_sku: bool, dialect: Dialect
) -> None:
    products = [{"shop_id": f"P-{n}", "sku": f"00{n}", "title": "x", "stock": "99"} for n in range(len(numbers))]
    put(tmp_path, "products.json", json.dumps(products))
    name = "sku" if by_sku else "shop_id"
    rows = [{name: product[name], "stock": number} for product, number in zip(products, numbers, strict=True)]
    forms = {
        "stock.json": json.dumps([_json(row) for row in rows]),
        "stock.ndjson": "".join(json.dumps(_json(row)) + "\n" for row in rows),
        "stock.csv": dialect.write("stock_level", rows),
    }
    for file, content in forms.items():
        put(tmp_path, file, content)
        assert [r.stock for r in records_of(tmp_path, "product") if isinstance(r, Product)] == numbers


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=40),
    st.integers(0, 200),
    st.integers(0, 60),
    st.sampled_from(["products.csv", "products.json", "products.ndjson"]),
)
def test_a_bitten_list_is_never_an_empty_one(tmp_path: Path, noise: bytes, at: int, bite: int, name: str) -> None:
    values = [{"shop_id": f"P-{n}", "title": "Tasse ä", "price": "1.50"} for n in range(3)]
    whole = {
        "products.csv": "shop_id;title;price\nP-0;Tasse ä;1.50\nP-1;Tasse ä;1.50\nP-2;Tasse ä;1.50\n",
        "products.json": json.dumps(values),
        "products.ndjson": "".join(json.dumps(value) + "\n" for value in values),
    }[name].encode()
    put(tmp_path, name, whole[:at] + noise + whole[at + bite :])
    catalog = FolderCatalog(tmp_path, now=lambda: NOW, quiet_seconds=0)
    with suppress(TryLater, ConfigurationProblem):
        assert list(catalog.products())


# ---- numbers, marks and words

WESTERN = "ID;Artikelnummer;Bezeichnung;Preis inkl. MWST;Gewicht (g);Bestand;Lager führen;Aktiv;MWST %\n"


def test_a_spreadsheet_of_windows_is_understood(tmp_path: Path) -> None:
    rows = '17;="0012";Käsemesser;1\'249,90;450;12;ja;nein;2,6 %\n18;0013;Öl;12,50;;-3,5;nein;;8,1\n'
    put(tmp_path, "products.csv", f"{WESTERN}{rows}".encode("cp1252"))
    first, second = records_of(tmp_path, "product")
    assert first.canonical() == {
        "shop_id": "17", "sku": "0012", "title": "Käsemesser", "price": "1249.9", "prices_include_tax": True,
        "weight": "450", "weight_unit": "g", "stock": "12", "active": False, "tax_rate": "2.6",
    }  # fmt: skip
    assert second.canonical() == {
        "shop_id": "18", "sku": "0013", "title": "Öl", "price": "12.5", "prices_include_tax": True,
        "stock": "-3.5", "track_stock": False, "tax_rate": "8.1",
    }  # fmt: skip


def test_a_shop_without_ids_is_known_by_its_numbers(tmp_path: Path) -> None:
    put(tmp_path, "products.csv", "SKU,Name,Regular price\n0012,Tasse,19.90\n")
    [record] = records_of(tmp_path, "product")
    assert record.canonical() == {"shop_id": "0012", "sku": "0012", "title": "Tasse", "price": "19.9"}


def test_a_price_may_name_its_currency(tmp_path: Path) -> None:
    put(tmp_path, "products.csv", "sku,title,price\nA,Tasse,CHF 19.90\nB,Teller,€ 5.-\n")
    assert [r.currency for r in records_of(tmp_path, "product") if isinstance(r, Product)] == ["CHF", "EUR"]


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        ({"title": "Langtext"}, "Tasse, sehr blau"),
        ({"title": "", "sku": ""}, "Tasse"),
        ({"title": "Rechnungstitel", "number": "Beleg", "currency": "Devise"}, "Tasse"),
    ],
)
def test_the_profile_names_columns(tmp_path: Path, columns: dict[str, str], title: str) -> None:
    """What it says of invoices alone does no harm here."""
    put(tmp_path, "products.csv", "shop_id;Name;Langtext\n1;Tasse;Tasse, sehr blau\n")
    [record] = records_of(tmp_path, "product", columns=columns)
    assert isinstance(record, Product)
    assert record.title == title


def test_a_wrong_name_of_a_column_does_not_pass_in_silence(tmp_path: Path) -> None:
    put(tmp_path, "products.csv", "shop_id;Name;Gewicht\n1;Tasse;2\n")
    with pytest.raises(BexsyncError, match="has no column `Gewischt`, which the profile names as `weight`") as caught:
        records_of(tmp_path, "product", columns={"weight": "Gewischt"})
    assert caught.value.hint.endswith("did you mean `Gewicht`?.")


# ---- columns


@pytest.mark.parametrize("kind", LIST_COLUMNS)
def test_every_name_stands_for_one_field(kind: str) -> None:
    vocabulary = VOCABULARIES[kind]
    words = [(plain_header(w), name) for name, known in vocabulary.synonyms.items() for w in (name, *known)]
    assert len({word for word, _ in words}) == len(set(words))
    assert set(vocabulary.synonyms) == {column.name for column in LIST_COLUMNS[kind]} <= NAMES
    assert not {plain_header(word) for word in vocabulary.ambiguous} & {word for word, _ in words}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, column.name) for kind, columns in LIST_COLUMNS.items() for column in columns]
)
def test_every_name_of_a_column_is_known(kind: str, name: str) -> None:
    vocabulary = VOCABULARIES[kind]
    needed = [names[0] for names in vocabulary.needed if name not in names]
    for word in (name, *vocabulary.synonyms[name]):
        header = read_headers([f" {word.upper()}. ", *needed], {}, has_currency=False, vocabulary=vocabulary)
        assert [f.column.name for f in header.fields if f.index == 0] == [name]


@pytest.mark.parametrize("kind", LIST_COLUMNS)
def test_every_field_has_a_column_and_every_column_a_field(kind: str) -> None:
    fields = set(MODELS[kind].model_fields) - {"metadata"}
    # What is not taxed becomes a class and a rate of the record.
    assert {column.path[0] for column in LIST_COLUMNS[kind]} - {"tax_status"} == fields
    least = {
        "product": {"shop_id": "1", "title": "x"},
        "stock_level": {"sku": "1", "stock": 1},
        "tax_rate": {"rate": 1},
    }
    for column in LIST_COLUMNS[kind]:
        is_of_record = column.sort == "word" and column.name != "tax_status"
        for meant in set(WORDS[column.name].values()) if is_of_record else ():
            assert getattr(read_record(kind, {**least[kind], column.name: meant}), column.name) == meant


# ---- the page that explains it

EXPLAINED: Mapping[str, Mapping[str, str]] = {
    "product": {
        "shop_id": "needed; the shop's own id of the variant, for ever the same. Tables without it go by `sku`",
        "parent_id": "the product that this is a variant of",
        "sku": "its number, which is its code in bexio",
        "gtin": "EAN, ISBN, ...",
        "title": "needed, at most 255 signs",
        "description": "may be HTML",
        "type": "`physical` (the default) or `service`",
        "unit": "must exist in bexio (`h`, `Stk`, ...)",
        "price": "net or gross as `prices_include_tax` says, else as `shop_price` under `[products]`",
        "price_net": "CSV only: `price` without VAT",
        "price_gross": "CSV only: `price` with VAT",
        "currency": "else that of the profile. As CSV, a price may name it: `CHF 19.90`",
        "prices_include_tax": "`true` where `price` holds the VAT",
        "tax_status": "CSV only: `taxable`, or `none` for the class `none` at 0 %, which the VAT map translates",
        "tax_class": "the shop's class, which the VAT map translates",
        "tax_rate": 'in percent (`"8.1"`)',
        "tax_country": "whose rate that is (`CH`)",
        "revenue_account": "bexio's account number, instead of the profile's",
        "weight": "in `weight_unit`; left out, it is unknown",
        "weight_grams": "CSV only: `weight` in grams",
        "weight_pounds": "CSV only: `weight` in pounds",
        "weight_ounces": "CSV only: `weight` in ounces",
        "weight_unit": "`kg` (the default), `g`, `mg`, `lb`, `oz`",
        "stock": "what the shop can still sell; a list of stock wins over it",
        "track_stock": "`false` where the shop does not count it",
        "active": "`false` where the shop does not sell it at the moment",
        "url": "where it stands in the shop",
    },
    "stock_level": {
        "shop_id": "of the product; needed unless there is `sku`",
        "sku": "of the product; needed unless there is `shop_id`",
        "stock": "needed; what the shop can still sell",
    },
    "tax_rate": {
        "shop_id": "the shop's own id of the rate",
        "name": "what the shop calls it",
        "rate": 'needed; in percent (`"8.1"`)',
        "tax_class": "the class it belongs to, as products name it",
        "country_code": "whose rate it is",
        "use": "`sale` (the default), `shipping` or `fee`",
        "valid_from": "since when",
    },
}


def field_table(kind: str) -> str:
    """The rows of the page, as the code has them."""
    rows = ["| field | meaning | as CSV also called |", "|---|---|---|"]
    for column in LIST_COLUMNS[kind]:
        words = ", ".join(VOCABULARIES[kind].synonyms[column.name])
        rows.append(f"| `{column.name}` | {EXPLAINED[kind][column.name]} | {words} |")
    return "\n".join(rows) + "\n"


def test_the_page_explains_every_field() -> None:
    page = FORMAT_PAGE.read_text()
    tables = [field_table(kind) for kind in LIST_COLUMNS]
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        fresh = iter(tables)
        page = re.sub(r"\| field \| meaning \| as CSV .*?\n(?=\n)", lambda _: next(fresh), page, flags=re.DOTALL)
        FORMAT_PAGE.write_text(page)
    assert re.findall(r"\| field \| meaning \| as CSV .*?\n(?=\n)", page, re.DOTALL) == tables
    for columns in (PRODUCT_COLUMNS, STOCK_COLUMNS):
        assert ", ".join(f"`{name}`" for name in columns) in " ".join(page.split())


def test_the_pages_own_lists_can_be_read(tmp_path: Path) -> None:
    section = FORMAT_PAGE.read_text().partition("## The catalog")[2]
    put(tmp_path, "products.json", section.partition("```json\n")[2].partition("```")[0])
    put(tmp_path, "stock.csv", section.partition("```csv\n")[2].partition("```")[0])
    stock = {r.sku: r.stock for r in records_of(tmp_path, "product") if isinstance(r, Product)}
    assert stock == {"TAS-BL": 14, "BER-1H": None}


# ---- the example


def test_the_example_is_a_small_web_shop() -> None:
    profile = load_profile(EXAMPLE / "profile.toml")
    assert profile.products.enabled
    assert profile.shop.site == "web-shop"
    catalog = FolderCatalog(EXAMPLE, now=lambda: NOW, quiet_seconds=0, csv=profile.shop.csv)
    found = list(catalog.products())
    products = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Product)]
    assert len(products) == len(found) == 8
    assert [p.sku for p in products].count(None) == 1
    assert {p.type for p in products} == {"physical", "service"}
    assert len({p.shop_id for p in products}) == 8
    parents = {p.shop_id: [v.shop_id for v in products if v.parent_id == p.parent_id] for p in products if p.parent_id}
    assert any(len(variants) > 1 for variants in parents.values())
    rates = [f.record for f in catalog.tax_rates() if isinstance(f, IncomingRecord) and isinstance(f.record, TaxRate)]
    assert {str(rate.rate) for rate in rates} >= {"8.1", "2.6"}
    assert {rate.use for rate in rates} == {"sale", "shipping", "fee"}
    assert {p.tax_rate for p in products} <= {rate.rate for rate in rates}
    assert {p.tax_class for p in products} <= {rate.tax_class for rate in rates}
    assert all(p.stock is None for p in products if p.type == "service" or not p.track_stock)
    assert all(p.stock is not None for p in products if p.track_stock)
