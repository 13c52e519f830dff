"""Effects on what an invoice holds: creating, linking, comparing and editing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bexsync.errors import Changed, Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.contents import begins_with, markup, may_rewrite, says_the_same, unmarked
from bexsync.ledgers.bexio.effects import AddPosition, ClearPositions, EditDocument, Handler, Handlers
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.learned_facts import NEGATIVE_PRICES
from bexsync.ledgers.bexio.models import Identified
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, understood
from bexsync.ledgers.bexio.records import (
    document_done,
    document_from,
    document_of,
    embedded_position,
    invoice_to,
    position_to,
    positions_of,
    segment,
)
from bexsync.ports.document_effects import ClaimDocument, CreateDocument, LinkDocument, LookAtDocument, Position
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult, LookupResult


class DocumentEffects:
    """Creates, links and edits invoices; bexio's answers are compared with what was sent."""

    def __init__(self, api: Api, finder: DocumentFinder, shown: JustShown, web_url: str) -> None:
        self._api = api
        self._finder = finder
        self._shown = shown
        self._web_url = web_url

    @property
    def handlers(self) -> Handlers:
        """The effects on what an invoice holds."""
        return (
            Handler(CreateDocument, self.create, self.find_created, rests_on=NEGATIVE_PRICES),
            Handler(LinkDocument, self.link),
            Handler(ClaimDocument, self.claim, self.find_claim),
            Handler(LookAtDocument, self.look),
            Handler(EditDocument, self.edit),
            Handler(ClearPositions, self.clear),
            Handler(AddPosition, self.add_position, self.find_position, rests_on=NEGATIVE_PRICES),
        )

    def create(self, effect: CreateDocument) -> EffectResult:
        """Creates an invoice with its first positions."""
        body = invoice_to(effect) | {"positions": [embedded_position(p) for p in effect.positions]}
        row = self._api.write("POST", INVOICES, body)
        with after_the_effect(), understood("the new invoice"):
            state = document_from(row, self._web_url)
            if state.reference != effect.reference:
                raise NotUnderstood("it is another one")
            return document_done(state)

    def find_created(self, effect: CreateDocument) -> LookupResult:
        """The invoice that carries our reference, if it is for the same customer and holds what was sent."""
        put_aside = effect.put_aside or ()
        found = [state for state in self._finder.one(effect.reference) if state.ledger_id not in put_aside]
        if len(found) > 1:
            numbers = ", ".join(f"{state.number} ({state.url})" for state in found)
            return LookupResult(
                conflict=f"bexio has {len(found)} invoices with our reference: {numbers}. Delete all but one."
            )
        if not found:
            return LookupResult()
        row = self._finder.present_row(found[0].ledger_id)
        if row is None:  # deleted since the search
            return LookupResult()
        state = document_of(found[0].ledger_id, row, self._web_url)
        if state.contact_id != effect.contact_id or state.currency_id != effect.currency_id:
            return LookupResult(conflict=f"{state.number} carries our reference but is for somebody else: {state.url}")
        if not begins_with(row, _forms(effect.positions)):
            return LookupResult(
                conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
            )
        return LookupResult(done=document_done(state))

    def link(self, effect: LinkDocument) -> EffectResult:
        """Looks at an invoice that is to be linked, and at its positions where they matter."""
        row = self._finder.row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url)
        if effect.positions is not None and not says_the_same(row, _forms(effect.positions)):
            raise Changed(
                f"bexio has {state.number} with our reference, but its positions are not what the shop says. "
                f"Correct one of the two, or issue and mail it in bexio if it is right: {state.url}"
            )
        return document_done(state)

    def look(self, effect: LookAtDocument) -> EffectResult:
        """Looks at the whole invoice."""
        return document_done(self._finder.whole(effect.known_id))

    def edit(self, effect: EditDocument) -> EffectResult:
        """Looks first: an issued invoice must not be edited, nor a draft that a person has worked on."""
        path = f"{INVOICES}/{effect.document_id}"
        row = self._shown.get(path) or self._finder.row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url)
        _refuse_unless_draft(state)
        written_before = effect.written
        if written_before and not may_rewrite(
            row, invoice_to(effect), _forms(written_before.positions), written_before.content
        ):
            raise Changed(
                f"{state.number} was changed in bexio and in the shop, so the draft was left as it is. "
                f"Correct it in bexio, or undo the change there: {state.url}"
            )
        self._shown.forget(path)
        row = self._api.write("POST", path, invoice_to(effect))
        with after_the_effect():
            return document_done(document_of(effect.known_id, row, self._web_url))

    def claim(self, effect: ClaimDocument) -> EffectResult:
        """Writes our reference onto a document that somebody else made; writing it twice changes nothing."""
        body = {"api_reference": effect.reference}
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}", body)
        with after_the_effect():
            return document_done(document_of(effect.known_id, row, self._web_url))

    def find_claim(self, effect: ClaimDocument) -> LookupResult:
        """The document, if it carries our reference; what it holds is no longer known to be what it held then."""
        row = self._finder.present_row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url) if row is not None else None
        if state is None or state.reference != effect.reference:
            return LookupResult()
        return LookupResult(done=document_done(replace(state, content="")))

    def clear(self, effect: ClearPositions) -> EffectResult:
        """Deletes the positions of a draft one by one."""
        path = f"{INVOICES}/{effect.document_id}"
        row = self._api.show(path)
        _refuse_unless_draft(document_of(effect.known_id, row, self._web_url))
        for kind, position_id in positions_of(row):
            try:
                self._api.write("DELETE", f"{path}/{segment(kind)}/{position_id}")
            except Refused as problem:
                if problem.status != 404:
                    raise
        return EffectResult(effect.known_id)

    def add_position(self, effect: AddPosition) -> EffectResult:
        """Adds a position at the end."""
        kind, body = position_to(effect.position)
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}/{segment(kind)}", body)
        with after_the_effect(), understood("the new position"):
            return EffectResult(LedgerId(Identified.read(row).id))

    def find_position(self, effect: AddPosition) -> LookupResult:
        """Positions are added in order, so how many there are says whether this one is."""
        state = self._finder.present(effect.known_id)
        if state is None:
            return LookupResult()
        index = effect.index
        if len(state.texts) == index:
            return LookupResult()
        if len(state.texts) > index and _same_text(state.texts[index], effect.position.text):
            return LookupResult(done=EffectResult(state.ledger_id))
        return LookupResult(
            conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
        )


def _forms(positions: Sequence[Position]) -> list[dict[str, Any]]:
    return [embedded_position(position) for position in positions]


def _same_text(theirs: str, ours: str) -> bool:
    return "".join(theirs.split()) == "".join(unmarked(markup(ours)).split())


def _refuse_unless_draft(state: DocumentState) -> None:
    if state.standing is not DocumentStatus.DRAFT:
        raise Refused("bexio", 409, f"{state.number} is no draft any more; it stays as it is: {state.url}")
