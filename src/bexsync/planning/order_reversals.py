"""Orders that the shop cancelled or changed after they were booked: what bexsync may undo, and what a person must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bexsync.config.profile import OrdersSection
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import format_amount
from bexsync.planning.invoice_link import Linked
from bexsync.planning.invoice_writing import known_document
from bexsync.planning.order_link import KnownOrder, LinkedOrder
from bexsync.ports.documents import DocumentStatus, OrderStatus
from bexsync.ports.wanted import TakeBack
from bexsync.ports.wanted_orders import OrderWant, RemoveOrder
from bexsync.records.order import Order

_SHOWN = 6


@dataclass(frozen=True)
class Undone:
    """What bexsync undoes, and the question that is left for a person."""

    wants: tuple[OrderWant, ...] = ()
    problem: RecordProblem | None = None


@dataclass(frozen=True)
class Reversals:
    """Decides what may be undone; `went_out` says whether a document was ever issued or mailed."""

    settings: OrdersSection
    ledger: str
    went_out: Callable[[LedgerId], bool]

    def cancel(self, known: KnownOrder) -> Undone:
        """What a cancellation by the shop undoes; only what nobody has paid, received or changed."""
        invoice = known.invoice if known.invoice_stands else None
        order = known.order if known.order_stands else None
        if order is not None and order.deliveries:
            # What a person credits or cancels is the invoice, where there is one.
            shown = invoice or order
            which = "" if invoice is None else f" and {invoice.number} is {invoice.standing.value.replace('_', ' ')}"
            return Undone(problem=_to_cancel(order.number, f"was delivered{which}", shown.url, self.ledger))
        if invoice is None:
            return Undone() if order is None else self._remove_order(order, known.invoice)
        if invoice.standing is DocumentStatus.DRAFT:
            return self._take_back_draft(invoice, order)
        if invoice.standing is not DocumentStatus.ISSUED:
            standing = f"is {invoice.standing.value.replace('_', ' ')}"
            return Undone(problem=_to_cancel(invoice.number, standing, invoice.url, self.ledger))
        take_back = TakeBack(known_document(invoice), is_draft=False)
        # An order of which an invoice was made is not deleted, even if that is cancelled.
        left = None if order is None else _order_left(order, self.ledger)
        return Undone((take_back,), left)

    def _take_back_draft(self, invoice: Linked, order: LinkedOrder | None) -> Undone:
        if not self.is_own_draft(invoice):
            said = "is a draft that somebody changed or has taken back"
            return Undone(problem=_to_cancel(invoice.number, said, invoice.url, self.ledger))
        if order is not None and not order.is_ours:
            return Undone(problem=_to_cancel(order.number, "was changed by somebody", order.url, self.ledger))
        if self.settings.cancel == "stop":
            return Undone(problem=_to_delete("draft", invoice.number, invoice.url, self.ledger))
        take_back = TakeBack(known_document(invoice), is_draft=True)
        return Undone((take_back,) if order is None else (take_back, RemoveOrder(order.known())))

    def _remove_order(self, order: LinkedOrder, invoice: Linked | None) -> Undone:
        if invoice is not None and invoice.standing is DocumentStatus.CANCELLED:
            return Undone(problem=_order_left(order, self.ledger))
        if order.standing is not OrderStatus.PENDING:
            said = f"is {order.standing.value} in {self.ledger}"
            return Undone(problem=_to_cancel(order.number, said, order.url, self.ledger))
        if not order.is_ours or order.adopted:
            said = "was made by somebody else" if order.adopted else "was changed by somebody"
            return Undone(problem=_to_cancel(order.number, said, order.url, self.ledger))
        if self.settings.cancel == "stop":
            return Undone(problem=_to_delete("order", order.number, order.url, self.ledger))
        return Undone((RemoveOrder(order.known()),))

    def is_own_draft(self, invoice: Linked) -> bool:
        """Whether an invoice is a draft of ours that nobody has seen or changed, as far as that is known."""
        is_draft = invoice.standing is DocumentStatus.DRAFT
        return is_draft and bool(invoice.content) and not (invoice.shared or self.went_out(invoice.ledger_id))

    def may_be_made_anew(self, known: KnownOrder) -> bool:
        """Whether order and invoice, as far as they stand, are ours, untouched, and neither issued nor delivered."""
        if known.invoice is not None and known.invoice.standing is DocumentStatus.CANCELLED:
            return False  # it was issued from the order, or instead of one
        order, invoice = known.order if known.order_stands else None, known.invoice if known.invoice_stands else None
        return (order is None or (order.is_ours and not order.adopted and not order.deliveries)) and (
            invoice is None or self.is_own_draft(invoice)
        )


def held(order: Order, known: KnownOrder, differences: Sequence[str], ledger: str) -> RecordProblem:
    """What a person has to do about an order that changed after what was booked of it cannot follow any more."""
    booked: LinkedOrder | Linked | None = known.invoice if known.invoice_stands else known.order
    if booked is None:
        raise ValueError("Nothing stands that could differ.")
    more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    return RecordProblem(
        f"Changed in the shop after booking: {booked.number} comes to {_total(booked, order)}, the order now to "
        f"{format_amount(order.total)} {order.currency} ({'; '.join(differences[:_SHOWN])}{more}).",
        f"Undo the change in the shop, or correct {booked.number} in {ledger}: {booked.url}",
        code="changed_after_booking",
        subject="; ".join(differences)[:200],
    )


def _total(booked: LinkedOrder | Linked, order: Order) -> str:
    """What was booked, with the currency it was booked in where the order has another by now."""
    currency = str(booked.agreed.get("currency", order.currency))
    return format_amount(booked.total) if currency == order.currency else f"{format_amount(booked.total)} {currency}"


def is_gone(order: Order) -> bool:
    """Whether an order was cancelled, voided or refunded in full, so that nothing of it is to be booked."""
    if order.cancelled_at is not None or order.financial_status in ("voided", "refunded"):
        return True
    given_back = sum((one.amount for one in order.refunds), Decimal(0))
    return order.total > 0 and given_back >= order.total


def _to_cancel(number: str, said: str, url: str, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"It was cancelled in the shop, but {number} {said}, and bexsync does not undo that.",
        f"Cancel or credit it in {ledger}: {url}",
        code="cancelled_in_shop",
    )


def _to_delete(what: str, number: str, url: str, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"It was cancelled in the shop; its {what} {number} still stands in {ledger}.",
        f'Cancel or delete it in {ledger}: {url} ([orders] cancel = "delete" lets bexsync delete what is its own).',
        code="cancelled_in_shop",
    )


def _order_left(order: LinkedOrder, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"It was cancelled in the shop and its invoice is cancelled too; order {order.number} still stands.",
        f"Close or delete it in {ledger}: {order.url}",
        code="cancelled_in_shop",
    )
