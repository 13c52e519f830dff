"""CSV in the folder shop: every way of writing it gives the record that JSON gives, and every mistake a sentence."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.records import Invoice, read_record
from bexsync.records.columns import BY_NAME, COLUMNS
from bexsync.shops.folder.documents import read_file
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table import describe
from bexsync.shops.folder.table.cells import cleaned, is_month_first, is_scientific, read_day
from bexsync.shops.folder.table.headers import read_headers
from bexsync.shops.folder.table.values import decimal_sign_in, read_amount
from bexsync.shops.folder.table.vocabulary import AMBIGUOUS, NEEDED, SYNONYMS, plain_header
from front_door import called
from world import World

FORMAT_PAGE = Path(__file__).parents[2] / "docs" / "format.md"
NAMES = "number;invoice_date;currency;email;item;unit_price;total"
GOOD = "R-1;2026-11-20;CHF;a@example.ch;Beratung;100.00;108.10"


@dataclass(frozen=True)
class Read:
    """Everything that one file came to."""

    records: list[Invoice]
    complaints: list[InvalidInput]
    remarks: list[ImportNote]

    @property
    def sentences(self) -> list[tuple[str, str]]:
        return [(c.location, c.message) for c in self.complaints]

    @property
    def understood(self) -> str:
        (remark,) = self.remarks
        return remark.message


def read(folder: Path, content: str | bytes, *, name: str = "a.csv", currency: str = "", **csv_settings: Any) -> Read:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = list(read_file(path, CsvSection(**csv_settings), currency))
    intakes = [f for f in found if isinstance(f, IncomingRecord)]
    assert {f.source for f in found} == {name}
    return Read(
        [i.record for i in intakes if isinstance(i.record, Invoice)],
        [f for f in found if isinstance(f, InvalidInput)],
        [f for f in found if isinstance(f, ImportNote)],
    )


def table(*rows: str, header: str = NAMES) -> str:
    return "".join(f"{row}\r\n" for row in (header, *rows))


# ---- the same document as CSV and as JSON


SIGNS = "aäzAÖZéè09 .,;:|/&+@#%()[]-–_'\"«»?!€\n\t"
_TEXT = st.text(SIGNS, min_size=1, max_size=16).filter(str.strip)
_WIDE = st.text(SIGNS + "漢Жß😀", min_size=1, max_size=16).filter(str.strip)
_ID = st.text("aäZ019-_/. é'=", min_size=1, max_size=12).filter(str.strip)
_AMOUNT = st.decimals(min_value=-(10**9), max_value=10**9, places=6) | st.integers(-5000, 5000000).map(
    lambda cents: Decimal(cents) / 100
)
_PERCENT = st.decimals(min_value=0, max_value=100, places=2)
_WORDS = {
    "document_type": ["invoice", "credit_note"],
    "status": ["draft", "approved", "sent", "paid", "cancelled"],
    "customer_kind": ["company", "person"],
    "line_type": ["product", "service", "shipping", "fee", "discount", "text", "subtotal"],
    "language": ["de", "fr", "it", "en"],
    "country_code": ["CH", "LI", "DE"],
}


def _cells(name: str) -> st.SearchStrategy[Any]:
    column = BY_NAME[name]
    if name in ("email", "contact_email", "mail_to"):
        return st.sampled_from(["a@example.ch", "b.c+d@example.com"])
    if name == "currency":
        return st.sampled_from(["CHF", "EUR"])
    if name in ("sku", "tax_code", "revenue_account", "customer_number", "vat_number"):
        return _ID
    return {
        "id": _ID,
        "text": _WIDE,
        "amount": _AMOUNT,
        "percent": _PERCENT,
        "day": st.dates(min_value=_day(2000), max_value=_day(2099)).map(lambda day: day.isoformat()),
        "whole": st.integers(0, 3650),
        "yes_no": st.booleans(),
        "word": st.sampled_from(_WORDS.get(name, [""])),
    }[column.sort]


def _day(year: int) -> Any:
    from datetime import date

    return date(year, 12, 31)


_ALWAYS = ("invoice_date", "currency", "email", "total")
_OF_INVOICE = [
    c.name
    for c in COLUMNS
    if not c.of_line
    and c.sort not in ("mark", "moment")
    and c.name not in (*_ALWAYS, "shop_id", "number", "open_amount")
]
_OF_LINE = [c.name for c in COLUMNS if c.of_line and c.name not in ("item", "unit_price", "unit_price_gross")]
_HEADS = st.fixed_dictionaries(
    {name: _cells(name) for name in _ALWAYS}, optional={name: _cells(name) for name in _OF_INVOICE}
)
_LINES = st.fixed_dictionaries(
    {name: _cells(name) for name in ("item", "unit_price")}, optional={name: _cells(name) for name in _OF_LINE}
)
_DOCUMENTS = st.lists(
    st.tuples(_ID, _HEADS, st.lists(_LINES, min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
    unique_by=lambda document: document[0].strip(),
)


def as_record(number: str, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON of a document; its fields lie where its columns say."""
    value: dict[str, Any] = {"schema": "bexsync/1", "kind": "invoice", "shop_id": number, "source_number": number}
    for name, cell in head.items():
        below = value
        for part in BY_NAME[name].path[:-1]:
            below = below.setdefault(part, {})
        below[BY_NAME[name].path[-1]] = _as_json(cell)
    value["lines"] = [{BY_NAME[name].path[0]: _as_json(cell) for name, cell in line.items()} for line in lines]
    return value


def _as_json(cell: Any) -> Any:
    return format(cell, "f") if isinstance(cell, Decimal) else cell


