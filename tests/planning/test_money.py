"""Rounding and splitting of amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bexsync.money import CENT, decimal_text, format_amount, format_grouped, rounded, share, total

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6)
weights = st.lists(st.decimals(min_value=0, max_value=10**7, places=4), min_size=1, max_size=12)
steps = st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal("0.000001"), Decimal(1)])


@pytest.mark.parametrize(
    ("value", "to", "result"),
    [
        ("0.005", "0.01", "0.01"),  # half goes away from zero
        ("-0.005", "0.01", "-0.01"),
        ("1.004999", "0.01", "1.00"),
        ("19.1706", "0.05", "19.15"),  # the sample of bexio's own documentation
        ("19.175", "0.05", "19.20"),
        ("-19.175", "0.05", "-19.20"),
        ("2.5", "1", "3"),
        ("-0.004", "0.01", "0.00"),
    ],
)
def test_rounding_is_commercial(value: str, to: str, result: str) -> None:
    assert str(rounded(Decimal(value), Decimal(to))) == result


@given(amounts, steps)
def test_rounding_is_symmetric_and_near(value: Decimal, to: Decimal) -> None:
    assert rounded(-value, to) == -rounded(value, to)
    assert abs(rounded(value, to) - value) <= to / 2
    assert rounded(rounded(value, to), to) == rounded(value, to)


@given(amounts, weights)
def test_shares_add_up_exactly(amount: Decimal, parts: list[Decimal]) -> None:
    assume(total(parts) > 0)
    assert total(share(amount, parts)) == amount


@given(st.decimals(min_value=0, max_value=10**7, places=2), weights)
def test_no_share_is_a_cent_off_its_due(amount: Decimal, parts: list[Decimal]) -> None:
    assume(total(parts) > 0)
    for part, weight in zip(share(amount, parts), parts, strict=True):
        assert abs(part - amount * weight / total(parts)) < CENT


@pytest.mark.parametrize(
    ("amount", "parts", "result"),
    [
        ("10", ("1", "1", "1"), ["3.34", "3.33", "3.33"]),  # the cent left over goes to the first of equals
        ("0.02", ("1", "1", "1"), ["0.01", "0.01", "0"]),
        ("10", ("2", "0", "1"), ["6.67", "0", "3.33"]),  # 6.666 has the larger remainder
        ("-10", ("1", "1", "1"), ["-3.33", "-3.33", "-3.34"]),
    ],
)
def test_what_is_left_over_goes_to_the_largest_remainder(
    amount: str, parts: tuple[str, ...], result: list[str]
) -> None:
    assert share(Decimal(amount), [Decimal(p) for p in parts]) == [Decimal(r) for r in result]


def test_nothing_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="nothing to split over"):
        share(Decimal(1), [Decimal(0)])


@pytest.mark.parametrize(
    ("value", "on_the_wire", "read"),
    [
        ("1E+3", "1000", "1000.00"),
        ("100.500", "100.5", "100.50"),
        ("-0.00", "0", "0.00"),
        ("0.000001", "0.000001", "0.000001"),
        ("1234567.8", "1234567.8", "1234567.80"),
    ],
)
def test_amounts_are_written_without_exponent(value: str, on_the_wire: str, read: str) -> None:
    assert (decimal_text(Decimal(value)), format_amount(Decimal(value))) == (on_the_wire, read)


@pytest.mark.parametrize(
    ("value", "text"),
    [("12345.6", "12'345.60"), ("999", "999.00"), ("1234567.895", "1'234'567.895"), ("-1000", "-1'000.00")],
)
def test_amounts_in_letters(value: str, text: str) -> None:
    assert format_grouped(Decimal(value)) == text
