"""The header of a document: its dates, number, accounts, template and addressee, and how long its texts may be."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.contacts import Contacts
from bexsync.planning.lookups import bank_accounts_called, language_id
from bexsync.ports.document_effects import DocumentHeader, Position
from bexsync.ports.master_data import BankAccount, Currency, MasterData, User
from bexsync.records import Address, Customer, Invoice, Person
from bexsync.records.quoting import shown

_DATED_AHEAD, _DUE_AHEAD = timedelta(days=60), timedelta(days=731)
_DATE_FORMAT = "where a table has its days in another order, date_format under [shop.csv] names it"
# Few limits are documented: these are the lengths of the ledger's columns for texts, names and small fields.
TEXT, SHORT, NAME, SMALL = 65_000, 255, 80, 20


@dataclass(frozen=True)
class HeaderWriter:
    """Writes headers for one profile; what the ledger does not have is a RecordProblem."""

    profile: Profile
    master: MasterData
    owner: User
    today: date
    numbering: Literal["ledger", "shop"]
    template: str

    def write(
        self,
        invoice: Invoice,
        contacts: Contacts,
        reference: str,
        currency: Currency,
        language: str,
        *,
        subject_to_vat: bool,
        gross: bool,
    ) -> DocumentHeader:
        """The header of an invoice's document; what it says nothing of is left out."""
        self._check_dates(invoice)
        return DocumentHeader(
            reference=reference,
            title=invoice.title or (invoice.project.name if invoice.project else None) or "",
            user_id=self.owner.id,
            currency_id=currency.id,
            date=invoice.invoice_date.isoformat(),
            prices="gross" if gross else "net",
            vat=subject_to_vat,
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
        wanted = self.template
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
        if self.numbering == "ledger":
            return None
        if not invoice.source_number:
            raise RecordProblem(
                "Field `source_number` is missing, but the shop numbers the documents.",
                f'Let the shop give its number, or set numbering = "ledger" in [ledger] or [orders], '
                f"so that {self.master.ledger} numbers them.",
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


def bank_account_id(profile: Profile, master: MasterData, method: str | None, currency: Currency) -> LedgerId | None:
    """Return the account's id, None for the ledger's default; raises RecordProblem.

    The payment method's account wins, then the profile's for the currency. A foreign currency without either takes
    the only account in that currency, since the ledger's default is one in its own.
    """
    named = profile.payments.account(method, currency.code) or profile.ledger.bank_accounts.get(currency.code)
    if named:
        return _named(master, named, currency).id
    return None if currency.code == profile.ledger.currency else _only_one(master, currency).id


def method_without_account(profile: Profile, method: str | None, currency: str) -> str:
    """A sentence about a payment method that names no bank account, "" where it does or there is no method."""
    if not method or profile.payments.account(method, currency):
        return ""
    named, ledger = profile.ledger.bank_accounts.get(currency), profile.ledger.words.name
    if named:
        account = f"the profile's bank account {named}"
    elif currency == profile.ledger.currency:
        account = f"{ledger}'s default bank account"
    else:
        account = f"{ledger}'s only bank account in {currency}"
    return (
        f"The payment method {shown(method)} has no bank account in {currency} under [payments.accounts]; "
        f"{account} is taken for it."
    )


def _named(master: MasterData, named: str, currency: Currency) -> BankAccount:
    accounts = bank_accounts_called(master, named)
    if not accounts:
        raise _problem(
            f"{master.ledger} has no bank account {named}.",
            "Correct [ledger] bank_account or [payments.accounts] in the profile.",
            "unknown_bank_account",
            named,
        )
    fitting = [account for account in accounts if account.currency_id in (None, currency.id)]
    if not fitting:
        raise _problem(
            f"The bank account {named} is not in {currency.code}, the currency of the invoice.",
            "Name one for each currency in [ledger] bank_account, or correct [payments.accounts] in the profile.",
            "bank_account_currency",
            f"{named}:{currency.code}",
        )
    if len(fitting) > 1:
        ibans = ", ".join(account.iban for account in fitting)
        raise _problem(
            f"{master.ledger} has {len(fitting)} bank accounts in {currency.code} called {named}: {ibans}.",
            "Name its IBAN in place of its name, in [ledger] bank_account or [payments.accounts] in the profile.",
            "bank_account_ambiguous",
            f"{named}:{currency.code}",
        )
    return fitting[0]


def _only_one(master: MasterData, currency: Currency) -> BankAccount:
    fitting = [account for account in master.bank_accounts if account.currency_id == currency.id]
    if len(fitting) == 1:
        return fitting[0]
    code = currency.code
    named = f'bank_account = {{ {code} = "IBAN" }} under [ledger] in the profile'
    if fitting:
        message = f"{master.ledger} has {len(fitting)} bank accounts in {code}: {', '.join(a.iban for a in fitting)}."
        raise _problem(message, f"Say which: {named}.", "bank_account_ambiguous", code)
    raise _problem(
        f"{master.ledger} shows no bank account in {code} for the payment part.",
        f"Open one in {master.ledger}. "
        f"If there is one, name it ({named}) and log in again, so that the login may see it.",
        "bank_account_missing",
        code,
    )


def _problem(message: str, hint: str, code: str, subject: str) -> RecordProblem:
    return RecordProblem(message, hint, code=code, field="currency", subject=f"bank_account:{subject}")


def check_lengths(invoice: Invoice, customer: Customer, ledger: str) -> None:
    """Raise RecordProblem where a text of the record is longer than the ledger takes."""
    for field, value, longest in (*_of_invoice(invoice), *_of_customer(customer)):
        check_length(field, value, longest, ledger)


def check_positions(positions: Sequence[Position], ledger: str) -> None:
    """Raise RecordProblem where the text of a position is longer than the ledger takes."""
    for number, position in enumerate(positions, 1):
        check_length(f"the text of position {number}", position.text, TEXT, ledger)


def check_address_lengths(path: str, address: Address | None, ledger: str) -> None:
    """Raise RecordProblem where a part of an address is longer than the ledger takes."""
    for field, value, longest in _of_address(path, address) if address is not None else ():
        check_length(field, value, longest, ledger)


def check_subject(subject: str, words: Mapping[str, str], field: str, ledger: str) -> None:
    """Raise RecordProblem where a mail's subject gets longer than the ledger takes, with the words known so far."""
    for name, word in words.items():
        subject = subject.replace(f"{{{name}}}", word)
    check_length(field, subject, SHORT, ledger)


def _of_invoice(invoice: Invoice) -> Iterator[tuple[str, str | None, int]]:
    project = invoice.project
    yield "title", invoice.title, SHORT
    yield "source_number", invoice.source_number, SHORT
    yield "header_text", invoice.header_text, TEXT
    yield "footer_text", invoice.footer_text, TEXT
    if project is not None:
        yield "project.name", project.name, SHORT
    parts = (invoice.contract_reference, project.number if project else None, project.name if project else None)
    yield "contract_reference with project", " ".join(part for part in parts if part), SHORT
    if invoice.invoice_contact is not None:
        yield from _of_person("invoice_contact", invoice.invoice_contact)
    if invoice.billing_address is not None:
        yield from _of_address("billing_address", invoice.billing_address)


def _of_customer(customer: Customer) -> Iterator[tuple[str, str | None, int]]:
    yield "customer.company_name", customer.company_name, NAME
    yield from _of_person("customer", customer)
    if customer.billing_address is not None:
        yield from _of_address("customer.billing_address", customer.billing_address)


def _of_person(path: str, person: Person | Customer) -> Iterator[tuple[str, str | None, int]]:
    for name in ("first_name", "last_name", "phone"):
        yield f"{path}.{name}", getattr(person, name), NAME


def _of_address(path: str, address: Address) -> Iterator[tuple[str, str | None, int]]:
    for name in ("company", "first_name", "last_name", "city"):
        yield f"{path}.{name}", getattr(address, name), NAME
    for name in ("address_line1", "address_line2", "street"):
        yield f"{path}.{name}", getattr(address, name), SHORT
    for name in ("house_number", "postal_code"):
        yield f"{path}.{name}", getattr(address, name), SMALL


def check_length(field: str, value: str | None, longest: int, ledger: str) -> None:
    """Raise RecordProblem where the text of a field is longer than the ledger takes."""
    length = _sent_length(value or "") if longest == TEXT else len(value or "")
    if length > longest:
        raise RecordProblem(
            f"`{field}` is {length} characters long, {ledger} takes {longest}.",
            "Shorten it in the shop.",
            code="too_long",
            field=field,
        )


def _sent_length(text: str) -> int:
    """Long texts are sent as HTML, in which some characters become several."""
    return len(html.escape(text, quote=False)) + len("<br/>") * text.count("\n")
