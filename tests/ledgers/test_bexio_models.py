"""What of bexio's master data is understood, and the sentence about what is not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

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
            Tax(3, "UN81", "UN81", Decimal("8.10"), TaxKind.SALES, active=True, valid_to=date(2025, 2, 28)),
        ),
        (YearRow, YEAR, VatYear(date(2025, 1, 1), date(2025, 12, 31), subject=True, default_tax_id=None)),
        (AccountRow, ACCOUNT, Account(7, "3200", "", None, active=False, is_income=True)),
        (CurrencyRow, {"id": 1, "name": "CHF", "round_factor": 0.05}, Currency(1, "CHF", Decimal("0.05"))),
        (UserRow, {"id": 1, "email": None, "lastname": "Muster"}, User(1, "", "Muster")),
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


def test_only_the_numbering_of_invoices_decides() -> None:
    assert NumberingRow.read({"kb_item_class": "KbInvoice", "use_automatic_enumeration": 0}).numbers_invoices() is False
    assert NumberingRow.read({"kb_item_class": "KbOffer", "use_automatic_enumeration": "?"}).numbers_invoices() is None
    for said, row in (("is missing", {}), ('is "?"', {"use_automatic_enumeration": "?"})):
        with pytest.raises(NotUnderstood) as problem:
            NumberingRow.read({"kb_item_class": "KbInvoice", **row}).numbers_invoices()
        assert str(problem.value) == f"`use_automatic_enumeration` {said}"
