"""Effects on contacts: performing them, and looking for one whose outcome is unknown."""

from __future__ import annotations

from bexsync.errors import Refused
from bexsync.http.clock import Clock
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.contacts import CONTACTS, ContactBook
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.learned_facts import CONTACT_NUMBERS
from bexsync.ledgers.bexio.models import ContactName, CreatedContact, Identified, Relation
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, understood
from bexsync.ledgers.bexio.records import contact_edit_to, contact_from, contact_to, is_same_contact
from bexsync.ports.contact_effects import ArchiveContact, CreateContact, EditContact, RelateContacts, RestoreContact
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.records.folding import alike
from bexsync.store.ledger_cache import ContactIndex

RELATIONS = "/2.0/contact_relation"


class ContactEffects:
    """Creates, edits, relates, archives and restores contacts."""

    def __init__(self, api: Api, book: ContactBook, index: ContactIndex, clock: Clock) -> None:
        self._api = api
        self._book = book
        self._index = index
        self._clock = clock

    @property
    def handlers(self) -> Handlers:
        """The effects on contacts."""
        return (
            Handler(CreateContact, self.create, self.find_created, rests_on=CONTACT_NUMBERS),
            Handler(RestoreContact, self.restore, self.find_restored),
            Handler(ArchiveContact, self.archive, self.find_archived),
            Handler(EditContact, self.edit),
            Handler(RelateContacts, self.relate, self.find_relation),
        )

    def create(self, effect: CreateContact) -> EffectResult:
        """Creates a contact."""
        row = self._api.write("POST", CONTACTS, contact_to(effect))
        with after_the_effect(), understood("the new contact"):
            if not is_same_contact(row, effect):
                raise NotUnderstood("it is another one")
            found = CreatedContact.read(row)
        return EffectResult(LedgerId(found.id), found.nr)

    def find_created(self, effect: CreateContact) -> LookupResult:
        """The index is read anew and matched here; the very contact we sent carries our name, kind and mail."""
        self._book.refresh(self._clock.now())
        index = self._index
        postcode = effect.postcode or ""
        rows = index.by_mail(effect.mail) if effect.mail else index.by_name(effect.name_1, effect.name_2, postcode)
        name = f"{effect.name_1} {effect.name_2}"
        ours = [
            row
            for row in rows
            if row.kind == effect.kind and not row.archived and alike(f"{row.name_1} {row.name_2}", name)
        ]
        if len(ours) > 1:
            ids = ", ".join(str(row.ledger_id) for row in ours)
            return LookupResult(
                conflict=f"bexio has {len(ours)} contacts that may be it ({ids}); look which one it is."
            )
        return LookupResult(done=EffectResult(ours[0].ledger_id)) if ours else LookupResult()

    def restore(self, effect: RestoreContact) -> EffectResult:
        """Takes a contact out of the archive."""
        self._api.write("PATCH", f"{CONTACTS}/{effect.ledger_id}/restore")
        return EffectResult(effect.ledger_id)

    def find_restored(self, effect: RestoreContact) -> LookupResult:
        """A contact that bexio shows is out of the archive."""
        try:
            row = self._api.show(f"{CONTACTS}/{effect.ledger_id}")
        except Refused:
            return LookupResult()
        return LookupResult(done=EffectResult(contact_from(row, archived=False).ledger_id))

    def edit(self, effect: EditContact) -> EffectResult:
        """Writes fields of a contact; writing them twice changes nothing."""
        row = self._api.write("POST", f"{CONTACTS}/{effect.ledger_id}", contact_edit_to(effect))
        with after_the_effect(), understood("the changed contact"):
            return EffectResult(LedgerId(Identified.read(row).id))

    def relate(self, effect: RelateContacts) -> EffectResult:
        """Says that a person belongs to a company."""
        ids = effect.to_wire()
        body = {"contact_id": ids["contact_id"], "contact_sub_id": ids["person_id"], "description": ""}
        row = self._api.write("POST", RELATIONS, body)
        with after_the_effect(), understood("the relation of two contacts"):
            return EffectResult(LedgerId(Identified.read(row).id))

    def find_relation(self, effect: RelateContacts) -> LookupResult:
        """The relation of just these two contacts."""
        wanted = (effect.contact_id, effect.person_id)
        for row in self._api.list(RELATIONS):
            with understood("a relation of two contacts"):
                found = Relation.read(row)
            if (LedgerId(found.contact_id), LedgerId(found.contact_sub_id)) == wanted:
                return LookupResult(done=EffectResult(LedgerId(found.id)))
        return LookupResult()

    def archive(self, effect: ArchiveContact) -> EffectResult:
        """Archives a contact that bears the test's name."""
        path = f"{CONTACTS}/{effect.ledger_id}"
        row = self._api.show(path)
        with understood(f"the contact {effect.ledger_id}"):
            name = ContactName.read(row).name_1
        if name != effect.name_1:
            raise Refused("bexio", 409, f'the contact {effect.ledger_id} is called "{name}" now; it stays as it is')
        self._api.write("DELETE", path)
        return EffectResult(effect.ledger_id)

    def find_archived(self, effect: ArchiveContact) -> LookupResult:
        """bexio shows an archived contact only to those who ask for the archive."""
        gone = self._api.is_missing(f"{CONTACTS}/{effect.ledger_id}")
        return LookupResult(done=EffectResult(effect.ledger_id)) if gone else LookupResult()
