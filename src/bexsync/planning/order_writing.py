"""From an order to what is wanted of the ledger: its documents, contacts, money and mail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from bexsync.config.profile import OrderAction, Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, rounded
from bexsync.planning.addresses import Recipient, full_name, letter_lines, postal_address
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.documents import Document, DocumentPlanner, DocumentRules
from bexsync.planning.invoice_writing import FinishPlanner, customer_missing
from bexsync.planning.lookups import currency_called
from bexsync.planning.money_in import Debt, MoneyIn, PaidDocument, money_in
from bexsync.planning.order_lines import in_terms_of_orders, invoice_of
from bexsync.planning.order_link import KIND, KnownOrder, content, reference
from bexsync.planning.order_payments import Receipts
from bexsync.ports.steps import Subject
from bexsync.ports.wanted import NO_CONTACTS, Letter, Wanted, WantedContacts, WantedDocument
from bexsync.ports.wanted_orders import OrderWant
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
    """Nothing is to be done; `left_out` are actions that the order is too old for.

    `mentions` are sentences that a run says once, by what they are about.
    """

    reason: Reason
    said: str
    left_out: tuple[OrderAction, ...] = ()
    mentions: Mapping[str, str] = field(default_factory=dict)

    @property
    def ignored(self) -> bool:
        """Whether the order is not ours to book."""
        return self.reason in (Reason.TEST, Reason.TOO_OLD, Reason.NO_RULE, Reason.GONE)


@dataclass(frozen=True)
class PlannedOrder:
    """What is wanted for one order, and what a person must hear of besides.

    One that `goes_on` is to be planned again once this is done, since only then is it known what else is due.
    """

    wanted: Wanted[OrderWant]
    problem: RecordProblem | None = None
    note: str = ""
    reported: Mapping[LedgerId, str] = field(default_factory=dict)
    left_out: tuple[OrderAction, ...] = ()
    mentions: Mapping[str, str] = field(default_factory=dict)
    goes_on: bool = False


@dataclass(frozen=True)
class OrderWriter:
    """Writes what is wanted for one order; pure but for the contacts it remembers to create once.

    `documents` writes for the profile, whatever the kind of document;
    without `gross_orders` the ledger takes no gross prices on orders.
    """

    documents: DocumentPlanner
    contacts: ContactPlanner
    finisher: FinishPlanner
    site: str
    gross_orders: bool = True

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.documents.master.ledger

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.documents.profile

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
        mentions: Mapping[str, str] | None = None,
    ) -> PlannedOrder:
        """What is wanted for an order, with what a person must hear of besides."""
        wanted = Wanted(Subject(KIND, order.shop_id), self.site, self.key(order), contacts, wants)
        note = "; ".join(one for one in notes if one)
        return PlannedOrder(wanted, problem, note, reported or {}, left_out, mentions or {})

    def wanted(self, order: Order, document: Document) -> WantedDocument:
        """The document with the order that it is made from."""
        return WantedDocument(
            header=document.header,
            positions=document.positions,
            expect=document.expect,
            fingerprint=order.fingerprint(),
            record=order.canonical(),
            source=f"{content(order)}{decimal_text(document.rounding) if document.rounding else ''}",
            customer=document.customer,
            customer_key=document.contacts.customer,
            amount=document.amount,
            currency=document.currency,
        )

    def source(self, order: Order) -> Invoice:
        """The order as the source of its documents."""
        return invoice_of(order, self.profile, self.ledger)

    def order(self, order: Order, customer: Customer, contacts: Contacts) -> Document:
        """The order as it is to stand in the ledger."""
        rules = DocumentRules.for_orders(self.profile, gross_prices=self.gross_orders)
        return self._write(rules, order, customer, contacts)

    def invoice(self, order: Order, customer: Customer, contacts: Contacts, *, direct: bool, paid: bool) -> Document:
        """The order's invoice: made from the order, whose positions it has, or directly."""
        rules = DocumentRules.for_invoices_of_orders(
            self.profile,
            template=(self.profile.invoices.template_paid or None) if paid else None,
            gross_prices=direct or self.gross_orders,
        )
        return self._write(rules, order, customer, contacts)

    def _write(self, rules: DocumentRules, order: Order, customer: Customer, contacts: Contacts) -> Document:
        try:
            return replace(self.documents, rules=rules).write(self.source(order), customer, contacts, self.key(order))
        except RecordProblem as problem:
            raise in_terms_of_orders(problem) from problem

    def money(
        self, order: Order, known: KnownOrder, remaining: Decimal, ours: Mapping[str, LedgerId | None]
    ) -> MoneyIn:
        """The money that came in for an order, of which `remaining` is open and `ours` was booked by bexsync."""
        document = PaidDocument("order", order.name, order.shop_id)
        debt = Debt(remaining, known.payments, ours)
        return money_in(self.profile, self.documents.master, document, Receipts.of_order(order), debt)

    def open_at_first(self, order: Order) -> Decimal:
        """What the ledger shows as open of a new invoice, whose total it rounds."""
        return rounded(order.total, currency_called(self.documents.master, order.currency).round_to)

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
        master = self.documents.master
        place = letter_lines(postal_address(address, master.countries, master.ledger), master.countries)
        return "\n".join([*_names(address, customer), *place]) or None


def require_customer(order: Order, customer: Customer | None) -> Customer:
    """The customer of an order; raises RecordProblem where nobody knows it."""
    if customer is None:
        raise customer_missing(order.customer_id)
    return customer


def _names(address: Address, customer: Customer) -> list[str]:
    own = [address.company, full_name(address.first_name, address.last_name)]
    theirs = [customer.company_name, full_name(customer.first_name, customer.last_name)]
    return [line for line in (own if any(own) else theirs) if line]
