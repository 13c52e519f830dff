"""XLSX in the folder shop: the cells of one sheet are read as what a person sees in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Invoice
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection
from constants import set_constant
from workbooks import Cell, workbook
from world import World

HEADER = [
    "number",
    "invoice_date",
    "currency",
    "email",
    "company_name",
    "item",
    "quantity",
    "unit_price",
    "tax_rate",
    "total",
]

EVENING = datetime(2026, 11, 4, 23, 50)  # noqa: DTZ001  a spreadsheet's times have no zone


def row(number: Any = "R-1", **changes: Any) -> list[Any]:
    values: dict[str, Any] = {
        "number": number,
        "invoice_date": date(2026, 11, 4),
        "currency": "CHF",
        "email": "a@example.ch",
        "company_name": "Muster AG",
        "item": "Ware",
        "quantity": 1,
        "unit_price": 100,
        "tax_rate": Cell(0.081, "0.0%"),
        "total": 108.1,
    }
    return list((values | changes).values())


def sheet(*rows: Sequence[Any]) -> bytes:
    return workbook({"Rechnungen": [HEADER, *rows]})


def read(folder: Path, content: bytes, **settings: Any) -> tuple[list[Invoice], list[tuple[str, str]], str]:
    path = folder / "a.xlsx"
    path.write_bytes(content)
    found = list(read_file(path, CsvSection(**settings)))
    records = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Invoice)]
    wrong = [(f.location, f.message) for f in found if isinstance(f, InvalidInput)]
    return records, wrong, " ".join(f.message for f in found if isinstance(f, ImportNote))


def test_a_workbook_dropped_into_in_is_booked(world: World) -> None:
    world.drop_bytes(sheet(row(2026147, unit_price=Cell(100.1, "#,##0.00")), row(2026147, unit_price=-0.1)), "R.xlsx")
    result = world.push()
    assert [(o.shop_id, o.status.value, o.reason) for o in result.outcomes] == [("2026147", "done", "")]
    assert Decimal(str(world.invoice("2026147")["total"])) == Decimal("108.10")
    assert result.data["files"]["R.xlsx"]["understood"] == "read as XLSX, sheet `Rechnungen`"


def test_cells_are_read_as_they_are_shown(tmp_path: Path) -> None:
    records, wrong, _ = read(
        tmp_path,
        sheet(
            row(Cell(31, "0000000"), quantity=0.1 + 0.2, item=Cell(3, formula="1+2")),
            row("R-2", quantity=1.234, invoice_date=EVENING, total=Cell(108.1, '#,##0.00 "CHF"')),
            row("R-3", tax_rate="8,1 %", unit_price="1'234,50", invoice_date="04.11.2026"),
            row("R-4", unit_price=12.5, total=1234567.5, tax_rate=8.1),
        ),
    )
    assert wrong == []
    lines = [record.lines[0] for record in records]
    assert [record.shop_id for record in records] == ["0000031", "R-2", "R-3", "R-4"]
    assert {record.invoice_date for record in records} == {date(2026, 11, 4)}
    assert [line.quantity for line in lines] == [Decimal("0.3"), Decimal("1.234"), 1, 1]
    assert [line.unit_price for line in lines] == [100, 100, Decimal("1234.5"), Decimal("12.5")]
    assert {line.tax_rate for line in lines} == {Decimal("8.1")}
    assert (lines[0].name, records[3].total) == ("3", Decimal("1234567.5"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": Cell(error="#REF!")}, "column `quantity` holds the error #REF!"),
        ({"quantity": Cell(formula="A1*2")}, "column `quantity` holds a formula that was never calculated"),
        ({"item": "#NV"}, "column `item` holds the error #NV"),
        ({"number": date(2026, 11, 1)}, "column `number` holds the day 2026-11-01, where a number belongs"),
        ({"quantity": date(2026, 3, 1)}, "column `quantity` holds the day 2026-03-01, where a number belongs"),
        ({"number": 1234567890123456789}, 'says "1.23457E+18", which is what a spreadsheet makes of a long number'),
        ({"total": Cell(108.1, "#,##0.00 [$€-407]")}, "is in EUR, but the invoice is in CHF"),
        ({"quantity": Cell(0.5, "[h]:mm")}, 'must be a number like 1\'234.50, it says "12:00:00"'),
    ],
)
def test_a_cell_that_cannot_be_right_stops_its_invoice_alone(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    records, wrong, _ = read(tmp_path, sheet(row(**change), row("R-2")))
    assert [record.shop_id for record in records] == ["R-2"]
    assert [said for _, said in wrong] == [message]


def test_days_are_days_whatever_date_format_texts_have(tmp_path: Path) -> None:
    rows = (row(), row("R-2", invoice_date="11/04/2026"))
    records, wrong, _ = read(tmp_path, sheet(*rows), date_format="%m/%d/%Y")
    assert (wrong, {record.invoice_date for record in records}) == ([], {date(2026, 11, 4)})


def test_the_sheet_with_known_headers_is_the_one(tmp_path: Path) -> None:
    notes = [["Stand"], ["gestern"]]
    invoices = [[], [], [None, *HEADER], [None, *row()]]
    records, wrong, said = read(tmp_path, workbook({"Deckblatt": notes, "Liste": invoices}))
    assert (len(records), wrong, said) == (1, [], "read as XLSX, sheet `Liste`")
    both = workbook({"Okt": [HEADER, row()], "Nov": [HEADER, row("R-2")], "Alt": [HEADER, row("R-0")]}, hidden=["Alt"])
    assert read(tmp_path, both)[1] == [("", "has 2 sheets with records: `Okt`, `Nov`")]
    assert [r.shop_id for r in read(tmp_path, both, sheet="Nov")[0]] == ["R-2"]
    assert read(tmp_path, both, sheet="Dez")[1] == [("", "has no sheet `Dez`; its sheets are `Okt`, `Nov`")]


def _with_part(name: str, change: Callable[[bytes], bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(row()))) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
    return content.getvalue()


_SHEET = "xl/worksheets/sheet1.xml"
UNUSABLE: list[tuple[str, Callable[[], bytes], str]] = [
    ("no archive", lambda: b"Rechnungsnummer;Datum\n", "is no Excel workbook, whatever its name says"),
    ("empty", lambda: b"", "is no Excel workbook, whatever its name says"),
    ("cut off", lambda: sheet(row())[:900], "is a damaged workbook"),
    ("an old workbook", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook in the old Excel format (.xls)"),
    (
        "encrypted",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "is protected by a password",
    ),
    ("torn XML", lambda: _with_part(_SHEET, lambda xml: xml[:-60]), "is a damaged workbook"),
    (
        "a part too few",
        lambda: _with_part("xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"sheet1", b"x")),
        "is",
    ),
    (
        "a cell far away",
        lambda: _with_part(_SHEET, lambda xml: xml.replace(b'r="J2"', b'r="XFD1048576"')),
        "has a sheet of 1048576 rows and 16384 columns, nearly all of them empty",
    ),
    (
        "cells without an address",
        lambda: _with_part(_SHEET, lambda xml: xml.replace(b'<c r="A2"', b"<c")),
        "holds cells without an address, so nobody can say where they belong",
    ),
]


@pytest.mark.parametrize(("content", "message"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE])
def test_what_is_no_workbook_is_one_sentence(tmp_path: Path, content: Callable[[], bytes], message: str) -> None:
    records, [(location, said)], _ = read(tmp_path, content())
    assert (records, location) == ([], "")
    assert said.startswith(message)


def test_a_workbook_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "LARGEST_UNPACKED", 1 << 20)
    zeros = _with_part(_SHEET, lambda xml: xml + bytes(1 << 20))
    assert len(zeros) < 10_000
    assert read(tmp_path, zeros)[1] == [("", "unpacks to more than 1 MB")]


def test_lock_files_of_a_spreadsheet_program_are_nothing(world: World) -> None:
    world.drop_bytes(b"\x08Benutzer", "~$Rechnungen.xlsx")
    world.drop_bytes(b"\x08Benutzer", "~$Rechnungen.csv")
    assert world.push().outcomes == []
