"""How the shop's customers are written as contacts and in letters, and what of a known contact differs from that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bexsync.config.profile import Profile, UpdateContacts
from bexsync.ids import LedgerId
from bexsync.planning.addresses import (
    Addressee,
    Recipient,
    address_of,
    by_name,
    full_name,
    is_same_place,
    letter_lines,
    one_line,
    postal_address,
    says,
)
from bexsync.planning.contact_matching import Candidate, SoughtContact
from bexsync.planning.lookups import language_id
from bexsync.ports.master_data import MasterData, Named, User
from bexsync.ports.steps import to_wire
from bexsync.ports.store import PostalAddress
from bexsync.ports.wanted import NewContact
from bexsync.records import Customer, Person
from bexsync.records.folding import alike
from bexsync.records.postal_codes import plain_postal_code

_ADDRESS = ("street", "house_number", "address_addition", "postcode", "city", "country_id")
_GROUPS = {
    "name": ("name_1", "name_2"),
    "mail": ("mail",),
    "phone": ("phone",),
    "language": ("language_id",),
    "address": _ADDRESS,
}
_SAME_DIGITS = 9  # of a telephone number: what is left without +41 or 0
_LONGEST_NUMBER = 9
_SALUTATIONS = (
    frozenset({"herr", "hr.", "mr", "mr.", "monsieur", "m.", "signor", "sig.", "male"}),
    frozenset({"frau", "fr.", "mrs", "mrs.", "ms", "ms.", "madame", "mme", "signora", "female"}),
    frozenset({"familie", "family", "famille", "famiglia"}),
)


@dataclass(frozen=True)
class ContactForms:
    """Writes contacts for one profile; raises RecordProblem for a country or group that the ledger does not have."""

    profile: Profile
    master: MasterData
    owner: User

    def wanted(self, to: Addressee) -> SoughtContact:
        """What the addressee's contact is looked for by."""
        places = tuple(
            postal_address(address, self.master.countries, self.master.ledger) for address in (to.own, to.printed)
        )
        same_kind_only = to.person is not None
        return SoughtContact(to.kind, to.name_1, to.name_2, to.mail, places, same_kind_only=same_kind_only)

    def wanted_person(self, person: Person, company: SoughtContact) -> SoughtContact:
        """What the person at a company is looked for by."""
        shared = (person.email or company.mail or "").casefold() == (company.mail or "").casefold()
        return SoughtContact(
            "person",
            person.last_name or "",
            person.first_name or "",
            None if shared else person.email,
            company.addresses,
            same_kind_only=not shared,
            shared_mail=(company.mail or "") if shared else "",
            field="invoice_contact.email",
        )

    def shop_number(self, customer: Customer, to: Addressee) -> int | None:
        """The customer's number as the ledger takes one, None where there is none."""
        number = customer.customer_number or ""
        if self.profile.contacts.numbers == "ledger" or to.is_company_of_address:
            return None
        fits = number.isascii() and number.isdigit() and len(number.lstrip("0")) <= _LONGEST_NUMBER
        return int(number) or None if fits else None

    def printed(self, to: Addressee, contact: Candidate) -> str | None:
        """The address for the document where the contact says another name or place; None where it says the same."""
        countries = self.master.countries
        wanted = postal_address(to.printed, countries, self.master.ledger)
        person = full_name(to.person.first_name, to.person.last_name) if to.person else ""
        if _is_printed_alike(contact, to) and to.letter_person == person and says(contact.address, wanted):
            return None
        place = contact.address if wanted.is_empty else wanted
        lines = [to.letter_name, to.letter_person, *letter_lines(place, countries)]
        return "\n".join(line for line in lines if line)

    def contact(self, recipient: Recipient, to: Addressee) -> NewContact:
        """The addressee as a new contact."""
        customer = recipient.customer
        salutation = customer.salutation if to.kind == "person" else None
        groups = (self.profile.ledger.contact_group, *customer.groups)
        return NewContact(
            kind=to.kind,
            name_1=to.name_1,
            name_2=to.name_2,
            mail=to.mail or "",
            phone=customer.phone or "",
            owner_id=self.owner.id,
            language_id=self._language_id(recipient),
            salutation_id=salutation_id(self.master.salutations, salutation),
            **address_parts(postal_address(to.own, self.master.countries, self.master.ledger)),
            group_ids=tuple(
                by_name(self.master.contact_groups, name, "contact group", self.master.ledger).id
                for name in groups
                if name
            ),
            remarks=f"MWST/UID: {customer.vat_number}" if customer.vat_number else None,
        )

    def person(self, recipient: Recipient, person: Person, wanted: SoughtContact) -> NewContact:
        """The person at a company as a new contact."""
        return NewContact(
            kind="person",
            name_1=wanted.name_1,
            name_2=wanted.name_2,
            mail=wanted.mail or "",
            phone=person.phone or "",
            owner_id=self.owner.id,
            language_id=self._language_id(recipient),
            salutation_id=salutation_id(self.master.salutations, person.salutation),
            **address_parts(wanted.addresses[0]),
        )

    def _language_id(self, recipient: Recipient) -> LedgerId | None:
        language = recipient.customer.language or recipient.language
        return language_id(self.master, language, self.profile.ledger.language)


