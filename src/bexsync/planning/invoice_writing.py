"""From an invoice to what is wanted of the ledger: document, mail, finish, or the sentences for a person to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bexsync.config.profile import Finish as HowFar
from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, format_amount
from bexsync.planning.addresses import Recipient
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.document_header import check_subject
from bexsync.planning.documents import Document, DocumentPlanner, DocumentRules, name_of
from bexsync.planning.invoice_link import KIND, Linked, content, reference
from bexsync.planning.invoice_payments import InvoicePayments, KnownMoney, payments_on, stays_a_draft
from bexsync.planning.money_in import MoneyIn
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.steps import Subject
from bexsync.ports.wanted import (
    NO_CONTACTS,
    Finish,
    KnownDocument,
    Letter,
    TakeBack,
    Want,
    Wanted,
    WantedContacts,
    WantedDocument,
)
from bexsync.ports.wanted_orders import Mail, Pay
from bexsync.records import Customer, Invoice

# Of an invoice money can be wanted as well.
InvoiceWant = Pay | Mail | Want
NO_MONEY, NOTHING_CAME_IN = KnownMoney(), MoneyIn()
_ORDER: Mapping[str, int] = {"draft": 0, "issue": 1, "send": 2}


@dataclass(frozen=True)
class PlannedInvoice:
    """What is wanted for one invoice, and what a person must hear of besides.

    `mentions` are sentences that a run says once, by what they are about.
    """

    wanted: Wanted[InvoiceWant]
    problem: RecordProblem | None = None
    note: str = ""
    reported: Mapping[LedgerId, str] = field(default_factory=dict)
    mentions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishPlanner:
    """Finishes documents for one profile; `me` is the mail of the token's user."""

    profile: Profile
    me: str

    def how_far(self, invoice: Invoice, *, settled: bool = False) -> HowFar:
        """The profile says how far; a single invoice may stay behind, never go further.

        One that is paid, or `settled` by its payments, is mailed only if its own `auto_send` is true.
        """
        if invoice.leave_as_draft:
            return "draft"
        is_paid = settled or invoice.status == "paid"
        stays = invoice.auto_send is False or (is_paid and invoice.auto_send is None)
        wish: HowFar = "issue" if stays else self.profile.invoices.finish
        return min(wish, self.profile.invoices.finish, key=lambda finish: _ORDER[finish])

    def check_mail(self, invoice: Invoice, customer: Customer, *, settled: bool = False) -> None:
        """Raises RecordProblem when the invoice is to be mailed and cannot be."""
        if self.how_far(invoice, settled=settled) == "send":
            self.letter(invoice, customer)

    def finish(
        self,
        invoice: Invoice,
        customer: Customer,
        document: Document,
        known: KnownDocument | None = None,
        money: MoneyIn = NOTHING_CAME_IN,
    ) -> tuple[Finish | Pay | Mail, ...]:
        """What is left to do once the document is right; nothing for one that stays a draft.

        `known` is the document where no step before makes it right; `money` comes before the mail.
        """
        wish = self.how_far(invoice, settled=money.is_settled)
        if wish == "draft":
            return ()
        letter = self.letter(invoice, customer) if wish == "send" else None
        due_date = document.header.due_date or ""
        if not money.due:
            return (Finish(letter, invoice.currency, due_date, known),)
        mail = (Mail(letter, invoice.currency, due_date, known),) if letter is not None else ()
        return (Finish(None, invoice.currency, due_date, known), *payments_on(money, known, Decimal(0)), *mail)

    def take_back(self, link: Linked, *, was_finished: bool) -> TakeBack | None:
        """What takes back a document that the shop cancelled; None where a person has to decide.

        A draft must be what bexsync wrote and never have gone out; what is paid in part or whole is never cancelled.
        """
        settings = self.profile.invoices
        is_ours = bool(link.created_as and link.content) and not (was_finished or link.shared)
        known = KnownDocument(link.ledger_id, link.number, content=link.content)
        if link.standing is DocumentStatus.DRAFT and is_ours and settings.cancel_draft == "delete":
            return TakeBack(known, is_draft=True)
        if link.standing is DocumentStatus.ISSUED and settings.cancel == "cancel":
            return TakeBack(known, is_draft=False)
        return None

    def letter(self, invoice: Invoice, customer: Customer) -> Letter:
        """The invoice's own words win over the profile's in the customer's language; raises RecordProblem."""
        own, settings, ledger = invoice.email, self.profile.invoices, self.profile.ledger
        to = (own.to if own else None) or (invoice.invoice_contact.email if invoice.invoice_contact else None)
        to = to or customer.email or (customer.billing_address.email if customer.billing_address else None)
        if to is None:
            raise RecordProblem(
                "There is no mail address to send it to.",
                'Add customer.email in the shop, or set leave_as_draft, or [invoices] finish = "issue".',
                code="mail_missing",
                field="customer.email",
            )
        language = (invoice.language or customer.language or ledger.language)[:2]
        language = next(one for one in (language, ledger.language, "en") if one in settings.mail)
        text = settings.mail[language]
        subject = (own.subject if own else None) or text.subject
        message = (own.text if own else None) or text.message
        title, name = invoice.title or "", name_of(customer)
        field = "email.subject" if own and own.subject else "title in the subject of the mail"
        check_subject(subject, {"title": title, "customer": name}, field, ledger.words.name)
        return Letter(
            to=self.me if settings.send_to == "me" else to,
            subject=subject,
            message=message if "[Network Link]" in message else f"{message}\n\n[Network Link]",
            language=language,
            attach_pdf=own.attach_pdf if own and own.attach_pdf is not None else settings.attach_pdf,
            title=title,
            customer=name,
        )