@dataclass(frozen=True)
class Dialect:
    """One way of writing a table."""

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    day: str
    line_end: str
    is_announced: bool
    is_german: bool
    is_repeated: bool
    is_mixed: bool
    is_quoted: bool
    has_empty_end: bool

    def write(self, documents: Sequence[tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> bytes:
        heads = [name for name in BY_NAME if any(name in head for _, head, _ in documents)]
        of_lines = [name for name in BY_NAME if any(name in line for _, _, lines in documents for line in lines)]
        names = ["number", *heads, *of_lines]
        per_document = [
            [
                [
                    self._text(number),
                    *(self._cell(head.get(name)) if first or self.is_repeated else "" for name in heads),
                    *(self._cell(line.get(name)) for name in of_lines),
                ]
                for first, line in zip(itertools.chain([True], itertools.repeat(False)), lines, strict=False)
            ]
            for number, head, lines in documents
        ]
        if self.is_mixed:
            rounds = itertools.zip_longest(*per_document)
            rows = [row for one in rounds for row in one if row is not None]
        else:
            rows = [row for one in per_document for row in one]
        text = io.StringIO(newline="")
        if self.is_announced:
            text.write(f"sep={self.delimiter}{self.line_end}")
        end = ["", ""] if self.has_empty_end else []
        writer = csv.writer(
            text,
            delimiter=self.delimiter,
            lineterminator=self.line_end,
            quoting=csv.QUOTE_ALL if self.is_quoted else csv.QUOTE_MINIMAL,
        )
        writer.writerow([*(self._header(name) for name in names), *end])
        writer.writerows([*row, *end] for row in rows)
        if self.has_empty_end:
            writer.writerow([""] * (len(names) + 2))
        return text.getvalue().encode(self.encoding, errors="replace")

    def _header(self, name: str) -> str:
        if self.is_german:
            return {"currency": "Währung", **{n: words[0] for n, words in SYNONYMS.items() if n != "currency"}}[name]
        return name

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return ("ja" if value else "nein") if self.is_german else ("TRUE" if value else "FALSE")
        if isinstance(value, Decimal):
            return self._amount(value)
        if isinstance(value, int):
            return str(value)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            year, month, day = value.split("-")
            return self.day.format(y=year, yy=year[2:], m=month, d=day)
        return self._text(value)

    def _amount(self, value: Decimal) -> str:
        """With two decimals at least, and never with three, which might be thousands."""
        number = format(abs(value).normalize(), "f")
        whole, _, decimals = number.partition(".")
        decimals = decimals.ljust(4 if len(decimals) == 3 else 2, "0")
        grouped = re.sub(r"(?<=\d)(?=(\d{3})+$)", self.thousands, whole)
        return f"{'-' if value < 0 else ''}{grouped}{self.decimal}{decimals}"

    def _text(self, value: str) -> str:
        """What a spreadsheet would take for something else, it writes as a text."""
        if value.lstrip().startswith(("'", "=")):
            doubled = value.replace('"', '""')
            return f'="{doubled}"'
        return value


_DIALECTS = st.builds(
    Dialect,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from([";", ",", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", "'", "’", " ", "\u00a0", "other"]),
    day=st.sampled_from(["{y}-{m}-{d}", "{d}.{m}.{y}", "{d}.{m}.{yy}", "{d}/{m}/{y}", "{y}-{m}-{d} 00:00:00"]),
    line_end=st.sampled_from(["\r\n", "\n"]),
    is_announced=st.booleans(),
    is_german=st.booleans(),
    is_repeated=st.booleans(),
    is_mixed=st.booleans(),
    is_quoted=st.booleans(),
    has_empty_end=st.booleans(),
)


def spelled(value: Any, encoding: str) -> Any:
    """What of a document can be written in an encoding."""
    if isinstance(value, str):
        return value.encode(encoding, errors="replace").decode(encoding)
    if isinstance(value, Mapping):
        return {key: spelled(part, encoding) for key, part in value.items()}
    return type(value)(spelled(part, encoding) for part in value) if isinstance(value, list | tuple) else value


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_DOCUMENTS, _DIALECTS)
def test_every_way_of_writing_a_document_gives_the_same_record(
    tmp_path: Path, documents: list[Any], dialect: Dialect
) -> None:
    other = "," if dialect.decimal == "." else "."
    is_western = dialect.encoding == "cp1252"
    dialect = replace(
        dialect,
        thousands=dialect.thousands.replace("other", other),
        is_german=dialect.is_german or is_western,  # its umlauts tell it from UTF-8
    )
    documents = spelled(documents, dialect.encoding)
    values = [as_record(*document) for document in documents]
    as_csv = read(tmp_path, dialect.write(documents))
    as_json = read(tmp_path, json.dumps(values), name="a.json")
    as_lines = read(tmp_path, "".join(json.dumps(value) + "\n" for value in values), name="a.ndjson")
    assert as_csv.complaints == as_json.complaints == as_lines.complaints == []
    assert as_csv.records == as_json.records == as_lines.records
    assert [r.fingerprint() for r in as_csv.records] == [r.fingerprint() for r in as_json.records]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 60), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_a_bitten_table_is_something(tmp_path: Path, noise: bytes, at: int, bite: int, encoding: str) -> None:
    whole = table(GOOD, GOOD.replace("R-1", "Ä-2"), ';;;;"x";1;2').encode(encoding)
    found = read(tmp_path, whole[:at] + noise + whole[at + bite :])
    assert found.records or found.complaints
    assert all((c.message + c.hint + c.shop_id).isprintable() for c in found.complaints)


# ---- how a file is understood

UNDERSTOOD: list[tuple[str, bytes, str]] = [
    ("plain", table(GOOD).encode(), "read as UTF-8, `;`, decimal point"),
    ("a mark", table(GOOD).encode("utf-8-sig"), "read as UTF-8, `;`, decimal point"),
    ("UTF-16", table(GOOD).encode("utf-16"), "read as UTF-16, `;`, decimal point"),
    ("UTF-16, big end first", b"\xfe\xff" + table(GOOD).encode("utf-16-be"), "read as UTF-16, `;`, decimal point"),
    ("Windows", table(GOOD.replace("B", "Ü")).encode("cp1252"), "read as Windows-1252, `;`, decimal point"),
    ("tabs", table(GOOD).replace(";", "\t").encode(), "read as UTF-8, tab, decimal point"),
    ("bars", table(GOOD).replace(";", "|").encode(), "read as UTF-8, `|`, decimal point"),
    ("commas", table(GOOD).replace(";", ",").encode(), "read as UTF-8, `,`, decimal point"),
    (
        "a decimal comma",
        table(GOOD.replace(".00", ",00").replace(".10", ",10")).encode(),
        "read as UTF-8, `;`, decimal comma",
    ),
    (
        "no decimals",
        table(GOOD.replace(".00", "").replace("108.10", "108")).encode(),
        "read as UTF-8, `;`, no decimals",
    ),
    ("an announced sign", b"sep=;\r\n" + table(GOOD).encode(), "read as UTF-8, `;`, decimal point"),
    (
        "an announced sign after a mark",
        ("sep=;\n" + table(GOOD)).encode("utf-16"),
        "read as UTF-16, `;`, decimal point",
    ),
    (
        "a strange announced sign",
        b"sep=^\n" + table(GOOD).replace(";", "^").encode(),
        "read as UTF-8, `^`, decimal point",
    ),
    (
        "days first",
        table(GOOD.replace("2026-11-20", "20/11/2026")).encode(),
        "read as UTF-8, `;`, decimal point, days before months",
    ),
    (
        "other columns",
        table(GOOD + ";x;y", header=NAMES + ';Bemerkung;"Lager\nort"').encode(),
        "read as UTF-8, `;`, decimal point; ignored columns `Bemerkung`, `Lager ort`",
    ),
    (
        "totals",
        table(GOOD, ";;;;Total CHF;;108.10", ";;;;;;108.10", "Summe;;;;;;", ";;;;;;").encode(),
        "read as UTF-8, `;`, decimal point; left out rows 3, 4, 5 as totals without a number",
    ),
    (
        "totals in any column",
        table(
            GOOD + ";8.10",
            ";;CHF;;Gesamtsumme;100.00;108.10;8.10",
            ";;;Total (1 Rechnung);;;108.10;",
            ";;;;;Summe;108.10;",
            "Total;;CHF;;;100.00;108.10;",
            header=NAMES + ";total_tax",
        ).encode(),
        "read as UTF-8, `;`, decimal point; left out rows 3, 4, 5, 6 as totals without a number",
    ),
    (
        "decimals told by one amount",
        table(GOOD.replace("100.00", "1.234").replace("108.10", "1.333,90")).encode(),
        "read as UTF-8, `;`, decimal comma",
    ),
]


@pytest.mark.parametrize(
    ("content", "sentence"), [case[1:] for case in UNDERSTOOD], ids=[case[0] for case in UNDERSTOOD]
)
def test_how_a_file_was_understood_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    found = read(tmp_path, content)
    assert found.understood == sentence
    assert found.complaints == []
    assert [(r.shop_id, r.source_number) for r in found.records] == [("R-1", "R-1")]


def test_what_the_profile_says_holds(tmp_path: Path) -> None:
    content = table("R-1|12/31/2026|CHF|a@example.ch|Gr\x81n|1,234|2.468", header=NAMES.replace(";", "|")).encode(
        "latin-1"
    )
    found = read(tmp_path, content, delimiter="|", encoding="cp850", decimal=".", date_format="%m/%d/%Y")
    assert found.understood == "read as cp850, `|`, decimal point, days as %m/%d/%Y"
    [record] = found.records
    assert (record.lines[0].name, record.lines[0].unit_price) == ("Grün", Decimal(1234))
    assert (record.total, record.invoice_date.isoformat()) == (Decimal("2.468"), "2026-12-31")


def test_the_currency_may_come_from_the_profile(tmp_path: Path) -> None:
    content = table(GOOD.replace("CHF;", ""), header=NAMES.replace("currency;", ""))
    found = read(tmp_path, content, currency="EUR")
    assert found.understood == "read as UTF-8, `;`, decimal point; EUR as the profile says"
    assert found.records[0].currency == "EUR"
    with_column = read(tmp_path, table(GOOD.replace("CHF", "")), currency="EUR")
    assert with_column.sentences == [("row 2, column `currency`", "is empty")]


def test_the_facts_of_a_file_for_a_script(tmp_path: Path) -> None:
    [remark] = read(tmp_path, table(GOOD, ";;;;;;5.00")).remarks
    assert remark.facts == {
        "encoding": "UTF-8",
        "delimiter": ";",
        "decimal": ".",
        "columns": {name: name for name in NAMES.split(";")},
        "ignored_columns": [],
        "unknown_columns": [],
        "totals_rows": [3],
        "rows": 2,
        "invoices": 1,
    }


def test_a_table_is_described_without_being_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        table(GOOD, GOOD.replace("R-1", "R-2").replace("100.00", "viel"), header=NAMES.replace("item", "Artikel"))
    )
    assert describe(path, CsvSection()) == (
        "read as UTF-8, `;`, decimal point; columns number, invoice_date, currency, email, `Artikel` = item, "
        'unit_price, total; 1 invoice. row 3, column `unit_price`: must be a number like 1\'234.50, it says "viel". '
        "Correct it and drop the file into in/ again; records that are already booked are recognised."
    )
    path.write_text("a;b\n")
    assert describe(path, CsvSection()).startswith("read as UTF-8, `;`; columns unknown. has no column for `number`, ")


# ---- cells


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("5", "5", "5"),
        ("1'234.50", "1234.50", None),
        ("1’234,50", None, "1234,50"),
        ("1.234,50", None, "1234,50"),
        ("1 234,50", None, "1234,50"),
        ("1\u202f234\u00a0567,5", None, "1234567,5"),
        ("1,234", "1234", "1,234"),
        ("1.234", "1.234", "1234"),
        ("0,125", None, "0,125"),
        ("1234,567", None, "1234,567"),
        ("1.234.567", None, "1234567"),
        ("1'234'567", "1234567", "1234567"),
        ("1'234,567", None, "1234,567"),
        ("50.-", "50", "50"),
        ("1'250.--", "1250", "1250"),
        ("−12.5", "-12.5", None),
        ("+12.5", "12.5", None),
        (".5", "0.5", None),
        ("CHF 12.50", "12.50", None),
        ("12,50 €", None, "12,50"),
        ("8.1 %", "8.1", None),
        ("12.34.56", None, None),
        ("1'23", None, None),
        ("12'34.5", None, None),
        ("1,234.567.8", None, None),
        ("1.", None, None),
        ("-", None, None),
        ("(5)", None, None),
        ("5-", None, None),
        ("1.5E+05", None, None),
        ("CHF", None, None),
        ("zwei", None, None),
        ("٣", None, None),
        ("1" * 80, None, None),
    ],
)
def test_amounts(text: str, point: str | None, comma: str | None) -> None:
    as_point, as_comma = read_amount(text, "."), read_amount(text, ",")
    assert (as_point.number if as_point else None) == point
    assert (as_comma.number if as_comma else None) == (comma.replace(",", ".") if comma else None)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("5", ""),
        ("1,234", "?"),
        ("1.234", "?"),
        ("0.125", "."),
        ("1'234.50", "."),
        ("1.234,50", ","),
        ("50.-", ""),
        ("1.234.567", ","),
    ],
)
def test_what_one_amount_tells_of_the_decimal_sign(text: str, sign: str) -> None:
    assert decimal_sign_in(text) == sign


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-31", "2026-12-31"),
        ("31.12.2026", "2026-12-31"),
        ("1.2.26", "2026-02-01"),
        ("31/12/2026", "2026-12-31"),
        ("03/04/2026", "2026-04-03"),
        ("31-12-2026", "2026-12-31"),
        ("31.12.2026 00:00", "2026-12-31"),
        ("2026-12-31T00:00:00", "2026-12-31"),
        ("12/31/2026", None),
        ("31.12/2026", None),
        ("2026-12-31 08:00", None),
        ("31.2.2026", None),
        ("46356", None),
        ("Dezember", None),
    ],
)
def test_days(text: str, day: str | None) -> None:
    assert read_day(text, "") == day


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ('="0012"', "0012"),
        ('="say ""no"""', 'say "no"'),
        ('="a"&"b"', '="a"&"b"'),
        ("'0012", "0012"),
        ("'+41 79 000 00 00", "+41 79 000 00 00"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("=1+1", "=1+1"),
        ("@SUM(A1)", "@SUM(A1)"),
        ("\u00a0a\u00a0b\u00a0", "a\u00a0b"),
        ("\ufeffa\u200b", "a"),
        ("a\r\nb\rc", "a\nb\nc"),
        (" \t", ""),
    ],
)
def test_cells_mean_what_a_spreadsheet_shows(cell: str, meant: str) -> None:
    assert cleaned(cell) == meant


