"""When documents came into the books, for searches that lag behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bexio_sandbox.books.state import Books

TABLES = ("contacts", "invoices", "articles")


@dataclass(frozen=True)
class Birth:
    """The moment and the request in which a document came about."""

    moment: datetime
    request: int


class Births:
    """Watches for new documents; those from before it began to watch are of any age."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._births: dict[str, dict[int, Birth]] = {}
        self._known: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Takes everything that is there now for old."""
        self._births = {table: {} for table in TABLES}
        self._known = {table: self._books.counters.get(table, 0) for table in TABLES}

    def note(self, request: int) -> None:
        """Dates whatever is new since the last look."""
        with self._books.lock:
            birth = Birth(self._books.clock(), request)
            for table in TABLES:
                newest = self._books.counters.get(table, 0)
                fresh = range(self._known[table] + 1, newest + 1)
                self._births[table].update(dict.fromkeys(fresh, birth))
                self._known[table] = newest

    @contextmanager
    def hidden(self, table: str, is_too_young: Callable[[Birth], bool]) -> Iterator[None]:
        """Keeps the young rows of a table out of sight for as long as the block lasts."""
        with self._books.lock:
            rows = self._books.tables[table]
            young = [number for number, birth in self._births[table].items() if is_too_young(birth)]
            taken = {number: rows.pop(number) for number in young if number in rows}
            try:
                yield
            finally:
                rows.update(taken)