@dataclass(frozen=True)
class InvoiceWriter:
    """Writes what is wanted for one invoice; pure but for the contacts it remembers to create once."""

    documents: DocumentPlanner
    contacts: ContactPlanner
    finisher: FinishPlanner
    payments: InvoicePayments
    site: str

    def key(self, invoice: Invoice) -> str:
        """The reference of an invoice's document."""
        return reference(self.site, invoice.shop_id)

    def planned(
        self,
        invoice: Invoice,
        *wants: InvoiceWant,
        contacts: WantedContacts = NO_CONTACTS,
        problem: RecordProblem | None = None,
        note: str = "",
        reported: Mapping[LedgerId, str] | None = None,
        mentions: Mapping[str, str] | None = None,
    ) -> PlannedInvoice:
        """What is wanted for an invoice, with what a person must hear of besides."""
        wanted = Wanted(Subject(KIND, invoice.shop_id), self.site, self.key(invoice), contacts, wants)
        return PlannedInvoice(wanted, problem, note, reported or {}, mentions or {})

    def wanted(self, invoice: Invoice, document: Document) -> WantedDocument:
        """The document with the record that it is made from."""
        # The record, and the rounding line that the profile may add to it.
        source = f"{content(invoice)}{decimal_text(document.rounding) if document.rounding else ''}"
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

    def write_for_contacts(self, invoice: Invoice, customer: Customer | None) -> tuple[Customer, Document]:
        """The document with its contacts; it comes first: what cannot be booked must not leave a contact behind."""
        person, alone = self.write(invoice, customer)
        contacts = self.contacts.plan(_recipient(invoice, person))
        planner = self._planner_for(invoice, alone)
        return person, planner.write(invoice, person, contacts, self.key(invoice))

    def _planner_for(self, invoice: Invoice, document: Document) -> DocumentPlanner:
        """What is paid already may have a template of its own."""
        template = self.documents.profile.invoices.template_paid
        if not template or not self.payments.on(invoice, NO_MONEY, document.total).is_settled:
            return self.documents
        rules = replace(DocumentRules.for_invoices(self.documents.profile), template=template)
        return replace(self.documents, rules=rules)

    def is_for_customer(self, invoice: Invoice, customer: Customer, found: DocumentState) -> bool:
        """Whether a document that somebody else wrote is for the customer of this invoice."""
        return self.contacts.is_of(_recipient(invoice, customer), found.contact_id, found.address)

    def write(
        self, invoice: Invoice, customer: Customer | None, known: KnownMoney = NO_MONEY
    ) -> tuple[Customer, Document]:
        """The document without its contacts, for comparing; `known` is its money where it stands already."""
        if customer is None:
            raise customer_missing(invoice.customer_id)
        document = self.documents.write(invoice, customer, Contacts(), self.key(invoice))
        settled = self.payments.on(invoice, known, document.total).is_settled
        self.finisher.check_mail(invoice, customer, settled=settled)
        return customer, document

    def finished(self, invoice: Invoice, customer: Customer, document: Document, *wants: Want) -> PlannedInvoice:
        """What makes a draft right, and what finishes it once that is done."""
        money = self.payments.on(invoice, NO_MONEY, document.total)
        finish = self.finisher.finish(invoice, customer, document, money=money)
        problem = self.payments.left_open(invoice, money)
        if money.due and not finish:
            problem = stays_a_draft(invoice, money, None, self.documents.master.ledger)
        return self.planned(
            invoice,
            *wants,
            *finish,
            contacts=document.contacts.wanted,
            problem=problem,
            note=note_on(document),
            reported=document.contacts.reported,
            mentions=money.mentions if finish else None,
        )