def _is_printed_alike(contact: Candidate, to: Addressee) -> bool:
    name = contact.name_1 if contact.kind == "company" else full_name(contact.name_2, contact.name_1)
    return contact.kind == to.kind and " ".join(name.casefold().split()) == " ".join(to.letter_name.casefold().split())


def address_parts(address: PostalAddress) -> dict[str, Any]:
    """An address as the fields of a contact."""
    parts = asdict(address)
    return {"address_addition": parts.pop("addition"), **parts}


def salutation_id(rows: Sequence[Named], salutation: str | None) -> LedgerId | None:
    """The ledger's id of a salutation in whatever language, None when it has no such one."""
    wanted = (salutation or "").strip().lower()
    if not wanted:
        return None
    synonyms = next((words for words in _SALUTATIONS if wanted in words), frozenset({wanted}))
    return next((row.id for row in rows if row.name.strip().lower() in synonyms), None)


class KnownContact(Candidate, Protocol):
    """A contact of the ledger with all that is compared."""

    @property
    def ledger_id(self) -> LedgerId: ...
    @property
    def mail(self) -> str: ...
    @property
    def mail_second(self) -> str: ...
    @property
    def language_id(self) -> LedgerId | None: ...
    @property
    def phone(self) -> str: ...
    @property
    def phone_mobile(self) -> str: ...
    @property
    def user_id(self) -> LedgerId | None: ...
    @property
    def owner_id(self) -> LedgerId | None: ...
    @property
    def written(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Changes:
    """Fields to write and the parts of a contact they are, and for a person what stays different."""

    fields: Mapping[str, Any]
    parts: tuple[str, ...]
    left: str

    @property
    def digest(self) -> str:
        """A short name for just these differences, "" where there are none."""
        return hashlib.sha256(self.left.encode()).hexdigest()[:16] if self.left else ""


def changes(
    row: KnownContact,
    form: Mapping[str, Any],
    *,
    may_write: frozenset[str],
    update: UpdateContacts,
    languages: Sequence[Named],
    ledger: str,
) -> Changes:
    """Compare a contact with the form of the customer; `may_write` names the parts of which the shop is sure."""
    now = _as_form(row)
    fields: dict[str, Any] = {}
    parts: list[str] = []
    left: list[str] = []
    for part, keys in _GROUPS.items():
        if not _differs(part, row, form):
            continue
        ours = update == "always" or (update == "own" and _is_ours(row, now, keys))
        if part in may_write and ours:
            fields |= {key: form.get(key, "" if key != "country_id" else None) for key in keys}
            parts.append(part)
        else:
            left.append(f'{part} "{_shown(part, now, languages)}" (shop: "{_shown(part, form, languages)}")')
    said = f"contact {row.ledger_id} in {ledger} differs and stays as it is: {', '.join(left)}" if left else ""
    return Changes(fields, tuple(parts), said)


def _as_form(row: KnownContact) -> dict[str, Any]:
    address = row.address
    return {
        "name_1": row.name_1,
        "name_2": row.name_2,
        "mail": row.mail,
        "phone": row.phone,
        "language_id": to_wire(row.language_id),
        "street": address.street,
        "house_number": address.house_number,
        "address_addition": address.addition,
        "postcode": address.postcode,
        "city": address.city,
        "country_id": to_wire(address.country_id),
    }


def _differs(part: str, row: KnownContact, form: Mapping[str, Any]) -> bool:
    match part:
        case "name":
            return not alike(f"{row.name_1} {row.name_2}", f"{form['name_1']} {form['name_2']}")
        case "mail":
            return bool(form["mail"]) and form["mail"].casefold() not in (row.mail, row.mail_second)
        case "phone":
            known = {_digits(row.phone), _digits(row.phone_mobile)}
            return bool(_digits(form["phone"])) and _digits(form["phone"]) not in known
        case "language":
            return form["language_id"] is not None and form["language_id"] != to_wire(row.language_id)
        case _:
            wanted = address_of(form)
            same = is_same_place(row.address, wanted) and alike(row.address.addition, wanted.addition)
            return not wanted.is_empty and not same


def _digits(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit())[-_SAME_DIGITS:]


def _is_ours(row: KnownContact, now: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether bexsync wrote the contact, and these fields say what it wrote."""
    return bool(row.written) and all(_plain(key, row.written.get(key)) == _plain(key, now[key]) for key in keys)


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, str):
        value = " ".join(value.split())
        return plain_postal_code(value) if key == "postcode" else value.casefold() if key == "mail" else value
    return value or ""


def _shown(part: str, form: Mapping[str, Any], languages: Sequence[Named]) -> str:
    match part:
        case "name":
            return full_name(form["name_2"], form["name_1"])
        case "address":
            return one_line(address_of(form))
        case "language":
            return next((row.name for row in languages if row.id.wire == form["language_id"]), "")
        case _:
            return str(form[part])
