"""What is remembered of the shop's orders in the notes of their links: what was carried out, and what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bexsync.planning.order_link import INVOICE_KIND, KIND, WrittenStatus
from bexsync.ports.store import Link
from bexsync.store import Store

_SHOP = "shop"


def order_links(store: Store, shop_id: str) -> Iterator[Link]:
    """The links of one order: that of its invoice, and that of the order itself."""
    for kind in (INVOICE_KIND, KIND):
        link = store.links.get(kind, shop_id)
        if link is not None:
            yield link


def shop_notes(links: Iterable[Link]) -> Mapping[str, Any]:
    """What is remembered of the shop's order; a document that was made anew has forgotten it, the other has not."""
    found: dict[str, Any] = {}
    for link in links:
        found = {**link.notes.get(_SHOP, {}), **found}
    return found


def handled_status(notes: Mapping[str, Any]) -> str:
    """The status whose actions were last carried out, "" where none were."""
    return str(notes.get("handled", ""))


def written_status(notes: Mapping[str, Any]) -> WrittenStatus | None:
    """The status that was last written to the shop."""
    known = notes.get("written")
    return WrittenStatus(known["status"], known["digest"], known["event"]) if known else None


def note_handled(store: Store, shop_id: str, status: str, now: datetime) -> None:
    """Remember that the actions of a status were carried out."""
    _save(store, shop_id, {"handled": status}, now)


def note_written(store: Store, shop_id: str, written: WrittenStatus, now: datetime) -> None:
    """Remember which status the shop was given."""
    said = {"status": written.status, "digest": written.digest, "event": written.event}
    _save(store, shop_id, {"written": said}, now)


def _save(store: Store, shop_id: str, said: Mapping[str, Any], now: datetime) -> None:
    with store.transaction():
        for link in list(order_links(store, shop_id)):
            notes = {**link.notes, _SHOP: {**link.notes.get(_SHOP, {}), **said}}
            if notes != link.notes:
                store.links.save(replace(link, notes=notes), now)
