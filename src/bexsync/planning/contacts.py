"""The contacts of an invoice: found by the shop's id, by mail with name or address, or created."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from bexsync.config.profile import Profile
from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.planning.addresses import Addressee, addressee_of
from bexsync.planning.contact_changes import KnownContact, changes
from bexsync.planning.contact_forms import ContactForms, address_parts
from bexsync.planning.contact_matching import (
    Candidate,
    Match,
    NewContact,
    NewContacts,
    Wanted,
    contact_key,
    described,
    is_same_name,
    listed,
    match,
)
from bexsync.ports.contact_effects import CreateContact, EditContact, RelateContacts, RestoreContact
from bexsync.ports.master_data import MasterData, PostalAddress, User
from bexsync.ports.steps import LinkDraft, Ref, Step, Subject
from bexsync.records import Customer, Invoice, Person

CUSTOMER = "customer"
CONTACT = "contact"
_SURE_OF_ALL = frozenset({"name", "mail", "phone", "language", "address"})
_SURE_BY_NAME = _SURE_OF_ALL - {"name", "mail"}


class ContactIndex(Protocol):
    """The contact index: every contact of the ledger, archived ones too."""

    def get(self, ledger_id: LedgerId) -> KnownContact | None: ...
    def by_mail(self, mail: str) -> Sequence[KnownContact]: ...
    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[KnownContact]: ...
    def by_number(self, nr: int) -> KnownContact | None: ...
    def number_is_free(self, nr: int) -> bool: ...
    def reported(self, ledger_id: LedgerId) -> str: ...


class Tried(Protocol):
    """Whether a step of this kind and key was done before; the planner then needs another key."""

    def __call__(self, kind: str, key: str) -> bool: ...


@dataclass(frozen=True)
class Contacts:
    """Whom the document is for (an id or a reference), the person there, and the steps that make them.

    `address` stands on the document where the contact says something else, `names` is the addressee, whom the
    document must name, and `customer` the customer whose contact it is from now on. `notes` are for a person;
    `reported` holds the digests of differences that are reported with them.
    """

    contact: LedgerId | Ref
    person: LedgerId | Ref | None
    steps: tuple[Step, ...]
    address: str | None = None
    names: str = ""
    customer: str = ""
    notes: tuple[str, ...] = ()
    reported: Mapping[LedgerId, str] = field(default_factory=dict)


@dataclass
class _Draft:
    """The contacts of one invoice while they are planned; nothing of it counts where the invoice cannot be booked."""

    subject: Subject
    steps: list[Step] = field(default_factory=list)
    new: list[NewContact] = field(default_factory=list)
    shared: dict[str, Step] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reported: dict[LedgerId, str] = field(default_factory=dict)


@dataclass
class ContactPlanner:
    """Plans the contacts of one run: a new customer is created once, however many invoices it has.

    `linked` gives the contact that a customer of the shop is linked to, `customers` the customers of a contact, and
    `under_way` are steps that create contacts and whose outcome nobody knows yet.
    """

    profile: Profile
    master: MasterData
    index: ContactIndex
    tried: Tried
    owner: User
    linked: Callable[[str], LedgerId | None] = lambda _: None
    under_way: Iterable[Step] = ()
    customers: Callable[[LedgerId], Collection[str]] = lambda _: ()
    _new: NewContacts = field(default_factory=NewContacts)
    _keys_under_way: set[str] = field(default_factory=set)
    _shared: dict[str, Step] = field(default_factory=dict)
    _numbers: set[int] = field(default_factory=set)

    @cached_property
    def forms(self) -> ContactForms:
        """How contacts are written."""
        return ContactForms(self.profile, self.master, self.owner)

    def __post_init__(self) -> None:
        for step in self.under_way:
            if isinstance(step.effect, CreateContact):
                self._new.add(NewContact(step.effect, step))
                self._keys_under_way.add(step.key)

    def plan(self, invoice: Invoice, customer: Customer, subject: Subject) -> Contacts:
        """The contacts of an invoice; raises RecordProblem when they cannot be decided."""
        to, draft = addressee_of(invoice, customer), _Draft(subject)
        main = self.forms.wanted(to)
        form = self.forms.contact(invoice, customer, to)
        ref, contact = self._main(customer, to, main, form, draft)
        person = self._person(invoice, customer, to.person, main, ref, draft) if to.person else None
        self._shared |= draft.shared
        for new in draft.new:
            self._new.add(new)
        self._numbers |= {new.contact.nr for new in draft.new if new.contact.nr is not None}
        return Contacts(
            contact=ref,
            person=person,
            steps=tuple(draft.steps),
            address=self.forms.printed(to, contact),
            names=to.letter_name,
            customer=to.key,
            notes=tuple(draft.notes),
            reported=draft.reported,
        )

    # whom the invoice is for

    def _main(
        self, customer: Customer, to: Addressee, main: Wanted, form: CreateContact, draft: _Draft
    ) -> tuple[LedgerId | Ref, Candidate]:
        linked = self._linked(to, draft) or self._numbered(customer, to, main)
        found = Match(linked) if linked is not None and not linked.archived else self._match(main, to.key)
        if found.found is None and linked is not None:
            found = Match(linked)
        row = found.found
        if row is None:
            if found.others:
                whose = listed(found.others)
                draft.notes.append(f"a contact of its own, since the mail {main.mail} belongs to {whose}")
            return self._create(main, replace(form, nr=self._number(customer, to, draft)), draft, to.key)
        by_id = linked is not None and row.ledger_id == linked.ledger_id
        same_name = is_same_name(row, main)
        if not by_id and not same_name:
            draft.notes.append(f"booked on the contact {described(row)}, who has that mail in {self.master.ledger}")
        if isinstance(row, NewContact):
            return self._again(row, draft), row
        alive = self._alive(row, main, draft)
        if by_id or same_name:
            only_ours = by_id and not self._others(row, to.key)
            # Without id and mail it may be a namesake in the same town: nothing of the contact is overwritten.
            by_name = _SURE_BY_NAME if same_name and (main.mail or by_id) else frozenset[str]()
            sure_of = _SURE_OF_ALL if only_ours else by_name
            compared = form if to.is_own else replace(form, **address_parts(PostalAddress()))
            if not customer.language:
                compared = replace(compared, language_id=None)
            self._compare(row, alive, compared, sure_of, draft)
        return alive, row

    def _linked(self, to: Addressee, draft: _Draft) -> KnownContact | None:
        """The contact of the customer by the shop's id; a company is never a person's, nor the other way round."""
        ledger_id = self.linked(to.key) if to.key else None
        if ledger_id is None:
            return None
        row = self.index.get(ledger_id)
        if row is None:
            draft.notes.append(f"contact {ledger_id} of this customer is no longer in {self.master.ledger}")
            return None
        return row if row.kind == to.kind else None

    def _numbered(self, customer: Customer, to: Addressee, main: Wanted) -> KnownContact | None:
        """The contact that has the customer's number, where the shop numbers contacts and the name agrees.

        This finds customers again after a state was lost, also those whose mail changed since.
        """
        number = self.forms.shop_number(customer, to)
        row = self.index.by_number(number) if number is not None else None
        return row if row is not None and row.kind == to.kind and is_same_name(row, main) else None

    def _person(
        self, invoice: Invoice, customer: Customer, named: Person, main: Wanted, contact: LedgerId | Ref, draft: _Draft
    ) -> LedgerId | Ref:
        wanted = self.forms.wanted_person(named, main)
        row = self._match(wanted).found
        person: LedgerId | Ref
        if row is None:
            person, _ = self._create(wanted, self.forms.person(invoice, customer, named, wanted), draft)
        else:
            person = self._again(row, draft) if isinstance(row, NewContact) else self._alive(row, wanted, draft)
        if isinstance(contact, Ref) or isinstance(person, Ref):
            self._relate(contact, person, main, wanted, draft)
        return person

    def _match(self, wanted: Wanted, customer: str = "") -> Match:
        return match(
            wanted,
            self,
            self.profile.contacts.same_mail,
            self.master.ledger,
            lambda row: bool(customer and self._others(row, customer)),
        )

    def _others(self, row: Candidate, customer: str) -> set[str]:
        """The other customers of the shop whose contact this is."""
        if isinstance(row, NewContact):
            return {row.step.link.contact_of} - {customer, ""} if row.step.link else set()
        return set(self.customers(row.ledger_id)) - {customer} if row.ledger_id else set()

    def by_mail(self, mail: str) -> Sequence[Candidate]:
        """Contacts of the ledger and of this run with a mail."""
        return [*self.index.by_mail(mail), *self._new.by_mail(mail)]

    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[Candidate]:
        """Contacts of the ledger and of this run with a name and postal code."""
        return [*self.index.by_name(name_1, name_2, postcode), *self._new.by_name(name_1, name_2, postcode)]

    # what is done to contacts

    def _create(self, wanted: Wanted, form: CreateContact, draft: _Draft, customer: str = "") -> tuple[Ref, NewContact]:
        link = LinkDraft(CONTACT, contact_of=customer) if customer else None
        key = self._fresh(CONTACT, contact_key(wanted))
        step = Step(form, key, draft.subject, link=link, title=f"create {wanted.name}")
        new = NewContact(form, step)
        draft.new.append(new)
        draft.steps.append(step)
        return step.ref, new

    def _number(self, customer: Customer, to: Addressee, draft: _Draft) -> int | None:
        """The shop's number for a new contact, where it is one and nobody else has it."""
        written = customer.customer_number
        if self.profile.contacts.numbers == "ledger" or not written or to.is_company_of_address:
            return None
        number = self.forms.shop_number(customer, to)
        if number is None:
            draft.notes.append(f"customer_number {written} stays out of {self.master.ledger}, which takes only digits")
            return None
        if number in self._numbers or not self.index.number_is_free(number):
            ledger = self.master.ledger
            draft.notes.append(f"customer_number {written} stays out of {ledger}, where another contact has it")
            return None
        return number

    def _again(self, new: NewContact, draft: _Draft) -> Ref:
        """A contact of an earlier record; one that is under way since an earlier run needs its step in this one."""
        if new.step.key in self._keys_under_way:
            draft.steps.append(replace(new.step, subject=draft.subject))
        return new.step.ref

    def _alive(self, row: Candidate, wanted: Wanted, draft: _Draft) -> LedgerId | Ref:
        """The contact, restored from the archive where it lies there."""
        if row.ledger_id is None:
            raise Defect("A new contact cannot be restored.")
        if not row.archived:
            return row.ledger_id
        known = f"restore {row.ledger_id}"
        step = self._shared.get(known) or Step(
            RestoreContact(ledger_id=row.ledger_id),
            self._fresh(RestoreContact.step_kind, f"{contact_key(wanted)}#{row.ledger_id}"),
            draft.subject,
            title=f"restore {row.name_1}",
        )
        if known not in self._shared:
            draft.shared[known] = step
            draft.steps.append(step)
        return step.ref

    def _relate(
        self, contact: LedgerId | Ref, person: LedgerId | Ref, main: Wanted, wanted: Wanted, draft: _Draft
    ) -> None:
        key = f"{contact_key(main)}>{contact_key(wanted)}"
        if key in self._shared:
            return
        step = Step(
            RelateContacts(contact_id=contact, person_id=person),
            self._fresh(RelateContacts.step_kind, key),
            draft.subject,
            title=f"relate {wanted.name}",
        )
        draft.shared[key] = step
        draft.steps.append(step)

    def _compare(
        self,
        candidate: Candidate,
        alive: LedgerId | Ref,
        form: CreateContact,
        sure_of: frozenset[str],
        draft: _Draft,
    ) -> None:
        """Write what may be written, and report once what stays different."""
        row = self.index.get(candidate.ledger_id) if candidate.ledger_id else None
        if row is None:
            return
        found = changes(
            row,
            form.to_wire(),
            may_write=sure_of,
            update=self.profile.contacts.update,
            languages=self.master.languages,
            ledger=self.master.ledger,
        )
        key = f"edit {row.ledger_id}"
        if found.fields and key not in self._shared:
            effect = EditContact(
                ledger_id=row.ledger_id,
                kind=row.kind,
                name_1=str(found.fields.get("name_1", row.name_1)),
                user_id=row.user_id or self.owner.id,
                owner_id=row.owner_id or self.owner.id,
                fields=dict(found.fields),
            )
            title = f"update {', '.join(found.parts)} of contact {row.ledger_id}"
            step = Step(effect, "", draft.subject, after=_after(alive), title=title)
            edit = f"{row.ledger_id}:{step.payload_hash()[:12]}"
            step = replace(step, key=self._fresh(EditContact.step_kind, edit))
            draft.shared[key] = step
            draft.steps.append(step)
        if found.digest and found.digest != self.index.reported(row.ledger_id):
            draft.notes.append(found.left)
            draft.reported[row.ledger_id] = found.digest

    def _fresh(self, kind: str, key: str) -> str:
        """A done step stays done; when the ledger has lost its effect since, the next one needs a name of its own."""
        if not self.tried(kind, key):
            return key
        n = 2
        while self.tried(kind, f"{key}#{n}"):
            n += 1
        return f"{key}#{n}"


def _after(made: LedgerId | Ref) -> tuple[Ref, ...]:
    return (made,) if isinstance(made, Ref) else ()
