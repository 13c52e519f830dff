"""How the shop's customers are written as contacts of the ledger, and as the address of a letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.planning.addresses import Addressee, by_name, full_name, letter_lines, postal_address, says
from bexsync.planning.contact_matching import (
    Candidate,
    Wanted,
)
from bexsync.ports.contact_effects import CreateContact
from bexsync.ports.master_data import MasterData, Named, PostalAddress, User
from bexsync.records import Customer, Invoice, Person

_LONGEST_NUMBER = 9


@dataclass(frozen=True)
class ContactForms:
    """Writes contacts for one profile; raises RecordProblem for a country or group that the ledger does not have."""

    profile: Profile
    master: MasterData
    owner: User

    def wanted(self, to: Addressee) -> Wanted:
        """What the addressee's contact is looked for by."""
        places = tuple(
            postal_address(address, self.master.countries, self.master.ledger) for address in (to.own, to.printed)
        )
        same_kind_only = to.person is not None
        return Wanted(to.kind, to.name_1, to.name_2, to.mail, places, same_kind_only=same_kind_only)

    def wanted_person(self, person: Person, company: Wanted) -> Wanted:
        """What the person at a company is looked for by."""
        shared = (person.email or company.mail or "").casefold() == (company.mail or "").casefold()
        return Wanted(
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

    def contact(self, invoice: Invoice, customer: Customer, to: Addressee) -> CreateContact:
        """The addressee as a new contact."""
        language = customer.language or invoice.language
        salutation = customer.salutation if to.kind == "person" else None
        groups = (self.profile.ledger.contact_group, *customer.groups)
        return CreateContact(
            kind=to.kind,
            name_1=to.name_1,
            name_2=to.name_2,
            mail=to.mail or "",
            phone=customer.phone or "",
            owner_id=self.owner.id,
            language_id=language_id(self.master, language, self.profile.ledger.language),
            salutation_id=salutation_id(self.master.salutations, salutation),
            **address_parts(postal_address(to.own, self.master.countries, self.master.ledger)),
            group_ids=tuple(
                by_name(self.master.contact_groups, name, "contact group", self.master.ledger).id
                for name in groups
                if name
            ),
            remarks=f"MWST/UID: {customer.vat_number}" if customer.vat_number else None,
        )

    def person(self, invoice: Invoice, customer: Customer, person: Person, wanted: Wanted) -> CreateContact:
        """The person at a company as a new contact."""
        language = customer.language or invoice.language
        return CreateContact(
            kind="person",
            name_1=wanted.name_1,
            name_2=wanted.name_2,
            mail=wanted.mail or "",
            phone=person.phone or "",
            owner_id=self.owner.id,
            language_id=language_id(self.master, language, self.profile.ledger.language),
            salutation_id=salutation_id(self.master.salutations, person.salutation),
            **address_parts(wanted.addresses[0]),
        )


def _is_printed_alike(contact: Candidate, to: Addressee) -> bool:
    name = contact.name_1 if contact.kind == "company" else full_name(contact.name_2, contact.name_1)
    return contact.kind == to.kind and " ".join(name.casefold().split()) == " ".join(to.letter_name.casefold().split())


def address_parts(address: PostalAddress) -> dict[str, Any]:
    """An address as the fields of a contact."""
    parts = asdict(address)
    return {"address_addition": parts.pop("addition"), **parts}


def language_id(master: MasterData, language: str | None, fallback: str) -> LedgerId | None:
    """The ledger's id of a language code, else of the profile's language."""
    for code in (language, fallback):
        wanted = (code or "")[:2].lower()
        for row in master.languages:
            if row.name.lower() == wanted:
                return row.id
    return None


_SALUTATIONS = (
    frozenset({"herr", "hr.", "mr", "mr.", "monsieur", "m.", "signor", "sig.", "male"}),
    frozenset({"frau", "fr.", "mrs", "mrs.", "ms", "ms.", "madame", "mme", "signora", "female"}),
    frozenset({"familie", "family", "famille", "famiglia"}),
)


def salutation_id(rows: Sequence[Named], salutation: str | None) -> LedgerId | None:
    """The ledger's id of a salutation in whatever language, None when it has no such one."""
    wanted = (salutation or "").strip().lower()
    if not wanted:
        return None
    synonyms = next((words for words in _SALUTATIONS if wanted in words), frozenset({wanted}))
    return next((row.id for row in rows if row.name.strip().lower() in synonyms), None)
