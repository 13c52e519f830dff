"""The header of a document: its dates, number, account, template, and whom it is addressed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.planning.bank_accounts import bank_account_id
from bexsync.planning.contacts import Contacts, language_id
from bexsync.ports.document_effects import DocumentHeader
from bexsync.ports.master_data import Currency, MasterData, User
from bexsync.records import Invoice

_DATED_AHEAD, _DUE_AHEAD = timedelta(days=60), timedelta(days=731)
_DATE_FORMAT = "where a table has its days in another order, date_format under [shop.csv] names it"


@dataclass(frozen=True)
class HeaderWriter:
    """Writes headers for one profile; what the ledger does not have is a RecordProblem."""

    profile: Profile
    master: MasterData
    owner: User
    today: date

    def write(
        self,
        invoice: Invoice,
        contacts: Contacts,
        reference: str,
        currency: Currency,
        language: str,
        *,
        subject_to_vat: bool,
    ) -> DocumentHeader:
        """The header of an invoice's document; what it says nothing of is left out."""
        self._check_dates(invoice)
        return DocumentHeader(
            reference=reference,
            title=invoice.title or (invoice.project.name if invoice.project else None) or "",
            contact_id=contacts.contact,
            user_id=self.owner.id,
            currency_id=currency.id,
            date=invoice.invoice_date.isoformat(),
            prices="gross" if invoice.prices_include_tax else "net",
            vat=subject_to_vat,
            contact_sub_id=contacts.person,
            language_id=language_id(self.master, language, self.profile.ledger.language),
            due_date=_iso(self._due_date(invoice)),
            bank_account_id=bank_account_id(self.profile, self.master, invoice.payment_method, currency),
            template=self._template(),
            header=invoice.header_text,
            footer=invoice.footer_text,
            customer_reference=_customer_reference(invoice),
            number=self._number(invoice),
            address=contacts.address,
        )

    def _check_dates(self, invoice: Invoice) -> None:
        """A year that was typed wrong is noticed before the mail, not after it; the past is start_date's alone."""
        if invoice.invoice_date - self.today > _DATED_AHEAD:
            raise RecordProblem(
                f"It is dated {invoice.invoice_date}, more than {_DATED_AHEAD.days} days ahead.",
                f"Correct the date in the shop ({_DATE_FORMAT}). If it is meant, it is booked once the day is nearer.",
                code="date_ahead",
                field="invoice_date",
            )
        by_terms = invoice.invoice_date + timedelta(days=invoice.payment_terms_days or 0)
        if (invoice.due_date or by_terms) - self.today > _DUE_AHEAD:
            name = "due_date" if invoice.due_date else "payment_terms_days"
            raise RecordProblem(
                f"It is due on {invoice.due_date or by_terms}, more than two years ahead.",
                f"Correct {name} in the shop ({_DATE_FORMAT}), or write the invoice in {self.master.ledger} by hand.",
                code="due_date_ahead",
                field=name,
            )

    def _due_date(self, invoice: Invoice) -> date | None:
        days = invoice.payment_terms_days if invoice.payment_terms_days is not None else self.profile.invoices.due_days
        if invoice.due_date is not None:
            if invoice.due_date < invoice.invoice_date:
                raise RecordProblem(
                    f"It is due on {invoice.due_date}, before its date {invoice.invoice_date}.",
                    "Correct one of the dates in the shop.",
                    code="due_before_date",
                    field="due_date",
                )
            return invoice.due_date
        return invoice.invoice_date + timedelta(days=days) if days is not None else None

    def _template(self) -> str | None:
        wanted = self.profile.invoices.template
        if not wanted:
            return None
        if wanted not in self.master.templates:
            raise RecordProblem(
                f'{self.master.ledger} has no document template "{wanted}".',
                f"It has {', '.join(self.master.templates) or 'none'}; correct [invoices] template in the profile.",
                code="unknown_template",
                subject=f"template:{wanted}",
            )
        return wanted

    def _number(self, invoice: Invoice) -> str | None:
        if self.profile.ledger.numbering == "ledger":
            return None
        if not invoice.source_number:
            raise RecordProblem(
                "Field `source_number` is missing, but the shop numbers the invoices.",
                'Let the shop give its number, or set [ledger] numbering = "ledger".',
                code="number_missing",
                field="source_number",
            )
        return invoice.source_number


def _customer_reference(invoice: Invoice) -> str | None:
    project = invoice.project
    number = " ".join(part for part in (project.number, project.name) if part) if project else ""
    return ", ".join(part for part in (invoice.contract_reference, number) if part) or None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
