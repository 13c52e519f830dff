"""Finds orders and deliveries: by id, by change, and those that are newer than a watermark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bexsync.errors import Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api, Row, criterion, watermark
from bexsync.ledgers.bexio.finders import IDS_AT_ONCE, IN_ON_ID
from bexsync.ledgers.bexio.order_records import delivery_from, order_from, order_of
from bexsync.ledgers.bexio.reading import row_of, understood
from bexsync.ports.documents import DeliveryState, OrderState
from bexsync.store import Store

ORDERS = "/2.0/kb_order"
DELIVERIES = "/2.0/kb_delivery"
_PROBES = 3


class OrderFinder:
    """Every answer is compared here exactly, as with invoices."""

    def __init__(self, api: Api, store: Store, web_url: str) -> None:
        self._api = api
        self._store = store
        self._web_url = web_url

    def by_ids(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, OrderState]:
        """The orders with these ids, 500 a request; those that no longer exist are missing."""
        found: dict[LedgerId, OrderState] = {}
        for start in range(0, len(ledger_ids), IDS_AT_ONCE):
            found |= self._some_by_id(ledger_ids[start : start + IDS_AT_ONCE])
        return found

    def above(self, ledger_id: LedgerId) -> Iterator[OrderState]:
        """The orders that are newer than the one with this id, the oldest first."""
        rows = self._api.search(ORDERS, [criterion("id", ">", ledger_id.wire)], order_by="id")
        states = (order_from(row, self._web_url) for row in rows)
        return (state for state in states if state.ledger_id.age > ledger_id.age)

    def changed_since(self, moment: datetime | None) -> Iterator[OrderState]:
        """The orders that changed at or after a moment, the oldest change first; all of them for None."""
        if moment is None:
            rows = self._api.list(ORDERS, order_by="id")
        else:
            since = criterion("updated_at", ">=", watermark(moment))
            rows = self._api.search(ORDERS, [since], order_by="updated_at")
        for row in rows:
            yield order_from(row, self._web_url)

    def whole(self, ledger_id: LedgerId) -> OrderState:
        """One order with its positions; raises Refused where it no longer exists."""
        return order_of(ledger_id, self.row(ledger_id), self._web_url)

    def row(self, ledger_id: LedgerId) -> Row:
        """One order as bexio shows it, with its positions; raises Refused where it no longer exists."""
        body = self._api.show(f"{ORDERS}/{ledger_id}")
        with understood(f"the order {ledger_id}"):
            return row_of(body)

    def present(self, ledger_id: LedgerId) -> OrderState | None:
        """One order with its positions, None when it no longer exists."""
        row = self.present_row(ledger_id)
        return None if row is None else order_of(ledger_id, row, self._web_url)

    def present_row(self, ledger_id: LedgerId) -> Row | None:
        """One order as bexio shows it, None when it no longer exists."""
        return self._shown(f"{ORDERS}/{ledger_id}", f"the order {ledger_id}")

    def deliveries(self) -> Iterator[DeliveryState]:
        """Every delivery; bexio has no search for them."""
        for row in self._api.list(DELIVERIES, order_by="id_desc"):
            yield delivery_from(row, self._web_url)

    def delivery(self, ledger_id: LedgerId) -> DeliveryState | None:
        """One delivery, None when it no longer exists."""
        row = self.delivery_row(ledger_id)
        return None if row is None else delivery_from(row, self._web_url)

    def delivery_row(self, ledger_id: LedgerId) -> Row | None:
        """One delivery as bexio shows it, with its positions, None when it no longer exists."""
        return self._shown(f"{DELIVERIES}/{ledger_id}", f"the delivery {ledger_id}")

    def _shown(self, path: str, what: str) -> Row | None:
        try:
            body = self._api.show(path)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise
        with understood(what):
            return row_of(body)

    def _some_by_id(self, ids: Sequence[LedgerId]) -> dict[LedgerId, OrderState]:
        found = self._by_id_in(ids) if self._store.facts.get(IN_ON_ID) is not False else None
        if found:
            return found
        # Nothing at all: either every one was deleted, or the criterion does not work as hoped.
        if found is not None and all(self.present_row(one) is None for one in ids[:_PROBES]):
            return {}
        wanted = set(ids)
        states = (order_from(row, self._web_url) for row in self._api.list(ORDERS, order_by="id"))
        return {state.ledger_id: state for state in states if state.ledger_id in wanted}

    def _by_id_in(self, ids: Sequence[LedgerId]) -> dict[LedgerId, OrderState] | None:
        try:
            rows = list(self._api.search(ORDERS, [criterion("id", "in", [one.wire for one in ids])]))
        except Refused:
            return None
        wanted = set(ids)
        states = [order_from(row, self._web_url) for row in rows]
        return {state.ledger_id: state for state in states if state.ledger_id in wanted}
