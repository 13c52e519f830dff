"""Documents as they are planned: the sum of what is sent is the shop's total, whatever its way of rounding."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from products_kit import ME, TAXES, TODAY, a_master

from bexsync.config.profile import InvoicesSection, Profile, ShopSection
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import rounded, total
from bexsync.planning.amounts import WAYS, Sum, Way, largest_rounding, rounded_totals
from bexsync.planning.contacts import Contacts
from bexsync.planning.documents import DocumentPlanner
from bexsync.ports.master_data import Account, BankAccount
from bexsync.records import Customer, Invoice
from bexsync.vat import Tax, VatMap

D = Decimal
CENT, FIVE = D("0.01"), D("0.05")
EXPENSE = Account(LedgerId(20), "6945", "Rundungsdifferenzen", None, active=True, is_income=False, is_expense=True)
NO_VAT = Tax(LedgerId(9), "U00", "Keine MWST", D(0), "sales_tax", active=True)
RATES = ("8.1", "2.6")

lines = st.lists(
    st.tuples(
        st.decimals("0.001", "60", places=3),
        st.decimals("-3", "40", places=4),
        st.sampled_from(RATES),
    ),
    min_size=1,
    max_size=40,
)


def a_planner(round_to: str = "0.01", rounding: Way | str = "any", *, account: str = "6945", tax: str = "") -> (
    DocumentPlanner
):  # fmt: skip
    master = a_master()
    master = replace(
        master,
        accounts=(*master.accounts, EXPENSE),
        taxes=(*TAXES, NO_VAT),
        bank_accounts=(BankAccount(LedgerId(5), "CH56", LedgerId(2)),),
    )
    profile = Profile(
        shop=ShopSection(round_to=D(round_to), rounding=rounding),  # type: ignore[arg-type]
        invoices=InvoicesSection(rounding_account=account, rounding_tax=tax),
    )
    return DocumentPlanner(profile, master, VatMap(), ME, TODAY)


@given(
    lines,
    st.booleans(),
    st.sampled_from(WAYS),
    st.booleans(),
    st.sampled_from(["0.01", "0.05"]),
    st.sampled_from(["CHF", "EUR"]),
    st.sampled_from(["", "UN81"]),
    st.decimals("-0.04", "0.04", places=2),
)
def test_the_sum_of_what_is_sent_is_the_shops_total(
    drawn: list[tuple[Decimal, Decimal, str]],
    gross: bool,
    way: Way,
    said: bool,
    round_to: str,
    currency: str,
    tax: str,
    cashier: Decimal,
) -> None:
    sums = [Sum(quantity * price, D(rate)) for quantity, price, rate in drawn]
    coin = D(round_to)
    shop_total = min(rounded_totals(sums, gross=gross, to=CENT if cashier else coin, ways=[way])[way]) + cashier
    assume(shop_total > 1)
    invoice = Invoice.model_validate(
        {
            "shop_id": "1",
            "invoice_date": "2026-11-02",
            "currency": currency,
            "prices_include_tax": gross,
            "lines": [{"quantity": str(q), "unit_price": str(p), "tax_rate": r} for q, p, r in drawn],
            "total": str(shop_total),
            "total_rounding": str(cashier),
        }
    )
    planner = a_planner(round_to, way if said else "any", tax=tax)
    document = planner.write(invoice, Customer(last_name="Keller"), Contacts(), "ref")
    rates = {LedgerId(3): D("8.1"), LedgerId(4): D("2.6"), LedgerId(9): D(0)}
    exact = total(
        [D(p.quantity) * D(p.unit_price) * (1 if gross else (100 + rates[p.tax_id]) / 100) for p in document.positions]
    )
    step = min(coin, FIVE if currency == "CHF" else CENT)
    if rounded(shop_total, step) != shop_total:
        step = CENT
    assert rounded(exact, step) == shop_total
    assert abs(document.total - exact) < D("0.000001")
    assert abs(document.rounding) <= largest_rounding(len(drawn), D("8.1"), coin)
    assert (len(document.positions) == len(drawn)) is (document.rounding == 0)


@pytest.mark.parametrize(
    ("account", "tax", "code"),
    [("6945", "XX", "unknown_tax"), ("6945", "UR26", ""), ("1", "", "unknown_account"), ("3200", "", "")],
)
def test_account_and_tax_of_the_rounding_line(account: str, tax: str, code: str) -> None:
    invoice = Invoice.model_validate(
        {
            "shop_id": "1",
            "invoice_date": "2026-11-02",
            "currency": "CHF",
            "lines": [{"unit_price": "0.55", "tax_rate": "8.1"}] * 20,
            "total": "11.80",
        }
    )
    planner = a_planner(account=account, tax=tax)
    if code:
        with pytest.raises(RecordProblem) as caught:
            planner.write(invoice, Customer(last_name="Keller"), Contacts(), "ref")
        assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    else:
        document = planner.write(invoice, Customer(last_name="Keller"), Contacts(), "ref")
        assert document.rounding == D("-0.09")