@pytest.mark.parametrize("text", ["1,23457E+12", "1.23E+15", "4E+15", "1,5e-07"])
def test_long_numbers_that_a_spreadsheet_has_spoilt(text: str) -> None:
    assert is_scientific(text)
    assert not is_scientific(text.replace("+", "").replace("-", ""))


def test_months_first_are_known_where_nothing_else_fits() -> None:
    days = ["12/31/2026", "12-31-26", "31/12/2026", "13/13/2026", "12.31.2026", "02/30/2026"]
    assert [is_month_first(day) for day in days] == [True, True, False, False, False, False]


def test_words_and_marks_of_four_languages(tmp_path: Path) -> None:
    header = NAMES + ";Dokumentart;Preise inkl. MWST;Land;Positionsart;Zahlungsfrist;MWST %;Kundenart"
    found = read(tmp_path, table(GOOD + ";Gutschrift;Ja;Schweiz;Versand;30 Tage;8.1 %;Firma", header=header))
    [record] = found.records
    assert record.customer is not None
    assert record.customer.billing_address is not None
    assert record.document_type == "credit_note"
    assert record.prices_include_tax
    assert record.customer.kind == "company"
    assert record.customer.billing_address.country_code == "CH"
    assert record.payment_terms_days == 30
    assert (record.lines[0].type, record.lines[0].tax_rate) == ("shipping", Decimal("8.1"))


