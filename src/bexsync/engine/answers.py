"""What an answer must say, and what a link says after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bexsync.money import decimal_text, format_amount
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult, OrderState, OrderStatus
from bexsync.ports.steps import ContentChange, Effect
from bexsync.ports.store import Link, LinkedDocument

if TYPE_CHECKING:
    from bexsync.ports.item_effects import ItemEffect

FINAL: frozenset[str] = frozenset(
    {DocumentStatus.PAID, DocumentStatus.CANCELLED, DocumentStatus.DELETED, OrderStatus.DONE}
)

# In the notes of a link: what remained of its document when that counted as paid.
_SETTLED = "settled"
_LONGEST_ADDRESS = 300  # in a sentence


def is_incomplete(expect: Mapping[str, str], done: EffectResult) -> bool:
    """Whether positions are missing, as after a server error on a large create."""
    shown = done.state.position_count if done.state else None
    return shown is not None and "positions" in expect and shown < int(expect["positions"])


def unexpected(expect: Mapping[str, str], done: EffectResult, ledger: str) -> str:
    """Why the answer is not what the step expected, "" when it is."""
    state = done.state
    if not expect:
        return ""
    from bexsync.planning.addresses import names  # loads much, and most runs expect nothing

    if state is None:
        return f"{ledger}'s answer did not show the document."
    where = f"{'It stays a draft' if state.standing is DocumentStatus.DRAFT else 'Look at it'}: {state.url}"
    if state.currency_id is not None and str(state.currency_id) != expect.get("currency_id", str(state.currency_id)):
        return f"{ledger} has {state.number} in another currency. {where}"
    if state.names_the_addressee and not names(state.address, expect.get("addressee", "")):
        shown = ", ".join(state.address.splitlines())
        shown = shown if len(shown) <= _LONGEST_ADDRESS else f"{shown[:_LONGEST_ADDRESS]}..."
        return f"{ledger} addresses {state.number} to {shown}, the shop to {expect['addressee']}. {where}"
    wanted = int(expect["positions"]) if "positions" in expect else None
    count = state.position_count
    if wanted is not None and count is not None and count != wanted:
        return f"{ledger} shows {count} positions, {wanted} were sent. {where}"
    if "total" in expect:
        total = Decimal(expect["total"])
        gap = state.total - total
        if abs(gap) > Decimal(expect["within"]):
            return (
                f"{ledger} comes to {format_amount(state.total)}, the lines to {format_amount(total.normalize())} "
                f"({format_amount(gap)} apart, more than rounding explains). {where}"
            )
    if "shop_total" in expect:
        stated = Decimal(expect["shop_total"])
        gap = state.total - stated
        if abs(gap) > Decimal(expect["apart"]):
            return (
                f"{ledger} comes to {format_amount(state.total)}, the shop's total is {format_amount(stated)} "
                f"({format_amount(gap)} apart by the shop's way of rounding). "
                f"With [invoices] rounding_account in the profile it gets a line for that. {where}"
            )
    return ""


def with_content(link: Link, effect: Effect, done: EffectResult, *, agrees: bool) -> Link:
    """The link with what its document holds after our own last write; nothing while it is being rewritten."""
    from bexsync.ports.document_effects import DocumentEffect  # loads much, and most runs do nothing

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


def observed(link: Link, state: DocumentState | OrderState, *, is_settled: bool = False) -> Link:
    """The link with what the ledger says now.

    A document that `is_settled`, since no more remains of it than the ledger's own rounding, counts as paid until
    something else remains.
    """
    if isinstance(state, OrderState):
        return _observed_order(link, state)
    remaining = decimal_text(state.remaining)
    seen = _observed_document(link, state)
    if state.standing is DocumentStatus.PARTLY_PAID and (is_settled or link.notes.get(_SETTLED) == remaining):
        return counted_as_paid(seen)
    return seen


def counted_as_paid(link: Link) -> Link:
    """The link of a document that counts as paid as long as no more remains of it than now."""
    notes = {**link.notes, _SETTLED: link.state["remaining"]}
    return replace(link, state={**link.state, "standing": DocumentStatus.PAID.value}, notes=notes, is_open=False)


def _observed_order(link: Link, state: OrderState) -> Link:
    kept = {name: link.state[name] for name in ("currency",) if name in link.state}
    seen = {
        "number": state.number,
        "url": state.url,
        "standing": state.standing.value,
        "total": decimal_text(state.total),
    }
    shown = {"day": state.day, "contact_id": state.contact_id, "changed_at": state.updated_at}
    return replace(
        link,
        number=state.number,
        url=state.url,
        state={**kept, **seen},
        notes={**link.notes, **{name: value for name, value in shown.items() if value}},
        is_open=state.standing not in FINAL,
    )


def _observed_document(link: Link, state: DocumentState) -> Link:
    seen = {
        "number": state.number,
        "url": state.url,
        "standing": state.standing.value,
        "total": decimal_text(state.total),
        "received": decimal_text(state.received),
        "remaining": decimal_text(state.remaining),
        "credited": decimal_text(state.credited),
        "shared": "yes" if state.shared else "no",
    }
    kept = {name: link.state[name] for name in ("paid_date", "currency") if name in link.state}
    # No news for the shop, so these are notes: what a list of invoices shows besides.
    shown = {
        "day": state.day,
        "due_date": state.due_date,
        "contact_id": state.contact_id,
        "changed_at": state.updated_at,
    }
    return replace(
        link,
        number=state.number,
        url=state.url,
        state={**kept, **seen},
        notes={**link.notes, **{name: value for name, value in shown.items() if value}},
        is_open=state.standing not in FINAL,
    )


def with_part(link: Link, role: str, ledger_kind: str, source: str, done: EffectResult) -> Link:
    """The link with one more document in this part of it, or the same one as it is called now.

    Its notes say by the part's name which record of the shop each of these documents was made from.
    """
    if done.ledger_id is None:
        return link
    same = [one for one in link.documents if (one.ledger_kind, one.ledger_id) == (ledger_kind, done.ledger_id)]
    number, url = (done.number, done.url) if done.number or not same else (same[0].number, same[0].url)
    others = tuple(one for one in link.documents if one not in same)
    made_from = {**link.notes.get(role, {}), **({str(done.ledger_id): source} if source else {})}
    return replace(
        link,
        documents=(*others, LinkedDocument(role, ledger_kind, done.ledger_id, number, url)),
        notes={**link.notes, role: made_from},
    )


def made_anew(link: Link, ledger_kind: str, done: EffectResult) -> Link:
    """The link with another document in the place of one that is gone, of which nothing is agreed yet."""
    if done.ledger_id is None or done.ledger_id == link.ledger_id:
        return link
    return replace(
        link,
        ledger_kind=ledger_kind,
        ledger_id=done.ledger_id,
        number=done.number,
        url=done.url,
        fingerprint="",
        notes={"revision": int(link.notes.get("revision", 0)) + 1},
        documents=(),
        is_open=True,
    )


def gone(link: Link) -> Link:
    """The link of a document that the ledger no longer has."""
    return replace(link, state={**link.state, "standing": DocumentStatus.DELETED.value}, is_open=False)
