"""When documents came into the books, for searches that lag behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bexio_sandbox.state.tables import State

TABLES = ("contacts", "orders", "deliveries", "invoices", "articles")


@dataclass(frozen=True)
class Creation:
    """The moment and the request in which a document came about."""

    moment: datetime
    request: int


class CreationLog:
    """Watches for new documents; those from before it began to watch are of any age."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._creations: dict[str, dict[int, Creation]] = {}
        self._known: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Takes everything that is there now for old."""
        self._creations = {table: {} for table in TABLES}
        self._known = {table: self._state.counters.get(table, 0) for table in TABLES}

    def note(self, request: int) -> None:
        """Dates whatever is new since the last look."""
        with self._state.lock:
            creation = Creation(self._state.clock(), request)
            for table in TABLES:
                newest = self._state.counters.get(table, 0)
                fresh = range(self._known[table] + 1, newest + 1)
                self._creations[table].update(dict.fromkeys(fresh, creation))
                self._known[table] = newest

    @contextmanager
    def hidden(self, table: str, is_too_young: Callable[[Creation], bool]) -> Iterator[None]:
        """Keeps the young rows of a table out of sight for as long as the block lasts."""
        with self._state.lock:
            rows = self._state.tables[table]
            young = [number for number, creation in self._creations[table].items() if is_too_young(creation)]
            taken = {number: rows.pop(number) for number in young if number in rows}
            try:
                yield
            finally:
                rows.update(taken)