def test_prices_with_vat_say_so_by_their_column(tmp_path: Path) -> None:
    gross = read(tmp_path, table(GOOD, header=NAMES.replace("unit_price", "Preis inkl. MWST")))
    assert (gross.records[0].prices_include_tax, gross.records[0].lines[0].unit_price) == (True, Decimal(100))
    both = read(tmp_path, table(GOOD + ";108.10", header=NAMES + ";Preis inkl. MWST"))
    assert (both.records[0].prices_include_tax, both.records[0].lines[0].unit_price) == (False, Decimal(100))
    assert "ignored column `Preis inkl. MWST`" in both.understood
    torn = read(
        tmp_path, table(GOOD + ";nein", header=NAMES.replace("unit_price", "Preis inkl. MWST") + ";prices_include_tax")
    )
    assert [c.location for c in torn.complaints] == ["row 2, column `Preis inkl. MWST`"]


def test_an_id_alone_names_a_customer_of_its_own(tmp_path: Path) -> None:
    [record] = read(
        tmp_path, table(GOOD.replace("a@example.ch", "K-1"), header=NAMES.replace("email", "customer_id"))
    ).records
    assert (record.customer, record.customer_id) == (None, "K-1")


def test_the_shops_own_id_is_the_key_where_there_is_one(tmp_path: Path) -> None:
    found = read(tmp_path, table(GOOD + ";X-1", GOOD + ";X-2", header=NAMES + ";shop_id"))
    assert [(r.shop_id, r.source_number) for r in found.records] == [("X-1", "R-1"), ("X-2", "R-1")]


