"""Credit notes: bexio has no interface for them, so a person gets everything needed to write one."""

from __future__ import annotations

from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, plain, product, rounded, total, written
from bexsync.records import Invoice, Line


def credit_note_problem(invoice: Invoice, original_url: str) -> RecordProblem:
    """The task for a person: what to credit, per rate, to whom, and on which invoice."""
    split = ", ".join(f"{written(rounded(amount))} at {rate}" for rate, amount in _amounts(invoice).items())
    prices = "incl. VAT" if invoice.prices_include_tax else "excl. VAT"
    original = f" of invoice {invoice.original_shop_id}" if invoice.original_shop_id else ""
    link = f" The original: {original_url}" if original_url else ""
    return RecordProblem(
        f"Credit note {invoice.source_number or invoice.shop_id}{original} of {_sum(invoice)} {invoice.currency} "
        f"({split}, {prices}) has to be written in bexio by hand; bexio offers no interface for it.",
        f"Write it in bexio, then acknowledge this error.{link}",
        code="credit_note",
    )


def _sum(invoice: Invoice) -> str:
    stated = invoice.total if invoice.total is not None else invoice.total_net
    amount = abs(stated) if stated is not None else abs(rounded(total(list(_amounts(invoice).values()))))
    return written(amount)


def _amounts(invoice: Invoice) -> dict[str, Decimal]:
    """Positive amounts per rate; whether the shop writes credit notes with a minus or without does not matter."""
    known = [(line, amount) for line in invoice.lines if line.has_amount and (amount := _amount(line)) is not None]
    sign = -1 if total([amount for line, amount in known if line.type != "discount"]) < 0 else 1
    amounts: dict[str, Decimal] = {}
    for line, amount in known:
        part = -abs(amount) if line.type == "discount" else sign * amount
        amounts[_rate(line)] = amounts.get(_rate(line), Decimal(0)) + part
    return amounts


def _amount(line: Line) -> Decimal | None:
    """What a line comes to after its discount."""
    if line.line_total is not None:
        return line.line_total
    if line.unit_price is None:
        return line.discount_amount
    percent = HUNDRED - (line.discount_percent or Decimal(0))
    amount = product(line.quantity, line.unit_price, percent) / HUNDRED
    less = abs(line.discount_amount or Decimal(0))
    return amount - less if amount >= 0 else amount + less


def _rate(line: Line) -> str:
    if line.tax_rate is not None:
        return f"{plain(line.tax_rate)} %"
    return line.tax_code or line.tax_class or "the default tax"
