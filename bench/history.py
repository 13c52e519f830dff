"""Makes years of history: a state and the sandbox's books that agree, with as many booked invoices as wanted.

The program itself books two invoices, one that is paid and one that is open. Their rows in state and books are then
copied under other ids, numbers, customers and days. So the history is what the program writes, whatever the schema is,
and it takes seconds. What has to change in a copy is told by digits that occur nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.stage import Profile, Stage, measured

_NOW = datetime.now(UTC)
TODAY = _NOW.date()
FIRST_DAY = date(TODAY.year - 2, 1, 9)
PROFILE: Profile = {
    "invoices": {"start_date": f"{FIRST_DAY}"},
    "limits": {"documents": 20_000, "mails": 20_000},
}
_PAID, _OPEN = 1, 2
_DUE = timedelta(days=14)
_PAID_AFTER = timedelta(days=20)
_TEMPLATE_DAY, _PAID_DAY = FIRST_DAY + timedelta(days=50), FIRST_DAY + timedelta(days=113)
# Set before the two invoices are booked, so that every id of theirs stands out in any text.
_COUNTERS = {
    "invoices": 771_000_000,
    "contacts": 662_000_000,
    "contact_nr": 553_000_000,
    "KbInvoice number": 444_000_000,
    "payments": 335_000_000,
    "mails": 226_000_000,
    "kb_position_custom": 818_000_000,
}
_LINKS, _SHOP_ID, _CUSTOMER = 887_000_000, 998_000_000, 119_000_000
_SEEDED_CONTACTS = 2
LINES = 5  # of each invoice
# Links come before records, whose deletion would otherwise write into links.
_TABLES = ("link_documents", "links", "records", "contacts", "intents", "attempts")


@dataclass(frozen=True)
class History:
    """How much has happened: booked invoices, how many of them are open, and of how many customers."""

    invoices: int
    open: int = 0
    customers: int = 200

    def template(self, number: int) -> int:
        """Which of the two invoices this one is a copy of; the latest are open."""
        return _OPEN if number > self.invoices - self.open else _PAID

    def day(self, number: int) -> date:
        """When an invoice was written: they spread evenly over the time until yesterday."""
        return FIRST_DAY + timedelta(days=((TODAY - FIRST_DAY).days - 1) * number // self.invoices)


def shop_id(number: int) -> str:
    """The shop's id of an invoice of the history."""
    return str(10_000_000 + number)


def invoice(number: int | str, customer: int, day: date = TODAY) -> dict[str, Any]:
    """An invoice as the shop hands it over."""
    return {
        "schema": "bexsync/1",
        "kind": "invoice",
        "shop_id": str(number),
        "invoice_date": f"{day}",
        "currency": "CHF",
        "customer": {
            "kind": "person",
            "first_name": "Eva",
            "last_name": f"Muster {customer}",
            "email": f"eva.{customer}@example.ch",
        },
        "lines": [
            {"line_id": str(n), "name": "Beratung", "quantity": "2", "unit_price": "50", "tax_rate": "8.1"}
            for n in range(LINES)
        ],
        "total": "540.50",
    }


def make(place: Stage, history: History, *, all_paid: bool = False) -> None:
    """Fills state and books; the sandbox is not served afterwards.

    With `all_paid` every invoice is paid in the books, while the state has not heard of it.
    """
    _book_templates(place)
    copier = _Copier(history)
    _copy_state(place, copier)
    _copy_books(place, _Copier(replace(history, open=0)) if all_paid else copier)
    for kept in place.folder.glob("state-kept/*.ndjson"):
        kept.write_text("".join(copier.texts(kept.read_text().splitlines(keepends=True), lambda _: False)))


def disagreement(place: Stage) -> str:
    """What the program finds to do on a history, "" where state and books agree as they should."""
    found = []
    for command, requests in (("invoices push", 0), ("payments poll", 1), ("payments poll --full", None)):
        said = place.result(*command.split())
        data = said["data"]
        if said["exit_code"] or data["outcomes"] or (requests is not None and data["requests"] != requests):
            found.append(f"{command}: {said['exit_code']}, {data['requests']} requests, {data['outcomes'][:2]}")
    return "; ".join(found)


def _book_templates(place: Stage) -> None:
    place.serve()
    place.stop()
    with closing(sqlite3.connect(place.books)) as books, books:
        books.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", _COUNTERS.items())
    place.serve(speed=60)
    place.drop("templates", (invoice(_SHOP_ID + n, _CUSTOMER + n, _TEMPLATE_DAY) for n in (_PAID, _OPEN)))
    one_by_one = {**place.environment, "BEXSYNC_ENGINE__IN_FLIGHT": "1"}  # the first is the one that is paid
    measured(place.arguments("invoices", "push"), one_by_one)
    place.act("pay", {"invoice_id": _COUNTERS["invoices"] + _PAID, "date": f"{_PAID_DAY}"})
    place.run("payments", "poll")
    place.stop()


