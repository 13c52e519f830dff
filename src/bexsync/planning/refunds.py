"""What a refund is per VAT rate and account, for the person who writes the credit note."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import product, rounded, share, total, written
from bexsync.planning.booked_sums import BookedSum, Booking, DocumentSums, amount_of_position, booking_of
from bexsync.records import Order, Refund
from bexsync.records.order import RefundLine


@dataclass(frozen=True)
class RefundAmounts:
    """A refund per account and rate; `is_shared` says that these are shares, and not what the shop named."""

    shop_id: str
    currency: str
    amount: Decimal
    parts: tuple[BookedSum, ...]
    is_shared: bool


def divide_refund(refund: Refund, order: Order, sums: DocumentSums) -> RefundAmounts:
    """The refund per account and rate of the order's document; raises RecordProblem where it cannot be one of it."""
    if refund.currency != order.currency:
        raise _problem(refund, f"in {refund.currency}, the order in {order.currency}.", "refund_currency")
    named = _named(refund, order, sums)
    weights = named or _of_the_whole(refund, sums)
    if total(list(weights.values())) <= 0:
        raise _problem(refund, "of an order that comes to nothing.", "refund_without_base")
    is_exact = bool(named) and rounded(total(list(weights.values()))) == refund.amount
    amounts = zip(weights, share(refund.amount, list(weights.values())), strict=True)
    parts = tuple(sums.of_gross(booking, amount) for booking, amount in amounts if amount)
    # Where all of it is on one account at one rate, nothing had to be shared.
    return RefundAmounts(refund.shop_id, refund.currency, refund.amount, parts, len(parts) > 1 and not is_exact)


def _of_the_whole(refund: Refund, sums: DocumentSums) -> dict[Booking, Decimal]:
    """What the order comes to per account and tax; what it takes off counts only where all of it goes back."""
    whole = sums.with_vat()
    if refund.amount == rounded(total(list(whole.values()))):
        return whole
    return {booking: amount for booking, amount in whole.items() if amount > 0}


def _named(refund: Refund, order: Order, sums: DocumentSums) -> dict[Booking, Decimal]:
    """What the lines that the refund names come to, with VAT."""
    places = {line.line_id: index for index, line in enumerate(order.lines)}
    found: dict[Booking, Decimal] = {}
    for part in refund.lines:
        named = _of_line(part, places[part.line_id], order, sums)
        if named is not None:
            booking, amount = named
            found[booking] = found.get(booking, Decimal(0)) + amount
    return found if total(list(found.values())) > 0 else {}


def _of_line(part: RefundLine, index: int, order: Order, sums: DocumentSums) -> tuple[Booking, Decimal] | None:
    """What of one line goes back; an amount that the shop names is net or gross as the order's prices are."""
    document = sums.document
    for line, position in zip(document.lines, document.positions, strict=True):
        booking = booking_of(position)
        if line != index or booking is None:
            continue
        if part.amount is not None and order.prices_include_tax:
            return booking, part.amount
        amount = amount_of_position(position)
        if part.amount is not None:
            amount = part.amount
        elif part.quantity is not None:
            amount = product(amount, part.quantity) / order.lines[index].quantity
        return booking, sums.gross(amount, booking[1])
    return None


def _problem(refund: Refund, what: str, code: str) -> RecordProblem:
    return RecordProblem(
        f"Refund {refund.shop_id} of {written(refund.amount)} {refund.currency} is {what}",
        "Write its credit note by hand, and close it in the list.",
        code=code,
        field="refunds",
        subject=f"refund:{refund.shop_id}",
    )
