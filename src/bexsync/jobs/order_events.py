"""What the shop is told of its orders: the news of their invoices, and the status that [orders.status] names."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import cast

from bexsync.engine.answers import observed
from bexsync.jobs.order_notes import handled_status, note_written, order_links, shop_notes, written_status
from bexsync.jobs.order_versions import moment_in
from bexsync.jobs.run import Run
from bexsync.jobs.settlement import settle_before_telling
from bexsync.planning.order_link import INVOICE_KIND, KIND, reference
from bexsync.planning.order_status import LedgerSide, NoChange, ShopSide, StatusChange, status_for_shop
from bexsync.planning.plan import Plan
from bexsync.ports.document_effects import CancelDocument
from bexsync.ports.documents import DocumentStatus, OrderState, OrderStatus
from bexsync.ports.order_effects import DeleteOrder
from bexsync.ports.shop import WriteBack
from bexsync.ports.shop_effects import DeliverEvent
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link
from bexsync.records import Order
from bexsync.store.values import moment, stored

STATUS_EVENT = "status"
_LOOKED_AT = "orders:looked_at"
_DAILY = timedelta(hours=20)
_AT_ONCE = 500


def look_at_orders(run: Run) -> None:
    """Once a day: every order of ours that changed in the ledger since the last look is seen as it stands now."""
    store, now = run.store, run.workspace.clock.now()
    known = store.cursors.get(_LOOKED_AT)
    since = moment(known) if known else None
    if since is not None and since <= now <= since + _DAILY:
        return
    if store.links.has_any(KIND):
        changed = run.ledger.orders_changed_since(since if since is not None and since <= now else None)
        while orders := list(islice(changed, _AT_ONCE)):
            links = store.links.of_documents(KIND, KIND, [state.ledger_id for state in orders])
            for state in orders:
                if state.ledger_id in links:
                    _keep(run, links[state.ledger_id], state, now)
    store.cursors.move(_LOOKED_AT, stored(now))


def _keep(run: Run, link: Link, state: OrderState, now: datetime) -> None:
    with run.store.transaction():
        fresh = run.store.links.get(KIND, link.shop_id)
        if fresh is not None and fresh.ledger_id == link.ledger_id and (seen := observed(fresh, state)) != fresh:
            run.store.links.save(seen, now)


def tell_of_orders(run: Run, *, orders_as_well: bool, without: Collection[str] = ()) -> None:
    """Give orders in the shop the status that follows from the ledger, then tell it the news of their invoices.

    `orders_as_well` also looks at what became of the orders themselves. The status comes first: a link of which
    all was told is not looked at again. Of the orders `without` nothing is told.
    """
    if WriteBack.EVENTS not in run.workspace.shop.capabilities.write_backs:
        return
    links, now = run.store.links, run.workspace.clock.now()
    settle_before_telling(run, INVOICE_KIND, without)
    kinds = (INVOICE_KIND, KIND) if orders_as_well else (INVOICE_KIND,)
    waiting = {link.shop_id for kind in kinds for link in links.unreported(kind)}.difference(without)
    changes = {shop_id: change for shop_id in sorted(waiting) if (change := _change(run, shop_id)) is not None}
    left = {*without, *(changes.keys() - _tell(run, changes, now))}
    if orders_as_well:
        for link in links.unreported(KIND):
            if link.shop_id not in left:
                links.report(link, now)
    run.deliver_reports(INVOICE_KIND, without=left)


def _tell(run: Run, changes: Mapping[str, StatusChange], now: datetime) -> set[str]:
    """The orders whose status was told; what the shop could not be told is told by a later run."""
    steps = [_step(run.store.site, shop_id, change, now) for shop_id, change in changes.items()]
    told = set()
    for applied in run.applier.tell(Plan(tuple(steps))):
        shop_id = applied.subject.shop_id
        if applied.trouble is not None:
            run.result.later = run.result.later or f"The shop could not be told: {applied.trouble.said}"
            continue
        note_written(run.store, shop_id, changes[shop_id].as_written(), now)
        told.add(shop_id)
    return told


def _step(site: str, shop_id: str, change: StatusChange, now: datetime) -> Step:
    key = f"{site}:{KIND}:{shop_id}:{STATUS_EVENT}:{change.event.value}"
    digest = hashlib.sha256(change.status.encode()).hexdigest()[:8]
    data = {"status": change.status, "expected": change.expected, "message": change.event.value}
    event = DeliverEvent(
        event_id=f"{key}-{digest}", at=stored(now), name=STATUS_EVENT, kind=KIND, shop_id=shop_id, data=data
    )
    return Step(event, f"{key}-{digest}", Subject(KIND, shop_id), scope=site, title=change.status)


def _change(run: Run, shop_id: str) -> StatusChange | None:
    """The status that an order is to get, None where the shop is told none."""
    row = run.store.records.get(KIND, shop_id)
    if row is None:
        return None
    links = list(order_links(run.store, shop_id))
    notes = shop_notes(links)
    shop = ShopSide(not any(link.adopted for link in links), handled_status(notes), written_status(notes))
    found = status_for_shop(
        run.workspace.profile.orders, cast(Order, row.record()), _ledger_side(run, shop_id, links), shop
    )  # fmt: skip
    return None if isinstance(found, NoChange) else found


def _ledger_side(run: Run, shop_id: str, links: list[Link]) -> LedgerSide:
    order = next((link for link in links if link.kind == KIND), None)
    invoice = next((link for link in links if link.kind == INVOICE_KIND), None)
    return LedgerSide(
        order=OrderStatus(order.state.get("standing", "pending")) if order is not None else None,
        invoice=DocumentStatus(invoice.state.get("standing", "draft")) if invoice is not None else None,
        is_own_end=order is not None
        and (invoice is not None or any(one.role == "delivery" for one in order.documents)),
        is_own_cancellation=any(_was_taken_back(run, shop_id, link) for link in links),
        order_changed_at=_changed_at(order),
        invoice_changed_at=_changed_at(invoice),
    )


def _changed_at(link: Link | None) -> datetime | None:
    """When the ledger last changed the document of a link, as far as it was seen."""
    return moment_in(str(link.notes.get("changed_at", ""))) if link is not None else None


def _was_taken_back(run: Run, shop_id: str, link: Link) -> bool:
    """Whether bexsync itself cancelled or deleted the document for the shop."""
    key = f"{reference(run.store.site, shop_id)}@{link.ledger_id}"
    return any(run.was_done(effect.step_kind, key) for effect in (CancelDocument, DeleteOrder))
