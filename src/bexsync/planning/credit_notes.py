"""Credit notes: a ledger may have no interface for them, so a person gets everything needed to write one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, plain, product, rounded, total, written
from bexsync.records import Invoice, Line

_ROUNDING = Decimal("0.05")


def credit_note_problem(invoice: Invoice, original_url: str, ledger: str) -> RecordProblem:
    """The task for a person: what to credit, per rate, to whom, and on which invoice."""
    split = ", ".join(f"{written(rounded(amount))} at {rate}" for rate, amount in _amounts(invoice).items())
    prices = "incl. VAT" if invoice.prices_include_tax else "excl. VAT"
    original = f" of invoice {invoice.original_shop_id}" if invoice.original_shop_id else ""
    link = f" The original: {original_url}" if original_url else ""
    return RecordProblem(
        f"Credit note {invoice.source_number or invoice.shop_id}{original} of {_sum(invoice)} {invoice.currency} "
        f"({split}, {prices}) has to be written in {ledger} by hand; {ledger} offers no interface for it.",
        f"Write it in {ledger} for this invoice; it is closed as soon as {ledger} shows the credit, or with "
        f"`bexsync errors ack ID`.{link}",
        code="credit_note",
    )


@dataclass(frozen=True)
class WaitingCredit:
    """A credit note that a person has to write: its amount with VAT, and what was credited before it came."""

    shop_id: str
    amount: Decimal | None
    before: Decimal


def written_credits(credited: Decimal, waiting: Sequence[WaitingCredit]) -> list[str]:
    """Return the shop ids of the credit notes that account for the credit an invoice shows now.

    It must have grown by the amount of one of them, or of all together; anything else tells nothing.
    """
    one = next((note for note in waiting if _is_amount(credited - note.before, note.amount)), None)
    if one is not None:
        return [one.shop_id]
    amounts = [note.amount for note in waiting if note.amount is not None]
    if waiting and len(amounts) == len(waiting) and _is_amount(credited - waiting[0].before, total(amounts)):
        return [note.shop_id for note in waiting]
    return []


def _is_amount(growth: Decimal, amount: Decimal | None) -> bool:
    """Whether a credit is this amount, but for the 5 centimes that the ledger may round by."""
    return amount is not None and growth > 0 and abs(growth - amount) <= _ROUNDING


def credit_amount(invoice: Invoice) -> Decimal | None:
    """Return what a credit note comes to with VAT, None where the shop does not say it."""
    if invoice.total is not None:
        return abs(invoice.total)
    if invoice.total_net is not None and invoice.total_tax is not None:
        return abs(invoice.total_net + invoice.total_tax)
    if invoice.prices_include_tax:
        return abs(rounded(total(list(_amounts(invoice).values()))))
    return None


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
