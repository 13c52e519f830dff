"""The contacts of a record: found by the shop's id, by mail with name or address, or created."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from bexsync.config.profile import Profile
from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.planning.addresses import Addressee, Recipient, addressee_of, names
from bexsync.planning.contact_fields import ContactForms, KnownContact, address_parts, changes
from bexsync.planning.contact_matching import (
    Candidate,
    Match,
    NewContacts,
    SoughtContact,
    described,
    is_same_name,
    listed,
    match,
)
from bexsync.ports.master_data import MasterData, User
from bexsync.ports.store import PostalAddress
from bexsync.ports.wanted import (
    NO_CONTACTS,
    ContactChoice,
    ContactWant,
    EditedContact,
    NewContact,
    RelatedPerson,
    RestoredContact,
    WantedContacts,
)
from bexsync.records import Customer, Person

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


@dataclass(frozen=True)
class Contacts:
    """Whom a record is for, as it is wanted of the ledger.

    `address` stands on the document where the contact says something else, `names` is the addressee, whom the
    document must name, and `customer` the customer whose contact it is from now on. `notes` are for a person;
    `reported` holds the digests of differences that are reported with them.
    """

    wanted: WantedContacts = NO_CONTACTS
    address: str | None = None
    names: str = ""
    customer: str = ""
    notes: tuple[str, ...] = ()
    reported: Mapping[LedgerId, str] = field(default_factory=dict)


@dataclass
class _Draft:
    """The contacts of one record while they are planned; nothing of it counts where the record cannot be booked."""

    wants: list[ContactWant] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reported: dict[LedgerId, str] = field(default_factory=dict)


@dataclass
class ContactPlanner:
    """Plans the contacts of one run: a new customer is created once, however many records it has.

    `linked` gives the contact that a customer of the shop is linked to, `customers` the customers of a contact, and
    `under_way` are contacts that an earlier run began to create, with an outcome that is still unknown.
    """

    profile: Profile
    master: MasterData
    index: ContactIndex
    owner: User
    linked: Callable[[str], LedgerId | None] = lambda _: None
    under_way: Iterable[NewContact] = ()
    customers: Callable[[LedgerId], Collection[str]] = lambda _: ()
    _new: NewContacts = field(default_factory=NewContacts)
    _restored: dict[LedgerId, RestoredContact] = field(default_factory=dict)
    _edited: set[LedgerId] = field(default_factory=set)
    _related: set[tuple[ContactChoice, ContactChoice]] = field(default_factory=set)
    _numbers: set[int] = field(default_factory=set)

    @cached_property
    def forms(self) -> ContactForms:
        """How contacts are written."""
        return ContactForms(self.profile, self.master, self.owner)

    def __post_init__(self) -> None:
        for new in self.under_way:
            self._new.add(new)

    def plan(self, recipient: Recipient) -> Contacts:
        """The contacts of a record; raises RecordProblem when they cannot be decided."""
        to, draft = addressee_of(recipient), _Draft()
        main = self.forms.wanted(to)
        form = self.forms.contact(recipient, to)
        contact, shown = self._main(recipient.customer, to, main, form, draft)
        person = self._person(recipient, to.person, main, contact, draft) if to.person else None
        for want in draft.wants:
            self._remember(want)
        return Contacts(
            wanted=WantedContacts(contact, person, tuple(draft.wants)),
            address=self.forms.printed(to, shown),
            names=to.letter_name,
            customer=to.key,
            notes=tuple(draft.notes),
            reported=draft.reported,
        )

    def is_of(self, recipient: Recipient, contact_id: LedgerId | None, address: str) -> bool:
        """Whether a document for this contact, with this address, is for the recipient: by link, mail or name."""
        to = addressee_of(recipient)
        row = self.index.get(contact_id) if contact_id is not None else None
        if address and names(address, to.letter_name):
            return True
        if row is None:
            return False
        main, mails = self.forms.wanted(to), {(row.mail or "").casefold(), (row.mail_second or "").casefold()}
        is_linked = bool(to.key) and self.linked(to.key) == row.ledger_id
        return is_linked or is_same_name(row, main) or bool(main.mail and main.mail.casefold() in mails)

    def _remember(self, want: ContactWant) -> None:
        """Later records of the run use what is wanted already."""
        match want:
            case NewContact(key=""):
                self._new.add(want)
                if want.nr is not None:
                    self._numbers.add(want.nr)
            case RestoredContact():
                self._restored[want.ledger_id] = want
            case EditedContact():
                self._edited.add(_id_of(want.contact))
            case RelatedPerson():
                self._related.add((want.company, want.person))

    # whom the record is for

    def _main(
        self, customer: Customer, to: Addressee, main: SoughtContact, form: NewContact, draft: _Draft
    ) -> tuple[ContactChoice, Candidate]:
        linked = self._linked(to, draft) or self._numbered(customer, to, main)
        found = Match(linked) if linked is not None and not linked.archived else self._match(main, to.key)
        if found.found is None and linked is not None:
            found = Match(linked)
        row = found.found
        if row is None:
            if found.others:
                whose = listed(found.others)
                draft.notes.append(f"a contact of its own, since the mail {main.mail} belongs to {whose}")
            new = replace(form, nr=self._number(customer, to, draft), customer=to.key)
            draft.wants.append(new)
            return new, new
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
            self._compare(alive, compared, sure_of, draft)
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

    def _numbered(self, customer: Customer, to: Addressee, main: SoughtContact) -> KnownContact | None:
        """The contact that has the customer's number, where the shop numbers contacts and the name agrees.

        This finds customers again after a state was lost, also those whose mail changed since.
        """
        number = self.forms.shop_number(customer, to)
        row = self.index.by_number(number) if number is not None else None
        return row if row is not None and row.kind == to.kind and is_same_name(row, main) else None

    def _person(
        self, recipient: Recipient, named: Person, main: SoughtContact, contact: ContactChoice, draft: _Draft
    ) -> ContactChoice:
        wanted = self.forms.wanted_person(named, main)
        row = self._match(wanted).found
        person: ContactChoice
        if row is None:
            person = self.forms.person(recipient, named, wanted)
            draft.wants.append(person)
        else:
            person = self._again(row, draft) if isinstance(row, NewContact) else self._alive(row, wanted, draft)
        are_both_known = isinstance(contact, LedgerId) and isinstance(person, LedgerId)
        if not are_both_known and (contact, person) not in self._related:
            draft.wants.append(RelatedPerson(contact, main.party, person, wanted.party))
        return person

    def _match(self, wanted: SoughtContact, customer: str = "") -> Match:
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
            return {row.customer} - {customer, ""}
        return set(self.customers(row.ledger_id)) - {customer} if row.ledger_id else set()

    def by_mail(self, mail: str) -> Sequence[Candidate]:
        """Contacts of the ledger and of this run with a mail."""
        return [*self.index.by_mail(mail), *self._new.by_mail(mail)]

    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[Candidate]:
        """Contacts of the ledger and of this run with a name and postal code."""
        return [*self.index.by_name(name_1, name_2, postcode), *self._new.by_name(name_1, name_2, postcode)]

    # what is done to contacts

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

    def _again(self, new: NewContact, draft: _Draft) -> NewContact:
        """A contact of an earlier record; one that is under way since an earlier run is wanted by each record."""
        if new.key:
            draft.wants.append(new)
        return new

    def _alive(self, row: Candidate, wanted: SoughtContact, draft: _Draft) -> LedgerId | RestoredContact:
        """The contact, restored from the archive where it lies there."""
        if row.ledger_id is None:
            raise Defect("A new contact cannot be restored.")
        if not row.archived:
            return row.ledger_id
        known = self._restored.get(row.ledger_id)
        restored = known or RestoredContact(row.ledger_id, row.name_1, wanted.party)
        if known is None:
            draft.wants.append(restored)
        return restored

    def _compare(
        self, alive: LedgerId | RestoredContact, form: NewContact, sure_of: frozenset[str], draft: _Draft
    ) -> None:
        """Write what may be written, and report once what stays different."""
        row = self.index.get(_id_of(alive))
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
        if found.fields and row.ledger_id not in self._edited:
            draft.wants.append(
                EditedContact(
                    contact=alive,
                    kind=row.kind,
                    name_1=str(found.fields.get("name_1", row.name_1)),
                    user_id=row.user_id or self.owner.id,
                    owner_id=row.owner_id or self.owner.id,
                    fields=found.fields,
                    parts=found.parts,
                )
            )
        if found.digest and found.digest != self.index.reported(row.ledger_id):
            draft.notes.append(found.left)
            draft.reported[row.ledger_id] = found.digest


def _id_of(known: LedgerId | RestoredContact) -> LedgerId:
    return known.ledger_id if isinstance(known, RestoredContact) else known
