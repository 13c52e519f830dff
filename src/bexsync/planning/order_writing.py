"""From an order to what is wanted of the ledger: its documents, contacts, money and mail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from bexsync.config.profile import OrderAction
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import plain
from bexsync.planning.addresses import Recipient, full_name, letter_lines, postal_address
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.invoice_writing import FinishPlanner, customer_missing
from bexsync.planning.order_link import KIND, content, reference
from bexsync.ports.documents import Payment
from bexsync.ports.order_effects import OrderPart
from bexsync.ports.steps import Subject
from bexsync.ports.wanted import NO_CONTACTS, Letter, Wanted, WantedContacts, WantedDocument
from bexsync.ports.wanted_orders import OrderWant, Pay
from bexsync.records import Address, Customer, Invoice
from bexsync.records.order import Order


class Reason(StrEnum):
    """Why nothing is done for an order."""

    TEST = "test"
    TOO_OLD = "too_old"
    NO_RULE = "no_rule"
    GONE = "gone"
    OWN_STATUS = "own_status"
    UP_TO_DATE = "up_to_date"


@dataclass(frozen=True)
class NoAction:
    """Nothing is to be done; `left_out` are actions that the order is too old for."""

    reason: Reason
    said: str
    left_out: tuple[OrderAction, ...] = ()

    @property
    def ignored(self) -> bool:
        """Whether the order is not ours to book."""
        return self.reason in (Reason.TEST, Reason.TOO_OLD, Reason.NO_RULE, Reason.GONE)


@dataclass(frozen=True)
class PlannedOrder:
    """What is wanted for one order, and what a person must hear of besides."""

    wanted: Wanted[OrderWant]
    problem: RecordProblem | None = None
    note: str = ""
    reported: Mapping[LedgerId, str] = field(default_factory=dict)
    left_out: tuple[OrderAction, ...] = ()


@dataclass(frozen=True)
class MoneyIn:
    """What came in for an order: payments still to be booked, and whether the order is paid once they are."""

    due: tuple[Pay, ...] = ()
    is_settled: bool = False
    notes: tuple[str, ...] = ()
    problem: RecordProblem | None = None


@dataclass(frozen=True)
class Shipment:
    """One shipment that is to become a delivery."""

    key: str
    parts: tuple[OrderPart, ...]


class PaymentsOf(Protocol):
    """Reads the money that came in for an order, of which `remaining` is open and `booked` stands in the ledger."""

    def __call__(
        self, order: Order, *, remaining: Decimal, booked: Sequence[Payment], done: Callable[[str], bool]
    ) -> MoneyIn: ...


class ShipmentsOf(Protocol):
    """Reads what is to be delivered of an order, whose positions are the document's; `done` tells by its key."""

    def __call__(self, order: Order, document: Document, *, done: Callable[[str], bool]) -> Sequence[Shipment]: ...


@dataclass(frozen=True)
class OrderWriter:
    """Writes what is wanted for one order; pure but for the contacts it remembers to create once.

    `orders`, `invoices` and `paid_invoices` write its documents; the last are invoices of what is paid already.
    """

    source: Callable[[Order], Invoice]
    orders: DocumentPlanner
    invoices: DocumentPlanner
    paid_invoices: DocumentPlanner
    contacts: ContactPlanner
    finisher: FinishPlanner
    payments: PaymentsOf
    shipments: ShipmentsOf
    site: str

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.orders.master.ledger

    def key(self, order: Order) -> str:
        """The reference of an order's documents, which names its steps as well."""
        return reference(self.site, order.shop_id)

    def planned(
        self,
        order: Order,
        *wants: OrderWant,
        contacts: WantedContacts = NO_CONTACTS,
        problem: RecordProblem | None = None,
        notes: Collection[str] = (),
        reported: Mapping[LedgerId, str] | None = None,
        left_out: tuple[OrderAction, ...] = (),
    ) -> PlannedOrder:
        """What is wanted for an order, with what a person must hear of besides."""
        wanted = Wanted(Subject(KIND, order.shop_id), self.site, self.key(order), contacts, wants)
        return PlannedOrder(wanted, problem, "; ".join(one for one in notes if one), reported or {}, left_out)

    def wanted(self, order: Order, document: Document) -> WantedDocument:
        """The document with the order that it is made from."""
        return WantedDocument(
            header=document.header,
            positions=document.positions,
            expect=document.expect,
            fingerprint=order.fingerprint(),
            record=order.canonical(),
            source=f"{content(order)}{plain(document.rounding) if document.rounding else ''}",
            customer=document.customer,
            customer_key=document.contacts.customer,
            amount=document.amount,
            currency=document.currency,
        )

    def document_to_compare(self, order: Order, customer: Customer | None) -> Document:
        """The document without its contacts, for comparing."""
        return self.orders.write(self.source(order), require_customer(order, customer), Contacts(), self.key(order))

    def recipient(self, order: Order, customer: Customer) -> Recipient:
        """Whom the order's documents are for."""
        return Recipient(
            customer=customer,
            billing_address=order.billing_address,
            customer_id=order.customer_id,
            language=order.language,
        )

    def letter(self, source: Invoice, customer: Customer) -> Letter:
        """The mail to the customer; raises RecordProblem where the order names no address for it."""
        try:
            return self.finisher.letter(source, customer)
        except RecordProblem as problem:
            if problem.code == "mail_missing":
                problem.hint = 'Add customer.email in the shop, or take "send" out of the actions of its status.'
            raise

    def delivery_address(self, order: Order, customer: Customer) -> str | None:
        """Where the goods go, in the lines of a letter; None where the order names no address of its own for them."""
        address = order.shipping_address or customer.shipping_address
        if address is None or address == (order.billing_address or customer.billing_address):
            return None
        master = self.orders.master
        place = letter_lines(postal_address(address, master.countries, master.ledger), master.countries)
        return "\n".join([*_names(address, customer), *place]) or None


def require_customer(order: Order, customer: Customer | None) -> Customer:
    """The customer of an order; raises RecordProblem where nobody knows it."""
    if customer is None:
        raise customer_missing(order.customer_id)
    return customer


def all_parts(document: Document) -> tuple[OrderPart, ...]:
    """Every position of an order as a whole."""
    return tuple(OrderPart(index=index, quantity=one.quantity) for index, one in enumerate(document.positions))


def _names(address: Address, customer: Customer) -> list[str]:
    own = [address.company, full_name(address.first_name, address.last_name)]
    theirs = [customer.company_name, full_name(customer.first_name, customer.last_name)]
    return [line for line in (own if any(own) else theirs) if line]
