"""How an order is known in the ledger, and what of it changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bexsync.ids import LedgerId
from bexsync.planning.invoice_link import Linked, differences
from bexsync.ports.documents import DocumentState, DocumentStatus, OrderState, OrderStatus, Payment
from bexsync.ports.steps import EDITING

if TYPE_CHECKING:
    from bexsync.ports.wanted import KnownDocument
    from bexsync.records.order import Order

KIND = "order"
INVOICE_KIND = "order_invoice"
# What stands on the documents and decides who gets them; the rest of an order is no change of what was booked.
_BOOKED = (
    "lines", "currency", "prices_include_tax", "total", "total_net", "total_tax", "total_rounding", "customer_id",
    "purchase_order_number",
)  # fmt: skip
_OF_LINES = frozenset({"metadata", "line_number", "virtual"})
_OF_CUSTOMER = ("kind", "company_name", "first_name", "last_name")
_OF_ADDRESS = frozenset({"email", "phone", "salutation"})
# What a shop changes by itself when it is given another status.
_FOLLOWS_STATUS = frozenset(
    {"status", "updated_at", "completed_at", "cancelled_at", "paid_at", "financial_status", "total_outstanding"}
)


def reference(site: str, shop_id: str) -> str:
    """The `api_reference` of an order and of its invoice: unique in the company, compared exactly."""
    return f"bexsync:{site}:{KIND}:{shop_id}"


@dataclass(frozen=True)
class LinkedDelivery:
    """A delivery of a linked order; `shipment` is the shop's shipment that it is for, "" where nobody knows."""

    ledger_id: LedgerId
    number: str
    url: str
    shipment: str = ""
    is_issued: bool = True


@dataclass(frozen=True)
class LinkedOrder:
    """What the link of an order says, and how it stands in the ledger now.

    `content` is what it held after the last write, "" while that is unknown, and `content_now` what it holds, ""
    where it was not looked at. `fingerprint` is "" while the order was never found to be right; one that is `adopted`
    was made by somebody else, or by a state that was lost since.
    """

    ledger_id: LedgerId
    number: str
    url: str
    standing: OrderStatus
    total: Decimal
    fingerprint: str = ""
    agreed: Mapping[str, Any] = field(default_factory=dict)
    content: str = ""
    content_now: str = ""
    revision: int = 0
    adopted: bool = False
    contact_id: LedgerId | None = None
    deliveries: tuple[LinkedDelivery, ...] = ()

    @property
    def is_agreed(self) -> bool:
        """Whether the order is known to say what `agreed` says."""
        return bool(self.fingerprint) and not self.fingerprint.startswith(EDITING)

    @property
    def is_ours(self) -> bool:
        """Whether it holds what bexsync wrote, as far as that is known."""
        return bool(self.content) and self.content_now in ("", self.content)

    def known(self) -> KnownDocument:
        """What the ledger's package needs of it."""
        from bexsync.ports.wanted import KnownDocument  # loads much; a run without orders needs two names of here

        return KnownDocument(
            self.ledger_id,
            self.number,
            total=str(self.total),
            content=self.content,
            fingerprint=self.fingerprint,
            record=self.agreed,
            revision=self.revision,
        )


@dataclass(frozen=True)
class WrittenStatus:
    """The status that bexsync last wrote to the shop, why, and a digest of all else that the order said then."""

    status: str
    digest: str
    event: str = ""


@dataclass(frozen=True)
class KnownOrder:
    """Everything that is known of an order before it is planned.

    `found_orders` and `found_invoices` carry our reference and have no link, `payments` are those that the ledger
    shows on the invoice, of whose total `remaining` is open and `received` is in, and `own_payments` the ids of ours by
    transaction.
    """

    order: LinkedOrder | None = None
    invoice: Linked | None = None
    found_orders: Sequence[OrderState] = ()
    found_invoices: Sequence[DocumentState] = ()
    payments: Sequence[Payment] = ()
    remaining: Decimal | None = None
    received: Decimal | None = None
    own_payments: Mapping[str, LedgerId] = field(default_factory=dict)
    written: WrittenStatus | None = None

    @property
    def is_booked(self) -> bool:
        """Whether the ledger has, or had, any document of the order."""
        return bool(self.order or self.invoice or self.found_orders or self.found_invoices)

    @property
    def invoice_stands(self) -> bool:
        """Whether its invoice is there and counts."""
        return self.invoice is not None and self.invoice.standing not in (
            DocumentStatus.CANCELLED,
            DocumentStatus.DELETED,
        )

    @property
    def order_stands(self) -> bool:
        """Whether its order is there and counts."""
        return self.order is not None and self.order.standing not in (OrderStatus.CANCELLED, OrderStatus.DELETED)


def content(order: Order) -> str:
    """A hash of what is booked of an order."""
    return _digest(_booked(order.canonical()))


def changes(agreed: Mapping[str, Any], order: Order) -> list[str]:
    """What of a booked order changed, as `lines[1].unit_price: 100 -> 120`."""
    return differences(_with_quantities(_booked(agreed)), _with_quantities(_booked(order.canonical())))


def delivery_address_changed(agreed: Mapping[str, Any], order: Order) -> bool:
    """Whether the order is to be delivered elsewhere than it was booked."""
    return _address(agreed.get("shipping_address")) != _address(order.canonical().get("shipping_address"))


def digest_beside_status(order: Order) -> str:
    """A hash of all that does not follow from a shop's status: equal where nothing but that was changed."""
    return _digest({name: value for name, value in order.canonical().items() if name not in _FOLLOWS_STATUS})


def comes_back(order: Order, written: WrittenStatus | None) -> bool:
    """Whether a change of the shop's is no more than the status that bexsync itself wrote there."""
    return written is not None and (order.status, digest_beside_status(order)) == (written.status, written.digest)


def _with_quantities(booked: dict[str, Any]) -> dict[str, Any]:
    """What is booked, with the quantity of each line, which the records leave out where it is 1."""
    return {**booked, "lines": [{"quantity": "1", **line} for line in booked["lines"]]}


def _booked(record: Mapping[str, Any]) -> dict[str, Any]:
    booked = {name: record[name] for name in _BOOKED if name in record}
    booked["lines"] = [
        {name: value for name, value in line.items() if name not in _OF_LINES} for line in record.get("lines", ())
    ]
    customer = record.get("customer") or {}
    booked["customer"] = {name: customer[name] for name in _OF_CUSTOMER if name in customer}
    booked["billing_address"] = _address(record.get("billing_address") or customer.get("billing_address"))
    return booked


def _address(address: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (address or {}).items() if name not in _OF_ADDRESS}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]
