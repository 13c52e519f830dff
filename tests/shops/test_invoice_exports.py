"""Exports of well-known programs as they are, with the columns that a profile names."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from bexsync.ports.shop import IncomingRecord, InvalidInput
from bexsync.records import Invoice
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection

# Shopify leaves the fields of an order empty on its further rows, and writes moments with their zone.
ORDERS = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,\
Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,\
Lineitem requires shipping,Lineitem taxable,Billing Name,Billing Zip,Cancelled at,Refunded Amount
#1007,a@example.ch,paid,2026-11-04 09:00:02 +0100,fulfilled,yes,CHF,54.00,0.00,4.05,54.00,,0.00,\
2026-11-04 09:00:00 +0100,2,Tasse,18.00,TAS,true,true,Anna Keller,'8640,,0.00
#1007,a@example.ch,,,,,,,,,,,,2026-11-04 09:00:00 +0100,1,Teller,18.00,TEL,true,true,,,,
#1008,b@example.ch,refunded,2026-11-04 09:00:02 +0100,fulfilled,no,CHF,18.00,0.00,1.35,18.00,,0.00,\
2026-07-04 22:30:00 +0000,1,Tasse,18.00,TAS,true,true,Beat Frei,'8640,,18.00
#1009,c@example.ch,voided,,,no,CHF,18.00,0.00,1.35,18.00,,0.00,2026-11-04 09:00:00 +0100,1,Tasse,18.00,TAS,true,true,\
Cla Flury,'7000,2026-11-05 08:00:00 +0100,0.00
"""
SHOPIFY = {
    "date_format": "%Y-%m-%d %H:%M:%S %z",
    "columns": {
        "number": "Name",
        "invoice_date": "Created at",
        "item": "Lineitem name",
        "quantity": "Lineitem quantity",
        "unit_price_gross": "Lineitem price",
        "sku": "Lineitem sku",
        "last_name": "Billing Name",
        "postal_code": "Billing Zip",
    },
}


def read(folder: Path, content: str, **settings: Any) -> tuple[list[Invoice], list[str]]:
    path = folder / "export.csv"
    path.write_text(content)
    found = list(read_file(path, CsvSection(**settings), "CHF"))
    records = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Invoice)]
    return records, [f"{f.location}: {f.message}" for f in found if isinstance(f, InvalidInput)]


def test_orders_of_shopify(tmp_path: Path) -> None:
    [record], wrong = read(tmp_path, ORDERS, **SHOPIFY)
    assert (record.shop_id, record.status, record.invoice_date.isoformat()) == ("#1007", "approved", "2026-11-04")
    assert (record.total, record.total_tax, record.prices_include_tax) == (Decimal(54), Decimal("4.05"), True)
    assert [line.quantity for line in record.lines] == [2, 1]
    assert record.customer is not None
    assert record.customer.billing_address is not None
    assert record.customer.billing_address.postal_code == "8640"
    assert [said.partition(":")[0] for said in wrong] == [
        "row 4, column `Financial Status`",
        "row 5, column `Financial Status`",
    ]


def test_a_line_that_shopify_does_not_tax_is_asked_about(tmp_path: Path) -> None:
    content = ORDERS.replace("TEL,true,true", "TEL,true,false")
    records, [wrong] = read(tmp_path, content, **SHOPIFY)
    assert records == []
    assert "has a column `Lineitem taxable` that is not known" in wrong


def test_rows_with_one_delimiter_too_many(tmp_path: Path) -> None:
    content = (
        "Rechnungsnummer;Rechnungsdatum;Empfänger;Leistung;Rechnungssumme;Offen;Bezahlstatus\n"
        "2026-5;04.11.2026;Vera Muster;Beitrag 2027;120,00;120,00;Offen;\n"
    )
    columns = {"last_name": "Empfänger", "line_total": "Offen", "status": ""}
    [record], wrong = read(tmp_path, content, columns=columns)
    assert (record.total, record.lines[0].line_total, wrong) == (Decimal(120), Decimal(120), [])
    [record], _ = read(tmp_path, content, columns={**columns, "status": "Bezahlstatus"})
    assert record.status == "approved"
