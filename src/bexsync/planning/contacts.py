"""Which contact an invoice is for: found by mail, else by name and postcode, else created."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bexsync.errors import RecordProblem
from bexsync.planning.plan import Ref, Step, Subject
from bexsync.ports import Master, Named, User
from bexsync.profile import Profile
from bexsync.records import Address, Customer, Invoice, Person


class KnownContact(Protocol):
    """What matching needs to know of a contact in the ledger."""

    @property
    def ledger_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def name_1(self) -> str: ...
    @property
    def name_2(self) -> str: ...
    @property
    def archived(self) -> bool: ...


class ContactLookup(Protocol):
    """The contact index: every contact of the ledger, archived ones too."""

    def by_mail(self, mail: str) -> Sequence[KnownContact]: ...
    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[KnownContact]: ...


class Tried(Protocol):
    """Whether a step of this kind and key was done before; the planner then needs another key."""

    def __call__(self, kind: str, key: str) -> bool: ...


@dataclass(frozen=True)
class Wanted:
    """A contact that is looked for; `name_1` is the company or the last name, as bexio has it."""

    kind: str
    name_1: str
    name_2: str
    mail: str | None
    postcode: str
    same_kind_only: bool = False


@dataclass(frozen=True)
class Contacts:
    """Whom the document is for (an id or a reference), the person there, and the steps that make them.

    `known_as` is the contact's name in the ledger where it is not the one the shop gives.
    """

    contact: int | Ref
    person: int | Ref | None
    steps: tuple[Step, ...]
    known_as: str = ""


@dataclass
class ContactPlanner:
    """Plans the contacts of one run: a new customer is created once, however many invoices it has."""

    profile: Profile
    master: Master
    index: ContactLookup
    tried: Tried
    owner: User
    _planned: dict[str, Step] = field(default_factory=dict)

    def plan(self, invoice: Invoice, customer: Customer, subject: Subject) -> Contacts:
        """The contact of an invoice; raises RecordProblem when it cannot be decided."""
        steps: list[Step] = []
        company_person = _person_at_company(invoice, customer)
        main = _wanted_contact(invoice, customer, company_person)
        contact = self._resolve(main, self._contact_form(invoice, customer, main), subject, steps)
        if company_person is None:
            return Contacts(contact, None, tuple(steps), self._other_name(main))
        wanted = _wanted_person(company_person, main)
        person = self._resolve(wanted, self._person_form(company_person, customer, wanted), subject, steps)
        if isinstance(contact, Ref) or isinstance(person, Ref):
            self._relate(contact, person, main, wanted, subject, steps)
        return Contacts(contact, person, tuple(steps), self._other_name(main))

    def _other_name(self, wanted: Wanted) -> str:
        """A mail may belong to somebody else than the shop believes, a fiduciary for instance: a person must see it."""
        found = match(wanted, self.index)
        if found is None or _same_name(found, wanted):
            return ""
        return " ".join(part for part in (found.name_2, found.name_1) if part)

    def _resolve(self, wanted: Wanted, form: Mapping[str, Any], subject: Subject, steps: list[Step]) -> int | Ref:
        found = match(wanted, self.index)
        if found is not None and not found.archived:
            return found.ledger_id
        key = contact_key(wanted)
        if wanted.same_kind_only and self._planned_as_other_kind(key, wanted):
            key = f"{wanted.kind}:{key}"
        if key in self._planned:
            return self._planned[key].ref
        step = self._restore(found, key, subject) if found else self._create(key, form, subject, wanted)
        self._planned[key] = step
        steps.append(step)
        return step.ref

    def _planned_as_other_kind(self, key: str, wanted: Wanted) -> bool:
        return key in self._planned and self._planned[key].payload.get("kind", wanted.kind) != wanted.kind

    def _restore(self, found: KnownContact, key: str, subject: Subject) -> Step:
        return Step(
            "contact_restore",
            self._fresh("contact_restore", f"{key}#{found.ledger_id}"),
            subject,
            {"ledger_id": found.ledger_id},
            title=f"restore {found.name_1}",
        )

    def _create(self, key: str, form: Mapping[str, Any], subject: Subject, wanted: Wanted) -> Step:
        name = " ".join(part for part in (wanted.name_2, wanted.name_1) if part)
        return Step("contact", self._fresh("contact", key), subject, form, title=f"create {name}")

    def _relate(
        self, contact: int | Ref, person: int | Ref, main: Wanted, wanted: Wanted, subject: Subject, steps: list[Step]
    ) -> None:
        key = f"{contact_key(main)}>{contact_key(wanted)}"
        if key in self._planned:
            return
        step = Step(
            "contact_relation",
            self._fresh("contact_relation", key),
            subject,
            {"contact_id": contact, "person_id": person},
            title=f"relate {wanted.name_2} {wanted.name_1}".strip(),
        )
        self._planned[key] = step
        steps.append(step)

    def _fresh(self, kind: str, key: str) -> str:
        """A done step stays done; when the ledger has lost its effect since, the next one needs a name of its own."""
        if not self.tried(kind, key):
            return key
        n = 2
        while self.tried(kind, f"{key}#{n}"):
            n += 1
        return f"{key}#{n}"

    def _contact_form(self, invoice: Invoice, customer: Customer, wanted: Wanted) -> Mapping[str, Any]:
        form = self._common_form(wanted, customer.salutation, invoice.language or customer.language, customer.phone)
        form |= _address_form(_billing_address(invoice, customer), self.master.countries)
        groups = (self.profile.ledger.contact_group, *customer.groups)
        form["group_ids"] = [_by_name(self.master.contact_groups, name, "contact group").id for name in groups if name]
        if customer.vat_number:
            form["remarks"] = f"MWST/UID: {customer.vat_number}"
        return form

    def _person_form(self, person: Person, customer: Customer, wanted: Wanted) -> Mapping[str, Any]:
        form = self._common_form(wanted, person.salutation, customer.language, person.phone)
        form["postcode"] = wanted.postcode
        return form

    def _common_form(
        self, wanted: Wanted, salutation: str | None, language: str | None, phone: str | None
    ) -> dict[str, Any]:
        return {
            "kind": wanted.kind,
            "name_1": wanted.name_1,
            "name_2": wanted.name_2,
            "mail": wanted.mail or "",
            "phone": phone or "",
            "owner_id": self.owner.id,
            "language_id": language_id(self.master, language, self.profile.ledger.language),
            "salutation_id": salutation_id(self.master.salutations, salutation),
        }


def match(wanted: Wanted, index: ContactLookup) -> KnownContact | None:
    """The one contact that fits, None when there is none; raises RecordProblem when several do."""
    if wanted.mail:
        by_mail = [row for row in index.by_mail(wanted.mail) if row.kind == wanted.kind or not wanted.same_kind_only]
        if by_mail:
            return _only_one(by_mail, wanted, f"the mail {wanted.mail}")
        if not wanted.same_kind_only:
            return None
    by_name = [row for row in index.by_name(wanted.name_1, wanted.name_2, wanted.postcode) if row.kind == wanted.kind]
    where = f"the name {wanted.name_2} {wanted.name_1}".replace("  ", " ")
    return _only_one(by_name, wanted, f"{where} and postcode {wanted.postcode or '(none)'}") if by_name else None


def _only_one(rows: Sequence[KnownContact], wanted: Wanted, by: str) -> KnownContact:
    candidates = [row for row in rows if not row.archived] or list(rows)
    for narrower in (_same_kind, _same_name):
        if len(candidates) > 1:
            candidates = [row for row in candidates if narrower(row, wanted)] or candidates
    if len(candidates) == 1:
        return candidates[0]
    ids = ", ".join(str(row.ledger_id) for row in candidates)
    raise RecordProblem(
        f"bexio has {len(candidates)} contacts with {by} (contacts {ids}).",
        "Merge or archive all but one of them in bexio, then run this again.",
        code="contact_ambiguous",
        field="customer",
    )


def _same_kind(row: KnownContact, wanted: Wanted) -> bool:
    return row.kind == wanted.kind


def _same_name(row: KnownContact, wanted: Wanted) -> bool:
    return _folded(row.name_1, row.name_2) == _folded(wanted.name_1, wanted.name_2)


def _folded(*parts: str) -> str:
    return " ".join(" ".join(parts).casefold().split())


def contact_key(wanted: Wanted) -> str:
    """The natural key that every site and job shares."""
    if wanted.mail:
        return f"mail:{wanted.mail.casefold()}"
    return f"{wanted.kind}:name:{_folded(wanted.name_1, wanted.name_2)}|{wanted.postcode}"


def _wanted_contact(invoice: Invoice, customer: Customer, person: Person | None) -> Wanted:
    address = _billing_address(invoice, customer)
    mail = customer.email or (invoice.invoice_contact.email if invoice.invoice_contact else None) or address.email
    postcode = address.postal_code or ""
    if customer.is_company:
        name = customer.company_name or address.company
        if not name:
            raise _incomplete("customer.company_name", "the customer is a company without a name")
        return Wanted("company", name, "", mail, postcode, same_kind_only=person is not None)
    last, first = customer.last_name or address.last_name, customer.first_name or address.first_name
    if not last:
        raise _incomplete("customer.last_name", "the customer has neither a company's nor a last name")
    return Wanted("person", last, first or "", mail, postcode)


def _wanted_person(person: Person, company: Wanted) -> Wanted:
    shared = (person.email or "").casefold() == (company.mail or "").casefold()
    mail = None if shared else person.email
    return Wanted(
        "person",
        person.last_name or "",
        person.first_name or "",
        mail,
        company.postcode,
        same_kind_only=mail is not None,
    )


def _person_at_company(invoice: Invoice, customer: Customer) -> Person | None:
    """The contact person, where the customer is a company and a person is named."""
    if not customer.is_company:
        return None
    if invoice.invoice_contact and invoice.invoice_contact.last_name:
        return invoice.invoice_contact
    if customer.last_name:
        return Person(first_name=customer.first_name, last_name=customer.last_name, salutation=customer.salutation)
    return None


def _incomplete(name: str, why: str) -> RecordProblem:
    return RecordProblem(
        f"Field `{name}` is missing: {why}.",
        "Complete the customer in the shop.",
        code="customer_incomplete",
        field=name,
    )


def _billing_address(invoice: Invoice, customer: Customer) -> Address:
    return invoice.billing_address or customer.billing_address or Address()


def _address_form(address: Address, countries: Sequence[Named]) -> dict[str, Any]:
    street, number = split_street(address)
    form: dict[str, Any] = {
        "street": street,
        "house_number": number,
        "address_addition": address.address_line2 or "" if address.address_line1 or address.street else "",
        "postcode": address.postal_code or "",
        "city": address.city or "",
    }
    if address.country_code:
        form["country_id"] = _by_name(countries, address.country_code, "country").id
    return form


_SUFFIX = r"(?:\s?(?:bis|ter|quater|[a-zA-Z]))?"
_NUMBER_LAST = re.compile(
    rf"^(?P<street>.*?\D)[\s,]+(?P<number>\d+{_SUFFIX}(?:\s?[-/+]\s?\d+{_SUFFIX})?)$", re.IGNORECASE
)
_POST_BOX = re.compile(r"^(postfach|case postale|casella postale|c\.?\s?p\.|p\.?\s?o\.?\s?box)\b", re.IGNORECASE)
_NUMBER_FIRST = re.compile(rf"^(?P<number>\d+{_SUFFIX})(?:\s*,\s*|\s+)(?P<street>\D.*)$", re.IGNORECASE)


def split_street(address: Address) -> tuple[str, str]:
    """Street and house number apart, as bexio wants them; a line that does not split stays whole."""
    if address.street:
        return address.street, address.house_number or ""
    line = address.address_line1 or address.address_line2 or ""
    found = None if _POST_BOX.match(line) else _NUMBER_LAST.match(line) or _NUMBER_FIRST.match(line)
    if found is None:
        return line, address.house_number or ""
    number = re.sub(r"\s(?!(bis|ter|quater)\b)", "", found["number"], flags=re.IGNORECASE)
    return found["street"].strip().rstrip(","), number


def language_id(master: Master, language: str | None, fallback: str) -> int | None:
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


def salutation_id(rows: Sequence[Named], salutation: str | None) -> int | None:
    """The ledger's id of a salutation in whatever language, None when it has no such one."""
    wanted = (salutation or "").strip().lower()
    if not wanted:
        return None
    synonyms = next((words for words in _SALUTATIONS if wanted in words), frozenset({wanted}))
    return next((row.id for row in rows if row.name.strip().lower() in synonyms), None)


def _by_name(rows: Sequence[Named], name: str, noun: str) -> Named:
    for row in rows:
        if row.name.casefold() == name.casefold():
            return row
    known = ", ".join(row.name for row in rows[:8])
    raise RecordProblem(
        f'bexio has no {noun} "{name}".',
        f"It has {known}; correct the record or the profile, or add it in bexio." if known else "Add it in bexio.",
        code=f"unknown_{noun.replace(' ', '_')}",
        subject=f"{noun}:{name}",
    )
