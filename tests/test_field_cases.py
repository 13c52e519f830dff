"""What befalls people who move invoices and products between programs, each kind through the front door.

Where a kind has a test in its own topic, that one holds it and stands here by name:

| kind | test |
|---|---|
| Shopify's orders, with zones and blank further rows | here; shops/test_invoice_exports.py |
| Zoho's invoices, mapped | here |
| a cancellation in the same file, a row of sums | here; jobs/test_cancellations.py |
| rows with one delimiter too many | here; shops/test_invoice_exports.py |
| a line that is not price times quantity | here |
| VAT by line | jobs/test_push_rounding.py: test_without_an_account_a_large_gap_stays_a_draft_until_there_is_one |
| a shared mail | jobs/test_push_addressee.py: test_parties_that_share_a_mail_each_stand_on_their_own_document |
| WooCommerce's products | jobs/test_product_exports.py, shops/test_catalog_exports.py |
| SKUs that a spreadsheet has changed | here |
| copies, locks and files that disagree | jobs/test_two_files.py, cli/test_left_alone.py, shops/test_workbooks.py |
| encodings and shapes | shops/test_encodings.py; here for rows in quotation marks and lines above the header |
| a currency under another name | shops/test_decisive_columns.py: test_names_of_the_currency_are_known |
| stated VAT of gross prices | jobs/test_push_rounding.py: test_stated_vat_is_compared_in_gross_documents_too |
| signs of credit notes, and returns | here |
| addresses | jobs/test_push_addressee.py: test_postal_codes_of_a_table_reach_bexio_as_the_post_writes_them; here |
| payments back and forth | jobs/test_payments.py |
| renewals at once | auth/test_renewing.py, sandbox/test_identity_keeping.py |
| a quotation mark after a backslash | here |
| a list of stock | here |
| mistyped dates | jobs/test_push_dates.py; here for a day of long ago |
| an account under another name | shops/test_decisive_columns.py: test_names_of_the_account_are_known |
| many lines | jobs/test_push_documents.py: test_long_invoices_arrive_whole_and_in_order |
| long texts | jobs/test_push_lengths.py |
| numbers that begin anew | jobs/test_two_files.py: test_numbers_that_begin_anew_each_year |
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from front_door import called
from world import World, a_world, an_invoice

SHOPIFY: dict[str, Any] = {
    "date_format": "%Y-%m-%d %H:%M:%S %z",
    "columns": {
        "number": "Name",
        "invoice_date": "Created at",
        "item": "Lineitem name",
        "quantity": "Lineitem quantity",
        "unit_price_gross": "Lineitem price",
        "last_name": "Billing Name",
    },
}
ORDERS = """\
Name,Email,Financial Status,Currency,Shipping,Taxes,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,\
Billing Name
#11,ida@gast.example,pending,CHF,0.00,4.87,65.00,2026-11-02 09:15:00 +0100,3,Tasse,15.00,Ida Gast
#11,ida@gast.example,,,,,,2026-11-02 09:15:00 +0100,1,Krug,20.00,
#12,urs@gast.example,pending,CHF,7.00,2.77,37.00,2026-11-02 23:15:00 +0200,2,Tasse,15.00,Urs Gast
"""


def push(
    world: World, content: str, name: str = "export.csv"
) -> tuple[int, dict[str, tuple[str, str]], dict[str, Any]]:
    """The exit code, status and reason of every record, and all that was said."""
    world.drop_bytes(content.encode(), name)
    run = called(world, "invoices", "push", "--json")
    said = json.loads(run.stdout)
    outcomes = said["data"]["outcomes"]
    return run.returncode, {o["shop_id"]: (o["status"], o.get("reason", "")) for o in outcomes}, said


def totals(world: World) -> dict[str, Decimal]:
    """What was booked, by the shop's id."""
    return {i["api_reference"].rpartition(":")[2]: Decimal(i["total"]) for i in world.invoices()}


def test_orders_of_shopify(world: World) -> None:
    world.set_profile(shop={"csv": SHOPIFY})
    code, said, whole = push(world, ORDERS)
    assert "received" not in str(whole)
    assert code == 1
    assert totals(world) == {"#11": Decimal(65)}
    assert world.invoice("#11")["is_valid_from"] == "2026-11-02"
    assert "the total says 37.00 (7.00 apart)" in said["#12"][1]


