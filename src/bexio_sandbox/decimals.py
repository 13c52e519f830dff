"""Decimal strings: as a client wrote them, as bexio computes them, as bexio reads them back."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

# Wide enough that no product of a 12-digit amount and a 12-digit price with 6 decimals each is cut.
CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """Return a computed number without trailing zeros, as fresh answers show it: 100 and 19.15."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def padded(text: str, places: int) -> str:
    """Return a decimal string with exactly `places` decimals, as reads show it."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > places:
        return f"{rounded(Decimal(text), places):f}"
    return f"{whole}.{fraction.ljust(places, '0')}"


def rounded(value: Decimal, places: int) -> Decimal:
    """Rounds to a number of decimals, half away from zero."""
    with localcontext(CONTEXT):
        return value.quantize(Decimal(1).scaleb(-places))


def rounded_to(value: Decimal, step: Decimal) -> Decimal:
    """Rounds to a multiple of `step`, half away from zero."""
    with localcontext(CONTEXT):
        return (value / step).quantize(Decimal(1)) * step
