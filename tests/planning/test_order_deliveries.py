"""Which deliveries an order gets, and what a refund is per rate and account."""

from __future__ import annotations

from typing import Any

import pytest
from order_books import an_order, books, planned

from bexsync.errors import RecordProblem
from bexsync.planning.booked_sums import DocumentSums
from bexsync.planning.order_deliveries import all_parts, delivery_keys, shipments
from bexsync.planning.refunds import RefundAmounts, divide_refund
from bexsync.records import Order

TABLE = {"line_id": "t", "name": "Tisch", "quantity": "3", "unit_price": "100", "tax_rate": "8.1"}
BOOK = {"line_id": "b", "name": "Buch", "quantity": "2", "unit_price": "50", "tax_rate": "2.6"}
FILE = {"line_id": "f", "name": "PDF", "unit_price": "10", "tax_rate": "8.1", "virtual": True}
SHIPPING = {"line_id": "s", "type": "shipping", "name": "Versand", "unit_price": "10", "tax_rate": "8.1"}
# (300 + 10 + 10) x 1.081 + 100 x 1.026 = 345.92 + 102.60
TOTAL = "448.52"


def order_of(**fields: Any) -> Order:
    return an_order(TABLE, BOOK, FILE, SHIPPING, total=TOTAL, **fields)


def shipped(shop_id: str, *lines: tuple[str, str], day: int = 3) -> dict[str, Any]:
    parts = [{"line_id": line, "quantity": quantity} for line, quantity in lines]
    return {"shop_id": shop_id, "shipped_at": f"2026-11-{day:02}T10:00:00+01:00", "lines": parts}


@pytest.mark.parametrize(
    ("fields", "done", "expected"),
    [
        # all goods at once: neither the file nor the shipping is delivered
        ({}, (), [("all", {0: "3", 1: "2"})]),
        ({"fulfillment_status": "fulfilled"}, (), [("all", {0: "3", 1: "2"})]),
        ({}, ("all",), []),
        ({"fulfillments": [shipped("x")]}, (), [("x", {0: "3", 1: "2"})]),
        ({"fulfillments": [shipped("x")]}, ("all",), []),
        (
            {"fulfillments": [shipped("y", ("b", "2"), day=4), shipped("x", ("t", "1"), ("f", "1"))]},
            (),
            [("x", {0: "1"}), ("y", {1: "2"})],
        ),
        ({"fulfillments": [shipped("x", ("t", "1"))], "fulfillment_status": "partial"}, (), [("x", {0: "1"})]),
        # the second one holds what the first left
        ({"fulfillments": [shipped("x", ("t", "1")), shipped("y", day=4)]}, ("x",), [("y", {0: "2", 1: "2"})]),
        ({"fulfillments": [shipped("x", ("f", "1"))]}, (), []),
    ],
)
def test_shipments(fields: dict[str, Any], done: tuple[str, ...], expected: list[tuple[str, dict[int, str]]]) -> None:
    order = order_of(**fields)
    found = shipments(order, planned(order), done)
    assert [(one.key, {part.index: part.quantity for part in one.parts}) for one in found] == expected


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"fulfillment_status": "partial"}, "shipped_in_part"),
        ({"fulfillment_status": "partial", "fulfillments": [shipped("x")]}, "shipped_in_part"),
        ({"fulfillments": [shipped("x", ("t", "2")), shipped("y", ("t", "2"), day=4)]}, "shipped_too_much"),
    ],
)
def test_shipments_that_stop(fields: dict[str, Any], code: str) -> None:
    order = order_of(**fields)
    with pytest.raises(RecordProblem) as caught:
        shipments(order, planned(order))
    assert caught.value.code == code


def test_what_is_too_long_for_one_delivery_becomes_several() -> None:
    order = an_order(*[{"unit_price": "1.05", "tax_rate": "8.1"}] * 310, total="351.87")
    document = planned(order)
    found = shipments(order, document)
    assert [(one.key, len(one.parts)) for one in found] == [("all", 150), ("all~2", 150), ("all~3", 10)]
    assert [part.index for one in found for part in one.parts] == list(range(310))
    assert delivery_keys(order) == ["all", "all~2", "all~3"]
    assert [one.key for one in shipments(order, document, ("all", "all~3"))] == ["all~2"]
    assert shipments(order, document, delivery_keys(order)) == ()
    shipped_later = order.model_copy(update={"fulfillments": order_of(fulfillments=[shipped("x")]).fulfillments})
    assert [one.key for one in shipments(shipped_later, document, ("all", "all~2"))] == ["all~3"]
    assert [one.key for one in shipments(shipped_later, document, ("x",))] == ["x~2", "x~3"]


def test_an_order_without_goods_has_no_delivery() -> None:
    order = an_order(FILE, total="10.81")
    assert shipments(order, planned(order, coin="0.01")) == ()


