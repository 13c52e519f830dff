"""What of bexio's answers is understood, and the sentence about what is not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bexsync.errors import Unreachable
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.items import item_from
from bexsync.ledgers.bexio.models import (
    AccountRow,
    CurrencyRow,
    MasterRow,
    NumberingRow,
    TaxRow,
    TemplateRow,
    UserRow,
    YearRow,
)
from bexsync.ledgers.bexio.reading import NotUnderstood
from bexsync.ledgers.bexio.records import contact_from, document_from, positions_of
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.master_data import Account, Currency, User, VatYear
from bexsync.vat import Tax, TaxKind

TAX = {
    "id": 3, "code": "UN81", "name": "UN81", "display_name": None, "value": "8.10", "type": "sales_tax",
    "is_active": True, "start_year": None, "start_month": None, "end_year": "2025", "end_month": 2, "digit": "302",
}  # fmt: skip
YEAR = {"start": "2025-01-01", "end": "2025-12-31T00:00:00", "is_vat_subject": 1}
ACCOUNT = {"id": "7", "account_no": 3200, "name": None, "is_active": False, "account_type": 1}
MISSING = object()


def changed(row: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return {name: old for name, old in (row | {key: value}).items() if old is not MISSING}


@pytest.mark.parametrize(
    ("model", "row", "parsed"),
    [
        (
            TaxRow, TAX,
            Tax(LedgerId(3), "UN81", "UN81", Decimal("8.10"), TaxKind.SALES, active=True, valid_to=date(2025, 2, 28)),
        ),
        (YearRow, YEAR, VatYear(date(2025, 1, 1), date(2025, 12, 31), subject=True, default_tax_id=None)),
        (AccountRow, ACCOUNT, Account(LedgerId(7), "3200", "", None, active=False, is_income=True)),
        (CurrencyRow, {"id": 1, "name": "CHF", "round_factor": 0.05}, Currency(LedgerId(1), "CHF", Decimal("0.05"))),
        (UserRow, {"id": 1, "email": None, "lastname": "Muster"}, User(LedgerId(1), "", "Muster")),
        (TemplateRow, {"slug": "a"}, "a"),
        (TemplateRow, {"template_slug": "b", "slug": "a"}, "b"),
    ],
)  # fmt: skip
def test_what_is_understood(model: type[MasterRow], row: dict[str, Any], parsed: Any) -> None:
    assert model.read(row).parsed() == parsed


@pytest.mark.parametrize(
    ("model", "row", "key", "value", "said"),
    [
        (TaxRow, TAX, "value", "abc", '`value` is "abc"'),
        (TaxRow, TAX, "value", 101, "`value` is 101"),
        (TaxRow, TAX, "value", True, "`value` is true"),
        (TaxRow, TAX, "end_month", 13, "`end_month` is 13"),
        (TaxRow, TAX, "end_year", MISSING, "`end_year` is missing"),
        (TaxRow, TAX, "name", MISSING, "`name` is missing"),
        (TaxRow, TAX, "is_active", "yes", '`is_active` is "yes"'),
        (TaxRow, TAX, "id", 0, "`id` is 0"),
        (TaxRow, TAX, "id", -1, "`id` is -1"),
        (TaxRow, TAX, "id", 1.5, "`id` is 1.5"),
        (TaxRow, TAX, "code", None, "`code` is null"),
        (TaxRow, TAX, "code", 5, "`code` is 5"),
        (YearRow, YEAR, "start", "2025-13-01", '`start` is "2025-13-01"'),
        (YearRow, YEAR, "start", 20250101, "`start` is 20250101"),
        (AccountRow, ACCOUNT, "account_no", None, "`account_no` is null"),
        (AccountRow, ACCOUNT, "tax_id", {}, "`tax_id` is an object"),
        (CurrencyRow, {"id": 1, "name": "CHF"}, "round_factor", 0, "`round_factor` is 0"),
        (TemplateRow, {}, "name", "x", "`slug` is missing"),
    ],
)
def test_what_is_not_understood_is_named(
    model: type[MasterRow], row: dict[str, Any], key: str, value: Any, said: str
) -> None:
    with pytest.raises(NotUnderstood) as problem:
        model.read(changed(row, key, value)).parsed()
    assert str(problem.value) == said


@pytest.mark.parametrize(("row", "said"), [([1], "it is a list"), (None, "it is null"), ("x", "it is a text")])
def test_what_is_no_object_is_said(row: Any, said: str) -> None:
    with pytest.raises(NotUnderstood, match=f"^{said}$"):
        TaxRow.read(row)


def test_only_the_numbering_of_the_class_decides() -> None:
    row = NumberingRow.read({"kb_item_class": "KbInvoice", "use_automatic_enumeration": 0})
    assert (row.numbers("KbInvoice"), row.numbers("KbOrder")) == (False, None)
    odd = NumberingRow.read({"kb_item_class": "KbOffer", "use_automatic_enumeration": "?"})
    assert odd.numbers("KbInvoice") is None
    for said, row in (("is missing", {}), ('is "?"', {"use_automatic_enumeration": "?"})):
        with pytest.raises(NotUnderstood) as problem:
            NumberingRow.read({"kb_item_class": "KbInvoice", **row}).numbers("KbInvoice")
        assert str(problem.value) == f"`use_automatic_enumeration` {said}"


DOCUMENT = {
    "id": 1, "document_nr": "RE-1", "api_reference": None, "kb_item_status_id": 7, "total": "108.10",
    "total_received_payments": "0", "total_credit_vouchers": 0, "total_remaining_payments": 108.1, "network_link": "",
    "contact_id": 5, "currency_id": 1, "is_valid_from": "2026-01-01", "is_valid_to": None, "updated_at": "x",
    "positions": [{"text": "Beratung"}, {}],
}  # fmt: skip
CONTACT = {"id": 3, "contact_type_id": 1, "name_1": "A", "name_2": None, "mail": "", "mail_second": None,
           "postcode": 8000, "address": "Weg 1", "nr": 5}  # fmt: skip
ITEM = {"id": 1, "is_stock": True, "article_type_id": "1", "sale_price": "1.50", "stock_nr": "", "weight": None}


def test_a_document_with_and_without_positions() -> None:
    found = document_from(DOCUMENT, "https://office.test")
    assert (found.standing, found.total, found.texts) == (DocumentStatus.DRAFT, Decimal("108.10"), ("Beratung", ""))
    assert found.url == "https://office.test/index.php/kb_invoice/show/id/1"
    assert document_from(changed(DOCUMENT, "positions", None), "").positions is None


def test_the_street_stands_under_one_of_two_keys() -> None:
    assert contact_from(CONTACT, archived=False).address.street == "Weg 1"
    assert contact_from(changed(CONTACT, "street_name", None), archived=False).address.street == ""
    assert (contact_from(CONTACT, archived=False).nr, contact_from(CONTACT, archived=True).archived) == ("5", True)


def test_stock_counts_only_where_it_is_tracked() -> None:
    assert item_from(ITEM | {"stock_nr": "4.0"}).stock == 4
    assert item_from(ITEM | {"stock_nr": "4.0", "is_stock": False}).stock is None
    assert (item_from(ITEM).price, item_from(ITEM).stock) == (Decimal("1.5"), None)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kb_item_status_id", 99, "`kb_item_status_id` is 99"),
        ("total", "x", '`total` is "x"'),
        ("total", MISSING, "`total` is missing"),
        ("positions", 5, "`positions` is 5"),
        ("positions", [{"text": 5}], "`text` is 5"),
        ("document_nr", "RE\n1", '`document_nr` is "RE\ufffd1"'),
        ("contact_id", None, "`contact_id` is null"),
        ("network_link", 3, "`network_link` is 3"),
    ],
)
def test_a_document_that_is_not_understood(key: str, value: Any, said: str) -> None:
    with pytest.raises(Unreachable) as problem:
        document_from(changed(DOCUMENT, key, value), "")
    assert problem.value.message == f"bexio shows the invoice 1 in a way bexsync does not understand: {said}."
    assert problem.value.code == "bad_answer"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("contact_type_id", 3, "`contact_type_id` is 3"),
        ("postcode", MISSING, "`postcode` is missing"),
        ("postcode", True, "`postcode` is true"),
        ("name_1", None, "`name_1` is null"),
    ],
)
def test_a_contact_that_is_not_understood(key: str, value: Any, said: str) -> None:
    with pytest.raises(Unreachable, match=f": {said}.$"):
        contact_from(changed(CONTACT, key, value), archived=False)


@pytest.mark.parametrize(("kind", "said"), [("Kb", 'is "Kb"'), (None, "is null"), ("KbPositionText/..", "is ")])
def test_a_position_that_would_lead_elsewhere(kind: Any, said: str) -> None:
    assert positions_of({"id": 1, "positions": [{"id": 2, "type": "KbPositionText"}]}) == [("KbPositionText", 2)]
    with pytest.raises(Unreachable, match=f"`type` {said}"):
        positions_of({"id": 1, "positions": [{"id": 2, "type": kind}]})
