"""Discounts for a ledger that takes no negative price: they lower the prices of the lines they are for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, product, rounded, share, written
from bexsync.planning.line_amounts import FINEST, Sale, discount_over, is_sale, place_of
from bexsync.records import Line


def lowered(lines: Sequence[Line], sales: Sequence[Sale], word: str, ledger: str) -> Iterator[Sale]:
    """The sales of an invoice at prices after all its discounts, each called `word`; raises RecordProblem."""
    less = [abs(sale.line.discount_amount or Decimal(0)) for sale in sales]
    for number, line in enumerate(lines, 1):
        if not line.has_amount or is_sale(line):
            continue
        where = place_of(line, number)
        if line.tax_code or line.tax_rate is not None or line.revenue_account:
            raise _no_negative_price(where, ledger)
        amount = discount_over(sales, line, where)
        parts = share(amount, [sale.after_own_discount for sale in sales])
        less = [before + part for before, part in zip(less, parts, strict=True)]
    for sale, deduction in zip(sales, less, strict=True):
        yield _with_lower_price(sale, deduction, word, ledger) if deduction or sale.amount < 0 else sale


def _with_lower_price(sale: Sale, deduction: Decimal, word: str, ledger: str) -> Sale:
    line = sale.line
    factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if sale.amount < deduction or factor <= 0:
        raise _no_negative_price(sale.where, ledger)
    price = rounded((sale.amount - deduction) / factor, FINEST)
    note = f"{word}: {written(deduction)}"
    lower = line.model_copy(
        update={
            "unit_price": price,
            "line_total": None,
            "discount_amount": None,
            "description": "\n".join(part for part in (line.description, note) if part),
        }
    )
    return replace(sale, line=lower, amount=product(price, factor))


def _no_negative_price(where: str, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"{where} comes to a negative amount, and this {ledger} takes no negative prices.",
        f"Make it a discount of the lines it is for, or write the invoice in {ledger} by hand.",
        code="negative_price",
        field="unit_price",
    )