def test_rows_of_one_invoice_need_not_be_neighbours(tmp_path: Path) -> None:
    other = GOOD.replace("R-1", "R-2")
    found = read(tmp_path, table(GOOD, other, "R-1;;;;Spesen;5.00;", "R-2;20.11.2026;CHF;;Porto;1.00;108.1"))
    assert [(r.shop_id, [line.name for line in r.lines]) for r in found.records] == [
        ("R-1", ["Beratung", "Spesen"]),
        ("R-2", ["Beratung", "Porto"]),
    ]


def test_numbers_are_the_same_whatever_spaces_they_hold(tmp_path: Path) -> None:
    rows = [GOOD.replace("R-1", "R\u00a01"), "R 1;;;;Spesen;5.00;"]
    [record] = read(tmp_path, table(*rows)).records
    assert (record.shop_id, record.source_number, len(record.lines)) == ("R 1", "R 1", 2)


def test_quoted_cells_may_follow_a_space(tmp_path: Path) -> None:
    content = table(
        '"R-1", 2026-11-20, "CHF", "a@example.ch", "Zoll, Porto", 1.00, 1.08', header=NAMES.replace(";", ", ")
    )
    [record] = read(tmp_path, content).records
    assert record.lines[0].name == "Zoll, Porto"


# ---- mistakes: (what, rows, [(location, message)])


MISTAKES: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("nothing", "", [("", "is empty")]),
    ("blank", "\r\n;;;\r\n", [("", "is empty")]),
    ("headers only", table(), [("", "holds no rows beneath its headers")]),
    (
        "amount",
        table(GOOD.replace("100.00", "zwei")),
        [("row 2, column `unit_price`", 'must be a number like 1\'234.50, it says "zwei"')],
    ),
    (
        "two cells",
        table(GOOD.replace("100.00", "zwei").replace("2026-11-20", "gestern")),
        [
            (
                "row 2, column `invoice_date`",
                'must be a date like 2026-11-20 or 20.11.2026, it says "gestern" (1 more after it)',
            )
        ],
    ),
    (
        "percent",
        table(GOOD.replace("100.00", "10 %")),
        [("row 2, column `unit_price`", 'must be a number like 1\'234.50, it says "10 %"')],
    ),
    (
        "another decimal sign",
        table(GOOD.replace("100.00", "10,50")),
        [("", 'writes amounts in two ways, "10,50" in row 2 (`unit_price`) and "108.10" in row 2 (`total`)')],
    ),
    (
        "either way",
        table(GOOD.replace("100.00", "1,234").replace("108.10", "1")),
        [("", 'does not tell whether "1,234" in row 2 (`unit_price`) is 1\'234 or 1.234')],
    ),
    (
        "months first",
        table(GOOD, GOOD.replace("R-1", "R-2").replace("2026-11-20", "11/20/2026")),
        [("", 'writes the month first in row 3, column `invoice_date`: "11/20/2026"')],
    ),
    (
        "long number",
        table(GOOD.replace("R-1", "1,23457E+12")),
        [("row 2, column `number`", 'says "1,23457E+12", which is what a spreadsheet makes of a long number')],
    ),
    (
        "long amount",
        table(GOOD.replace("100.00", "1,2E+12")),
        [("row 2, column `unit_price`", 'says "1,2E+12", which is what a spreadsheet makes of a long number')],
    ),
    (
        "two dates",
        table(GOOD, GOOD.replace("R-1", "R-2"), GOOD.replace("11-20", "11-21")),
        [("row 4, column `invoice_date`", 'says "2026-11-21", but row 2 of the same invoice says "2026-11-20"')],
    ),
    (
        "two totals",
        table(GOOD, GOOD.replace("108.10", "5.40")),
        [("row 3, column `total`", 'says "5.40", but row 2 of the same invoice says "108.10"')],
    ),
    (
        "no number",
        table(GOOD, ";2026-11-20;CHF;a@example.ch;Spesen;5.00;"),
        [("row 3", "has no `number` (column `number`), so nobody can say whose line it is")],
    ),
    (
        "no number, called like a total",
        table(GOOD, ";;;;Totalrevision;500.00;500.00"),
        [("row 3", "has no `number` (column `number`), so nobody can say whose line it is")],
    ),
    (
        "no number, a price",
        table(GOOD, ";;;;;500.00;500.00"),
        [("row 3", "has no `number` (column `number`), so nobody can say whose line it is")],
    ),
    (
        "a cell too many",
        table(GOOD.replace("tung", "tung; Teil 2")),
        [("row 2", 'has "108.10" in column H, which has no header')],
    ),
    ("no date", table(GOOD.replace("2026-11-20", "")), [("row 2, column `invoice_date`", "is empty")]),
    (
        "currency",
        table(GOOD.replace("CHF", "Franken")),
        [("row 2, column `currency`", 'must be a currency code like CHF, it says "Franken"')],
    ),
    (
        "a lost letter",
        table(GOOD.replace("Beratung", "Ger\N{REPLACEMENT CHARACTER}t")),
        [("row 2", "column `item` has lost a letter, which an earlier program could not read")],
    ),
    (
        "an error of a spreadsheet",
        table(GOOD.replace("100.00", "#BEZUG!")),
        [("row 2", "column `unit_price` holds the error #BEZUG!")],
    ),
    (
        "another currency",
        table(GOOD.replace("100.00", "EUR 100.00")),
        [("row 2, column `unit_price`", "is in EUR, but the invoice is in CHF")],
    ),
    (
        "mail",
        table(GOOD.replace("@", " at ")),
        [("row 2, column `email`", 'is not a mail address, it says "a at example.ch"')],
    ),
    (
        "a line's own complaint",
        table(GOOD + ";8.1", "R-1;;;;Spesen;1.00;;810", header=NAMES + ";MWST %"),
        [("row 3, column `MWST %`", 'must be at most 100, it says "810"')],
    ),
    (
        "kind",
        table(GOOD + ";Offerte", header=NAMES + ";Dokumentart"),
        [("row 2, column `Dokumentart`", 'says "Offerte", which is no known word for `document_type`')],
    ),
    (
        "yes",
        table(GOOD + ";vielleicht", header=NAMES + ";Als Entwurf"),
        [("row 2, column `Als Entwurf`", 'must be yes or no, it says "vielleicht"')],
    ),
    (
        "id",
        table(GOOD.replace("R-1", "R\x071")),
        [
            (
                "row 2, column `number`",
                'holds a character that cannot be printed (U+0007), it says "R\ufffd1" (1 more after it)',
            )
        ],
    ),
    ("null", "a;b\0\n", [("", "holds null characters, which no table does")]),
    ("quotes", table(GOOD.replace("Ber", '"Ber')), [("", "has a quotation mark too many in the row after row 1")]),
    (
        "quotes within",
        table(GOOD, GOOD.replace("Beratung", '"Zoll" 12')),
        [("", "has a quotation mark too many in the row after row 2")],
    ),
    (
        "endless cell",
        table(GOOD.replace("Ber", "B" * 140_000)),
        [("", "has a cell of more than 131072 characters in the row after row 1")],
    ),
    (
        "two columns for one",
        table(GOOD + ";x", header=NAMES + ";Rechnungsdatum"),
        [("", "has two columns that may be `invoice_date`: `invoice_date` and `Rechnungsdatum`")],
    ),
    (
        "a column that may be either",
        table(GOOD + ";8.1", header=NAMES + ";MWST"),
        [("", "has a column `MWST`, which may be `tax_rate` or `line_tax` or `total_tax` or `tax_code`")],
    ),
    (
        "columns missing",
        table(GOOD, header="Rechn Nummer;Tag;Währung;E-Mail;Artikel;Preis;Schluss-Total"),
        [
            (
                "",
                "has no column for `number` (perhaps `Rechn Nummer`), `invoice_date` and `total` "
                "(perhaps `Schluss-Total`); its columns are `Rechn Nummer`, `Tag`, `Währung`, `E-Mail`, "
                "`Artikel`, `Preis`, `Schluss-Total`",
            )
        ],
    ),
    (
        "no table",
        "Guten Tag\nHier die Rechnung\n",
        [
            (
                "",
                "has no column for `number`, `invoice_date`, `currency`, `company_name`, `item`, `unit_price` and "
                "`total`; its columns are `Guten Tag`",
            )
        ],
    ),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_one_sentence(tmp_path: Path, content: str, expected: list[tuple[str, str]]) -> None:
    found = read(tmp_path, content)
    assert found.sentences == expected
    assert all(c.hint for c in found.complaints)


