"""Orders as tables: one row per line, told from invoices by their columns, moments only where they are known."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.ports.shop import ImportNote, Incoming, IncomingRecord, InvalidInput
from bexsync.records import Order
from bexsync.records.columns import NAMES, ORDER_COLUMNS
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.order_vocabulary import ORDER_AMBIGUOUS, ORDER_SYNONYMS
from bexsync.shops.folder.table.vocabulary import plain_header
from workbooks import workbook

GERMAN = "Bestellnummer;Bestelldatum;Status;Währung;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Total"
ROW = "1001;2026-11-20T09:30:00+01:00;processing;CHF;anna@example.ch;Tasse;2;24.50;8.1;49.00"


FORMAT_PAGE = Path(__file__).parents[2] / "docs" / "format.md"
MEANINGS = {
    "order_number": "what people call it; also its `shop_id`, unless there is a column for that",
    "shop_id": "the shop's own id, where it is not the number",
    "order_status": "`status`, the shop's own word",
    "financial_status": "`financial_status`",
    "fulfillment_status": "`fulfillment_status`",
    "ordered_at": "when it was ordered",
    "updated_at": "when the shop changed it last",
    "paid_at": "when it was paid",
    "cancelled_at": "when it was cancelled",
    "completed_at": "when it was completed",
    "site": "the site it belongs to",
    "is_test": "yes: a test order",
    "refunded": "any cell that is not empty, no, or 0 stops the order",
    "payment_method": "the shop's word for the method",
    "payment_method_title": "what the shop calls the method",
    "transaction_id": "of the one payment of a paid order",
    "purchase_order_number": "the customer's own number",
    "customer_note": "what the customer wrote",
    "total": "with tax",
    "total_discount": "information only",
    "total_outstanding": "information only",
    "shipping_company": "of the delivery address",
    "virtual": "yes: the goods of this line are not shipped",
}


def order_columns() -> str:
    """The page's table: every column that is other than those of invoices."""
    rows = ["| column of orders | meaning | also called |", "|---|---|---|"]
    for column in ORDER_COLUMNS:
        if column.name in MEANINGS or column.name.startswith("shipping_"):
            meaning = MEANINGS.get(column.name, MEANINGS["shipping_company"])
            rows.append(f"| `{column.name}` | {meaning} | {', '.join(ORDER_SYNONYMS[column.name])} |")
    return "\n".join(rows)


def test_the_page_explains_the_columns_of_orders() -> None:
    page = FORMAT_PAGE.read_text()
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        before, _, rest = page.partition("| column of orders |")
        page = f"{before}{order_columns()}\n\n{rest.partition(chr(10) * 2)[2]}"
        FORMAT_PAGE.write_text(page)
    assert order_columns() in page


def test_the_pages_own_orders_can_be_read(tmp_path: Path) -> None:
    section = FORMAT_PAGE.read_text().partition("## Orders as CSV")[2]
    [order] = orders(read(tmp_path, section.partition("```csv\n")[2].partition("```")[0]))
    assert sum(line.quantity * (line.unit_price or 0) for line in order.lines) == order.total


def test_no_name_stands_for_two_columns() -> None:
    words = [(plain_header(word), name) for name, known in ORDER_SYNONYMS.items() for word in (name, *known)]
    assert len(set(words)) == len({word for word, _ in words})
    assert {name for names in ORDER_AMBIGUOUS.values() for name in names} <= set(ORDER_SYNONYMS) <= NAMES


def read(tmp_path: Path, content: str, **csv: Any) -> list[Incoming]:
    path = tmp_path / "orders.csv"
    path.write_text(content)
    return list(read_file(path, CsvSection(**csv), "CHF"))


def orders(found: list[Incoming]) -> list[Order]:
    wrong = [one.message for one in found if isinstance(one, InvalidInput)]
    assert wrong == []
    return [one.record for one in found if isinstance(one, IncomingRecord) and isinstance(one.record, Order)]


def complaint(found: list[Incoming]) -> str:
    [wrong] = [one for one in found if isinstance(one, InvalidInput)]
    return f"{wrong.location}: {wrong.message} {wrong.hint}".removeprefix(": ")


def one(tmp_path: Path, header: str, row: str, **csv: Any) -> Order:
    [order] = orders(read(tmp_path, f"{header}\n{row}\n", **csv))
    return order


