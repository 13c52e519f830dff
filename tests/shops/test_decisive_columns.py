"""A column with a decisive meaning is never left out in silence: it is known, or the file stops with what to add."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Invoice
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection

COLUMNS = {
    "Rechnungsnummer": "A-1",
    "Datum": "04.11.2026",
    "Währung": "CHF",
    "Firma": "Muster AG",
    "E-Mail": "a@muster.example.ch",
    "Artikel": "Ware",
    "Menge": "1",
    "Einzelpreis": "100.00",
    "MWST %": "8.1",
    "Total": "108.10",
}


def table(extra: dict[str, str], without: str = "") -> str:
    cells = {name: cell for name, cell in (COLUMNS | extra).items() if name != without}
    return ";".join(cells) + "\n" + ";".join(cells.values()) + "\n"


def read(folder: Path, content: str | bytes, currency: str = "CHF", **settings: Any) -> tuple[list[Invoice], str, str]:
    """The records, the first thing that is wrong, and how the file was understood."""
    path = folder / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = list(read_file(path, CsvSection(**settings), currency))
    records = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Invoice)]
    wrong = [f"{f.message} | {f.hint}" for f in found if isinstance(f, InvalidInput)]
    return records, wrong[0] if wrong else "", " ".join(f.message for f in found if isinstance(f, ImportNote))


CURRENCY_NAMES = (
    *("Currency Code", "Waehrung", "WAEHRUNG", "Whg.", "Curr", "Invoice currency", "Rechnungswährung", "Code devise"),
    *("Codice valuta", "Belegwährung", "Rechnungswaehrung", "Ccy"),
)


@pytest.mark.parametrize("name", CURRENCY_NAMES)
def test_names_of_the_currency_are_known(tmp_path: Path, name: str) -> None:
    [record], wrong, _ = read(tmp_path, table({name: "EUR"}, without="Währung"))
    assert (record.currency, wrong) == ("EUR", "")


ACCOUNT_NAMES = (
    *("Sachkonto", "Fibu-Konto", "Account code", "GL account", "Erlöskonto Nr", "Erloeskonto", "Ertrags-Konto"),
    *("Konto Nr", "Kontonummer", "Compte de vente", "Konto Ertrag", "Buchungskonto", "Conto ricavi"),
)


@pytest.mark.parametrize("name", ACCOUNT_NAMES)
def test_names_of_the_account_are_known(tmp_path: Path, name: str) -> None:
    [record], wrong, _ = read(tmp_path, table({name: "3400"}))
    assert (record.lines[0].revenue_account, wrong) == ("3400", "")


@pytest.mark.parametrize("name", ["Mehrwertsteuersatz", "USt-Satz", "Mehrwertsteuer %", "Tax rate", "Taux de TVA"])
def test_names_of_the_rate_are_known(tmp_path: Path, name: str) -> None:
    [record], wrong, _ = read(tmp_path, table({name: "2.6"}, without="MWST %"))
    assert not wrong
    assert record.lines[0].tax_rate == Decimal("2.6")


# header, cell, the column of that meaning that the file has not, the field that is asked for
ASKED: list[tuple[str, str, str, str]] = [
    ("Kürzel", "EUR", "Währung", "currency"),
    ("Zahlmittel", "€", "Währung", "currency"),
    ("Valuta", "EUR", "Währung", "currency"),
    ("ISO", "EUR", "Währung", "currency"),
    ("Whg-Bezeichnung", "US-Dollar", "Währung", "currency"),
    ("Satz", "2.6", "MWST %", "tax_rate"),
    ("Satz", "8.1%", "MWST %", "tax_rate"),
    ("Satz", "0.081", "MWST %", "tax_rate"),
    ("MWST Anteil", "8.10", "MWST %", "tax_rate"),
    ("Mehrwertsteuer", "8.10", "MWST %", "tax_rate"),
    ("Zuordnung", "3400", "", "revenue_account"),
    ("Gegenkonto", "3400", "", "revenue_account"),
    ("Ledger-Account-Key", "40001", "", "revenue_account"),
    ("Vermerk", "refunded", "", "status"),
    ("Vermerk", "Offen", "", "status"),
    ("Lieferstatus", "Retoure", "", "status"),
    ("Vorgang", "Gutschrift", "", "document_type"),
    ("Stornogrund", "Kunde verzichtet", "", "cancelled"),
    ("Refund note", "12.00", "", "cancelled"),
    ("Erledigt", "ja", "", "cancelled"),
    ("Erledigt", "nein", "", "cancelled"),
    ("Wurde bezahlt von", "12.11.2026", "", "paid"),
    ("Paid at", "2026-11-04 09:00", "", "paid"),
    ("Rabatt Stammkunde", "5.00", "", "discount_percent"),
    ("Liefermenge", "2", "Menge", "quantity"),
]


@pytest.mark.parametrize(("header", "cell", "without", "asked"), ASKED)
def test_cells_that_may_decide_stop_the_file_with_the_line_to_add(
    tmp_path: Path, header: str, cell: str, without: str, asked: str
) -> None:
    content = table({header: cell}, without)
    records, wrong, _ = read(tmp_path, content)
    assert records == []
    assert f"`{header}`" in wrong
    assert f"`{asked}`" in wrong
    assert f'{asked} = "{header}"' in wrong
    taken, wrong, _ = read(tmp_path, content, ignore=[header])
    assert (len(taken), wrong) == (1, "")


# header, cells of several rows, the field that is asked for, "" where nobody is asked
MIXED: list[tuple[str, tuple[str, ...], str]] = [
    ("Geld", ("EUR", "unbekannt", "unbekannt"), "currency"),
    ("Geld", ("CHF", "EUR (Euro)"), "currency"),
    ("Geld", ("Euro (EUR)", "Euro - EUR"), "currency"),
    ("Satz", ("2.6", "befreit"), "tax_rate"),
    ("Satz", ("2.6", "lang", "kurz"), ""),
    ("Zuordnung", ("3400", "3400 Handel"), "revenue_account"),
    ("Vermerk", ("Offen", "siehe Mail"), "status"),
    ("Erledigt", ("ja", "N"), "cancelled"),
    ("Wurde bezahlt von", ("n/a", "12.11.2026"), "paid"),
    ("Rabatt Stammkunde", ("keiner", "5.00"), "discount_percent"),
    ("Anzahlung", ("0.00", "50.00"), "paid"),
    ("Erhaltene Zahlungen", ("", "50.00"), "paid"),
    ("Acompte reçu", ("50.00", ""), "paid"),
    ("Acconto", ("", "50.00"), "paid"),
    ("Bemerkung", ("EUR 20.00 Gutschein", "Ware (rot)"), ""),
]


@pytest.mark.parametrize(("header", "cells", "asked"), MIXED)
def test_a_few_odd_cells_do_not_make_a_column_mean_nothing(
    tmp_path: Path, header: str, cells: tuple[str, ...], asked: str
) -> None:
    without = {"currency": "Währung", "tax_rate": "MWST %"}.get(asked, "MWST %" if header == "Satz" else "")
    tables = [table({header: cell}, without).replace("A-1", f"A-{n}") for n, cell in enumerate(cells, 1)]
    content = tables[0] + "".join(one.splitlines()[1] + "\n" for one in tables[1:])
    records, wrong, _ = read(tmp_path, content)
    assert len(records) == (0 if asked else len(cells))
    assert (f'{asked} = "{header}"' in wrong) if asked else wrong == ""


HARMLESS = {
    "Bemerkung": "Danke",
    "Mandant": "17",
    "Lager ort": "A3",
    "Rabatt Stammkunde": "0.00",
    "Lieferadresse PLZ": "3600",
    "Stornogrund": "",
    "Erfasst am": "04.11.2026",
    "Gewicht": "2.5",
    "Saldo": "108.10",
    "Rabatt-Art": "n/a",
}


@pytest.mark.parametrize("header", HARMLESS)
def test_other_columns_are_left_out_and_named(tmp_path: Path, header: str) -> None:
    records, wrong, said = read(tmp_path, table({header: HARMLESS[header]}))
    assert (len(records), wrong) == (1, "")
    assert f"ignored column `{header}`" in said
    assert "ignored" not in read(tmp_path, table({header: "x"}), ignore=[header.upper()])[2]


def test_a_field_that_another_column_settles_is_not_asked_for(tmp_path: Path) -> None:
    extra = {"Kürzel": "CHF", "Satz": "8.1", "Zuordnung": "3400", "Konto": "3200"}
    assert len(read(tmp_path, table(extra))[0]) == 1


@pytest.mark.parametrize("damaged", ["W?hrung", "W\N{REPLACEMENT CHARACTER}hrung", "w??hrung"])
def test_a_header_that_has_lost_a_letter_stops_the_file(tmp_path: Path, damaged: str) -> None:
    records, wrong, _ = read(tmp_path, table({damaged: "EUR"}, without="Währung"))
    assert records == []
    assert wrong.startswith(f"has a column `{damaged}` whose header has lost a letter, perhaps `Währung`")


def test_a_currency_in_the_header_counts(tmp_path: Path) -> None:
    content = "Rechnungsnummer;Datum;Firma;E-Mail;Artikel;Menge;Einzelpreis (EUR);MWST %;Total EUR\n"
    content += "H-1;04.11.2026;Muster AG;a@muster.example.ch;Ware;1;100.00;8.1;108.10\n"
    [record], wrong, _ = read(tmp_path, content)
    assert (record.currency, wrong) == ("EUR", "")
    against = content.replace("Firma", "Währung;Firma", 1).replace("Muster AG", "CHF;Muster AG", 1)
    assert "is in EUR, but the invoice is in CHF" in read(tmp_path, against)[1]
    assert "names two currencies in its headers" in read(tmp_path, content.replace("Total EUR", "Total USD"))[1]


MARKS = [
    ("Storniert", "ja", "cancelled"),
    ("Storniert", "nein", "approved"),
    ("Cancelled at", "2026-11-05 10:00:00 +0100", "cancelled"),
    ("Bezahlt am", "05.11.2026", "paid"),
    ("Amount paid", "0.00", "approved"),
    ("Refunded Amount", "0.00", "approved"),
    ("Refunded Amount", "N/A", "approved"),
    ("Storniert am", "k.A.", "approved"),
    ("Financial Status", "paid", "approved"),
]


@pytest.mark.parametrize(("header", "cell", "status"), MARKS)
def test_columns_that_mark_an_invoice(tmp_path: Path, header: str, cell: str, status: str) -> None:
    [record], wrong, _ = read(tmp_path, table({header: cell}))
    assert (record.status, wrong) == (status, "")


@pytest.mark.parametrize(("header", "cell"), [("Refunded Amount", "12.00"), ("Financial Status", "partially_refunded")])
def test_a_refund_stops_its_invoice_alone(tmp_path: Path, header: str, cell: str) -> None:
    other = table({header: ""}).splitlines()[1].replace("A-1", "A-2")
    records, wrong, _ = read(tmp_path, table({header: cell}) + other + "\n")
    assert [record.shop_id for record in records] == ["A-2"]
    assert "says that money was paid back" in wrong


STATUS_WORDS = {
    "approved": ("Open", "UNPAID", "Overdue", "Offen", "Überfällig", "Impayée", "aperta", "approved"),
    "cancelled": ("Void", "Refunded", "Storniert", "Annulée", "Stornata", "Gelöscht"),
    "paid": ("Bezahlt", "Payée", "pagata", "Paid"),
    "draft": ("Entwurf", "Brouillon", "bozza"),
    "sent": ("Sent", "Versendet", "envoyée"),
}


@pytest.mark.parametrize(
    ("word", "status"), [(word, status) for status, words in STATUS_WORDS.items() for word in words]
)
def test_words_of_the_status(tmp_path: Path, word: str, status: str) -> None:
    [record], wrong, _ = read(tmp_path, table({"Status": word}))
    assert (record.status, wrong) == (status, "")


def test_an_unknown_word_stops_its_invoice_with_the_line_to_add(tmp_path: Path) -> None:
    content = table({"Status": "Teilbezahlt"})
    records, wrong, _ = read(tmp_path, content)
    assert records == []
    assert 'says "Teilbezahlt", which is no known word for `status`' in wrong
    assert 'under [shop.csv.values.status], as in "Teilbezahlt" = "draft"' in wrong
    [record], wrong, _ = read(tmp_path, content, values={"status": {"teilbezahlt": "paid"}})
    assert (record.status, wrong) == ("paid", "")


def test_values_are_translated_in_any_field(tmp_path: Path) -> None:
    content = table({"Einheit": "Stunden", "Artikel": "Ware"})
    [record], _, _ = read(tmp_path, content, values={"unit": {"Stunden": "h"}})
    assert record.lines[0].unit == "h"


def test_of_several_columns_the_first_filled_one_counts(tmp_path: Path) -> None:
    rows = table({"Firma": "", "Verein": "TV Thun"}) + table({"Firma": "Muster AG", "Verein": "x"}).splitlines()[
        1
    ].replace("A-1", "A-2")
    records, wrong, _ = read(tmp_path, rows + "\n", columns={"company_name": ["Organisation", "Firma", "Verein"]})
    assert not wrong
    assert [record.customer and record.customer.company_name for record in records] == ["TV Thun", "Muster AG"]


@pytest.mark.parametrize(
    ("cell", "day"),
    [("2026-11-04 14:23:09 +0100", 4), ("2026-11-04 23:30:00 +0000", 5), ("2026-07-04 22:30:00 +0000", 5)],
)
def test_a_date_format_may_have_a_zone(tmp_path: Path, cell: str, day: int) -> None:
    [record], wrong, _ = read(tmp_path, table({"Datum": cell}), date_format="%Y-%m-%d %H:%M:%S %z")
    assert (record.invoice_date.day, wrong) == (day, "")
    assert 'date_format = "%d.%m.%Y" or "%Y-%m-%d %H:%M:%S %z"' in read(tmp_path, table({"Datum": cell}))[1]


def test_thousands_of_columns_are_refused_at_once(tmp_path: Path) -> None:
    header = ";".join(f"Spalte mit der Nummer {number}" for number in range(3_000))
    assert read(tmp_path, f"{header}\n1;2\n")[1].startswith("has no column for `number`")


@pytest.mark.parametrize("header", ["Offen", "Balance due", "Solde", "Da pagare"])
@pytest.mark.parametrize(("left", "status"), [("108.10", "approved"), ("0.00", "paid"), ("", "approved")])
def test_what_is_left_to_pay_says_whether_it_is_paid(tmp_path: Path, header: str, left: str, status: str) -> None:
    [record], wrong, _ = read(tmp_path, table({header: left}))
    assert (record.status, wrong) == (status, "")


def test_an_invoice_that_is_paid_in_part_stops(tmp_path: Path) -> None:
    records, wrong, _ = read(tmp_path, table({"Offener Betrag": "50.00"}))
    assert records == []
    assert "says that 50.00 of the total 108.10 is left to pay" in wrong