def test_the_good_neighbours_of_a_bad_invoice_are_handed_over(tmp_path: Path) -> None:
    bad = GOOD.replace("R-1", "R-2").replace("100.00", "viel")
    found = read(tmp_path, table(GOOD, bad, GOOD.replace("R-1", "R-3")))
    assert [r.shop_id for r in found.records] == ["R-1", "R-3"]
    assert [(c.kind, c.shop_id) for c in found.complaints] == [("invoice", "R-2")]


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    bad = GOOD.replace("R-1", "R-2").replace("100.00", "viel")
    found = read(tmp_path, "sep=;\r\n" + table("", GOOD.replace("Beratung", '"zwei\r\nZeilen"'), ";;;", bad))
    assert [c.location for c in found.complaints] == ["row 5, column `unit_price`"]


def test_rows_without_end_and_without_number_end_in_a_count(tmp_path: Path) -> None:
    found = read(tmp_path, table(GOOD, *[";2026-11-20;CHF;;x;1.00;"] * 300))
    assert len(found.records) == 1
    assert found.sentences[0] == ("row 3", "has no `number` (column `number`), so nobody can say whose line it is")
    assert (len(found.complaints), found.sentences[-1][1]) == (101, "holds 200 more pieces like these")


def test_a_small_hint_for_totals_of_lines(tmp_path: Path) -> None:
    rows = table(
        "R-1;2026-11-20;CHF;a@example.ch;x;1.00;1.00", "R-1;;;;y;2.00;2.00", header=NAMES.replace("total", "Total")
    )
    [complaint] = read(tmp_path, rows).complaints
    assert 'line_total = "Total"' in complaint.hint
    [missing] = read(tmp_path, rows, columns={"line_total": "Total"}).complaints
    assert missing.message.startswith("has no column for `total`; ")


BYTES = [
    (b"\x81\x8d;a\n", "is neither UTF-8 (byte 0x81 in line 1) nor surely of another encoding"),
    (b"\xef\xbb\xbfnumber\n\xe4", "is not UTF-8 (byte 0xE4 in line 2)"),
    (b"\xff\xfen\0u\0m", "is not UTF-16 (byte 0x6D in line 1)"),
    ("number;a".encode("utf-16-le"), "holds null characters, which no table does"),
    (b"\0\xff\n" * 50_000, "holds null characters, which no table does"),
]


@pytest.mark.parametrize(("content", "message"), BYTES)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    assert read(tmp_path, content).sentences == [("", message)]


def test_a_table_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(GOOD))
    os.truncate(path, 200 * 1024 * 1024)
    [complaint] = read_file(path)
    assert isinstance(complaint, InvalidInput)
    assert complaint.message == "is 200 MB large, and bexsync reads files up to 50 MB"


# ---- columns


def test_every_name_stands_for_one_field() -> None:
    words = [(plain_header(word), name) for name, known in SYNONYMS.items() for word in (name, *known)]
    assert len({word for word, _ in words}) == len(set(words))
    assert set(SYNONYMS) == set(BY_NAME)
    assert not {plain_header(word) for word in AMBIGUOUS} & {word for word, _ in words}


@pytest.mark.parametrize(
    ("name", "word"), [(name, word) for name, words in SYNONYMS.items() for word in (name, *words)]
)
def test_every_name_of_a_column_is_known(name: str, word: str) -> None:
    needed = [names[0] for names in NEEDED if name not in names]
    header = read_headers([f" {word.upper()}. ", *needed], {}, has_currency=False)
    assert [f.column.name for f in header.fields if f.index == 0] == [name]


