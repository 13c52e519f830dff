"""What planning wants of the ledger for one record of the shop; the ledger's package turns it into steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from bexsync.ids import LedgerId
from bexsync.ports.contact_effects import ContactFields
from bexsync.ports.document_effects import DocumentHeader, Position
from bexsync.ports.documents import DocumentState
from bexsync.ports.steps import Subject


@dataclass(frozen=True)
class Party:
    """A company or a person as the shop has it; contacts are named by it for all sites and jobs."""

    kind: str
    name_1: str
    name_2: str
    mail: str
    postcode: str

    @property
    def name(self) -> str:
        """The name in the order in which people write it."""
        return " ".join(part for part in (self.name_2, self.name_1) if part)


@dataclass(frozen=True, kw_only=True)
class NewContact(ContactFields):
    """A contact that the ledger does not have yet; `customer` is the shop's customer whose contact it is, "" for none.

    `key` names the step that an earlier run began to create it with, and whose outcome is unknown.
    """

    customer: str = ""
    key: str = ""

    @property
    def ledger_id(self) -> None:
        """None, as it is still to be created."""
        return

    @property
    def archived(self) -> bool:
        """False for what is still to be created."""
        return False

    @property
    def party(self) -> Party:
        """Whose contact it is."""
        return Party(self.kind, self.name_1, self.name_2, self.mail, self.postcode or "")


@dataclass(frozen=True)
class RestoredContact:
    """A contact that is to come out of the archive; the ledger calls it `name_1`, the shop means `party`."""

    ledger_id: LedgerId
    name_1: str
    party: Party


# A contact that the ledger has, or will have by then.
ContactChoice = LedgerId | NewContact | RestoredContact


@dataclass(frozen=True)
class EditedContact:
    """Fields of a contact that are to follow the shop, its `parts`; name and users are repeated with every edit."""

    contact: LedgerId | RestoredContact
    kind: str
    name_1: str
    user_id: LedgerId
    owner_id: LedgerId
    fields: Mapping[str, Any]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class RelatedPerson:
    """A person who is to belong to a company; the parties are those whom the shop means by the two."""

    company: ContactChoice
    company_party: Party
    person: ContactChoice
    person_party: Party


ContactWant = NewContact | RestoredContact | EditedContact | RelatedPerson


@dataclass(frozen=True)
class WantedContacts:
    """Whom a record is for, None where no document names it, the person there, and what both need, in order.

    What an earlier record of the same run wants already is not wanted again.
    """

    contact: ContactChoice | None = None
    person: ContactChoice | None = None
    wants: tuple[ContactWant, ...] = ()


NO_CONTACTS = WantedContacts()


@dataclass(frozen=True)
class WantedDocument:
    """A document as it is to stand in the ledger, and the record that it is made from.

    `expect` is what an answer that shows it must say; `source` names the content it is made from, `customer_key` the
    shop's customer whose contact it is for.
    """

    header: DocumentHeader
    positions: tuple[Position, ...]
    expect: Mapping[str, str]
    fingerprint: str
    record: Mapping[str, Any]
    source: str
    customer: str
    customer_key: str
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class KnownDocument:
    """A document that the ledger has: its id, and what its link says of it.

    `fingerprint` and `record` are those of the content last agreed on, `content` what it held after the last write.
    """

    ledger_id: LedgerId
    number: str
    total: str = ""
    due_date: str = ""
    content: str = ""
    fingerprint: str = ""
    record: Mapping[str, Any] | None = None
    revision: int = 0


@dataclass(frozen=True)
class Create:
    """A new document; `put_aside` are cancelled ones with the same reference, `note` is for a person."""

    document: WantedDocument
    note: str = ""
    put_aside: tuple[LedgerId, ...] = ()


@dataclass(frozen=True)
class Complete:
    """What may be missing of a document that was created from just this content."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Rewrite:
    """A draft of ours that is to follow the shop."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Compare:
    """A look at a document that the state knows too little of."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Adopt:
    """A document that the ledger has already is linked; with `document` it must be that one, else nothing is said.

    `with_positions` compares its positions as well, where it is going to be finished; one that carries no reference of
    ours counts `as_ours` from then on.
    """

    found: DocumentState
    document: WantedDocument | None = None
    with_positions: bool = False
    as_ours: bool = False


@dataclass(frozen=True)
class TakeBack:
    """A document of an invoice that the shop cancelled is cancelled, or deleted where it `is_draft`."""

    known: KnownDocument
    is_draft: bool


@dataclass(frozen=True)
class Letter:
    """The mail to the customer; its words may hold placeholders, whose dates are written as `language` has them."""

    to: str
    subject: str
    message: str
    language: str
    attach_pdf: bool
    title: str
    customer: str


@dataclass(frozen=True)
class Finish:
    """A document that is right is issued, and mailed where there is a letter.

    `known` is None where steps before it make the document right; `due_date` is "" where the ledger decides.
    """

    letter: Letter | None
    currency: str
    due_date: str = ""
    known: KnownDocument | None = None


Want = Create | Complete | Rewrite | Compare | Adopt | TakeBack | Finish


W_co = TypeVar("W_co", covariant=True)


@dataclass(frozen=True)
class Wanted(Generic[W_co]):
    """Everything that is wanted for one record of a site, in order; contacts come first, and may be all.

    `reference` is what the documents of the record carry, "" where it has none.
    """

    subject: Subject
    site: str
    reference: str = ""
    contacts: WantedContacts = NO_CONTACTS
    wants: tuple[W_co, ...] = ()
