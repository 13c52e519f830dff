"""Decimal arithmetic with commercial rounding, and nothing else.

Amounts are Decimal, never float; a value is rounded once, at a boundary that the caller names.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, FloatOperation, InvalidOperation, Overflow

EXACT = Context(prec=40, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation])
CENT = Decimal("0.01")
HUNDRED = Decimal(100)


def rounded(value: Decimal, to: Decimal = CENT) -> Decimal:
    """The value rounded half away from zero to a multiple of `to`, with the decimals of `to`; zero has no sign."""
    steps = EXACT.divide(value, to).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return EXACT.add(EXACT.multiply(steps, to), Decimal(0))


def product(*factors: Decimal) -> Decimal:
    """The exact product."""
    result = Decimal(1)
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def total(values: Sequence[Decimal]) -> Decimal:
    """The exact sum."""
    result = Decimal(0)
    for value in values:
        result = EXACT.add(result, value)
    return result


def share(amount: Decimal, weights: Sequence[Decimal], to: Decimal = CENT) -> list[Decimal]:
    """Splits an amount in proportion to weights so that the parts add up exactly (largest remainder)."""
    whole = total(weights)
    if whole == 0:
        raise ValueError("nothing to split over")
    exact = [EXACT.divide(product(amount, weight), whole) for weight in weights]
    parts = [(value / to).to_integral_value(rounding="ROUND_FLOOR") * to for value in exact]
    missing = int(((amount - total(parts)) / to).to_integral_value(rounding=ROUND_HALF_UP))
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[:missing]:
        parts[i] += to
    parts[-1] += amount - total(parts)  # an amount finer than `to` keeps its tail
    return parts


def decimal_text(value: Decimal) -> str:
    """The number as the wire wants it: no exponent, no needless zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def format_grouped(value: Decimal) -> str:
    """The amount as Swiss letters have it: 12'345.60."""
    whole, _, decimals = format_amount(value).partition(".")
    return f"{Decimal(whole):,f}".replace(",", "'") + f".{decimals}"


def format_amount(value: Decimal) -> str:
    """The amount as a person reads it: at least two decimals."""
    text = decimal_text(value)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"