def with_column(header: str, cell: str) -> str:
    return f"{GERMAN};{header}\n{ROW};{cell}\n"


def test_rows_of_one_order_need_not_stand_side_by_side(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GERMAN}\n{ROW}\n{ROW.replace('1001', '1002')}\n1001;;;;;Porto;1;9;8.1;\n")
    first, second = orders(found)
    assert (first.shop_id, first.order_number, first.status) == ("1001", "1001", "processing")
    assert [line.name for line in first.lines] == ["Tasse", "Porto"]
    assert [line.name for line in second.lines] == ["Tasse"]
    assert first.ordered_at.isoformat() == "2026-11-20T08:30:00+00:00"
    [note] = [one for one in found if isinstance(one, ImportNote)]
    assert note.message == "read as orders, UTF-8, `;`, decimal point"
    assert (note.facts["orders"], note.facts["columns"]["ordered_at"]) == (2, "Bestelldatum")


@pytest.mark.parametrize(
    "header",
    [
        "Order number;Order date;Order status;Currency;Email;Item;Quantity;Unit price;VAT %;Order total",
        "Numéro de commande;Date de commande;Statut;Devise;Courriel;Article;Quantité;Prix unitaire;Taux TVA;Total TTC",
        "order_number;ordered_at;order_status;currency;email;item;quantity;unit_price;tax_rate;total",
    ],
)
def test_columns_are_known_in_other_languages(tmp_path: Path, header: str) -> None:
    order = one(tmp_path, header, ROW)
    assert (order.shop_id, order.total, order.lines[0].quantity) == ("1001", Decimal(49), Decimal(2))


