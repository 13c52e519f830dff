"""What a link says after an effect, or after a look at its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bexsync.money import plain
from bexsync.ports.document_effects import DocumentEffect
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult
from bexsync.ports.item_effects import ItemEffect
from bexsync.ports.steps import ContentChange, Effect
from bexsync.ports.store import Link

FINAL = frozenset({DocumentStatus.PAID, DocumentStatus.CANCELLED, DocumentStatus.DELETED})


def with_content(link: Link, effect: Effect, done: EffectResult, *, agrees: bool) -> Link:
    """The link with what its document holds after our own last write; nothing while it is being rewritten."""
    change = effect.content_change if isinstance(effect, DocumentEffect) else ContentChange.NONE
    if change is ContentChange.PART:
        return replace(link, notes={name: value for name, value in link.notes.items() if name != "content"})
    is_ours = change is ContentChange.WHOLE or (change is ContentChange.LOOK and agrees)
    if not is_ours or done.state is None or not done.state.content:
        return link
    return replace(link, notes={**link.notes, "content": done.state.content})


def agreed_on(link: Link, draft: Mapping[str, Any], *, known_before: bool) -> Link:
    """The link with the content that both sides agree on now, one revision further where it was another before."""
    revision = int(link.notes.get("revision", 0))
    if known_before and link.fingerprint not in ("", draft["fingerprint"]):
        revision += 1
    return replace(
        link,
        fingerprint=draft["fingerprint"],
        agreed=draft["agreed"],
        notes={**link.notes, "revision": revision},
    )


def as_answered(agreed: Mapping[str, Any], effect: ItemEffect, done: EffectResult) -> dict[str, Any]:
    """What was written to an item, as the ledger shows it: it may round or tidy in its own way.

    An item that was to be new but says something else may be somebody else's: of that nothing is agreed.
    """
    answered = {}
    for name, one in agreed.items():
        shown = done.data.get(name) if name in effect.written else None
        if shown is None or shown == effect.written[name]:
            answered[name] = one
        elif not effect.is_new:
            answered[name] = {**one, "ledger": shown}
    return answered


def observed(link: Link, state: DocumentState) -> Link:
    """The link with what the ledger says now."""
    seen = {
        "number": state.number,
        "url": state.url,
        "standing": state.standing.value,
        "total": plain(state.total),
        "received": plain(state.received),
        "remaining": plain(state.remaining),
        "credited": plain(state.credited),
        "shared": "yes" if state.shared else "no",
    }
    kept = {name: link.state[name] for name in ("paid_date", "currency") if name in link.state}
    # No news for the shop, so these are notes: what a list of invoices shows besides.
    shown = {"day": state.day, "due_date": state.due_date, "contact_id": state.contact_id}
    return replace(
        link,
        number=state.number,
        url=state.url,
        state={**kept, **seen},
        notes={**link.notes, **{name: value for name, value in shown.items() if value}},
        is_open=state.standing not in FINAL,
    )


def gone(link: Link) -> Link:
    """The link of a document that the ledger no longer has."""
    return replace(link, state={**link.state, "standing": DocumentStatus.DELETED.value}, is_open=False)
