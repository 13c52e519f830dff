"""From what is wanted of contacts to the steps in bexio, and the names that these steps have for all sites and jobs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import singledispatchmethod
from typing import Any

from bexsync.ids import LedgerId
from bexsync.ports.contact_effects import (
    CONTACT,
    ContactFields,
    CreateContact,
    EditContact,
    RelateContacts,
    RestoreContact,
)
from bexsync.ports.steps import LinkDraft, Ref, Step, Subject, WasDone
from bexsync.ports.wanted import ContactChoice, EditedContact, NewContact, Party, RelatedPerson, RestoredContact
from bexsync.records.folding import folded


@dataclass(frozen=True)
class ContactSteps:
    """Makes the steps on the contacts of one record."""

    subject: Subject
    was_done: WasDone

    @singledispatchmethod
    def step(self, want: Any) -> Step:
        """The step of one thing that is wanted of a contact."""
        raise TypeError(f"{want!r} is nothing that can be wanted of a contact.")

    @step.register
    def _(self, want: NewContact) -> Step:
        effect = CreateContact(**{f.name: getattr(want, f.name) for f in fields(ContactFields)})
        link = LinkDraft(CONTACT, contact_of=want.customer) if want.customer else None
        # What an earlier run began is only repeated, and nothing that this run would announce.
        title = "" if want.key else f"create contact {want.party.name}"
        return Step(effect, self._key_of_new(want), self.subject, link=link, title=title)

    @step.register
    def _(self, want: RestoredContact) -> Step:
        effect = RestoreContact(ledger_id=want.ledger_id)
        return Step(effect, self._key_of_restored(want), self.subject, title=f"restore {want.name_1}")

    @step.register
    def _(self, want: EditedContact) -> Step:
        contact = want.contact
        ledger_id = contact.ledger_id if isinstance(contact, RestoredContact) else contact
        effect = EditContact(
            ledger_id=ledger_id,
            kind=want.kind,
            name_1=want.name_1,
            user_id=want.user_id,
            owner_id=want.owner_id,
            fields=want.fields,
        )
        restored = self.reference(contact)
        step = Step(
            effect,
            "",
            self.subject,
            after=(restored,) if isinstance(restored, Ref) else (),
            title=f"update {', '.join(want.parts)} of contact {ledger_id}",
        )
        return replace(step, key=self._fresh(EditContact.step_kind, f"{ledger_id}:{step.payload_hash()[:12]}"))

    @step.register
    def _(self, want: RelatedPerson) -> Step:
        effect = RelateContacts(contact_id=self.reference(want.company), person_id=self.reference(want.person))
        key = f"{_natural_key(want.company_party)}>{_natural_key(want.person_party)}"
        title = f"relate {want.person_party.name}"
        return Step(effect, self._fresh(RelateContacts.step_kind, key), self.subject, title=title)

    def reference(self, choice: ContactChoice) -> LedgerId | Ref:
        """What stands for a contact in a step: its id, or the step that makes or restores it."""
        if isinstance(choice, NewContact):
            return Ref(CreateContact.step_kind, self._key_of_new(choice))
        if isinstance(choice, RestoredContact):
            return Ref(RestoreContact.step_kind, self._key_of_restored(choice))
        return choice

    def _key_of_new(self, new: NewContact) -> str:
        return new.key or self._fresh(CreateContact.step_kind, _natural_key(new.party))

    def _key_of_restored(self, restored: RestoredContact) -> str:
        return self._fresh(RestoreContact.step_kind, f"{_natural_key(restored.party)}#{restored.ledger_id}")

    def _fresh(self, kind: str, key: str) -> str:
        """A done step stays done; when bexio has lost its effect since, the next one needs a name of its own."""
        if not self.was_done(kind, key):
            return key
        n = 2
        while self.was_done(kind, f"{key}#{n}"):
            n += 1
        return f"{key}#{n}"


def _natural_key(party: Party) -> str:
    """What names a contact everywhere; a mail alone may belong to several parties."""
    name = folded(f"{party.name_1} {party.name_2}")
    if party.mail:
        return f"mail:{party.mail.casefold()}|{party.kind}:{name}"
    return f"{party.kind}:name:{name}|{party.postcode}"
