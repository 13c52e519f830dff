"""Effects on contacts.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from bexsync.ids import LedgerId
from bexsync.ports.documents import EffectResult
from bexsync.ports.steps import Effect, FoundBy, Ref, Wire
from bexsync.ports.store import ContactRow, PostalAddress

CONTACT = "contact"
CUSTOMER = "customer"


@dataclass(frozen=True, kw_only=True)
class ContactFields(Wire):
    """What a contact says; `name_1` is the company or the last name, `name_2` the first name, `nr` a number."""

    nulls: ClassVar[frozenset[str]] = frozenset({"language_id", "salutation_id"})

    kind: str
    name_1: str
    name_2: str
    mail: str
    phone: str
    owner_id: LedgerId
    language_id: LedgerId | None = None
    salutation_id: LedgerId | None = None
    street: str | None = None
    house_number: str | None = None
    address_addition: str | None = None
    postcode: str | None = None
    city: str | None = None
    country_id: LedgerId | None = None
    group_ids: tuple[LedgerId, ...] | None = None
    remarks: str | None = None
    nr: int | None = None

    @property
    def address(self) -> PostalAddress:
        """The address in its parts."""
        return PostalAddress(
            street=self.street or "",
            house_number=self.house_number or "",
            addition=self.address_addition or "",
            postcode=self.postcode or "",
            city=self.city or "",
            country_id=self.country_id,
        )


@dataclass(frozen=True, kw_only=True)
class ContactEffect(Effect, ABC):
    """An effect on a contact; the index of contacts follows it."""

    object_kind: ClassVar[str] = CONTACT

    @property
    def indexed(self) -> LedgerId | None:
        """The contact whose row of the index changes; None for a new one."""
        return None

    @abstractmethod
    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The row of the index once the effect is done, None where there is none."""


@dataclass(frozen=True, kw_only=True)
class CreateContact(ContactFields, ContactEffect):
    """A new contact."""

    step_kind: ClassVar[str] = CONTACT
    found_by: ClassVar[FoundBy] = FoundBy.CONTACT

    def contact_of(self, done: EffectResult) -> LedgerId | None:
        """The new contact."""
        return done.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact as the index will show it."""
        del known
        if done.ledger_id is None:
            return None
        return ContactRow(
            ledger_id=done.ledger_id,
            kind=self.kind,
            name_1=self.name_1,
            name_2=self.name_2,
            mail=self.mail,
            mail_second="",
            archived=False,
            updated_at="",
            nr=done.number,
            address=self.address,
            language_id=self.language_id,
            phone=self.phone,
            user_id=self.owner_id,
            owner_id=self.owner_id,
            written=self.to_wire(),
        )


@dataclass(frozen=True, kw_only=True)
class ExistingContactEffect(ContactEffect):
    """An effect on a contact that is there already."""

    ledger_id: LedgerId

    @property
    def writes(self) -> LedgerId:
        """The contact."""
        return self.ledger_id

    @property
    def indexed(self) -> LedgerId:
        """The contact."""
        return self.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact as it was changed, None where the index does not have it."""
        del done
        return self.changed(known) if known else None

    @abstractmethod
    def changed(self, known: ContactRow) -> ContactRow:
        """The row of the contact after the effect."""


@dataclass(frozen=True, kw_only=True)
class RestoreContact(ExistingContactEffect):
    """Takes a contact out of the archive."""

    step_kind: ClassVar[str] = "contact_restore"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS

    def changed(self, known: ContactRow) -> ContactRow:
        """The contact, out of the archive."""
        return replace(known, archived=False)


@dataclass(frozen=True, kw_only=True)
class ArchiveContact(ExistingContactEffect):
    """Puts a contact into the archive after looking whether it is called `name_1`."""

    step_kind: ClassVar[str] = "contact_archive"
    found_by: ClassVar[FoundBy] = FoundBy.ABSENCE

    name_1: str

    def changed(self, known: ContactRow) -> ContactRow:
        """The contact, in the archive."""
        return replace(known, archived=True)


@dataclass(frozen=True, kw_only=True)
class EditContact(ExistingContactEffect):
    """Writes some fields of a contact, beside those that every edit has to repeat."""

    step_kind: ClassVar[str] = "contact_edit"
    found_by: ClassVar[FoundBy] = FoundBy.REPEAT

    kind: str
    name_1: str
    user_id: LedgerId
    owner_id: LedgerId
    fields: Mapping[str, Any]

    def changed(self, known: ContactRow) -> ContactRow:
        """The contact with the fields that were written."""
        parts = {"addition" if name == "address_addition" else name: value for name, value in self.fields.items()}
        parts |= {name: LedgerId.known(parts[name]) for name in ("language_id", "country_id") if name in parts}
        address = {f.name: parts.pop(f.name) for f in fields(PostalAddress) if f.name in parts}
        written = {**known.written, **self.fields}
        return replace(known, **parts, address=replace(known.address, **address), written=written)


@dataclass(frozen=True, kw_only=True)
class RelateContacts(Effect):
    """Says that a person belongs to a company."""

    step_kind: ClassVar[str] = "contact_relation"
    found_by: ClassVar[FoundBy] = FoundBy.RELATION
    object_kind: ClassVar[str] = CONTACT

    contact_id: LedgerId | Ref
    person_id: LedgerId | Ref

    @property
    def writes(self) -> LedgerId | Ref:
        """The company's contact."""
        return self.contact_id
