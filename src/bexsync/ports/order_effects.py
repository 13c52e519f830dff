"""The effects on orders, deliveries and payments.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
`highest_before` is a watermark: the highest id of that kind of document before the request, which the ledger fills in
right before it is sent, since such a document cannot be found by a reference. Only what is newer can be ours.
`order_content` is a digest of what the order held after the last write, "" where that is unknown: its positions are
meant by their place, so they must still be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bexsync.ids import LedgerId
from bexsync.ports.document_effects import AddressedHeader, DocumentEffect, ExistingDocumentEffect, Position
from bexsync.ports.documents import EffectResult
from bexsync.ports.steps import ContentChange, FoundBy, Ref, Wire


@dataclass(frozen=True, kw_only=True)
class OrderPart(Wire):
    """How much of one position of an order is delivered or invoiced; `index` counts its positions from 0."""

    index: int
    quantity: str | None = None


@dataclass(frozen=True, kw_only=True)
class CreateOrder(AddressedHeader, DocumentEffect):
    """A new order with its first positions; found again by its reference among the orders that are newer."""

    step_kind: ClassVar[str] = "order"
    object_kind: ClassVar[str] = "order"
    found_by: ClassVar[FoundBy] = FoundBy.NEWER
    requests: ClassVar[int] = 2
    content_change: ClassVar[ContentChange] = ContentChange.WHOLE
    counts_as: ClassVar[str] = "documents"
    action: ClassVar[str] = "order"

    positions: tuple[Position, ...]
    delivery_address: str | None = None
    highest_before: LedgerId | None = None

    def contact_of(self, done: EffectResult) -> LedgerId | None:
        """Whom it is for."""
        del done
        return self.contact_id if isinstance(self.contact_id, LedgerId) else None


@dataclass(frozen=True, kw_only=True)
class OrderEffect(ExistingDocumentEffect):
    """An effect on an order that is there already, or that an earlier step makes."""

    object_kind: ClassVar[str] = "order"


@dataclass(frozen=True, kw_only=True)
class LookAtOrder(OrderEffect):
    """Looks at an order as a whole and compares it with what is expected; `positions` are those that it must show."""

    step_kind: ClassVar[str] = "order_verify"
    content_change: ClassVar[ContentChange] = ContentChange.LOOK
    action: ClassVar[str] = "compare"

    positions: tuple[Position, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteOrder(OrderEffect):
    """Deletes an order that holds `content`, which bexsync wrote, and of which nothing was delivered or invoiced."""

    step_kind: ClassVar[str] = "order_delete"
    found_by: ClassVar[FoundBy] = FoundBy.ABSENCE
    requests: ClassVar[int] = 2
    counts_as: ClassVar[str] = "cancels"
    action: ClassVar[str] = "delete"

    content: str


@dataclass(frozen=True, kw_only=True)
class CreateDelivery(OrderEffect):
    """A delivery of some of an order's positions; found again as the newer one of the same contact and positions."""

    step_kind: ClassVar[str] = "delivery"
    found_by: ClassVar[FoundBy] = FoundBy.NEWER
    requests: ClassVar[int] = 3
    counts_as: ClassVar[str] = "documents"
    action: ClassVar[str] = "deliver"

    contact_id: LedgerId | Ref
    parts: tuple[OrderPart, ...]
    order_content: str | Ref = ""
    highest_before: LedgerId | None = None

    @property
    def found_beside(self) -> LedgerId | Ref:
        """The contact."""
        return self.contact_id


@dataclass(frozen=True, kw_only=True)
class IssueDelivery(ExistingDocumentEffect):
    """Issues a delivery, so that its stock is booked."""

    step_kind: ClassVar[str] = "delivery_issue"
    object_kind: ClassVar[str] = "delivery"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    requests: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class CreateOrderInvoice(OrderEffect):
    """An invoice from an order, of these of its positions; it carries no reference before its first edit."""

    step_kind: ClassVar[str] = "order_invoice"
    found_by: ClassVar[FoundBy] = FoundBy.NEWER
    content_change: ClassVar[ContentChange] = ContentChange.PART
    requests: ClassVar[int] = 3
    counts_as: ClassVar[str] = "documents"
    action: ClassVar[str] = "create"

    contact_id: LedgerId | Ref
    parts: tuple[OrderPart, ...]
    positions: tuple[Position, ...]
    order_content: str | Ref = ""
    highest_before: LedgerId | None = None

    @property
    def found_beside(self) -> LedgerId | Ref:
        """The contact."""
        return self.contact_id

    def contact_of(self, done: EffectResult) -> LedgerId | None:
        """Whom it is for."""
        del done
        return self.contact_id if isinstance(self.contact_id, LedgerId) else None


@dataclass(frozen=True, kw_only=True)
class RecordPayment(ExistingDocumentEffect):
    """Money that came in for an invoice; `known` are the ids of its payments before the request.

    `value` is in the currency of the invoice, `day` YYYY-MM-DD. `received` is what the ledger had of it when this was
    planned, and what earlier steps add to that: where it has more by now, somebody else booked money meanwhile. Of an
    invoice that was not there then, `slack` less is booked where the ledger came to a lower total by its way of
    rounding. The result names the new payment as `payment_id`.
    """

    step_kind: ClassVar[str] = "payment"
    found_by: ClassVar[FoundBy] = FoundBy.NEWER
    requests: ClassVar[int] = 3
    action: ClassVar[str] = "pay"

    value: str
    day: str
    bank_account_id: LedgerId | None = None
    received: str | None = None
    slack: str | None = None
    known: tuple[LedgerId, ...] | None = None
