"""Writes what an effect that was done leaves in the state: links, and the index of contacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bexsync.engine.answers import (
    FINAL,
    agreed_on,
    as_answered,
    is_incomplete,
    made_anew,
    observed,
    with_content,
    with_part,
)
from bexsync.ids import LedgerId
from bexsync.ports.contact_effects import CONTACT, CUSTOMER, ContactEffect
from bexsync.ports.document_effects import CreateDocument
from bexsync.ports.documents import EffectResult
from bexsync.ports.item_effects import ItemEffect
from bexsync.ports.order_effects import CreateOrder, CreateOrderInvoice
from bexsync.ports.steps import Effect
from bexsync.ports.store import Intent, Link
from bexsync.store import Store


class LinkWriter:
    """Writes into one store, as of one moment, within the transaction of its caller."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now

    def write(self, intent: Intent, effect: Effect, done: EffectResult, *, held: bool) -> None:
        """Write the link of the record, the row of the contact, and the link of the customer to it."""
        self._link(intent, effect, done, held=held)
        self._index_contact(effect, done)
        self._link_customer(intent, effect, done)

    def _link(self, intent: Intent, effect: Effect, done: EffectResult, *, held: bool) -> None:
        draft = intent.link
        if not draft or draft["ledger_kind"] == CONTACT:
            return
        links = self._store.links
        kind = draft.get("link_kind") or intent.subject_kind
        before = links.get(kind, intent.subject_id)
        if "role" in draft:
            if before is not None:
                with_it = with_part(before, draft["role"], draft["ledger_kind"], draft.get("source", ""), done)
                links.save(with_it, self._now)
            return
        if before is None and done.ledger_id is None:
            return
        link = before or Link(
            kind,
            intent.subject_id,
            draft["ledger_kind"],
            done.ledger_id or LedgerId(""),
            done.number,
            done.url,
            adopted=bool(draft.get("adopted")),
        )
        if isinstance(effect, CreateDocument | CreateOrder | CreateOrderInvoice):
            link = made_anew(link, draft["ledger_kind"], done)
            # Half a document is not what was to be created: without a source the next plan writes it anew.
            source = "" if is_incomplete(intent.expect, done) else draft.get("source", "")
            link = replace(link, notes={**link.notes, "created_as": source})
        link = with_content(link, effect, done, agrees=bool(draft.get("fingerprint")) and not held)
        if done.state is not None:
            link = observed(link, done.state)
        if done.seen:
            is_final = done.seen.get("standing") in FINAL
            link = replace(link, state={**link.state, **done.seen}, is_open=link.is_open and not is_final)
        if draft.get("fingerprint") and not held:
            link = agreed_on(link, draft, known_before=before is not None)
            if isinstance(effect, ItemEffect):
                link = replace(link, agreed=as_answered(link.agreed, effect, done))
        if "told" in draft:
            link = replace(link, reported={**link.reported, **draft["told"]}, events=link.events + 1)
        links.save(link, self._now)

    def _link_customer(self, intent: Intent, effect: Effect, done: EffectResult) -> None:
        """A customer keeps the contact of the newest document; the run of another site may have made it."""
        customer = intent.link.get("contact_of")
        ledger_id = effect.contact_of(done)
        if not customer or ledger_id is None or intent.site != self._store.site:
            return
        known = self._store.links.get(CUSTOMER, customer)
        if known is None or known.ledger_id != ledger_id:
            link = Link(CUSTOMER, customer, CONTACT, ledger_id, "", "", is_open=False)
            self._store.links.save(link, self._now)

    def _index_contact(self, effect: Effect, done: EffectResult) -> None:
        if not isinstance(effect, ContactEffect):
            return
        known = self._store.contacts.get(effect.indexed) if effect.indexed is not None else None
        row = effect.index_after(known, done)
        if row is not None:
            self._store.contacts.keep([row])