def test_orders_that_are_paid_at_the_shop_are_booked_and_named_or_a_question(world: World) -> None:
    world.set_profile(shop={"csv": SHOPIFY})
    paid = ORDERS.replace("pending", "paid", 1)
    _, _, whole = push(world, paid)
    [sentence] = [said for said in whole["data"]["remarks"] if "received" in said]
    assert sentence.startswith("export.csv: `Financial Status` says that money has been received for #11; payments are")
    assert 'status = "Financial Status" under [shop.csv.columns]' in sentence
    assert totals(world) == {"#11": Decimal(65)}
    asking = {**SHOPIFY, "columns": {**SHOPIFY["columns"], "status": "Financial Status"},
              "values": {"status": {"pending": "approved"}}}  # fmt: skip
    world.set_profile(shop={"csv": asking})
    code, said, _ = push(world, paid.replace("#11", "#21"), "next.csv")
    assert (code, said["#21"][0], totals(world)) == (1, "blocked", {"#11": Decimal(65)})


ZOHO = """\
Invoice Date,Invoice ID,Invoice Number,Invoice Status,Customer Name,Company Name,Customer ID,Currency Code,Item Name,\
Quantity,Usage unit,Item Price,Discount,Discount Amount,Item Total,SubTotal,Total,Balance,Item Tax %,Billing City
2026-11-03,3310027000000045121,INV-88,Sent,Reto Wyss,Wyss Garten AG,3310027000000045001,CHF,Pflege,2.00,h,80.00,0.00,\
0.000,160.00,200.00,216.20,216.20,8.1,Chur
2026-11-03,3310027000000045121,INV-88,Sent,Reto Wyss,Wyss Garten AG,3310027000000045001,CHF,Erde,10.00,Sack,5.00,20%,\
10.000,40.00,200.00,216.20,216.20,8.1,Chur
"""


def test_invoices_of_zoho(world: World) -> None:
    world.set_profile(invoices={"finish": "issue"})
    code, _, said = push(world, ZOHO)
    assert (code, totals(world)) == (1, {})
    assert "two columns that may be `company_name`: `Customer Name` and `Company Name`" in str(said["errors"])
    columns = {"company_name": "Company Name", "item": "Item Name", "unit_price": "Item Price", "status": "",
               "discount_amount": "Discount Amount", "line_total": "Item Total", "total_net": "SubTotal",
               "tax_rate": "Item Tax %", "unit": "Usage unit"}  # fmt: skip
    world.set_profile(shop={"csv": {"columns": columns}})
    assert push(world, ZOHO)[0] == 0
    assert totals(world) == {"3310027000000045121": Decimal("216.20")}


