"""What a refund is per VAT rate and account, for the person who writes the credit note."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import CENT, HUNDRED, format_amount, product, rounded, share, total
from bexsync.planning.amounts import amount_of, place_of
from bexsync.planning.booked_sums import BookedSum, Booking, DocumentSums, booking_of
from bexsync.records import Order, OrderLine, Refund


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
    weights = named or _of_the_whole(refund, order, sums)
    named_total = total(list(weights.values()))
    if named_total <= 0:
        raise _problem(refund, "of an order that comes to nothing.", "refund_without_base")
    # The shop rounds what it gives back for each line.
    is_exact = bool(named) and abs(named_total - refund.amount) <= CENT * len(refund.lines)
    amounts = zip(weights, share(refund.amount, list(weights.values())), strict=True)
    parts = tuple(sums.of_gross(booking, amount) for booking, amount in amounts if amount)
    # Where all of it is on one account at one rate, nothing had to be shared.
    return RefundAmounts(refund.shop_id, refund.currency, refund.amount, parts, len(parts) > 1 and not is_exact)


def _of_the_whole(refund: Refund, order: Order, sums: DocumentSums) -> dict[Booking, Decimal]:
    """What the order comes to per account and tax; what it takes off counts only where all of it goes back."""
    whole = sums.with_vat()
    if refund.amount in (order.total, rounded(total(list(whole.values())))):
        return whole
    return {booking: amount for booking, amount in whole.items() if amount > 0}


def _named(refund: Refund, order: Order, sums: DocumentSums) -> dict[Booking, Decimal]:
    """What the lines that the refund names come to, with VAT and after all discounts."""
    places = {line.line_id: index for index, line in enumerate(order.lines)}
    bookings, kept = _bookings(sums), _kept(order, sums)
    found: dict[Booking, Decimal] = {}
    for part in refund.lines:
        index = places[part.line_id]
        booking = bookings.get(index)
        if booking is None:
            continue
        line = order.lines[index]
        amount = part.amount if part.amount is not None else _amount(line) * kept[booking]
        if part.amount is None and part.quantity is not None:
            amount = product(amount, part.quantity) / line.quantity
        if not order.prices_include_tax:
            amount = product(amount, HUNDRED + sums.rate(booking[1])) / HUNDRED
        found[booking] = found.get(booking, Decimal(0)) + amount
    return found if total(list(found.values())) > 0 else {}


def _bookings(sums: DocumentSums) -> dict[int, Booking]:
    """What each line of the order is booked on."""
    document = sums.document
    pairs = zip(document.lines, map(booking_of, document.positions), strict=True)
    return {line: booking for line, booking in pairs if line is not None and booking is not None}


def _kept(order: Order, sums: DocumentSums) -> dict[Booking, Decimal]:
    """How much of its lines is left of each account and tax once discounts over the whole order are taken off."""
    before: dict[Booking, Decimal] = {}
    for index, booking in _bookings(sums).items():
        amount = _amount(order.lines[index])
        if not order.prices_include_tax:
            amount = product(amount, HUNDRED + sums.rate(booking[1])) / HUNDRED
        before[booking] = before.get(booking, Decimal(0)) + amount
    after = sums.with_vat()
    return {booking: after[booking] / amount if amount else Decimal(1) for booking, amount in before.items()}


def _amount(line: OrderLine) -> Decimal:
    """What a line comes to after its own discounts, in the sense of the order's prices."""
    return amount_of(line, place_of(line, 1)) - abs(line.discount_amount or Decimal(0))


def _problem(refund: Refund, what: str, code: str) -> RecordProblem:
    return RecordProblem(
        f"Refund {refund.shop_id} of {format_amount(refund.amount)} {refund.currency} is {what}",
        "Write its credit note by hand, and close it in the list.",
        code=code,
        field="refunds",
        subject=f"refund:{refund.shop_id}",
    )