def test_a_workbook_of_orders(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(workbook({"Bestellungen": [GERMAN.split(";"), ROW.split(";")]}))
    [order] = orders(list(read_file(path, CsvSection(), "CHF")))
    assert (order.shop_id, order.total) == ("1001", Decimal(49))


def test_a_day_and_time_of_a_workbook_needs_the_clocks_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    cells = [*ROW.split(";")]
    cells[1:2] = [datetime(2026, 11, 20, 9, 30)]  # type: ignore[list-item]  # noqa: DTZ001  a workbook knows no zone
    path.write_bytes(workbook({"Bestellungen": [GERMAN.split(";"), cells]}))
    [order] = orders(list(read_file(path, CsvSection(time_zone="Europe/Zurich"), "CHF")))
    assert order.ordered_at.isoformat() == "2026-11-20T08:30:00+00:00"
    assert "must name its offset from UTC" in complaint(list(read_file(path, CsvSection(), "CHF")))


def test_everything_that_a_table_can_say(tmp_path: Path) -> None:
    header = (
        "Bestell-ID;Bestellnummer;Site;Bestelldatum;Geändert am;Bezahlt am;Bestellstatus;Zahlungsstatus;Versandstatus;"
        "Währung;Zahlungsart;Transaktions-ID;Kundenreferenz;Kundenbemerkung;Vorname;Nachname;E-Mail;Strasse;Hausnummer;"
        "PLZ;Ort;Land;Firma Lieferung;Lieferadresse;Lieferadresse PLZ;Lieferort;Lieferland;Positions-ID;"
        "Positionsart;Virtuell;Artikelnummer;Artikel;Menge;Einzelpreis inkl. MWST;MWST %;Rundung;Total"
    )
    row = (
        "9007199254740993;#1001;main;2026-11-20T08:30:00Z;2026-11-20T08:31:00Z;2026-11-20T08:31:00Z;completed;bezahlt;"
        "versendet;CHF;twint;TX-7;PO-9;bitte klingeln;Anna;Keller;anna@example.ch;Seestrasse;12;8640;Rapperswil;"
        "Schweiz;Muster AG;Werkweg 3;3600;Thun;Schweiz;1;Gutschein;ja;GK-50;Geschenkkarte;1;50.00;0;0;50.00"
    )
    order = one(tmp_path, header, row)
    assert (order.shop_id, order.order_number, order.site) == ("9007199254740993", "#1001", "main")
    assert (order.financial_status, order.fulfillment_status) == ("paid", "fulfilled")
    assert order.prices_include_tax
    [payment] = order.payments
    assert (payment.shop_id, payment.amount, payment.currency) == ("TX-7", Decimal(50), "CHF")
    assert (payment.payment_method, payment.paid_at) == ("twint", order.paid_at)
    [line] = order.lines
    assert (line.type, line.virtual, line.sku, line.unit_price) == ("gift_card", True, "GK-50", Decimal(50))
    assert order.shipping_address is not None
    assert (order.shipping_address.company, order.shipping_address.country_code) == ("Muster AG", "CH")
    assert order.customer is not None
    assert order.customer.billing_address is not None
    assert order.customer.billing_address.city == "Rapperswil"


@pytest.mark.parametrize("status", ["", "offen", "autorisiert", "Teilbezahlt"])
def test_a_transaction_is_money_only_where_the_order_is_paid(tmp_path: Path, status: str) -> None:
    content = f"{GERMAN};Zahlungsstatus;Transaktions-ID\n{ROW};{status};TX-7\n"
    [order] = orders(read(tmp_path, content))
    assert order.payments == ()


@pytest.mark.parametrize(
    ("cell", "csv", "moment"),
    [
        ("2026-11-20T09:30:00Z", {}, "2026-11-20T09:30:00+00:00"),
        ("2026-11-20 09:30 +0100", {}, "2026-11-20T08:30:00+00:00"),
        ("20.11.2026 09:30", {"time_zone": "Europe/Zurich"}, "2026-11-20T08:30:00+00:00"),
        ("20.11.2026, 9:30:15", {"time_zone": "Europe/Zurich"}, "2026-11-20T08:30:15+00:00"),
        ("2026-07-20", {"time_zone": "Europe/Zurich"}, "2026-07-19T22:00:00+00:00"),
        ("11/20/2026 09:30", {"time_zone": "UTC", "date_format": "%m/%d/%Y %H:%M"}, "2026-11-20T09:30:00+00:00"),
        ("11/20/2026 09:30 +0100", {"date_format": "%m/%d/%Y %H:%M %z"}, "2026-11-20T08:30:00+00:00"),
    ],
)
def test_moments_are_read_as_the_profile_says(tmp_path: Path, cell: str, csv: dict[str, str], moment: str) -> None:
    order = one(tmp_path, GERMAN, ROW.replace("2026-11-20T09:30:00+01:00", cell), **csv)
    assert order.ordered_at.isoformat() == moment


@pytest.mark.parametrize(
    ("cell", "csv", "said"),
    [
        (
            "20.11.2026 09:30",
            {},
            'row 2, column `Bestelldatum`: must name its offset from UTC, it says "20.11.2026 09:30" Export '
            "moments with their offset, as in 2026-11-20T09:30:00+01:00, or say under [shop.csv] in the profile by "
            'which clocks they are written: time_zone = "Europe/Zurich".',
        ),
        ("2026-11-20", {}, "must name its offset from UTC"),
        (
            "25.10.2026 02:30",
            {"time_zone": "Europe/Zurich"},
            "lies where the clocks of Europe/Zurich are put",
        ),
        (
            "29.03.2026 02:30",
            {"time_zone": "Europe/Zurich"},
            "lies where the clocks of Europe/Zurich are put",
        ),
        ("gestern", {}, 'must be a moment like 2026-11-20T09:30:00+01:00, it says "gestern"'),
        ("20.11.2026 25:30", {"time_zone": "UTC"}, "must be a moment like"),
    ],
)
def test_a_moment_that_nobody_knows_is_refused(tmp_path: Path, cell: str, csv: dict[str, str], said: str) -> None:
    found = read(tmp_path, f"{GERMAN}\n{ROW.replace('2026-11-20T09:30:00+01:00', cell)}\n", **csv)
    assert said in complaint(found)


def test_months_before_days_are_refused_in_moments_too(tmp_path: Path) -> None:
    found = read(tmp_path, f"{GERMAN}\n{ROW.replace('2026-11-20T09:30:00+01:00', '11/20/2026 09:30')}\n")
    assert "writes the month first in row 2, column `Bestelldatum`" in complaint(found)


def test_a_table_that_may_be_both_is_refused_until_the_profile_says_which(tmp_path: Path) -> None:
    header = f"{GERMAN};Rechnungsnummer;Datum"
    content = f"{header}\n{ROW};R-1;20.11.2026\n"
    assert complaint(read(tmp_path, content)) == (
        "may hold invoices, by its column `Rechnungsnummer`, or orders, by its column `Bestelldatum` "
        'Say which under [shop.csv] in the profile: kind = "invoice" or kind = "order".'
    )
    assert [order.shop_id for order in orders(read(tmp_path, content, kind="order"))] == ["1001"]
    found = read(tmp_path, content.replace("processing", "approved"), kind="invoice")
    assert [one.kind for one in found if isinstance(one, IncomingRecord)] == ["invoice"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            with_column("Erstattet", "10.00"),
            "column `Erstattet`: says that money was paid back, and a table",
        ),
        (
            with_column("Datum der Rückerstattung", "x"),
            "`Datum der Rückerstattung` that is not known but may be",
        ),
        (with_column("Zahlungsstatus", "komisch"), "which is no known word for `financial_status`"),
        (with_column("Positionsart", "Zwischentotal"), "which is no known word for `line_type`"),
        (with_column("Bezahlt", "ja"), "has a column `Bezahlt`, which may be `paid_at` or `financial_status`"),
        (f"{GERMAN.replace('Status', 'Notiz')}\n{ROW}\n", "has no column for `order_status`"),
        (f"{GERMAN}\n{ROW}\n1001;;completed;;;Porto;1;9;8.1;\n", "row 2 of the same order says"),
        (f"{GERMAN}\n{ROW}\n;;;;;Porto;1;9;8.1;\n", "Write the order's number into each of its rows."),
        (f"{GERMAN}\n{ROW.replace('24.50', 'EUR 24.50')}\n", "is in EUR, but the order is in CHF"),
        (f"{GERMAN}\n{ROW.replace('processing', '')}\n", "row 2, column `Status`: is empty"),
    ],
)
def test_what_a_table_of_orders_cannot_say_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    assert said in complaint(read(tmp_path, content))


