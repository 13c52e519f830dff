"""Orders and payments as records: moments, ids, transactions, refunds and shipments."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bexsync.planning.invoice_link import content
from bexsync.records import Invoice, Malformed, Order, Reading, read_record


def an_order(**fields: Any) -> dict[str, Any]:
    return {
        "shop_id": "5001",
        "status": "processing",
        "ordered_at": "2026-11-20T09:30:00+01:00",
        "updated_at": "2026-11-20T09:30:00+01:00",
        "currency": "CHF",
        "lines": [{"line_id": "1", "name": "Tasse", "unit_price": "24.50"}],
        "total": "24.50",
        **fields,
    }


def a_payment(**fields: Any) -> dict[str, Any]:
    return an_order(payments=[{"shop_id": "t-1", "amount": "24.50", "currency": "CHF", **fields}])


def read(value: dict[str, Any]) -> Order:
    record = read_record("order", value)
    assert isinstance(record, Order)
    return record


def test_an_order_is_read_whole() -> None:
    order = read(
        an_order(
            order_number="#1001",
            site="main",
            financial_status="paid",
            fulfillment_status="partial",
            lines=[
                {"line_id": "1", "name": "Tasse", "unit_price": "24.50", "quantity": "2"},
                {"line_id": "2", "type": "gift_card", "name": "Gutschein", "unit_price": "50", "virtual": True},
                {"line_id": "3", "type": "tip", "name": "Trinkgeld", "unit_price": "2"},
            ],
            payments=[{"shop_id": "t-1", "amount": "101", "currency": "CHF", "paid_at": "2026-11-20T08:31:00Z"}],
            refunds=[
                {
                    "shop_id": "r-1", "amount": "24.50", "currency": "CHF", "refunded_at": "2026-11-22T10:00:00Z",
                    "lines": [{"line_id": "1", "quantity": "1"}],
                }
            ],
            fulfillments=[
                {"shop_id": "f-1", "shipped_at": "2026-11-21T10:00:00Z", "lines": [{"line_id": "1", "quantity": 1}]}
            ],
            total="101",
        )
    )  # fmt: skip
    assert [line.type for line in order.lines] == ["product", "gift_card", "tip"]
    assert order.lines[1].virtual
    assert order.payments[0].is_money
    assert order.refunds[0].lines[0].quantity == Decimal(1)
    assert read(json.loads(json.dumps(order.canonical()), parse_float=Decimal)) == order


def test_a_moment_is_the_same_with_any_offset() -> None:
    one = read(an_order(ordered_at="2026-11-20T09:30:00+01:00"))
    other = read(an_order(ordered_at="2026-11-20T08:30:00Z"))
    assert one.fingerprint() == other.fingerprint()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            an_order(ordered_at="2026-11-20T09:30:00"),
            "field `ordered_at` must be a moment with its offset, like 2026-11-20T09:30:00+01:00 or "
            '2026-11-20T08:30:00Z, it says "2026-11-20T09:30:00"',
        ),
        (
            an_order(ordered_at="2026-11-20T25:30:00Z"),
            "field `ordered_at` must be a moment with its offset, like 2026-11-20T09:30:00+01:00 or "
            '2026-11-20T08:30:00Z, it says "2026-11-20T25:30:00Z"',
        ),
        (
            an_order(ordered_at="0001-01-01T00:00:00+01:00"),
            "field `ordered_at` lies outside the years that can be written, it says ",
        ),
        (an_order(status=""), "field `status` is "),
        (an_order(lines=[{"type": "subtotal"}]), "field `lines[1].type` must be "),
        (a_payment(amount="-5"), 'field `payments[1].amount` is below 0, and money that goes back is of the kind "ref'),
        (a_payment(status="ok"), "field `payments[1].status` must be 'success', "),
        (
            an_order(lines=[{"line_id": "1", "name": "a"}, {"line_id": "1", "name": "b"}]),
            'has two `lines` with the line_id "1"',
        ),
        (
            an_order(fulfillments=[{"shop_id": "f", "shipped_at": "2026-11-20T08:30:00Z"}] * 2),
            'has two `fulfillments` with the shop_id "f"',
        ),
        (
            an_order(
                fulfillments=[
                    {"shop_id": "f", "shipped_at": "2026-11-20T08:30:00Z", "lines": [{"line_id": "9", "quantity": "1"}]}
                ]
            ),
            'names in `fulfillments[1]` the line "9", which it has not',
        ),
        (an_order(invoice_date="2026-11-20"), "field `invoice_date` is unknown"),
        (an_order(payments=[{"amout": "1"}]), "field `payments[1].amout` is unknown; did you mean `amount`?"),
    ],
)
def test_what_is_no_order_is_one_sentence(value: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_record("order", value)
    assert caught.value.message.startswith(said)


def test_ids_are_exact_texts() -> None:
    assert read(an_order(shop_id=9007199254740993)).shop_id == "9007199254740993"
    assert read(an_order(shop_id=9007199254740992)).shop_id == "9007199254740992"


def test_control_characters_leave_texts_and_are_named() -> None:
    reading = Reading()
    record = read_record("order", an_order(customer_note="bitte\x07 klingeln"), reading)
    assert isinstance(record, Order)
    assert record.customer_note == "bitte klingeln"
    assert list(reading.cleaned) == ["customer_note"]


def test_a_payment_of_an_invoice_is_no_change_of_what_was_booked() -> None:
    fields: dict[str, Any] = {
        "shop_id": "R-1", "invoice_date": "2026-11-20", "currency": "CHF", "total": "100",
        "lines": [{"name": "Beratung", "unit_price": "100"}],
    }  # fmt: skip
    payment = {"shop_id": "t-1", "amount": "100", "currency": "CHF", "paid_at": "2026-11-21T10:00:00Z"}
    before = read_record("invoice", fields)
    after = read_record("invoice", {**fields, "payments": [payment], "paid_at": "2026-11-21T10:00:00Z"})
    assert isinstance(before, Invoice)
    assert isinstance(after, Invoice)
    assert after.payments[0].amount == Decimal(100)
    assert content(before) == content(after)
    assert before.fingerprint() != after.fingerprint()
    with pytest.raises(Malformed, match='has two `payments` with the shop_id "t-1"'):
        read_record("invoice", {**fields, "payments": [payment, payment]})
