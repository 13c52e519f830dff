"""Which transactions are money, and which of it is booked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_books import an_order

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.order_payments import (
    PAID,
    LedgerPayments,
    Receipts,
    is_settled,
    money,
    plan_payments,
    wanted_payments,
)
from bexsync.ports.documents import Payment
from bexsync.records import Transaction

D = Decimal
NOON = "2026-11-05T12:00:00+01:00"


def a_payment(shop_id: str, amount: str = "100", **fields: Any) -> Transaction:
    values = {"shop_id": shop_id, "amount": amount, "currency": "CHF", "paid_at": NOON, **fields}
    return Transaction.model_validate({name: value for name, value in values.items() if value is not None})


def received(*transactions: Transaction, **fields: Any) -> Receipts:
    return Receipts("CHF", transactions, **fields)


def in_books(
    remaining: str, *payments: tuple[str, str, str], ours: dict[str, str | None] | None = None, step: str = "0.05"
) -> LedgerPayments:
    """What remains, the ledger's payments as id, amount and day, and which of them are ours."""
    found = tuple(Payment(LedgerId(one), D(value), day) for one, value, day in payments)
    known = {key: LedgerId(one) if one else None for key, one in (ours or {}).items()}
    return LedgerPayments(D(remaining), D(step), found, known)


@pytest.mark.parametrize(
    ("transactions", "keys"),
    [
        ([a_payment("a")], ["a"]),
        ([a_payment("a", kind="capture")], ["a"]),
        # neither authorised, pending, failed nor refunded money came in
        ([a_payment("a", kind="authorization")], []),
        ([a_payment("a", status="pending")], []),
        ([a_payment("a", status="failed"), a_payment("b", status="error")], []),
        ([a_payment("a"), a_payment("b", "30", kind="refund")], ["a"]),
        ([a_payment("a", "0")], []),
        ([a_payment("a"), a_payment("b", kind="void", parent_id="a")], []),
        # a sale and its capture are one, by parent or by the number of the transaction
        ([a_payment("a"), a_payment("b", kind="capture", parent_id="a")], ["a"]),
        ([a_payment("a", transaction_id="x"), a_payment("b", kind="capture", transaction_id="x")], ["a"]),
        (
            [
                a_payment("a"),
                a_payment("b", "60", kind="capture", parent_id="a"),
                a_payment("c", "40", kind="capture", parent_id="a"),
            ],
            ["a"],
        ),
        (
            [
                a_payment("a", transaction_id="x", gateway="one"),
                a_payment("b", kind="capture", transaction_id="x", gateway="other"),
            ],
            ["a", "b"],
        ),
        # an authorisation that is captured in two parts is two payments
        (
            [
                a_payment("a", kind="authorization"),
                a_payment("b", "60", kind="capture", parent_id="a"),
                a_payment("c", "40", kind="capture", parent_id="a"),
            ],
            ["b", "c"],
        ),
        # the oldest first
        ([a_payment("a"), a_payment("b", paid_at="2026-11-03T12:00:00+01:00")], ["b", "a"]),
    ],
)
def test_what_is_money(transactions: list[Transaction], keys: list[str]) -> None:
    assert [one.key for one in money(received(*transactions))] == keys


@pytest.mark.parametrize(
    ("transactions", "ledger", "booked", "above"),
    [
        # one payment, and the rest of a part that came before
        ([a_payment("a")], in_books("100"), [("a", "100")], "0"),
        ([a_payment("a", "40")], in_books("100"), [("a", "40")], "0"),
        (
            [a_payment("a", "40"), a_payment("b", "60")],
            in_books("60", ("1", "40", "2026-11-05"), ours={"a": "1"}),
            [("b", "60")],
            "0",
        ),
        # above what remains: 130 of 100, 20 of nothing
        ([a_payment("a", "130")], in_books("100"), [("a", "100")], "30"),
        ([a_payment("a"), a_payment("b", "20")], in_books("0", ours={"a": "1"}), [], "20"),
        # the ledger rounded 15.33 to 15.35, or 15.32 to 15.30: two Rappen are neither open nor above
        ([a_payment("a", "15.33")], in_books("15.35"), [("a", "15.33")], "0"),
        ([a_payment("a", "15.32")], in_books("15.30"), [("a", "15.3")], "0"),
        ([a_payment("a", "15.33"), a_payment("b", "5")], in_books("15.35"), [("a", "15.33")], "5"),
        # what a person or the bank booked is matched: the same amount within ten days, each once
        ([a_payment("a")], in_books("0", ("1", "100", "2026-11-15")), [], "0"),
        ([a_payment("a")], in_books("100", ("1", "100", "2026-11-16")), [("a", "100")], "0"),
        ([a_payment("a"), a_payment("b")], in_books("100", ("1", "100", "2026-11-07")), [("b", "100")], "0"),
        ([a_payment("a")], in_books("50", ("1", "50", "2026-11-05")), [("a", "50")], "50"),
        # ours is not another's: the second transaction of the same amount is booked
        (
            [a_payment("a"), a_payment("b")],
            in_books("100", ("1", "100", "2026-11-05"), ours={"a": "1"}),
            [("b", "100")],
            "0",
        ),
        (
            [a_payment("a"), a_payment("b")],
            in_books("100", ("1", "100", "2026-11-05"), ours={"b": None}),
            [("a", "100")],
            "0",
        ),
        # ours was deleted by a person: it is not booked again
        ([a_payment("a")], in_books("100", ours={"a": "1"}), [], "0"),
        # the capture of a sale that was booked by the capture's key
        (
            [a_payment("a"), a_payment("b", kind="capture", parent_id="a")],
            in_books("0", ("1", "100", "2026-11-05"), ours={"b": "1"}),
            [],
            "0",
        ),
        # a transaction may be called whatever the shop likes
        ([a_payment("paid")], in_books("100"), [("paid", "100")], "0"),
        # booked as paid as a whole, then told as two transactions
        (
            [a_payment("a", "60"), a_payment("b", "40")],
            in_books("0", ("1", "100", "2026-11-05"), ours={PAID: "1"}),
            [],
            "0",
        ),
    ],
)
def test_what_is_booked(
    transactions: list[Transaction], ledger: LedgerPayments, booked: list[tuple[str, str]], above: str
) -> None:
    receipts = received(*transactions)
    plan = plan_payments(receipts, ledger)
    wants = list(wanted_payments(plan, receipts, {None: LedgerId(51)}, None))
    assert ([(one.key, one.amount) for one in wants], plan.above) == (booked, D(above))


