"""What a line of an invoice comes to, and what a discount over several of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, plain, product, rounded, total, written
from bexsync.ports.master_data import Account
from bexsync.records import Line
from bexsync.vat import Tax

FINEST = Decimal("0.000001")


@dataclass(frozen=True)
class Sale:
    """One money line, discounts over the whole invoice apart, with its exact amount, account and tax."""

    line: Line
    where: str
    amount: Decimal
    account: Account
    tax: Tax | None

    @property
    def after_own_discount(self) -> Decimal:
        """The amount without what the line itself deducts."""
        return self.amount - abs(self.line.discount_amount or Decimal(0))


def is_sale(line: Line) -> bool:
    """Whether the line is money and no discount over the whole invoice."""
    return line.has_amount and line.type != "discount"


def place_of(line: Line, number: int) -> str:
    """How a sentence names the line."""
    name = line.line_id or line.name
    return f"Line {number} ({name})" if name else f"Line {number}"


def unit_price(line: Line, where: str) -> Decimal:
    """The line's price, else the one that comes to its line_total after its discounts."""
    if line.unit_price is not None:
        return line.unit_price
    factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if line.line_total is None or not factor:
        raise RecordProblem(
            f"{where} has no unit_price.", "Let the shop give it.", code="price_missing", field="unit_price"
        )
    return (line.line_total + abs(line.discount_amount or Decimal(0))) / factor


def sendable(line: Line, where: str) -> Line:
    """The line with at most six decimals in quantity and price, as the ledger takes them, and the same amount in cents.

    Where rounding the two would change the amount, the line is sold once, and its text says how many of what it is.
    """
    quantity, price = line.quantity, unit_price(line, where)
    fine_quantity, fine_price = rounded(quantity, FINEST), rounded(price, FINEST)
    kept = (HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if rounded(product(quantity, price, kept)) == rounded(product(fine_quantity, fine_price, kept)):
        return line.model_copy(update={"quantity": fine_quantity, "unit_price": fine_price})
    amount = " ".join(part for part in (plain(quantity), line.unit) if part)
    pieces = amount if line.unit_price is None else f"{amount} × {plain(price)}"
    once = {
        "quantity": Decimal(1).copy_sign(quantity),
        "unit_price": rounded(product(abs(quantity), price), FINEST),
        "unit": None,
        "description": "\n".join(part for part in (line.description, pieces) if part),
    }
    return line.model_copy(update=once)


def amount_of(line: Line, where: str) -> Decimal:
    """The exact amount after the line's percentage; checked against what the shop says the line comes to."""
    percent = HUNDRED - (line.discount_percent or Decimal(0))
    amount = product(line.quantity, unit_price(line, where), percent) / HUNDRED
    after = amount - abs(line.discount_amount or Decimal(0))
    if line.line_total is not None and abs(after - line.line_total) > Decimal("0.005"):
        raise RecordProblem(
            f"{where} comes to {written(rounded(after))}, its line_total says {written(line.line_total)}.",
            "Correct quantity, price, discount or line_total in the shop; nothing was booked.",
            code="total_mismatch",
            field="line_total",
        )
    return amount


def discount_over(sales: Iterable[Sale], line: Line, where: str) -> Decimal:
    """What a discount line takes off these sales, as a positive amount; raises RecordProblem where they are nothing."""
    base = total([sale.after_own_discount for sale in sales])
    if base <= 0:
        raise RecordProblem(
            f"{where} is a discount, but there is nothing to discount.",
            "Correct the lines in the shop.",
            code="discount_without_base",
        )
    if line.discount_percent is not None and line.unit_price is None:
        return rounded(product(base, line.discount_percent) / HUNDRED)
    if line.discount_amount is not None:
        return abs(line.discount_amount)
    return rounded(abs(product(line.quantity, unit_price(line, where))), FINEST)
