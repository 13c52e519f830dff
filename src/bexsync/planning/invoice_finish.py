"""How far an invoice goes once its document is right, the mail it goes out with, and what takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bexsync.config.profile import Finish as HowFar
from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.planning.document_header import check_subject
from bexsync.planning.documents import Document
from bexsync.planning.invoice_link import Linked
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.wanted import Finish, KnownDocument, Letter, TakeBack
from bexsync.records import Customer, Invoice

_ORDER: Mapping[str, int] = {"draft": 0, "issue": 1, "send": 2}


@dataclass(frozen=True)
class FinishPlanner:
    """Finishes documents for one profile; `me` is the mail of the token's user."""

    profile: Profile
    me: str

    def how_far(self, invoice: Invoice) -> HowFar:
        """The profile says how far; a single invoice may stay behind, never go further."""
        if invoice.leave_as_draft:
            return "draft"
        wish: HowFar = "issue" if invoice.auto_send is False else self.profile.invoices.finish
        return min(wish, self.profile.invoices.finish, key=lambda finish: _ORDER[finish])

    def check_mail(self, invoice: Invoice, customer: Customer) -> None:
        """Raises RecordProblem when the invoice is to be mailed and cannot be."""
        if self.how_far(invoice) == "send":
            self._mail(invoice, customer)

    def finish(
        self, invoice: Invoice, customer: Customer, document: Document, known: KnownDocument | None = None
    ) -> tuple[Finish, ...]:
        """What is left to do once the document is right; nothing for one that stays a draft.

        `known` is the document where no step before makes it right.
        """
        wish = self.how_far(invoice)
        if wish == "draft":
            return ()
        letter = self._letter(invoice, customer, document) if wish == "send" else None
        return (Finish(letter, invoice.currency, document.header.due_date or "", known),)

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

    def _letter(self, invoice: Invoice, customer: Customer, document: Document) -> Letter:
        mail = self._mail(invoice, customer)
        attach = invoice.email.attach_pdf if invoice.email and invoice.email.attach_pdf is not None else None
        return Letter(
            to=mail.to,
            subject=mail.subject,
            message=mail.message,
            language=mail.language,
            attach_pdf=self.profile.invoices.attach_pdf if attach is None else attach,
            title=invoice.title or "",
            customer=document.customer,
        )

    def _mail(self, invoice: Invoice, customer: Customer) -> Mail:
        return mail_for(invoice, customer, self.profile, self.me)


@dataclass(frozen=True)
class Mail:
    """A mail to a customer; its words may still hold placeholders, whose dates are written as `language` has them."""

    to: str
    subject: str
    message: str
    language: str


def mail_for(invoice: Invoice, customer: Customer, profile: Profile, me: str) -> Mail:
    """The invoice's own words win over the profile's in the customer's language; raises RecordProblem."""
    own = invoice.email
    to = (own.to if own else None) or (invoice.invoice_contact.email if invoice.invoice_contact else None)
    to = to or customer.email or (customer.billing_address.email if customer.billing_address else None)
    if to is None:
        raise RecordProblem(
            "There is no mail address to send it to.",
            'Add customer.email in the shop, or set leave_as_draft, or [invoices] finish = "issue".',
            code="mail_missing",
            field="customer.email",
        )
    texts = profile.invoices.mail
    language = (invoice.language or customer.language or profile.ledger.language)[:2]
    language = next(one for one in (language, profile.ledger.language, "en") if one in texts)
    text = texts[language]
    subject = (own.subject if own else None) or text.subject
    message = (own.text if own else None) or text.message
    name = customer.company_name or " ".join(part for part in (customer.first_name, customer.last_name) if part)
    words = {"title": invoice.title or "", "customer": name}
    field = "email.subject" if own and own.subject else "title in the subject of the mail"
    check_subject(subject, words, field, profile.ledger.words.name)
    if "[Network Link]" not in message:
        message = f"{message}\n\n[Network Link]"
    return Mail(me if profile.invoices.send_to == "me" else to, subject, message, language)