def test_a_cancelled_invoice_a_row_of_sums_and_a_formula(world: World) -> None:
    content = (
        "Belegnummer;Datum;Belegart;Bezug;Kundenname;E-Mail;Artikel;Menge;Einzelpreis;MWST-Satz %;Rechnungsbetrag\n"
        "R-1;30.10.2026;Rechnung;;Rest. Post;post@rest.example;Apéro;1;200,00;8,10;216,20\n"
        "R-2;03.11.2026;Rechnung;;'=SUMME(A1);lea@rest.example;Kaffee;2;25,00;2,60;51,30\n"
        "R-3;04.11.2026;Stornorechnung;R-1;Rest. Post;post@rest.example;Apéro;1;-200,00;8,10;-216,20\n"
        "Total;;;;;;;;;;51,30\n"
    )
    code, said, _ = push(world, content)
    assert (code, totals(world)) == (0, {"R-2": Decimal("51.30")})
    assert world.invoice("R-2")["contact_address"].startswith("=SUMME(A1)")
    assert [mail.to for mail in world.sandbox.mails] == ["lea@rest.example"]
    assert said["R-1"] == ("ignored", "cancelled by R-3 before it was booked")
    assert called(world, "invoices", "push").returncode == 0
    assert "R-1" in world.status()


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A company that is not subject to VAT."""
    with a_world(tmp_path, monkeypatch, company="no-vat") as fresh:
        yield fresh


def test_a_club_whose_rows_have_one_delimiter_too_many(club: World) -> None:
    world = club
    world.set_profile(
        invoices={"finish": "issue"},
        shop={"csv": {"columns": {"last_name": "Empfänger", "line_total": "Offen", "status": ""}}},
    )
    content = (
        "Rechnungsnummer;Rechnungsdatum;Empfänger;Leistung;Rechnungssumme;Offen;Zahlstatus\n"
        "27;04.11.2026;Vera Muster;Beitrag;95,00;95,00;Offen;\n28;04.11.2026;Kai Muster;Beitrag;60,00;60,00;Offen;\n"
    )
    assert push(world, content)[0] == 0
    assert totals(world) == {"27": Decimal(95), "28": Decimal(60)}


def test_a_line_that_is_not_price_times_quantity(world: World) -> None:
    def an_order(shop_id: str, **line: str) -> dict[str, Any]:
        row = {"name": "Paket", "quantity": "3", "tax_rate": "8.1", "line_total": "20.00", **line}
        return an_invoice(shop_id, total="20.00", prices_include_tax=True, lines=[row])

    world.drop(an_order("1", unit_price="6.67"), an_order("2"), an_order("3", unit_price="6.666667"))
    run = called(world, "invoices", "push")
    assert "1: Line 1 (Paket) comes to 20.01, its line_total says 20.00." in run.stderr
    assert (run.returncode, totals(world)) == (1, {"2": Decimal(20), "3": Decimal(20)})


def test_signs_of_credit_notes_and_returns(world: World) -> None:
    signs = [("1", "40", "43.24"), ("-1", "40", "-43.24"), ("1", "-40", "-43.24"), ("-1", "40", "43.24")]
    lines = [[{"name": "Jacke", "quantity": q, "unit_price": p, "tax_rate": "8.1"}] for q, p, _ in signs]
    notes = [
        an_invoice(f"C{n}", document_type="credit_note", original_shop_id="O", lines=lines[n], total=signs[n][2])
        for n in range(len(signs))
    ]
    back = [{"name": "Mantel", "quantity": "1", "unit_price": "140", "tax_rate": "8.1"}, *lines[1]]
    world.drop(an_invoice("O"), *notes, an_invoice("R", lines=back, total="108.10"))
    run = called(world, "invoices", "push", "--json")
    reasons = {o["shop_id"]: o.get("reason", "") for o in json.loads(run.stdout)["data"]["outcomes"]}
    assert totals(world) == {"O": Decimal("108.10"), "R": Decimal("108.10")}
    assert all("of invoice O of 43.24 CHF" in reasons[f"C{n}"] for n in range(len(signs)))


HEADER = "Rechnungsnummer;Datum;Firma;Strasse;PLZ;Ort;Land;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Total\n"
ROW = "{};{};Laden {};{};{};Bern;{};a{}@laden.example;Ware;1;100.00;8.1;108.10\n"


def a_row(number: int, day: str = "04.11.2026", street: str = "Weg 1", code: str = "3011", land: str = "CH") -> str:
    return ROW.format(number, day, number, street, code, land, number)


def test_shapes_of_addresses(world: World) -> None:
    shapes = [("Rue du Lac 12bis", "Rue du Lac", "12bis"), ("Chemin 31-Juin 8", "Chemin 31-Juin", "8"),
              ("Haus Alpenrose", "Haus Alpenrose", None), ("Via Alba 5/A", "Via Alba", "5/A"),
              ("Postfach 77", "Postfach 77", None)]  # fmt: skip
    rows = [a_row(n, street=street) for n, (street, _, _) in enumerate(shapes, 1)]
    rows += [a_row(8, code="CH-3011"), a_row(9, code="FL-9490", land="LI")]
    assert push(world, HEADER + "".join(rows))[0] == 0
    contacts = {row["name_1"]: row for row in world.sandbox.contacts()}
    found = [contacts[f"Laden {n}"] for n in range(1, len(shapes) + 1)]
    for contact, (written, street, number) in zip(found, shapes, strict=True):
        whole = contact["street_name"] == written and not contact["house_number"]
        assert whole or (contact["street_name"], contact["house_number"]) == (street, number)
    assert [contacts[f"Laden {n}"]["postcode"] for n in (8, 9)] == ["3011", "9490"]


def test_a_day_of_long_ago_is_told(world: World) -> None:
    world.drop_bytes((HEADER + a_row(1, "04.11.2006") + a_row(2)).encode(), "tage.csv")
    run = called(world, "invoices", "push")
    assert list(totals(world)) == ["2"]
    assert "1 ignored: dated before start_date 2026-01-01: 1" in run.stderr


@pytest.mark.parametrize(
    "content",
    [
        HEADER.replace(";", ",")
        + '1,04.11.2026,"Rohr 3/4\\" AG",Weg 1,3011,Bern,CH,a@b.example,Ware,1,100.00,8.1,108.10\n',
        "".join(f'"{line}"\n' for line in (HEADER + a_row(1)).replace(";", ",").splitlines()),
        "Liste vom 4. November\n\n" + HEADER + a_row(1),
        '{"schema": "bexsync/1"',
    ],
    ids=["backslash", "rows in quotation marks", "lines above the header", "json under another name"],
)
def test_a_table_that_cannot_be_read_is_one_sentence_and_nothing_is_booked(world: World, content: str) -> None:
    code, said, _ = push(world, content)
    assert (code, totals(world), len(said)) == (1, {}, 1)


def a_list(world: World, products: str, stock: str = "") -> None:
    folder = world.shop / "catalog"
    folder.mkdir(exist_ok=True)
    (folder / "products.csv").write_text(products)
    if stock:
        (folder / "stock.csv").write_text(stock)


def test_a_list_with_a_quotation_mark_after_a_backslash_is_refused(world: World) -> None:
    world.set_profile(products={"enabled": True})
    a_list(world, 'ID,SKU,Name,Description,Regular price\n1,T-1,Tor,"So: \\" ,a,b ",40\n2,T-2,Tür,ganz,12\n')
    run = called(world, "products", "sync")
    assert run.returncode == 78
    assert "quotation mark" in run.stderr
    assert "T-1" not in world.items()


def test_skus_that_a_spreadsheet_has_changed(world: World) -> None:
    world.set_profile(products={"enabled": True})
    right = {"1": "A&B", "2": "12.500", "3": "0042"}
    changed = {"1": "A&amp;B", "2": "12.5", "3": "42"}
    header = "ID,SKU,Name,Published,Regular price\n"
    a_list(world, header + "".join(f"{n},{sku},Ding {n},1,40\n" for n, sku in right.items()))
    assert called(world, "products", "sync").returncode == 0
    before = set(world.items())
    a_list(world, header + "".join(f"{n},{sku},Ding {n},1,40\n" for n, sku in changed.items()))
    run = called(world, "products", "sync")
    assert (run.returncode, set(world.items())) == (1, before)
    for n in right:
        assert f"The product has the SKU {changed[n]}, its item in bexio has the code {right[n]}." in run.stderr


def test_amounts_of_stock(world: World) -> None:
    world.set_profile(products={"enabled": True, "stock": "shop"})
    products = "ID,SKU,Name,Regular price\n" + "".join(f"{n},L-{n},Ding {n},10\n" for n in range(1, 6))
    a_list(world, products, "SKU;Bestand\nL-1;1'250\nL-2;14,000\n")
    run = called(world, "products", "sync")
    assert run.returncode == 78
    assert 'does not tell whether "14,000" in row 3 (`Bestand`)' in run.stderr
    a_list(world, products, "SKU;Bestand\nL-1;1'250\nL-2;14\nL-3;ausverkauft\nL-4;7 Stk\nL-9;5\n")
    run = called(world, "products", "sync")
    assert run.returncode == 1
    assert 'no product has the sku "L-9"' in run.stderr
    stock = {code: row["stock_nr"] for code, row in world.items().items() if code.startswith("L-")}
    assert (stock["L-1"], stock["L-2"]) == (1250, 14)
    assert set(stock) & {"L-3", "L-4"} == set()
