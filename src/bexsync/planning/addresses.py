"""Whom a document is for: the addressee, and postal addresses in the ledger's parts, compared, as lines of a letter."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.ports.master_data import Country, Named
from bexsync.ports.store import PostalAddress
from bexsync.records import Address, Customer, Person
from bexsync.records.folding import alike, folded
from bexsync.records.postal_codes import plain_postal_code

_SUFFIX = r"(?:\s?(?:bis|ter|quater|[a-zA-Z]))?"
_NUMBER_LAST = re.compile(
    rf"^(?P<street>.*?\D)[\s,]+(?P<number>\d+{_SUFFIX}(?:\s?[-/+]\s?\d+{_SUFFIX})?)$", re.IGNORECASE
)
_POST_BOX = re.compile(r"^(postfach|case postale|casella postale|c\.?\s?p\.|p\.?\s?o\.?\s?box)\b", re.IGNORECASE)
_NUMBER_FIRST = re.compile(rf"^(?P<number>\d+{_SUFFIX})(?:\s*,\s*|\s+)(?P<street>\D.*)$", re.IGNORECASE)
_STREET = re.compile(r"(strasse|str)\b")


def split_street(address: Address) -> tuple[str, str]:
    """Street and house number apart, as the ledger wants them; a line that does not split stays whole."""
    if address.street:
        return address.street, address.house_number or ""
    line, _ = _street_line(address)
    found = _in_parts(line)
    if found is None:
        return line, address.house_number or ""
    number = re.sub(r"\s(?!(bis|ter|quater)\b)", "", found["number"], flags=re.IGNORECASE)
    return found["street"].strip().rstrip(","), number


def _street_line(address: Address) -> tuple[str, list[str]]:
    """The line with the street, and the others; the street is the first line with a house number, else the first."""
    lines = [line.strip() for line in (address.address_line1 or address.address_line2 or "").splitlines()]
    lines = [line for line in lines if line]
    street = next((line for line in lines if _in_parts(line)), lines[0] if lines else "")
    return street, [line for line in lines if line != street]


def _in_parts(line: str) -> re.Match[str] | None:
    return None if _POST_BOX.match(line) else _NUMBER_LAST.match(line) or _NUMBER_FIRST.match(line)


def postal_address(address: Address, countries: Sequence[Country], ledger: str) -> PostalAddress:
    """A shop's address in the parts of one in the ledger; raises RecordProblem for an unknown country."""
    street, number = split_street(address)
    others = [] if address.street else _street_line(address)[1]
    if address.address_line2 and (address.address_line1 or address.street):
        others.append(" ".join(address.address_line2.split()))
    return PostalAddress(
        street=street,
        house_number=number,
        addition=", ".join(others),
        postcode=address.postal_code or "",
        city=address.city or "",
        country_id=by_name(countries, code, "country", ledger).id if (code := address.country_code) else None,
    )


def by_name(rows: Sequence[Named], name: str, noun: str, ledger: str) -> Named:
    """The row of master data with this name; raises RecordProblem where there is none."""
    for row in rows:
        if row.name.casefold() == name.casefold():
            return row
    known = ", ".join(row.name for row in rows[:8])
    raise RecordProblem(
        f'{ledger} has no {noun} "{name}".',
        f"It has {known}; correct the record or the profile, or add it in {ledger}."
        if known
        else f"Add it in {ledger}.",
        code=f"unknown_{noun.replace(' ', '_')}",
        subject=f"{noun}:{name}",
    )


def is_same_place(one: PostalAddress, other: PostalAddress) -> bool:
    """Whether two addresses are the same place, however their streets are spelled; an empty one is no place."""
    if one.is_empty or other.is_empty or _contradicts(one.country_id, other.country_id):
        return False
    if plain_postal_code(one.postcode) != plain_postal_code(other.postcode):
        return False
    same_city = bool(one.postcode) or alike(one.city, other.city)
    return same_city and _street_key(one) == _street_key(other)


def says(shown: PostalAddress, wanted: PostalAddress) -> bool:
    """Whether a letter to `shown` reads like one to `wanted`; what `wanted` leaves out makes no difference."""
    if wanted.is_empty:
        return not _contradicts(shown.country_id, wanted.country_id)
    return not _contradicts(wanted.country_id, shown.country_id or LedgerId("")) and all(
        " ".join(theirs.casefold().split()) == " ".join(ours.casefold().split())
        for theirs, ours in (
            (f"{shown.street} {shown.house_number}", f"{wanted.street} {wanted.house_number}"),
            (shown.addition, wanted.addition),
            (f"{shown.postcode} {shown.city}", f"{wanted.postcode} {wanted.city}"),
        )
    )


