"""The steps of one record as they are collected, first those of its contacts; the others are named by its reference."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.contact_steps import ContactSteps
from bexsync.ports.document_effects import DocumentHeader
from bexsync.ports.steps import Effect, LinkDraft, Ref, Step
from bexsync.ports.wanted import Wanted, WantedDocument

POSITIONS_AT_ONCE = 150


def numbering(series: str, header: DocumentHeader) -> dict[str, str]:
    """What a step says of the number that its document takes; nothing where the number is given."""
    return {} if header.number is not None else {"series": series, "day": header.date}


class StepList:
    """Collects the steps of one record."""

    def __init__(self, wanted: Wanted[Any], contacts: ContactSteps) -> None:
        self.steps = [contacts.step(want) for want in wanted.contacts.wants]
        self.subject = wanted.subject
        self.reference = wanted.reference
        self.taken_back: Ref | None = None  # the step that takes an invoice back
        self._wanted = wanted
        self._contacts = contacts

    def contact(self) -> LedgerId | Ref:
        """Whom the documents are for, who may be made by an earlier step."""
        contact = self._wanted.contacts.contact
        if contact is None:
            raise Defect("A document is for a contact.")
        return self._contacts.reference(contact)

    def header(self, document: WantedDocument) -> dict[str, Any]:
        """The header of a document with its contacts."""
        header, person = document.header, self._wanted.contacts.person
        return {
            **{f.name: getattr(header, f.name) for f in fields(header)},
            "contact_id": self.contact(),
            "contact_sub_id": self._contacts.reference(person) if person is not None else None,
        }

    def add(self, effect: Effect, key: str, link: LinkDraft, **parts: Any) -> Ref:
        """Adds a step."""
        step = Step(effect, key, self.subject, scope=self._wanted.site, link=link, **parts)
        self.steps.append(step)
        return step.ref
