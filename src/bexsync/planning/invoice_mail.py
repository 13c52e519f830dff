"""The mail that an invoice goes out with: to whom, and in which words."""

from __future__ import annotations

from dataclasses import dataclass

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.planning.lengths import check_subject
from bexsync.records import Customer, Invoice


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
