"""What planning wants of the ledger for one order; the ledger's package turns it into steps."""

from __future__ import annotations

from dataclasses import dataclass

from bexsync.ids import LedgerId
from bexsync.ports.documents import OrderState
from bexsync.ports.order_effects import OrderPart
from bexsync.ports.wanted import KnownDocument, Letter, Want, WantedDocument


@dataclass(frozen=True)
class PlaceOrder:
    """A new order; `replaces` is an untouched one of ours that is deleted first, since the shop changed it.

    `revision` counts how often that was done before, where an earlier run was cut short.
    """

    document: WantedDocument
    delivery_address: str | None = None
    replaces: KnownDocument | None = None
    revision: int = 0


@dataclass(frozen=True)
class AdoptOrder:
    """An order that the ledger has already is linked; with `document` it must be that one, else nothing is said."""

    found: OrderState
    document: WantedDocument | None = None


@dataclass(frozen=True)
class RemoveOrder:
    """An untouched order of ours that is deleted."""

    known: KnownDocument


@dataclass(frozen=True)
class Deliver:
    """A delivery from the order, issued; `key` names the shipment, `order` is None where a step before makes it.

    `delivery_id` is one that was made and not issued yet.
    """

    key: str
    parts: tuple[OrderPart, ...]
    contact_id: LedgerId | None = None
    order: KnownDocument | None = None
    delivery_id: LedgerId | None = None


@dataclass(frozen=True)
class InvoiceFromOrder:
    """An invoice from the order, made to say what `document` says by one edit; `order` as in `Deliver`.

    Each of its positions is one of the parts, in their order. It is wanted again until that edit was done.
    """

    document: WantedDocument
    parts: tuple[OrderPart, ...]
    order: KnownDocument | None = None


@dataclass(frozen=True)
class Pay:
    """One payment of the shop is booked on the invoice, once; `key` is the transaction, amounts are decimal texts.

    `received` is what the ledger had received of a known invoice when its payments were compared with the shop's.
    """

    key: str
    amount: str
    currency: str
    day: str
    bank_account_id: LedgerId | None
    known: KnownDocument | None = None
    received: str = ""


@dataclass(frozen=True)
class Mail:
    """An issued invoice is mailed, after its payments."""

    letter: Letter
    currency: str
    due_date: str = ""
    known: KnownDocument | None = None


# Of the invoice of an order whatever of any invoice can be wanted.
OrderWant = PlaceOrder | AdoptOrder | RemoveOrder | Deliver | InvoiceFromOrder | Pay | Mail | Want
