"""Every order of the table comes to what was worked out by hand, for the order and for its invoice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from order_books import a_profile, an_order, books, planned
from order_money import CASES, Case

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, rounded
from bexsync.planning.booked_sums import DocumentSums
from bexsync.planning.documents import Document
from bexsync.planning.order_lines import Due, due_of
from bexsync.planning.order_payments import LedgerPayments, Receipts, is_settled, plan_payments
from bexsync.records import Order
from bexsync.vat import VatRow

D = Decimal
CASES_BY_NAME = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def order_of(case: Case) -> Order:
    return an_order(*case.lines, total=case.total, **case.order)


def profile_of(case: Case) -> Profile:
    return a_profile(ledger={"bank_account": {"CHF": "CH1", "EUR": "DE2"}}, **case.profile)


def document_of(case: Case, *, gross_prices: bool = True) -> Document:
    rows = tuple(VatRow(code, use=use) for use, code in case.vat_map)  # type: ignore[arg-type]
    return planned(
        order_of(case),
        profile_of(case),
        coin=case.coin,
        rows=rows,
        as_order=case.is_nothing,
        gross_prices=gross_prices,
    )


def coin_of(case: Case) -> Decimal:
    return D("0.01") if case.order.get("currency") == "EUR" else D(case.coin)


def test_there_are_enough() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@CASES_BY_NAME
def test_what_is_booked(case: Case) -> None:
    document = document_of(case)
    found = {
        f"{one.account} {one.tax_code}": tuple(f"{value:.2f}" for value in (one.net, one.vat, one.total))
        for one in DocumentSums(document, books(coin=case.coin)).booked
    }
    assert found == dict(case.sums)
    assert rounded(document.total, coin_of(case)) == D(case.books)
    assert document.header.date == case.day
    assert document.header.bank_account_id == LedgerId(52 if case.order.get("currency") == "EUR" else 51)
    assert (due_of(order_of(case)) is Due.NOTHING) is case.is_nothing


@CASES_BY_NAME
def test_the_table_adds_up(case: Case) -> None:
    for net, vat, whole in case.sums.values():
        assert D(net) + D(vat) == D(whole)
    together = sum((D(whole) for _net, _vat, whole in case.sums.values()), D(0))
    # Each sum was rounded by itself, and the total to the books' coin.
    assert abs(together - D(case.books)) <= D("0.005") * 2 * len(case.sums) + coin_of(case) / 2


@CASES_BY_NAME
def test_net_prices_for_orders_that_take_no_gross_ones(case: Case) -> None:
    document = document_of(case, gross_prices=False)
    assert document.header.prices == "net"
    assert rounded(document.total, coin_of(case)) == D(case.books)


@pytest.mark.parametrize("case", [case for case in CASES if case.booked is not None], ids=lambda case: case.name)
def test_payments(case: Case) -> None:
    receipts = Receipts.of_order(order_of(case))
    plan = plan_payments(receipts, LedgerPayments(D(case.books), coin_of(case)))
    assert (tuple(decimal_text(one.amount) for one in plan.pay), plan.above) == (case.booked, D(case.above))
    open_ = D(case.books) - sum((one.amount for one in plan.pay), D(0))
    assert open_ == D(case.open)
    assert is_settled(open_, coin_of(case)) is (open_ < D("0.03"))
