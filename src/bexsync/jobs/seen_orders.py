"""Which statuses and payment methods orders have had, and which the shop lists, for the table of what could happen."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from bexsync.store import Store

if TYPE_CHECKING:
    from bexsync.records import Order

_CURSOR = "orders:seen"


class SeenOrders:
    """Statuses and payment methods that orders have had, whatever became of them; `listed` are the shop's statuses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        known = json.loads(store.cursors.get(_CURSOR) or "{}")
        self.statuses: set[str] = set(known.get("statuses", ()))
        self.methods: set[str] = set(known.get("methods", ()))
        self.listed: set[str] = set(known.get("listed", ()))

    def note_listed(self, statuses: Collection[str]) -> None:
        """Remember the statuses that the shop says an order may have."""
        if self.listed != set(statuses):
            self.listed = set(statuses)
            self._save()

    def note(self, order: Order) -> None:
        """Remember the status of an order, and how it is paid."""
        from bexsync.planning.order_actions import payment_method  # takes long, and most runs take in no order

        method = payment_method(order)
        if order.status in self.statuses and (not method or method in self.methods):
            return
        self.statuses.add(order.status)
        self.methods |= {method} - {""}
        self._save()

    def _save(self) -> None:
        seen = {"statuses": self.statuses, "methods": self.methods, "listed": self.listed}
        text = json.dumps({name: sorted(found) for name, found in seen.items()}, ensure_ascii=False)
        self._store.cursors.move(_CURSOR, text)