def test_positions_are_counted_among_all_and_what_is_sold_once_goes_by_its_share() -> None:
    """100000 x 0.12345678 = 12345.678 is sold once, so that a quarter of it is 0.25 of the position."""
    sheet = {"line_id": "p", "name": "Blatt", "quantity": "100000", "unit_price": "0.12345678", "tax_rate": "8.1"}
    # 300 - 3 + 12345.678 = 12642.678, x 1.081 = 13666.734918
    order = an_order({**TABLE, "discount_amount": "3"}, sheet, total="13666.73")
    order = order.model_copy(update={"fulfillments": ()})
    document = planned(order)
    assert [(part.index, part.quantity) for part in shipments(order, document)[0].parts] == [(0, "3"), (2, "1")]
    assert [(part.index, part.quantity) for part in all_parts(document)] == [(0, "3"), (1, "1"), (2, "1")]
    partly = an_order(
        {**TABLE, "discount_amount": "3"}, sheet, total="13666.73", fulfillments=[shipped("x", ("p", "25000"))]
    )
    assert [(part.index, part.quantity) for part in shipments(partly, planned(partly))[0].parts] == [(2, "0.25")]


def test_a_refund_of_lines_after_discounts() -> None:
    """100 - 50 of its own and 50 are 50 and 50, less a fifth by coupon 40 and 40: 43.24 and 41.04 with VAT."""
    order = an_order(
        {"line_id": "a", "unit_price": "100", "tax_rate": "8.1", "discount_amount": "50"},
        {"line_id": "b", "unit_price": "50", "tax_rate": "2.6"},
        {"type": "discount", "discount_percent": "20"},
        total="84.28",
        refunds=[
            {
                "shop_id": "r",
                "amount": "84.28",
                "currency": "CHF",
                "refunded_at": "2026-11-09T10:00:00+01:00",
                "lines": [{"line_id": "a"}, {"line_id": "b", "quantity": "1"}],
            }
        ],
    )
    found = divide_refund(order.refunds[0], order, DocumentSums(planned(order), books()))
    assert [(str(one.net), str(one.vat)) for one in found.parts] == [("40.00", "3.24"), ("40.00", "1.04")]
    assert not found.is_shared


def divided(amount: str, *lines: dict[str, str], **fields: Any) -> RefundAmounts:
    refund = {
        "shop_id": "r", "amount": amount, "currency": "CHF", "refunded_at": "2026-11-09T10:00:00+01:00", "lines": lines
    }  # fmt: skip
    order = order_of(refunds=[refund], **fields)
    return divide_refund(order.refunds[0], order, DocumentSums(planned(order), books()))


@pytest.mark.parametrize(
    ("amount", "lines", "parts", "is_shared"),
    [
        # one table of three: 345.92 - 21.62 is not asked for, but 100 x 1.081 = 108.10, VAT 8.10
        ("108.10", [{"line_id": "t", "quantity": "1"}], [("UN81", "100.00", "8.10")], False),
        # the amount that the shop names of a line is net, as its prices are: 50 x 1.026 = 51.30
        ("51.30", [{"line_id": "b", "amount": "50"}], [("UR26", "50.00", "1.30")], False),
        # both books and a table: 102.60 + 108.10
        (
            "210.70",
            [{"line_id": "b"}, {"line_id": "t", "quantity": "1"}],
            [("UR26", "100.00", "2.60"), ("UN81", "100.00", "8.10")],
            False,
        ),
        # 200 of the same: 200 x 102.60 / 210.70 = 97.3896 (97.39), 102.61; VAT 97.39 x 2.6 / 102.6 = 2.4680, 7.6887
        (
            "200",
            [{"line_id": "b"}, {"line_id": "t", "quantity": "1"}],
            [("UR26", "94.92", "2.47"), ("UN81", "94.92", "7.69")],
            True,
        ),
        # without lines: 100 x 345.92 / 448.52 = 77.1248 (77.12), 22.88; VAT 77.12 x 8.1 / 108.1 = 5.7786, 0.5798
        ("100", [], [("UN81", "71.34", "5.78"), ("UR26", "22.30", "0.58")], True),
        # all of it: 320 x 8.1 % = 25.92, 100 x 2.6 % = 2.60
        ("448.52", [], [("UN81", "320.00", "25.92"), ("UR26", "100.00", "2.60")], True),
    ],
)
def test_refunds(amount: str, lines: list[dict[str, str]], parts: list[tuple[str, str, str]], is_shared: bool) -> None:
    found = divided(amount, *lines)
    assert [(one.tax_code, str(one.net), str(one.vat)) for one in found.parts] == parts
    assert {one.account for one in found.parts} == {"3200"}
    assert found.is_shared is is_shared


def test_a_refund_in_another_currency() -> None:
    order = order_of(
        refunds=[{"shop_id": "r", "amount": "1", "currency": "EUR", "refunded_at": "2026-11-09T10:00:00+01:00"}]
    )
    with pytest.raises(RecordProblem) as caught:
        divide_refund(order.refunds[0], order, DocumentSums(planned(order), books()))
    assert caught.value.code == "refund_currency"
