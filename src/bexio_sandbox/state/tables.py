"""The rows of the company and their transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bexio_sandbox.behaviours import Behaviours
from bexio_sandbox.moments import local_date, local_stamp
from bexio_sandbox.state.storage import Storage

Row = dict[str, Any]
Table = dict[int, Row]

POSITION_TABLES = {
    "KbPositionCustom": "kb_position_custom",
    "KbPositionArticle": "kb_position_article",
    "KbPositionText": "kb_position_text",
    "KbPositionSubtotal": "kb_position_subtotal",
    "KbPositionPagebreak": "kb_position_pagebreak",
    "KbPositionDiscount": "kb_position_discount",
    "KbPositionSubposition": "kb_position_subposition",
}

TABLES = (
    "company_profiles",
    "users",
    "tokens",
    "apps",
    "identity_keys",
    "browser_sessions",
    "codes",
    "logins",
    "refresh_tokens",
    "rights",
    "modules_not_booked",
    "contacts",
    "contact_groups",
    "contact_branches",
    "contact_relations",
    "additional_addresses",
    "articles",
    "stocks",
    "stock_places",
    "orders",
    "deliveries",
    "invoices",
    *POSITION_TABLES.values(),
    "payments",
    "reminders",
    "mails",
    "taxes",
    "accounts",
    "currencies",
    "exchange_rates",
    "languages",
    "countries",
    "units",
    "salutations",
    "titles",
    "payment_types",
    "bank_accounts",
    "document_settings",
    "document_templates",
    "calendar_years",
    "business_years",
)


class State:
    """All rows of one company; a row is never changed in place but replaced, so that a transaction can be undone."""

    def __init__(self, clock: Callable[[], datetime], behaviours: Behaviours, data: Path | None) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.behaviours = behaviours
        self.tables: dict[str, Table] = {name: {} for name in TABLES}
        self.counters: dict[str, int] = {}
        self._undo: list[Callable[[], None]] = []
        self._dirty: dict[tuple[str, int], Row | None] = {}
        self._dirty_counters: set[str] = set()
        self._storage = Storage(data) if data else None
        if self._storage:
            try:
                self._storage.load(self.tables, self.counters)
            except BaseException:
                self._storage.close()
                raise

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever written into these books."""
        return not self.counters

    @property
    def contacts(self) -> Table:
        """Contacts, the archived ones included."""
        return self.tables["contacts"]

    @property
    def invoices(self) -> Table:
        """Invoices in every status."""
        return self.tables["invoices"]

    @property
    def orders(self) -> Table:
        """Orders in every status."""
        return self.tables["orders"]

    @property
    def deliveries(self) -> Table:
        """Deliveries in every status."""
        return self.tables["deliveries"]

    @property
    def payments(self) -> Table:
        """Payments of all invoices."""
        return self.tables["payments"]

    @property
    def reminders(self) -> Table:
        """Reminders of all invoices."""
        return self.tables["reminders"]

    @property
    def mails(self) -> Table:
        """Mails that were sent to customers."""
        return self.tables["mails"]

    @property
    def taxes(self) -> Table:
        """VAT rates, the inactive ones included."""
        return self.tables["taxes"]

    def now(self) -> str:
        """Return the local time that a change of this moment leaves in updated_at."""
        return local_stamp(self.clock())

    def today(self) -> date:
        """Return the calendar day in Switzerland."""
        return local_date(self.clock())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keeps all changes of the block, or none of them."""
        with self.lock:
            try:
                yield
                self._store()
            except BaseException:
                for step in reversed(self._undo):
                    step()
                raise
            finally:
                self._undo.clear()
                self._dirty.clear()
                self._dirty_counters.clear()

    def put(self, table: str, row: Row) -> Row:
        """Adds a row, or replaces the one of the same id."""
        rows, number = self.tables[table], row["id"]
        old = rows.get(number)
        if old is None:
            self._undo.append(lambda: _forget(rows, number))
        else:
            self._undo.append(lambda: rows.update({number: old}))
        rows[number] = row
        self._dirty[table, number] = row
        return row

    def remove(self, table: str, number: int) -> None:
        """Deletes a row for good; its id is not given again."""
        rows = self.tables[table]
        row = rows.pop(number)
        self._undo.append(lambda: rows.update({number: row}))
        self._dirty[table, number] = None

    def add(self, table: str, row: Row) -> Row:
        """Adds a row under the next free id."""
        return self.put(table, {"id": self.count(table), **row})

    def count(self, counter: str) -> int:
        """Moves a counter on and returns its new value."""
        value = self.counters.get(counter, 0) + 1
        self.set_counter(counter, value)
        return value

    def set_counter(self, counter: str, value: int) -> None:
        """Sets a counter."""
        old = self.counters.get(counter)
        if old is None:
            self._undo.append(lambda: _forget(self.counters, counter))
        else:
            self._undo.append(lambda: self.counters.update({counter: old}))
        self.counters[counter] = value
        self._dirty_counters.add(counter)

    def close(self) -> None:
        """Closes the file of the books, if there is one."""
        if self._storage:
            self._storage.close()

    def _store(self) -> None:
        if self._storage and (self._dirty or self._dirty_counters):
            self._storage.save(self._dirty, {name: self.counters[name] for name in self._dirty_counters})


def _forget(entries: dict[Any, Any], key: Any) -> None:
    entries.pop(key, None)
