"""The encoding of a table is the one in which its headers are known; what stays doubtful is refused, never booked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Invoice
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection

HEADER = "Rechnungsnummer;Datum;Währung;Firma;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Total"
PLAIN_HEADER = HEADER.replace("Währung", "currency")
ROW = "U-1;04.11.2026;EUR;Müller AG;a@mueller.example.ch;Gerät für Zoë;1;100.00;8.1;108.10"
FRENCH = "No facture;Date;Devise;Société;Courriel;Désignation;Quantité;Prix unitaire;Taux TVA;Total TTC"
FRENCH_ROW = "U-1;04.11.2026;EUR;Müller AG;a@mueller.example.ch;Café très français, ça;1;100.00;8.1;108.10"


def read(folder: Path, content: bytes, **settings: Any) -> tuple[list[Invoice], str, str]:
    path = folder / "a.csv"
    path.write_bytes(content)
    found = list(read_file(path, CsvSection(**settings), "CHF"))
    records = [f.record for f in found if isinstance(f, IncomingRecord) and isinstance(f.record, Invoice)]
    wrong = [f"{f.message} | {f.hint}" for f in found if isinstance(f, InvalidInput)]
    return records, wrong[0] if wrong else "", " ".join(f.message for f in found if isinstance(f, ImportNote))


def table(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


@pytest.mark.parametrize(
    ("codec", "label"),
    [
        ("utf-8", "UTF-8"),
        ("cp1252", "Windows-1252"),
        ("mac_roman", "Mac Roman"),
        ("cp850", "CP850"),
        ("cp437", "CP850"),
    ],
)
@pytest.mark.parametrize(
    ("content", "item"),
    [(table(HEADER, ROW), "Gerät für Zoë"), (table(FRENCH, FRENCH_ROW), "Café très français, ça")],
    ids=["German", "French"],
)
def test_known_headers_tell_the_encoding(tmp_path: Path, codec: str, label: str, content: str, item: str) -> None:
    [record], wrong, said = read(tmp_path, content.encode(codec))
    assert (record.currency, record.lines[0].name, wrong) == ("EUR", item, "")
    assert record.customer is not None
    assert record.customer.company_name == "Müller AG"
    assert said.startswith(f"read as {label}, ")


def test_ordinary_text_beneath_plain_headers_is_windows(tmp_path: Path) -> None:
    row = ROW.replace("Gerät", "Café «Größe» 5 € – l’été, Señor")
    [record], wrong, said = read(tmp_path, table(PLAIN_HEADER, row).encode("cp1252"))
    assert (wrong, record.lines[0].name) == ("", "Café «Größe» 5 € – l’été, Señor für Zoë")
    assert said.startswith("read as Windows-1252")


@pytest.mark.parametrize("codec", ["mac_roman", "cp850", "cp437"])
def test_odd_letters_beneath_plain_headers_are_a_question(tmp_path: Path, codec: str) -> None:
    content = table(PLAIN_HEADER, ROW).encode(codec)
    records, wrong, _ = read(tmp_path, content)
    assert records == []
    assert "nor surely of another encoding" in wrong
    assert 'encoding = "cp850"' in wrong
    [record], _, _ = read(tmp_path, content, encoding=codec)
    assert record.lines[0].name == "Gerät für Zoë"


TWICE = table(HEADER, ROW).encode().decode("cp1252").encode()
MIXED = (HEADER + "\r\n" + ROW + "\r\n").encode() + ROW.replace("U-1", "U-2").encode("cp1252")


@pytest.mark.parametrize(
    "content",
    [
        TWICE,
        table(PLAIN_HEADER, ROW).encode().decode("cp1252").encode(),
        table(PLAIN_HEADER, ROW.replace("Gerät", "5 € – l’été")).encode().decode("cp1252").encode(),
        table(HEADER, ROW).encode().decode("mac_roman").encode(),
        MIXED,
        MIXED.replace("Währung".encode(), b"currency"),
        table(HEADER, ROW).encode("cp1252") + ROW.replace("U-1", "U-2").encode(),
        b"\xef\xbb\xbf" + TWICE,
    ],
)
def test_text_that_was_encoded_twice_or_in_two_ways_is_not_booked(tmp_path: Path, content: bytes) -> None:
    records, wrong, _ = read(tmp_path, content)
    assert records == []
    assert "encoded twice" in wrong or "nor surely of another encoding" in wrong
