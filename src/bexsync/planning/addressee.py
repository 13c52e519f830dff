"""Whom an invoice is addressed to: a company or a person, with the addresses, and what stands on the letter."""

from __future__ import annotations

import html
from dataclasses import dataclass

from bexsync.errors import RecordProblem
from bexsync.records import Address, Customer, Invoice, Person
from bexsync.records.folding import alike, folded


@dataclass(frozen=True)
class Addressee:
    """The addressee of one invoice; `name_1` is the company or the last name, as the ledger has it.

    `own` is the address that a new contact gets, `is_own` says whether it is the customer's rather than this
    invoice's, `printed` is the address of this invoice, and `key` names the customer in the shop, "" for a guest.
    `is_company_of_address` says that the customer is a person, and the company only that of the address.
    """

    kind: str
    name_1: str
    name_2: str
    mail: str | None
    person: Person | None
    own: Address
    is_own: bool
    printed: Address
    letter_name: str
    letter_person: str
    key: str
    is_company_of_address: bool = False

    @property
    def name(self) -> str:
        """The name in the order in which people write it."""
        return full_name(self.name_2, self.name_1)


def addressee_of(invoice: Invoice, customer: Customer) -> Addressee:
    """The addressee of an invoice; raises RecordProblem where neither customer nor address has a name."""
    printed = invoice.billing_address or customer.billing_address or Address()
    contact = invoice.invoice_contact
    mail = customer.email or (contact.email if contact else None) or printed.email
    company = _company(customer, printed)
    own, is_own = _own_address(invoice, customer, company)
    if company:
        person = _person_at_company(invoice, customer, printed)
        return Addressee(
            kind="company",
            name_1=company,
            name_2="",
            mail=mail,
            person=person,
            own=own,
            is_own=is_own,
            printed=printed,
            letter_name=printed.company or company,
            letter_person=_person_of(printed) or (full_name(person.first_name, person.last_name) if person else ""),
            key=_key(invoice, customer, company),
            is_company_of_address=not customer.is_company,
        )
    if customer.is_company:
        raise _incomplete("customer.company_name", "the customer is a company without a name")
    last, first = customer.last_name or printed.last_name, customer.first_name or printed.first_name
    if not last:
        raise _incomplete("customer.last_name", "the customer has neither a company's nor a last name")
    letter_name = _person_of(printed) or full_name(first, last)
    at_company = printed.company if printed.company and not alike(printed.company, letter_name) else ""
    return Addressee(
        kind="person",
        name_1=last,
        name_2=first or "",
        mail=mail,
        person=None,
        own=own,
        is_own=is_own,
        printed=printed,
        letter_name=at_company or letter_name,
        letter_person=letter_name if at_company else "",
        key=_key(invoice, customer, ""),
    )


def full_name(first: str | None, last: str | None) -> str:
    """First and last name, whichever there are."""
    return " ".join(part for part in (first, last) if part)


def names(letter: str, name: str) -> bool:
    """Whether the address of a document names this addressee; the ledger may add salutations; an unknown one names all.

    Compared word by word, because a name may be broken into lines.
    """
    words = set(folded(html.unescape(letter)).split())
    return not words or words.issuperset(folded(name).split())


def _company(customer: Customer, printed: Address) -> str:
    """The company's name: the customer's own, else that of the billing address, "" for a person.

    Who says to be a person stays one, and some people repeat their own name as the company's.
    """
    if customer.is_company:
        return customer.company_name or printed.company or ""
    company = printed.company or "" if customer.kind is None else ""
    person = full_name(customer.first_name, customer.last_name) or _person_of(printed)
    return "" if alike(company, person) else company


def _own_address(invoice: Invoice, customer: Customer, company: str) -> tuple[Address, bool]:
    """The address of the contact itself, and whether it is the customer's: a guest has only the one of the invoice."""
    own, of_invoice = customer.billing_address, invoice.billing_address
    is_of_invoice = of_invoice is not None and bool(company) and not customer.is_company
    if own is not None and _has_place(own) and not is_of_invoice:
        return own, True
    return of_invoice or own or Address(), False


def _has_place(address: Address) -> bool:
    return any((address.address_line1, address.address_line2, address.street, address.postal_code, address.city))


def _person_of(address: Address) -> str:
    return full_name(address.first_name, address.last_name) if address.last_name else ""


def _person_at_company(invoice: Invoice, customer: Customer, printed: Address) -> Person | None:
    """The contact person, where one is named."""
    if invoice.invoice_contact and invoice.invoice_contact.last_name:
        return invoice.invoice_contact
    if customer.last_name:
        return Person(first_name=customer.first_name, last_name=customer.last_name, salutation=customer.salutation)
    if printed.last_name and not customer.is_company:
        return Person(first_name=printed.first_name, last_name=printed.last_name)
    return None


def _key(invoice: Invoice, customer: Customer, company: str) -> str:
    """The customer's lasting name in the shop; shops give all their guests the id 0.

    A person who orders for a company is not that company.
    """
    ids = ((customer.shop_id, ""), (invoice.customer_id, ""), (customer.customer_number, "number:"))
    key = next((f"{prefix}{value}" for value, prefix in ids if value and value.strip("0-")), "")
    return f"{key}@{folded(company)}" if key and company and not customer.is_company else key


def _incomplete(name: str, why: str) -> RecordProblem:
    return RecordProblem(
        f"Field `{name}` is missing: {why}.",
        "Complete the customer in the shop.",
        code="customer_incomplete",
        field=name,
    )