def letter_lines(address: PostalAddress, countries: Sequence[Country]) -> list[str]:
    """The address in the lines of a letter, with its country last."""
    country = next((row.title or row.name for row in countries if row.id == address.country_id), "")
    lines = (
        address.addition,
        f"{address.street} {address.house_number}".strip(),
        f"{address.postcode} {address.city}".strip(),
        country,
    )
    return [line for line in lines if line]


def one_line(address: PostalAddress) -> str:
    """The address for a sentence."""
    return ", ".join(letter_lines(address, ()))


def _contradicts(one: LedgerId | None, other: LedgerId | None) -> bool:
    return one is not None and other is not None and one != other


def _street_key(address: PostalAddress) -> str:
    return _STREET.sub("str", folded(f"{address.street} {address.house_number}")).replace(" ", "")


def address_of(form: Mapping[str, Any]) -> PostalAddress:
    """The address in the form of a contact."""
    return PostalAddress(
        form.get("street", ""),
        form.get("house_number", ""),
        form.get("address_addition", ""),
        form.get("postcode", ""),
        form.get("city", ""),
        LedgerId.known(form.get("country_id")),
    )


@dataclass(frozen=True)
class Recipient:
    """The customer of a record, and what the record itself says of address, person, customer's id and language."""

    customer: Customer
    billing_address: Address | None = None
    person: Person | None = None
    customer_id: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Addressee:
    """The addressee of one record; `name_1` is the company or the last name, as the ledger has it.

    `own` is the address that a new contact gets, `is_own` says whether it is the customer's rather than this
    record's, `printed` is the address of this record, and `key` names the customer in the shop, "" for a guest.
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


def addressee_of(recipient: Recipient) -> Addressee:
    """The addressee of a record; raises RecordProblem where neither customer nor address has a name."""
    customer, contact = recipient.customer, recipient.person
    printed = recipient.billing_address or customer.billing_address or Address()
    mail = customer.email or (contact.email if contact else None) or printed.email
    company = _company(customer, printed)
    own, is_own = _own_address(recipient, company)
    if company:
        person = _person_at_company(recipient, printed)
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
            key=_key(recipient, company),
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
        key=_key(recipient, ""),
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


def _own_address(recipient: Recipient, company: str) -> tuple[Address, bool]:
    """The address of the contact itself, and whether it is the customer's: a guest has only the one of the record."""
    own, of_record = recipient.customer.billing_address, recipient.billing_address
    is_of_record = of_record is not None and bool(company) and not recipient.customer.is_company
    if own is not None and _has_place(own) and not is_of_record:
        return own, True
    return of_record or own or Address(), False


def _has_place(address: Address) -> bool:
    return any((address.address_line1, address.address_line2, address.street, address.postal_code, address.city))


def _person_of(address: Address) -> str:
    return full_name(address.first_name, address.last_name) if address.last_name else ""


def _person_at_company(recipient: Recipient, printed: Address) -> Person | None:
    """The contact person, where one is named."""
    customer = recipient.customer
    if recipient.person and recipient.person.last_name:
        return recipient.person
    if customer.last_name:
        return Person(first_name=customer.first_name, last_name=customer.last_name, salutation=customer.salutation)
    if printed.last_name and not customer.is_company:
        return Person(first_name=printed.first_name, last_name=printed.last_name)
    return None


def _key(recipient: Recipient, company: str) -> str:
    """The customer's lasting name in the shop; shops give all their guests the id 0.

    A person who orders for a company is not that company.
    """
    customer = recipient.customer
    ids = ((customer.shop_id, ""), (recipient.customer_id, ""), (customer.customer_number, "number:"))
    key = next((f"{prefix}{value}" for value, prefix in ids if value and value.strip("0-")), "")
    return f"{key}@{folded(company)}" if key and company and not customer.is_company else key


def _incomplete(name: str, why: str) -> RecordProblem:
    return RecordProblem(
        f"Field `{name}` is missing: {why}.",
        "Complete the customer in the shop.",
        code="customer_incomplete",
        field=name,
    )
