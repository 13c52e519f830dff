"""The examples are right to the cent, go through the folder shop, and the bad ones say what the page promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.config.loading import load_profile
from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Invoice, Order
from bexsync.shops.folder.documents import read_file

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = ("agency/invoices", "agency/invoices-as-csv", "flying-club/invoices")
GOOD = sorted(p for folder in FOLDERS for p in (EXAMPLES / folder).iterdir())
BAD = EXAMPLES / "bad-input"
CENT = Decimal("0.01")


def rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def invoices(path: Path) -> Iterator[Invoice]:
    for found in read_file(path):
        if isinstance(found, ImportNote):
            continue
        assert isinstance(found, IncomingRecord), found
        assert isinstance(found.record, Invoice)
        yield found.record


def all_good() -> list[Invoice]:
    return [invoice for path in GOOD for invoice in invoices(path)]


@pytest.mark.parametrize("invoice", all_good(), ids=lambda invoice: invoice.shop_id)
class TestEveryInvoice:
    def test_each_line_comes_to_its_total(self, invoice: Invoice) -> None:
        for line in invoice.lines:
            if line.has_amount:
                assert line.unit_price is not None
                left = 1 - (line.discount_percent or Decimal(0)) / 100
                assert line.line_total == rounded(line.quantity * line.unit_price * left), line.name

    def test_the_lines_come_to_the_total(self, invoice: Invoice) -> None:
        amounts: dict[Decimal, Decimal] = {}
        for line in invoice.lines:
            rate = line.tax_rate or Decimal(0)
            amounts[rate] = amounts.get(rate, Decimal(0)) + (line.line_total or Decimal(0))
        whole = sum(amounts.values(), Decimal(0))
        base = 100 if not invoice.prices_include_tax else None
        tax = sum((rounded(a * r / (base or 100 + r)) for r, a in amounts.items()), Decimal(0))
        assert invoice.total == whole + (0 if invoice.prices_include_tax else tax)
        if invoice.total_net is not None:
            assert invoice.total_tax == tax
            assert invoice.total == invoice.total_net + tax

    def test_the_hours_come_to_the_quantity(self, invoice: Invoice) -> None:
        for line in invoice.lines:
            if line.time_entries and line.unit == "h":
                assert sum(entry.hours for entry in line.time_entries) == line.quantity

    def test_it_can_reach_somebody_who_does_not_exist(self, invoice: Invoice) -> None:
        assert invoice.customer is not None
        mails = [invoice.customer.email, invoice.invoice_contact.email if invoice.invoice_contact else None]
        domains = {mail.rpartition("@")[2] for mail in mails if mail}
        assert domains
        assert all(domain == "example.com" or domain.endswith(".example.ch") for domain in domains)

    def test_it_belongs_to_this_autumn(self, invoice: Invoice) -> None:
        assert (invoice.invoice_date.year, invoice.invoice_date.month) in {(2026, 10), (2026, 11)}


def test_ids_are_unique_over_all_examples() -> None:
    ids = [invoice.shop_id for invoice in all_good()]
    assert len(ids) == len(set(ids)) == 13


def test_one_customer_is_written_the_same_way_everywhere() -> None:
    customers: dict[str, Any] = {}
    for invoice in all_good():
        assert invoice.customer is not None
        assert customers.setdefault(invoice.customer.shop_id or "", invoice.customer) == invoice.customer


def web_shop_orders(when: str) -> dict[str, Order]:
    found: dict[str, Order] = {}
    for path in sorted((EXAMPLES / "web-shop" / "orders" / when).iterdir()):
        for one in read_file(path):
            if not isinstance(one, ImportNote):
                assert isinstance(one, IncomingRecord), one
                assert isinstance(one.record, Order)
                found[one.record.shop_id] = one.record
    return found


def test_the_orders_of_the_web_shop_come_to_their_totals_and_change_in_the_evening() -> None:
    placed, later = web_shop_orders("placed"), web_shop_orders("later")
    assert list(placed) == list(later) == ["1001", "1002", "1003"]
    for order in (*placed.values(), *later.values()):
        assert order.total == sum(line.line_total or Decimal(0) for line in order.lines)
        assert order.customer is not None
        assert (order.customer.email or "").endswith("@example.com")
    for shop_id, order in placed.items():
        assert (order.updated_at or order.ordered_at) < (later[shop_id].updated_at or order.ordered_at)
        assert order.lines == later[shop_id].lines


@pytest.mark.parametrize("name", ["agency", "flying-club", "web-shop"])
def test_the_profiles_are_valid(name: str) -> None:
    profile = load_profile(EXAMPLES / name / "profile.toml")
    assert profile.shop.site == name
    assert profile.ledger.api_url == "https://api.bexio.com"


# ---- bad input: what the folder shop says of each file; None means that it reads well and a planner objects

CORRECTABLE = {
    "broken-line.ndjson": "line 2: is not valid JSON: Expecting value, column 1",
    "broken.json": "is not valid JSON: Expecting ',' delimiter in line 7, column 3",
    "csv-either-decimal-sign.csv": 'does not tell whether "1,200" in row 2 (`Einzelpreis`) is 1\'200 or 1.200',
    "csv-invoice-or-order.csv": (
        "may hold invoices, by its column `Rechnungsnummer`, or orders, by its column `Bestelldatum`"
    ),
    "csv-long-number.csv": (
        'row 3, column `Rechnungsnummer`: says "1,23457E+12", which is what a spreadsheet makes of a long number'
    ),
    "csv-missing-columns.csv": (
        "has no column for `number` and `total` (perhaps `Schlusstotal`); its columns are `Auftrag`, `Datum`, "
        "`Währung`, `Firma`, `E-Mail`, `Artikel`, `Menge`, `Einzelpreis`, `MWST %`, `Schlusstotal`"
    ),
    "csv-month-first.csv": 'writes the month first in row 3, column `Datum`: "11/13/2026"',
    "csv-no-number.csv": "row 3: has no `number` (column `Rechnungsnummer`), so nobody can say whose line it is",
    "csv-open-quotation.csv": "has a quotation mark too many in the row after row 1",
    "csv-two-currencies.csv": "row 3, column `Einzelpreis`: is in EUR, but the invoice is in CHF",
    "csv-two-dates.csv": 'row 4, column `Datum`: says "13.11.2026", but row 3 of the same invoice says "12.11.2026"',
    "csv-two-decimal-signs.csv": (
        'writes amounts in two ways, "150,00" in row 2 (`Einzelpreis`) and "150.00" in row 3 (`Einzelpreis`)'
    ),
    "csv-unclear-column.csv": "has a column `MWST`, which may be `tax_rate` or `line_tax` or `total_tax` or `tax_code`",
    "csv-unquoted-semicolon.csv": 'row 3: has "324,30" in column K, which has no header',
    "currency-as-word.json": 'record 2: field `currency` must be a currency code like CHF, it says "Franken"',
    "duplicate-ids.ndjson": 'line 3: invoice "duplicate-ids" occurs twice, lines 1 and 3, with different content',
    "empty.json": "is empty",
    "half.json": "is not valid JSON: Unterminated string starting at in line 47, column 9",
    "half.ndjson": "line 2: is not valid JSON: Unterminated string starting at, column 187",
    "lines-named-json.json": "is not valid JSON: Extra data in line 2, column 1",
    "missing-schema.json": "record 2: field `schema` is missing",
    "no-json.json": "is not valid JSON: Expecting value in line 1, column 1",
    "no-records.json": "holds no records",
    "not-a-number.json": "record 2: field `total` is NaN, which is no number",
    "order-local-time.json": (
        "record 1: field `ordered_at` must be a moment with its offset, like 2026-11-20T09:30:00+01:00 or "
        '2026-11-20T08:30:00Z, it says "2026-11-12T09:30:00"'
    ),
    "order-unknown-line.json": 'record 1: names in `fulfillments[1]` the line "2", which it has not',
    "swiss-date.json": 'record 2: field `invoice_date` must be a date like 2026-11-20, it says "12.11.2026"',
    "swiss-number.json": 'record 2: field `lines[1].unit_price` must be a number like 1234.50, it says "1\'150.00"',
    "text-for-an-amount.json": 'record 2: field `lines[1].quantity` must be a number like 1234.50, it says "zwei"',
    "twice-in-one-object.json": (
        "record 2: field `total` occurs twice in one object, so nobody can say which one counts"
    ),
    "typo-in-a-field.json": "record 2: field `lines[1].unit_prize` is unknown; did you mean `unit_price`?",
    "unknown-kind.json": ('record 2: field `kind` must be "invoice", "order" or "customer", it says "quote"'),
    "windows-1252.json": "is not UTF-8 (byte 0xE4 in line 33)",
    "wrong-schema.json": 'record 2: field `schema` must be "bexsync/1", it says "bexsync/9"',
}
LEFT_TO_THE_PLANNER = {
    "date-far-ahead.json",
    "lines-do-not-add-up.json",
    "missing-mail.json",
    "missing-total.json",
    "negative-total.json",
    "text-too-long.json",
    "unknown-account.json",
    "unknown-currency.json",
    "unknown-tax-code.json",
    "unmapped-tax-rate.json",
    "vat-says-otherwise.json",
    "zero-total.json",
}


def test_every_bad_file_is_expected() -> None:
    assert {p.name for p in BAD.iterdir()} == {*CORRECTABLE, *LEFT_TO_THE_PLANNER, "README.md"}


@pytest.mark.parametrize("name", sorted(CORRECTABLE))
def test_a_bad_file_is_one_sentence(name: str) -> None:
    complaints = [f for f in read_file(BAD / name) if isinstance(f, InvalidInput)]
    assert [f"{c.location}: {c.message}".removeprefix(": ") for c in complaints] == [CORRECTABLE[name]]


@pytest.mark.parametrize("name", sorted(LEFT_TO_THE_PLANNER))
def test_what_reads_well_is_left_to_the_planner(name: str) -> None:
    stem = name.partition(".")[0]
    assert [invoice.shop_id for invoice in invoices(BAD / name)] == [f"{stem}-good", f"{stem}-bad"]


@pytest.mark.parametrize("name", sorted(CORRECTABLE) + sorted(LEFT_TO_THE_PLANNER))
def test_the_page_names_every_bad_file(name: str) -> None:
    page = (BAD / "README.md").read_text()
    assert f"`{name}`" in page
    if name in CORRECTABLE:
        assert CORRECTABLE[name].partition(" (")[0] in page


def test_good_neighbours_survive() -> None:
    files = [*BAD.glob("*.*json"), *BAD.glob("*.csv")]
    found = [f for path in files for f in read_file(path) if isinstance(f, IncomingRecord)]
    readable = [f.record.canonical()["shop_id"] for f in found]
    assert len(readable) == len(set(readable))
    assert {i for i in readable if i.endswith("-good")} == {
        *(f"{path.stem}-good" for path in BAD.glob("*.json") if len(_objects(path)) == 2),
        *(f"{path.stem}-good" for path in BAD.glob("*.csv") if b"-good" in path.read_bytes()),
    }


def _objects(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]
