"""Which statuses and payment methods the shop's orders have had, for the table of all that could happen."""

from __future__ import annotations

import json

from bexsync.planning.order_actions import payment_method
from bexsync.records import Order
from bexsync.store import Store

_CURSOR = "orders:seen"


class SeenOrders:
    """Statuses and payment methods that orders have had, whatever became of these orders since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        known = json.loads(store.cursors.get(_CURSOR) or "{}")
        self.statuses: set[str] = set(known.get("statuses", ()))
        self.methods: set[str] = set(known.get("methods", ()))

    def note(self, order: Order) -> None:
        """Remember the status of an order, and how it is paid."""
        method = payment_method(order)
        if order.status in self.statuses and (not method or method in self.methods):
            return
        self.statuses.add(order.status)
        self.methods |= {method} - {""}
        seen = {"statuses": sorted(self.statuses), "methods": sorted(self.methods)}
        self._store.cursors.move(_CURSOR, json.dumps(seen, ensure_ascii=False))
