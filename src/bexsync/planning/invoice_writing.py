"""From an invoice to what is wanted of the ledger: its document, with or without contacts, and how it is finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import plain, written
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.invoice_finish import FinishPlanner
from bexsync.planning.invoice_link import KIND, Linked, content, reference
from bexsync.ports.documents import DocumentState
from bexsync.ports.steps import Step, Subject
from bexsync.ports.wanted import InvoiceName, KnownDocument, Want, WantedDocument, WantedInvoice
from bexsync.records import Customer, Invoice

_NO_CONTACTS = Contacts(LedgerId(0), None, ())


@dataclass(frozen=True)
class PlannedInvoice:
    """What is wanted for one invoice, and what a person must hear of besides."""

    wanted: WantedInvoice
    problem: RecordProblem | None = None
    note: str = ""
    reported: Mapping[LedgerId, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InvoiceWriter:
    """Writes what is wanted for one invoice; pure but for the contacts it remembers to create once."""

    documents: DocumentPlanner
    contacts: ContactPlanner
    finisher: FinishPlanner
    site: str

    def key(self, invoice: Invoice) -> str:
        """The reference of an invoice's document."""
        return reference(self.site, invoice.shop_id)

    def planned(
        self,
        invoice: Invoice,
        contacts: tuple[Step, ...],
        *wants: Want,
        problem: RecordProblem | None = None,
        note: str = "",
        reported: Mapping[LedgerId, str] | None = None,
    ) -> PlannedInvoice:
        """What is wanted for an invoice, with what a person must hear of besides."""
        name = InvoiceName(Subject(KIND, invoice.shop_id), self.key(invoice), self.site)
        return PlannedInvoice(WantedInvoice(name, contacts, wants), problem, note, reported or {})

    def wanted(self, invoice: Invoice, document: Document) -> WantedDocument:
        """The document with the record that it is made from."""
        # The record, and the rounding line that the profile may add to it.
        source = f"{content(invoice)}{plain(document.rounding) if document.rounding else ''}"
        return WantedDocument(
            header=document.header,
            positions=document.positions,
            expect=document.expect,
            fingerprint=invoice.fingerprint(),
            record=invoice.canonical(),
            source=source,
            customer=document.customer,
            customer_key=document.contacts.customer,
            amount=document.amount,
            currency=document.currency,
        )

    def write_for_contacts(
        self, invoice: Invoice, customer: Customer | None
    ) -> tuple[Customer, Document, tuple[Step, ...]]:
        """The document with its contacts; it comes first: what cannot be booked must not leave a contact behind."""
        person, _ = self.write(invoice, customer)
        contacts = self.contacts.plan(invoice, person, Subject(KIND, invoice.shop_id))
        document = self.documents.write(invoice, person, contacts, self.key(invoice))
        return person, document, contacts.steps

    def write(self, invoice: Invoice, customer: Customer | None) -> tuple[Customer, Document]:
        """The document without its contacts, for comparing."""
        if customer is None:
            missing = invoice.customer_id is not None
            raise RecordProblem(
                f'The customer "{invoice.customer_id}" is unknown.' if missing else "Field `customer` is missing.",
                "Drop the customer's record too." if missing else "Let the shop give the customer.",
                code="customer_missing",
                field="customer",
                subject=f"customer:{invoice.customer_id}" if missing else "",
            )
        self.finisher.check_mail(invoice, customer)
        return customer, self.documents.write(invoice, customer, _NO_CONTACTS, self.key(invoice))

    def finished(
        self, invoice: Invoice, customer: Customer, document: Document, contacts: tuple[Step, ...], *wants: Want
    ) -> PlannedInvoice:
        """What makes a draft right, and what finishes it once that is done."""
        finish = self.finisher.finish(invoice, customer, document)
        note, reported = note_on(document), document.contacts.reported
        return self.planned(invoice, contacts, *wants, *finish, note=note, reported=reported)


def known_document(link: Linked) -> KnownDocument:
    """What the ledger's package needs of a link."""
    return KnownDocument(
        ledger_id=link.ledger_id,
        number=link.number,
        total=written(link.total),
        due_date=link.due_date,
        content=link.content,
        fingerprint=link.fingerprint,
        record=link.agreed,
        revision=link.revision,
    )


def is_same(found: DocumentState, document: Document) -> bool:
    """Whether a document that was found comes to the same total in the same currency."""
    return has_same_currency(found, document) and abs(found.total - document.total) <= document.within


def has_same_currency(found: DocumentState, document: Document) -> bool:
    """Whether a document that was found is in the same currency, where that is known."""
    return found.currency_id in (None, document.header.currency_id)


def note_on(document: Document) -> str:
    """What a person should know of the contact and the amount, before and after."""
    notes = [*document.contacts.notes]
    if document.rounding:
        notes.append(f"with a rounding line of {written(document.rounding)}")
    if document.is_too_far_apart:
        notes.append(
            f"stays a draft, {written(document.gap)} from the shop's total without [invoices] rounding_account"
        )
    return "; ".join(notes)