class _Copier:
    """Writes the texts of the two templates once for every invoice, or for every customer."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._fingerprints: dict[int, Callable[[Mapping[str, str]], str]] = {}
        self._old: dict[str, int] = {}
        starts = (*_COUNTERS.values(), _LINKS, _SHOP_ID, _CUSTOMER)
        self._ids = {one: [str(start + one) for start in starts] for one in (_PAID, _OPEN)}
        first = _COUNTERS["kb_position_custom"]
        self._positions = {
            one: [str(first + (one - 1) * LINES + n + 1) for n in range(LINES)] for one in (_PAID, _OPEN)
        }
        moments = (_TEMPLATE_DAY, _TEMPLATE_DAY + _DUE, _PAID_DAY, _NOW.date(), (_NOW + timedelta(hours=2)).date())
        self._days = [f"{day}" for day in moments]
        ids = "|".join(str(start)[:3] + r"0000\d\d" for start in starts)
        days = "|".join(f"{day}" for day in (_TEMPLATE_DAY, _TEMPLATE_DAY + _DUE, _PAID_DAY))
        booked = "|".join(f"{moment.date()}(?=[T ])" for moment in (_NOW, _NOW + timedelta(hours=2)))
        self._marks = re.compile(f"({ids}|{days}|{booked})")

    def learn_fingerprint(self, body: str, fingerprint: str) -> None:
        """Takes note of the fingerprint of a template, to be written anew for each of its copies."""
        if hashlib.sha256(body.encode()).hexdigest()[:32] != fingerprint:
            raise SystemExit("A fingerprint is not the hash of the body any more: bench/history.py has to follow.")
        template = self._template_of(body)
        parts = self._marks.split(body)
        self._old[fingerprint] = template
        self._fingerprints[template] = lambda values: hashlib.sha256(_filled(parts, values).encode()).hexdigest()[:32]
        self._marks = re.compile(f"{self._marks.pattern[:-1]}|{fingerprint})")

    def texts(self, templates: Iterable[str], is_of_customer: Callable[[str], bool]) -> Iterator[str]:
        """What belongs to neither template as it is, then all copies."""
        of_customer: list[list[str]] = []
        of_invoice: dict[int, list[list[str]]] = {_PAID: [], _OPEN: []}
        for text in templates:
            template, parts = self._template_of(text), self._marks.split(text)
            if not template:
                yield text
            elif not is_of_customer(text):
                of_invoice[template].append(parts)
            elif template == _PAID:
                of_customer.append(parts)
        for number in range(1, min(self.history.customers, self.history.invoices) + 1):
            values = self._values(_PAID, number)
            yield from (_filled(parts, values) for parts in of_customer)
        for number in range(1, self.history.invoices + 1) if any(of_invoice.values()) else ():
            template = self.history.template(number)
            values = self._values(template, number)
            yield from (_filled(parts, values) for parts in of_invoice[template])

    def _template_of(self, text: str) -> int:
        starts = {_CUSTOMER, _SHOP_ID, *_COUNTERS.values()} - {_COUNTERS["kb_position_custom"]}
        return next((one for one in (_PAID, _OPEN) if any(str(start + one) in text for start in starts)), 0)

    def _values(self, template: int, number: int) -> dict[str, str]:
        customer, day = (number - 1) % self.history.customers + 1, self.history.day(number)
        own, contact = str(number), str(_SEEDED_CONTACTS + customer)
        ids = (own, contact, contact, f"{number:05}", own, own, own, own, shop_id(number), str(customer))
        values = dict(zip(self._ids[template], ids, strict=True))
        for n, mark in enumerate(self._positions[template], (number - 1) * LINES + 1):
            values[mark] = str(n)
        paid = min(day + _PAID_AFTER, TODAY)
        values |= zip(self._days, map(str, (day, day + _DUE, paid, day, day)), strict=True)
        for fingerprint, owner in self._old.items():
            if owner == template:
                values[fingerprint] = self._fingerprints[template](values)
        return values


def _filled(parts: list[str], values: Mapping[str, str]) -> str:
    return "".join([values.get(part, part) for part in parts])


def _copy_state(place: Stage, copier: _Copier) -> None:
    with closing(sqlite3.connect(place.state)) as state, state:
        state.execute("UPDATE links SET id = id + ?", (_LINKS,))
        state.execute("UPDATE link_documents SET link = link + ?", (_LINKS,))
        for body, fingerprint in state.execute("SELECT body, fingerprint FROM records").fetchall():
            copier.learn_fingerprint(body, fingerprint)
        for table in _TABLES:
            _copy_table(state, table, copier, lambda row, table=table: table == "contacts" or row[1] == "contact")
    with closing(sqlite3.connect(place.state)) as state:
        state.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy_books(place: Stage, copier: _Copier) -> None:
    history = copier.history
    counters = {
        **dict.fromkeys(_COUNTERS, history.invoices),
        "contacts": _SEEDED_CONTACTS + history.customers,
        "contact_nr": _SEEDED_CONTACTS + history.customers,
        "kb_position_custom": history.invoices * LINES,
    }
    with closing(sqlite3.connect(place.books)) as books, books:
        _copy_table(books, "rows", copier, lambda row: row[0] == "contacts")
        books.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters.items())


def _copy_table(
    database: sqlite3.Connection, table: str, copier: _Copier, is_of_customer: Callable[[list[Any]], bool]
) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]  # without those that are generated
    found = database.execute(f"SELECT {', '.join(columns)} FROM {table}")
    rows = [json.dumps(row, ensure_ascii=False) for row in found]
    database.execute(f"DELETE FROM {table}")
    places = ", ".join("?" * len(columns))
    copies = copier.texts(rows, lambda text: is_of_customer(json.loads(text)))
    database.executemany(f"INSERT INTO {table} VALUES ({places})", (json.loads(text) for text in copies))