def test_every_field_of_a_column_exists() -> None:
    """The table says where a cell goes; the records say what may stand there."""
    for column in COLUMNS:
        example = {
            "amount": "1", "percent": "1", "day": "2026-11-20", "whole": "1", "yes_no": True, "id": "1", "text": "x",
        }.get(column.sort) or {"language": "de", "country_code": "CH"}.get(column.name)  # fmt: skip
        if (column.sort in ("word", "mark") and example is None) or column.name == "open_amount":
            continue  # no field of a record: the table turns it into a status
        if column.path[-1] in ("email", "to"):
            example = "a@example.ch"
        base = {"shop_id": "1", "invoice_date": "2026-11-20", "currency": "CHF", "lines": [{"name": "x"}]}
        value: Any = base["lines"][0] if column.of_line else base  # type: ignore[index]
        for part in column.path[:-1]:
            value = value.setdefault(part, {})
        value[column.path[-1]] = "CHF" if column.name == "currency" else example
        read_record("invoice", base)


def test_a_name_beside_a_first_name_is_a_last_name(tmp_path: Path) -> None:
    header = NAMES.replace("email", "Vorname;Name")
    [record] = read(tmp_path, table(GOOD.replace("a@example.ch", "Anna;Keller"), header=header)).records
    assert record.customer is not None
    assert (record.customer.first_name, record.customer.last_name) == ("Anna", "Keller")


PROFILES: list[tuple[dict[str, str], str, str]] = [
    ({"number": "Beleg"}, "Beleg;" + NAMES.partition(";")[2], ""),
    ({"number": "beleg "}, "BELEG;" + NAMES.partition(";")[2], ""),
    ({"total": "Schluss"}, NAMES.replace("total", "Schluss"), ""),
    (
        {"number": "Belg"},
        "Beleg;" + NAMES.partition(";")[2],
        "has no column `Belg`, which the profile names as `number`; its columns are `Beleg`, ",
    ),
    ({"number": ""}, NAMES, "has no column for `number` (perhaps `number`); its columns are "),
]


@pytest.mark.parametrize(("columns", "header", "message"), PROFILES)
def test_the_profile_names_columns(tmp_path: Path, columns: dict[str, str], header: str, message: str) -> None:
    found = read(tmp_path, table(GOOD, header=header), columns=columns)
    assert [r.shop_id for r in found.records] == ([] if message else ["R-1"])
    assert all(c.message.startswith(message) for c in found.complaints)


def test_the_profile_settles_what_may_be_either(tmp_path: Path) -> None:
    content = table(GOOD + ";8.1;offen", header=NAMES + ";MWST;Status")
    chosen = read(tmp_path, content, columns={"tax_rate": "MWST", "status": ""})
    assert chosen.records[0].lines[0].tax_rate == Decimal("8.1")
    assert chosen.understood.endswith("ignored column `Status`")
    left_out = read(tmp_path, content, columns={"tax_rate": "", "status": ""})
    assert left_out.records[0].lines[0].tax_rate is None
    assert left_out.understood.endswith("ignored columns `MWST`, `Status`")


# ---- the page that explains it


EXPLAINED = {
    "number": "the invoice's number; also its `shop_id`, unless there is a column for that",
    "shop_id": "the shop's own id, where it is not the number",
    "customer_id": "`shop_id` of the customer; alone it names one dropped as a record of its own",
    "customer_kind": "`company` or `person`; without it, whoever has a `company_name` is a company",
    "company_name": "",
    "item": "`name` of the line",
    "line_type": "`type` of the line",
    "unit_price_gross": "`unit_price` with VAT: makes the invoice one with gross prices",
    "mail_to": "`email.to`: where this one mail goes",
    "cancelled": "any cell that is not empty, no, or 0 makes it one of status `cancelled`",
    "paid": "the same for status `paid`",
    "paid_moment": "`paid_at`; makes it one of status `paid`",
    "open_amount": "all of the total: nothing is paid; 0: status `paid`; anything between stops the invoice",
    "refunded": "the same; such an invoice is an error, since nobody can say what is left of it",
}


def column_table() -> list[str]:
    """The rows of the page, as the code has them."""
    rows = ["| column | meaning | also called |", "|---|---|---|"]
    for column in COLUMNS:
        path = ".".join(column.path) if not column.of_line else f"lines[].{column.path[0]}"
        meaning = EXPLAINED.get(column.name) or f"`{path}`"
        rows.append(f"| `{column.name}` | {meaning} | {', '.join(SYNONYMS[column.name])} |")
    return rows


def needed_columns() -> str:
    return ", ".join(" or ".join(f"`{name}`" for name in names) for names in NEEDED)


def test_the_page_explains_every_column() -> None:
    page = FORMAT_PAGE.read_text()
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        before, _, rest = page.partition("| column |")
        after = rest.partition("\n\n")[2]
        page = "\n".join([f"{before}{column_table()[0]}", *column_table()[1:], "", after])
        page = re.sub(r"(?<=Needed are ).*(?=\.\n)", lambda _: needed_columns(), page)
        FORMAT_PAGE.write_text(page)
    assert "\n".join(column_table()) in page
    assert f"Needed are {needed_columns()}.\n" in page


def test_the_moment_of_a_payment_is_read_where_the_profile_names_its_column(tmp_path: Path) -> None:
    content = f"{NAMES};Bezahlt am\n{GOOD};21.11.2026\n"
    csv = {"columns": {"paid_moment": ["Bezahlt am"]}, "time_zone": "Europe/Zurich"}
    [invoice] = read(tmp_path, content, **csv).records
    assert invoice.paid_at is not None
    assert (invoice.status, invoice.paid_at.isoformat()) == ("paid", "2026-11-20T23:00:00+00:00")
    [open_one] = read(tmp_path, f"{NAMES};Bezahlt am\n{GOOD};\n", **csv).records
    assert (open_one.status, open_one.paid_at) == ("approved", None)