@pytest.mark.parametrize(
    ("remaining", "fields", "booked"),
    [
        ("100", {"is_paid": True, "paid_at": datetime.fromisoformat("2026-10-25T00:30:00+02:00")}, ["2026-10-25"]),
        # half past eleven in London is the next day in Zurich
        ("100", {"is_paid": True, "paid_at": datetime.fromisoformat("2026-12-31T23:30:00+00:00")}, ["2027-01-01"]),
        ("100", {}, []),
        # somebody booked it: no day is needed any more
        ("0.02", {"is_paid": True}, []),
        ("0", {"is_paid": True}, []),
    ],
)
def test_paid_without_transactions(remaining: str, fields: dict[str, Any], booked: list[str]) -> None:
    plan = plan_payments(received(**fields), in_books(remaining))
    assert [str(one.day) for one in plan.pay] == booked
    assert [one.amount for one in plan.pay] == [D(remaining)] * len(booked)
    assert plan_payments(received(**fields), in_books(remaining, ours={PAID: None})).pay == ()


@pytest.mark.parametrize(
    ("receipts", "code", "said"),
    [
        (received(is_paid=True), "payment_day_missing", "100.00 CHF remain"),
        (received(a_payment("a", paid_at=None)), "payment_day_missing", "Payment a of 100.00 CHF"),
        (received(a_payment("a", currency="EUR")), "payment_currency", "in EUR"),
        (
            received(a_payment("a"), a_payment("b", "70", kind="capture", parent_id="a")),
            "payment_unclear",
            "its captures are 70.00",
        ),
    ],
)
def test_questions(receipts: Receipts, code: str, said: str) -> None:
    with pytest.raises(RecordProblem) as caught:
        plan_payments(receipts, in_books("100"))
    assert (caught.value.code, said in caught.value.message) == (code, True)


def test_a_method_without_a_bank_account_is_named() -> None:
    order = an_order(
        {"unit_price": "200", "tax_rate": "0", "tax_code": "U00"},
        total="200",
        payment_method="twint",
        payments=[
            {"shop_id": "a", "amount": "50", "currency": "CHF", "paid_at": NOON},
            {"shop_id": "b", "amount": "150", "currency": "CHF", "paid_at": NOON, "payment_method": "gift_card"},
        ],
    )
    plan = plan_payments(Receipts.of_order(order), in_books("200"))
    assert [(one.key, one.method) for one in plan.pay] == [("a", "twint"), ("b", "gift_card")]


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(1, 28)), max_size=6),
    st.lists(st.tuples(st.integers(1, 300), st.integers(1, 28)), max_size=4),
    st.integers(0, 900),
)
def test_never_above_what_remains_and_each_payment_once(
    told: list[tuple[int, int]], booked: list[tuple[int, int]], remaining: int
) -> None:
    transactions = [
        a_payment(str(n), str(amount), paid_at=f"2026-11-{day:02}T12:00:00+01:00")
        for n, (amount, day) in enumerate(told)
    ]
    ledger = in_books(
        str(remaining), *[(str(n), str(amount), f"2026-11-{day:02}") for n, (amount, day) in enumerate(booked, 1)]
    )
    plan = plan_payments(received(*transactions), ledger)
    paid = sum((one.amount for one in plan.pay), D(0))
    assert paid <= remaining
    assert len(set(plan.matched.values())) == len(plan.matched)
    assert not {one.key for one in plan.pay} & set(plan.matched)
    everything = sum(amount for amount, _ in told)
    if transactions:
        of_others = sum((one.amount for one in transactions if one.shop_id in plan.matched), D(0))
        assert everything == paid + of_others + plan.above


def test_what_counts_as_paid() -> None:
    assert is_settled(D("0.025"), D("0.05"))
    assert is_settled(D("-0.02"), D("0.01"))
    assert not is_settled(D("0.03"), D("0.05"))
    assert not is_settled(D("0.01"), D("0.01"))
