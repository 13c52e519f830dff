"""bexio's arithmetic of a sales document: lines, discounts, VAT per rate, rounding to the currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from bexio_sandbox.decimals import CONTEXT, plain, rounded, rounded_to

ZERO = Decimal(0)
HUNDRED = Decimal(100)
TAX_COMPUTED = 0


@dataclass(frozen=True)
class Line:
    """A position with a price: its total after its own discount, and its VAT rate if it has one."""

    total: Decimal
    rate: Decimal | None


@dataclass(frozen=True)
class Discount:
    """A discount position: per cent of the sum so far, or an amount."""

    is_percentual: bool
    value: Decimal


@dataclass(frozen=True)
class Manner:
    """How a document counts: its VAT mode, its currency's rounding, and the behaviours that concern both."""

    mwst_type: int
    is_net: bool
    round_factor: Decimal
    gross_net_totals: str = "with_tax"
    rounding_without_vat: str = "absorbed"


@dataclass(frozen=True)
class Tax:
    """The VAT of one rate on a document."""

    percentage: Decimal
    value: Decimal


@dataclass(frozen=True)
class Totals:
    """The sums at the foot of a document."""

    gross: Decimal
    net: Decimal
    taxes: tuple[Tax, ...]
    total: Decimal
    rounding_difference: Decimal

    @property
    def tax_sum(self) -> Decimal:
        """The VAT of all rates."""
        return sum((tax.value for tax in self.taxes), ZERO)


def line_total(amount: Decimal, unit_price: Decimal, discount_in_percent: Decimal, rounding: str) -> Decimal:
    """Return what a position costs after its own discount."""
    with localcontext(CONTEXT):
        total = amount * unit_price * (HUNDRED - discount_in_percent) / HUNDRED
    return rounded(total, 2) if rounding == "cent" else total


def discounts_taken(gross: Decimal, discounts: Sequence[Discount]) -> list[Decimal]:
    """Return what each discount takes off, a percentage counting on what the earlier ones left."""
    taken: list[Decimal] = []
    left = gross
    with localcontext(CONTEXT):
        for discount in discounts:
            value = left * discount.value / HUNDRED if discount.is_percentual else discount.value
            taken.append(value)
            left -= value
    return taken


def document_totals(lines: Sequence[Line], discounts: Sequence[Discount], manner: Manner) -> Totals:
    """Adds up a document."""
    with localcontext(CONTEXT):
        gross = sum((line.total for line in lines), ZERO)
        net = gross - sum(discounts_taken(gross, discounts), ZERO)
        if manner.mwst_type != TAX_COMPUTED:
            return _without_tax(gross, net, manner)
        taxes = _taxes(lines, gross, net, manner.is_net)
        return _with_tax(gross, net, taxes, manner)


def _taxes(lines: Sequence[Line], gross: Decimal, net: Decimal, is_net: bool) -> tuple[Tax, ...]:
    sums: dict[Decimal, Decimal] = {}
    for line in lines:
        if line.rate:
            sums[line.rate] = sums.get(line.rate, ZERO) + line.total
    # A document discount lowers every rate's share alike.
    share = net / gross if gross else Decimal(1)
    taxes = []
    for rate in sorted(sums, reverse=True):
        base = sums[rate] * share
        whole = HUNDRED if is_net else HUNDRED + rate
        taxes.append(Tax(rate, rounded(base * rate / whole, 4)))
    return tuple(taxes)


def _with_tax(gross: Decimal, net: Decimal, taxes: tuple[Tax, ...], manner: Manner) -> Totals:
    tax_sum = sum((tax.value for tax in taxes), ZERO)
    exact = net + tax_sum if manner.is_net else net
    total = rounded_to(exact, manner.round_factor)
    if not manner.is_net and manner.gross_net_totals == "without_tax":
        share = gross / net if net else Decimal(1)
        gross, net = gross - tax_sum * share, net - tax_sum
    return Totals(_kept(gross), _kept(net), taxes, total, rounded(total - exact, 2))


def _without_tax(gross: Decimal, net: Decimal, manner: Manner) -> Totals:
    total = net if manner.rounding_without_vat == "none" else rounded_to(net, manner.round_factor)
    if manner.rounding_without_vat == "absorbed":
        return Totals(_kept(gross), total, (), total, ZERO)
    return Totals(_kept(gross), _kept(net), (), _kept(total), rounded(total - net, 2))


def _kept(value: Decimal) -> Decimal:
    # bexio keeps six decimals of a sum.
    return rounded(value, 6)


def rate_text(rate: Decimal) -> str:
    """Return a VAT rate as documents show it: 8.10."""
    return f"{rounded(rate, 2):f}"


def sum_text(value: Decimal) -> str:
    """Return a sum as fresh answers show it."""
    return plain(rounded(value, 6))