def test_the_profile_names_columns_of_orders(tmp_path: Path) -> None:
    header = GERMAN.replace("Bestelldatum", "Datum").replace("Status", "Stufe").replace("Total", "Gesamt")
    columns = {"ordered_at": ["Datum"], "order_status": ["Stufe"], "total": ["Gesamt", "Rechnungsbetrag"]}
    assert one(tmp_path, header, ROW, columns=columns).status == "processing"


def test_one_column_may_be_two_fields_where_the_profile_says_so(tmp_path: Path) -> None:
    """As Shopify's export has it, whose orders have no status but that of their payment."""
    header = (
        "Name,Email,Financial Status,Paid at,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price"
    )
    row = "#1001,a@example.ch,paid,2026-11-20 09:30:00 +0100,CHF,49.00,2026-11-20 09:29:00 +0100,2,Tasse,24.50"
    columns = {
        "order_number": ["Name"], "ordered_at": ["Created at"], "order_status": ["Financial Status"],
        "financial_status": ["Financial Status"], "item": ["Lineitem name"], "quantity": ["Lineitem quantity"],
        "unit_price": ["Lineitem price"],
    }  # fmt: skip
    order = one(tmp_path, header, row, columns=columns)
    assert (order.status, order.financial_status, order.order_number) == ("paid", "paid", "#1001")
    assert order.paid_at is not None
    assert order.paid_at.isoformat() == "2026-11-20T08:30:00+00:00"


def test_words_of_orders_mean_what_the_profile_says(tmp_path: Path) -> None:
    columns = {"financial_status": ["Bezahlt"], "line_type": ["Typ"]}
    values = {
        "status": {"Offen": "approved"},  # of invoices
        "order_status": {"Offen": "processing"}, "financial_status": {"x": "paid"}, "line_type": {"y": "tip"},
    }  # fmt: skip
    row = f"{ROW.replace('processing', 'Offen')};x;y"
    order = one(tmp_path, f"{GERMAN};Bezahlt;Typ", row, columns=columns, values=values)
    assert (order.status, order.financial_status, order.lines[0].type) == ("processing", "paid", "tip")


def test_what_the_profile_names_for_invoices_does_not_hinder_orders(tmp_path: Path) -> None:
    columns = {"number": ["Beleg"], "invoice_date": ["Belegdatum"], "total": ["Schlussbetrag"]}
    assert one(tmp_path, GERMAN, ROW, columns=columns).shop_id == "1001"