def _recipient(invoice: Invoice, customer: Customer) -> Recipient:
    return Recipient(
        customer=customer,
        billing_address=invoice.billing_address,
        person=invoice.invoice_contact,
        customer_id=invoice.customer_id,
        language=invoice.language,
    )


def customer_missing(customer_id: str | None) -> RecordProblem:
    """The problem of a record whose customer is not there."""
    if customer_id is None:
        return RecordProblem(
            "Field `customer` is missing.",
            "Let the shop give the customer.",
            code="customer_missing",
            field="customer",
        )
    return RecordProblem(
        f'The customer "{customer_id}" is unknown.',
        "Drop the customer's record too.",
        code="customer_missing",
        field="customer",
        subject=f"customer:{customer_id}",
    )


def known_document(link: Linked) -> KnownDocument:
    """What the ledger's package needs of a link."""
    return KnownDocument(
        ledger_id=link.ledger_id,
        number=link.number,
        total=format_amount(link.total),
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
        notes.append(f"with a rounding line of {format_amount(document.rounding)}")
    if document.is_too_far_apart:
        notes.append(
            f"stays a draft, {format_amount(document.gap)} from the shop's total without [invoices] rounding_account"
        )
    for text in document.without_stock:
        name = text.partition("\n")[0]
        notes.append(f"{name} moves no stock: its price has more decimals than the ledger takes")
    return "; ".join(notes)


def changed_in_ledger(link: Linked, document: Document, ledger: str) -> RecordProblem:
    """A draft that somebody changed in the ledger, of which an older version kept no content."""
    return RecordProblem(
        f"The draft {link.number} comes to {format_amount(link.total)}, the shop's invoice to "
        f"{format_amount(document.amount)} {document.currency}; it is neither issued nor mailed.",
        f"Correct one of them, or issue and mail it in {ledger}: {link.url}",
        code="changed_in_ledger",
    )


def hint_for_change(invoice: Invoice, link: Linked, ledger: str) -> str:
    """What to do about a change after booking; a number that begins anew each year is no change of last year's."""
    year = invoice.invoice_date.year
    before = str(link.agreed.get("invoice_date", ""))[:4]
    if before in ("", str(year)):
        return f"Undo the change in the shop, or correct the invoice in {ledger}: {link.url}"
    return (
        f"Leave {link.number} in {ledger} as it is if this is another invoice: numbers that begin anew each year need "
        f"yearly_since = {year} under [shop.csv] in the profile, and in JSON a `shop_id` of their own. "
        "If it is the same invoice, undo the change of its date in the shop."
    )


def taken_back(link: Linked | DocumentState, ledger: str) -> RecordProblem:
    """A document that went out before and is a draft again."""
    return RecordProblem(
        f"{link.number} was issued before and is a draft again, because somebody took it back in {ledger}; "
        "bexsync does not issue or mail an invoice twice.",
        f"Issue and mail it in {ledger}, or delete it there: {link.url}",
        code="taken_back_in_ledger",
    )


def settled_in_shop(invoice: Invoice, document: Linked | DocumentState, ledger: str) -> RecordProblem:
    """What a person has to do about a document whose invoice the shop sent itself, or was paid for."""
    standing = document.standing.value.replace("_", " ")
    if invoice.status == "sent":
        return RecordProblem(
            f"The shop sent it itself; in {ledger} {document.number} is {standing}, "
            "and bexsync does not mail it as well.",
            f"Issue it in {ledger} without mailing it: {document.url}",
            code="sent_by_shop",
            field="status",
        )
    return RecordProblem(
        f"It is paid in the shop, which does not say when; in {ledger} {document.number} is {standing}.",
        f"Let the shop give `paid_at` or the payments, or enter the payment in {ledger}, so that nobody is reminded "
        f"of it: {document.url}",
        code="paid_in_shop",
        field="status",
    )


def to_book_again(invoice: Invoice) -> str:
    """What a person does to have an invoice booked again."""
    return f"To book it again: `bexsync links forget {invoice.shop_id}`, then drop it again."


def cancelled_in_shop(document: Linked | DocumentState, ledger: str) -> RecordProblem | None:
    """What a person has to do about a document whose invoice the shop cancelled; None when it was done."""
    if document.standing in (DocumentStatus.CANCELLED, DocumentStatus.DELETED):
        return None
    return RecordProblem(
        f"It was cancelled in the shop; in {ledger} {document.number} is {document.standing.value.replace('_', ' ')}.",
        f"Cancel or delete it in {ledger}: {document.url}",
        code="cancelled_in_shop",
    )
