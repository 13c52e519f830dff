"""Do the lines give the shop's total, and what will the ledger make of them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bexsync.errors import RecordProblem
from bexsync.money import CENT, HUNDRED, product, rounded, total, written

Way = Literal["line", "rate", "document"]
_FIVE_RAPPEN = Decimal("0.05")
WAYS: tuple[Way, ...] = ("line", "rate", "document")


@dataclass(frozen=True)
class Sum:
    """The exact amount of one line, before tax (net) or with it (gross), and its rate in percent."""

    amount: Decimal
    rate: Decimal


def exact_total(sums: Iterable[Sum], *, gross: bool) -> Decimal:
    """What the customer owes before anything is rounded."""
    return total([s.amount if gross else product(s.amount, HUNDRED + s.rate) / HUNDRED for s in sums])


def exact_net(sums: Iterable[Sum], *, gross: bool) -> Decimal:
    """The amount without tax before anything is rounded."""
    return total([s.amount / (HUNDRED + s.rate) * HUNDRED if gross else s.amount for s in sums])


def rounded_totals(sums: Sequence[Sum], *, gross: bool, to: Decimal, ways: Iterable[Way]) -> dict[Way, set[Decimal]]:
    """The totals a shop can come to from these lines, by its way of rounding."""
    return {way: {rounded(value, to) for value in _totals(sums, gross, way)} for way in ways}


def _totals(sums: Sequence[Sum], gross: bool, way: Way) -> Iterable[Decimal]:
    """Some shops round line amounts before they go on, some do not; both are the same way."""
    cents = [Sum(rounded(s.amount), s.rate) for s in sums]
    for lines in (cents, sums):
        if way == "document" or gross:
            yield exact_total(lines, gross=gross)
        elif way == "line":
            yield total([rounded(line.amount) + rounded(product(line.amount, line.rate) / HUNDRED) for line in lines])
        else:
            yield total([rounded(line.amount) for line in lines]) + _tax_by_rate(lines)


def _tax_by_rate(lines: Sequence[Sum]) -> Decimal:
    rates = {line.rate for line in lines}
    return total(
        [rounded(product(total([s.amount for s in lines if s.rate == rate]), rate) / HUNDRED) for rate in rates]
    )


def check_shop_total(
    sums: Sequence[Sum],
    *,
    gross: bool,
    stated: Decimal | None,
    stated_net: Decimal | None,
    stated_tax: Decimal | None,
    stated_rounding: Decimal = Decimal(0),
    ways: Iterable[Way],
    to: Decimal,
    currency: str,
) -> None:
    """Raises RecordProblem unless the lines, rounded the way the shop rounds, give exactly what it states."""
    finest = min(to, CENT)
    rounding = rounded(stated_rounding, finest)
    if abs(rounding) >= max(to, _FIVE_RAPPEN):
        raise _mismatch(
            f"total_rounding {written(rounding)} {currency} is more than rounding explains.",
            "total_rounding",
            " A deduction or a surcharge is a line of type discount or fee; a larger coin is [shop] round_to.",
        )
    if stated is not None:
        # A shop that names its rounding has rounded the sum to cents before.
        coin = finest if rounding else to
        totals = (rounded(value, coin) + rounding for way in ways for value in _totals(sums, gross, way))
        _check_one(totals, rounded(stated, finest), "total", currency)
    if stated_net is not None and (stated is None or not gross):
        _check_one(_nets(sums, gross), rounded(stated_net, finest), "total_net", currency)
    if stated is not None and stated_net is not None and stated_tax is not None:
        gap = stated - stated_net - stated_tax - rounding
        if abs(gap) >= max(to, CENT):
            raise _mismatch(
                f"total_net {written(stated_net)} and total_tax {written(stated_tax)} do not add up to the "
                f"total {written(stated)} {currency}.",
                "total_tax",
            )


def rounding_gap(stated: Decimal, exact: Decimal, step: Decimal) -> Decimal:
    """What the shop's total has more than the exact sum of the lines, rounded to multiples of `step`."""
    return rounded(stated, min(step, CENT)) - rounded(exact, step)


def largest_rounding(lines: int, highest_rate: Decimal, to: Decimal) -> Decimal:
    """The most that rounding may move a total of so many lines: amount and VAT of each line, and the total itself.

    A shop's own `total_rounding` stays below its coin, or below 0.05 where the coin is smaller.
    """
    of_a_line = CENT / 2 + CENT / 2 * (HUNDRED + highest_rate) / HUNDRED
    return lines * of_a_line + to / 2 + max(to, _FIVE_RAPPEN)


def _nets(sums: Sequence[Sum], gross: bool) -> Iterator[Decimal]:
    """What the lines come to without tax: the exact sum rounded, line by line, or rate by rate."""
    yield rounded(exact_net(sums, gross=gross))
    yield rounded(exact_net([Sum(rounded(s.amount), s.rate) for s in sums], gross=gross))
    yield total([rounded(exact_net([line], gross=gross)) for line in sums])
    rates = {s.rate for s in sums}
    yield total([rounded(exact_net([s for s in sums if s.rate == rate], gross=gross)) for rate in rates])


def _check_one(possible: Iterable[Decimal], stated: Decimal, name: str, currency: str) -> None:
    values = set()
    for value in possible:  # worked out one by one, since the first one is nearly always right
        if value == stated:
            return
        values.add(value)
    nearest = min(values, key=lambda value: (abs(value - stated), value))
    five = any(rounded(value, _FIVE_RAPPEN) == stated for value in values) and name == "total"
    raise _mismatch(
        f"The lines add up to {written(nearest)} {currency}, the {name} says {written(stated)} "
        f"({written(stated - nearest)} apart).",
        name,
        ' If the shop rounds to 5 Rappen, say so: [shop] round_to = "0.05".' if five else "",
    )


def _mismatch(message: str, name: str, more: str = "") -> RecordProblem:
    hint = f"Correct the lines or the total in the shop; nothing was booked.{more}"
    return RecordProblem(message, hint, code="total_mismatch", field=name)


def tolerance(round_to: Decimal, sums: Sequence[Sum]) -> Decimal:
    """How far the ledger's total may lie from the exact sum: half its rounding step, and taxes kept at 4 decimals."""
    rates = len({s.rate for s in sums})
    return round_to / 2 + Decimal("0.00005") * rates