def test_the_pages_own_table_can_be_read(tmp_path: Path) -> None:
    example = FORMAT_PAGE.read_text().partition("```csv\n")[2].partition("```")[0]
    [record] = read(tmp_path, example).records
    net = sum(line.quantity * (line.unit_price or 0) for line in record.lines)
    assert record.total == round(net * Decimal("1.081"), 2)


# ---- through the whole program


def drop(world: World, content: bytes, name: str = "export.csv") -> None:
    world.drop_bytes(content, name)


def invoice_rows(number: str, price: str = "100,00", total: str = "108,10", person: str = "Anna;Keller") -> str:
    return f"{number};02.11.2026;CHF;{person};anna.keller@example.ch;Beratung für Sie;1;{price};8,1;{total};x"


HEADER = "Rechnungsnummer;Datum;Währung;Vorname;Nachname;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Total;Notiz"


def test_a_dry_run_shows_how_a_file_was_read_and_takes_nothing(world: World) -> None:
    drop(world, table(invoice_rows("1001"), header=HEADER).encode("cp1252"))
    shown = called(world, "invoices", "push", "--dry-run")
    sentence = "export.csv: read as Windows-1252, `;`, decimal comma, days before months; ignored column `Notiz`."
    assert shown.stdout.splitlines()[0] == sentence
    assert (shown.returncode, shown.stderr, world.invoices()) == (0, "", [])
    assert (world.shop / "in" / "export.csv").exists()
    silent = called(world, "invoices", "push")
    assert (silent.returncode, silent.stdout) == (0, "")
    assert silent.stderr.startswith("invoices push: export.csv: the column `Notiz` is not known and not read; ")
    assert Decimal(world.invoice("1001")["total"]) == Decimal("108.10")
    assert world.status()["1001"]["status"] == "sent"
    assert list((world.shop / "done").rglob("export.csv"))
    drop(world, table(invoice_rows("1002"), header=HEADER).encode("cp1252"))
    assert called(world, "invoices", "push", "-v").stdout.splitlines()[0] == sentence


def test_a_script_gets_the_same_as_data(world: World) -> None:
    drop(world, table(invoice_rows("1001"), header=HEADER).encode("cp1252"))
    said = json.loads(called(world, "invoices", "push", "--json").stdout)
    facts = said["data"]["files"]["export.csv"]
    assert facts["encoding"] == "Windows-1252"
    assert facts["columns"]["number"] == "Rechnungsnummer"
    assert facts["understood"].startswith("read as Windows-1252, `;`, decimal comma")


def test_what_is_wrong_stands_beside_the_file_with_how_it_was_read(world: World) -> None:
    rows = [invoice_rows("1001"), invoice_rows("=cmd|'/c'!A1", price="viel"), invoice_rows("1003")]
    drop(world, table(*rows, header=HEADER).encode("cp1252"))
    result = world.push()
    assert sorted((o.shop_id, o.status.value) for o in result.outcomes) == [
        ("1001", "done"),
        ("1003", "done"),
        ("=cmd|'/c'!A1", "failed"),
    ]
    note = (world.shop / "failed" / "export.csv.error.txt").read_text()
    assert '- row 3, column `Einzelpreis`: must be a number like 1\'234,50, it says "viel"\n' in note
    assert "\nIt was read as Windows-1252, `;`, decimal comma, days before months; ignored column `Notiz`.\n" in note
    drop(world, table(invoice_rows("=cmd|'/c'!A1"), header=HEADER).encode("cp1252"), "again.csv")
    assert [o.status.value for o in world.push().outcomes] == ["done"]
    assert b"\r\n\"'=cmd|'/c'!A1\"," in (world.shop / "out" / "status.csv").read_bytes()


def test_one_invoice_as_csv_and_as_json_is_one_invoice(world: World) -> None:
    drop(world, table(invoice_rows("1001"), header=HEADER).encode("cp1252"))
    world.push()
    lines = [{"name": "Beratung für Sie", "unit_price": "100.00", "tax_rate": "8.1"}]
    customer = {"first_name": "Anna", "last_name": "Keller", "email": "anna.keller@example.ch"}
    same = {
        "shop_id": "1001",
        "source_number": "1001",
        "invoice_date": "2026-11-02",
        "currency": "CHF",
        "total": "108.10",
    }
    world.drop({**same, "customer": customer, "lines": lines}, name="same.json")
    again = world.push()
    assert [o.status.value for o in again.outcomes] == []
    assert len(world.invoices()) == 1


def test_a_credit_note_is_one_as_with_json(world: World) -> None:
    drop(world, table(invoice_rows("G-1") + ";Gutschrift", header=HEADER + ";Belegart").encode("cp1252"))
    [outcome] = world.push().outcomes
    assert (outcome.status.value, outcome.code) == ("by_hand", "credit_note")


def test_the_profile_settles_what_a_file_leaves_open(world: World) -> None:
    header = HEADER.replace("Rechnungsnummer", "Beleg").replace("Währung;", "")
    row = invoice_rows("1001", price="1,250", total="1,350").replace("CHF;", "").replace(";8,1;", ";8;")
    drop(world, table(row, header=header).encode())
    [outcome] = world.push(dry_run=True).outcomes
    assert "has no column for `number`" in outcome.reason
    world.set_profile(shop={"csv": {"columns": {"number": "Beleg"}}})
    [outcome] = world.push(dry_run=True).outcomes
    assert outcome.reason == 'export.csv: does not tell whether "1,250" in row 2 (`Einzelpreis`) is 1\'250 or 1.250.'
    assert 'decimal = "."' in outcome.hint
    world.set_profile(shop={"csv": {"columns": {"number": "Beleg"}, "decimal": "."}})
    result = world.push(dry_run=True)
    assert "CHF as the profile says" in result.data["files"]["export.csv"]["understood"]
    assert result.outcomes[0].shop_id == "1001"
