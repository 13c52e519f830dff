"""Quantities and prices of more decimals than bexio takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.money import rounded
from bexsync.planning.amounts import amount_of, sendable
from bexsync.records import Line

D = Decimal
fine = st.decimals("-5000", "5000", places=12)


@pytest.mark.parametrize(
    ("fields", "quantity", "price", "description"),
    [
        ({"quantity": "2", "unit_price": "10.5"}, "2", "10.5", None),
        ({"quantity": "3", "unit_price": "3.3333333333"}, "3", "3.333333", None),
        ({"quantity": "0.3333333333", "unit_price": "120"}, "0.333333", "120", None),
        # 100000 x 0.12345678 = 12345.678; 100000 x 0.123457 = 12345.70
        (
            {"quantity": "100000", "unit_price": "0.12345678", "unit": "Blatt"},
            "1",
            "12345.678",
            "100000 Blatt × 0.12345678",
        ),
        ({"quantity": "-100000", "unit_price": "0.12345678"}, "-1", "12345.678", "-100000 × 0.12345678"),
        # a price from the line's total, where 0.333333 a piece would be 33333.30
        ({"quantity": "100000", "line_total": "33333.33", "unit": "Stk"}, "1", "33333.33", "100000 Stk"),
        ({"quantity": "3", "line_total": "100"}, "3", "33.333333", None),
    ],
)
def test_what_is_sent(fields: dict[str, Any], quantity: str, price: str, description: str | None) -> None:
    line = sendable(Line.model_validate(fields), "Line 1")
    assert (line.quantity, line.unit_price, line.description) == (D(quantity), D(price), description)
    assert line.unit == (fields.get("unit") if description is None else None)


@given(fine, fine, st.decimals(0, 100, places=2))
def test_the_amount_stays_the_same_to_the_rappen(quantity: Decimal, price: Decimal, percent: Decimal) -> None:
    line = Line(quantity=quantity, unit_price=price, discount_percent=percent)
    sent = sendable(line, "Line 1")
    assert sent.unit_price is not None
    assert (rounded(sent.quantity, D("0.000001")), rounded(sent.unit_price, D("0.000001"))) == (
        sent.quantity,
        sent.unit_price,
    )
    exact = quantity * price * (100 - percent) / 100
    assert abs(rounded(amount_of(sent, "Line 1")) - rounded(exact)) <= (
        0 if sent.quantity not in (1, -1) else D("0.01")
    )
