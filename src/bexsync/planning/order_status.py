"""Which status the shop's order gets when something happened in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bexsync.config.profile import OrdersSection
from bexsync.planning.order_link import WrittenStatus, digest_beside_status
from bexsync.ports.documents import DocumentStatus, OrderStatus
from bexsync.records.order import Order


class Event(StrEnum):
    """What happened to an order in the ledger, by the names of [orders.status]."""

    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    DONE = "done"
    CANCELLED = "cancelled"


# What an order passes through; a cancellation leads away from any of them, and nothing leads back.
_PROGRESS = (Event.PARTLY_PAID, Event.PAID, Event.DONE)
_NOT_AFTER_MONEY = frozenset({Event.PAID, Event.DONE})


@dataclass(frozen=True)
class LedgerSide:
    """How an order stands in the ledger; None where it has no such document.

    `is_own_end` says that bexsync's own invoice or delivery completed the order, `is_own_cancellation` that bexsync
    cancelled for the shop. Both moments are those of the last change in the ledger, None where that is unknown.
    """

    order: OrderStatus | None = None
    invoice: DocumentStatus | None = None
    is_own_end: bool = False
    is_own_cancellation: bool = False
    order_changed_at: datetime | None = None
    invoice_changed_at: datetime | None = None

    def changed_at(self, event: Event) -> datetime | None:
        """When the document that shows an event was last changed."""
        is_gone = self.invoice in (None, DocumentStatus.DELETED)
        return self.order_changed_at if is_gone or event is Event.DONE else self.invoice_changed_at


@dataclass(frozen=True)
class ShopSide:
    """What is known of the shop's order besides its newest record.

    `handled` is the status whose actions bexsync last carried out, `written` what it last wrote there itself; `is_sent`
    says that bexsync made the documents, which were not adopted.
    """

    is_sent: bool
    handled: str = ""
    written: WrittenStatus | None = None


@dataclass(frozen=True)
class StatusChange:
    """A status to be written to the shop, where its order still has the status `expected`."""

    event: Event
    status: str
    expected: str
    digest: str

    def as_written(self) -> WrittenStatus:
        """What is to be remembered once the shop has it."""
        return WrittenStatus(self.status, self.digest, self.event.value)


@dataclass(frozen=True)
class NoChange:
    """The shop is told nothing, for a reason."""

    reason: str


def status_for_shop(
    settings: OrdersSection, order: Order, ledger: LedgerSide, shop: ShopSide
) -> StatusChange | NoChange:
    """The status that an order is to get in the shop; pure."""
    if not shop.is_sent:
        return NoChange("bexsync has not made its documents")
    named = settings.status.model_dump()
    event = next((event for event in _events(ledger, own_done=settings.own_done) if named[event.value]), None)
    if event is None:
        return NoChange("nothing happened that has a status")
    status = named[event.value]
    before = Event(shop.written.event) if shop.written is not None and shop.written.event else None
    if shop.written is not None and (status == shop.written.status or event is before):
        return NoChange(f"it was given the status {shop.written.status} before")
    if before is not None and not _leads_on(before, event):
        return NoChange(f"{event.value} does not follow after {before.value}")
    if order.status == status:
        return NoChange(f"its status is {status} already")
    if _is_newer(order, ledger.changed_at(event), shop):
        return NoChange(f"the shop gave it the status {order.status} since")
    return StatusChange(event, status, order.status, digest_beside_status(order))


def _events(ledger: LedgerSide, *, own_done: bool) -> Iterator[Event]:
    """What the ledger shows of an order, the furthest first."""
    ended = ledger.invoice is DocumentStatus.CANCELLED
    if ledger.invoice in (None, DocumentStatus.DELETED):
        ended = ledger.order is OrderStatus.CANCELLED
    if ended:
        if not ledger.is_own_cancellation:
            yield Event.CANCELLED
        return
    if ledger.order is OrderStatus.DONE and (own_done or not ledger.is_own_end):
        yield Event.DONE
    if ledger.invoice is DocumentStatus.PAID:
        yield Event.PAID
    elif ledger.invoice is DocumentStatus.PARTLY_PAID:
        yield Event.PARTLY_PAID


def _leads_on(before: Event, event: Event) -> bool:
    if before is Event.CANCELLED:
        return False
    if event is Event.CANCELLED:
        return before not in _NOT_AFTER_MONEY
    return _PROGRESS.index(event) > _PROGRESS.index(before)


def _is_newer(order: Order, changed_at: datetime | None, shop: ShopSide) -> bool:
    """Whether the shop changed the status by itself after what happened in the ledger, as far as anybody can tell."""
    ours = {shop.handled, shop.written.status if shop.written is not None else ""} - {""}
    if order.status in ours:
        return False
    if order.updated_at is None or changed_at is None:
        return True
    return order.updated_at > changed_at
