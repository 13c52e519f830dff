"""Keeps the contact index of the state in step with bexio: everything once, later only what changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from bexsync.ledgers.bexio.api import PAGE, Api, criterion, watermark
from bexsync.ledgers.bexio.records import contact_from
from bexsync.ports.store import ContactRow
from bexsync.store import Store

CONTACTS = "/2.0/contact"
_SEEN = "contacts:seen_until"
_FULL_AGAIN = timedelta(days=7)
_FULL = "contacts:full_at"


class ContactBook:
    """Reads contacts into the index; the archived ones as a whole, since archiving may not move `updated_at`."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store

    def refresh(self, now: datetime) -> None:
        """Brings the index up to date: two requests when little has changed.

        What fits one answer is read as a whole, for as many requests: only so is a merged contact missed at once.
        """
        seen = self._store.facts.get(_SEEN, now=now, max_age=_FULL_AGAIN)
        known = self._store.facts.get(_FULL, now=now, max_age=_FULL_AGAIN)
        if seen is None or not isinstance(known, int) or known < PAGE:
            self._read_all(now)
        else:
            self._read_changed(str(seen), now)

    def forget(self) -> None:
        """Reads all contacts again next time, because the ledger did not know one of them."""
        self._store.facts.forget(_FULL)

    def _read_all(self, now: datetime) -> None:
        active, archived = self._api.each((self._active, self._archived))
        with self._store.transaction():
            self._store.contacts.keep(archived)
            self._store.contacts.keep(active)
            self._store.contacts.drop_others([c.ledger_id for c in (*active, *archived)])
            self._store.facts.learn(_SEEN, watermark(now), now)
            self._store.facts.learn(_FULL, len(active), now)

    def _read_changed(self, seen: str, now: datetime) -> None:
        changed, archived = self._api.each((partial(self._changed, seen), self._archived))
        with self._store.transaction():
            self._store.contacts.keep(changed)
            self._store.contacts.keep(archived)
            self._store.contacts.restore_others([c.ledger_id for c in archived])
            self._store.facts.learn(_SEEN, watermark(now), now)

    def _active(self) -> list[ContactRow]:
        return [contact_from(row, archived=False) for row in self._api.list(CONTACTS, order_by="id")]

    def _archived(self) -> list[ContactRow]:
        rows = self._api.list(CONTACTS, order_by="id", show_archived="true")
        return [contact_from(row, archived=True) for row in rows]

    def _changed(self, seen: str) -> list[ContactRow]:
        rows = self._api.search(CONTACTS, [criterion("updated_at", ">=", seen)], order_by="updated_at")
        return [contact_from(row, archived=False) for row in rows]
