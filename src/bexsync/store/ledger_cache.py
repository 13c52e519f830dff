"""What was learned about the ledger: facts, master data, the contact index, and the request budget."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bexsync.http.pacing import Budget, corrected, spent
from bexsync.store.damage import unharmed
from bexsync.store.database import Database
from bexsync.store.moments import moment, stored


class Facts:
    """Named things learned about the ledger, each with its age."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str, *, now: datetime | None = None, max_age: timedelta | None = None) -> Any:
        """The value, or None when it is unknown or older than `max_age`; numbers with decimals come as Decimal."""
        row = self._db.row("SELECT * FROM facts WHERE name = ?", name)
        if row is None:
            return None
        if now is not None and max_age is not None and now - moment(row["learned_at"]) > max_age:
            return None
        return unharmed(lambda text: json.loads(text, parse_float=Decimal), row["value"])

    def learn(self, name: str, value: Any, now: datetime) -> None:
        """Keeps a value."""
        with self._db.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                (name, json.dumps(value, default=_number), stored(now)),
            )

    def forget(self, prefix: str) -> None:
        """Drops every fact whose name begins so."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM facts WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))


def _number(value: Any) -> Any:
    """Decimals of master data are short (rates, rounding steps), so their text survives as a JSON number."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


@dataclass(frozen=True)
class ContactRow:
    """A contact of the ledger, as far as matching needs it; mails are case-folded."""

    ledger_id: int
    kind: str
    name_1: str
    name_2: str
    mail: str
    mail_second: str
    postcode: str
    archived: bool
    updated_at: str


class ContactIndex:
    """All contacts of the ledger company, matched here and never by the ledger's own search."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def by_mail(self, mail: str) -> list[ContactRow]:
        """Contacts with this mail in either field; the mail is compared case-folded."""
        folded = mail.casefold()
        rows = self._db.rows(
            """SELECT * FROM contacts WHERE mail = ?
               UNION SELECT * FROM contacts WHERE mail_second = ? ORDER BY ledger_id""",
            folded,
            folded,
        )
        return [_contact(row) for row in rows]

    def by_name(self, name_1: str, name_2: str, postcode: str) -> list[ContactRow]:
        """Contacts with this name and postcode."""
        rows = self._db.rows(
            "SELECT * FROM contacts WHERE name_key = ? AND postcode = ? ORDER BY ledger_id",
            name_key(name_1, name_2),
            postcode.strip(),
        )
        return [_contact(row) for row in rows]

    def get(self, ledger_id: int) -> ContactRow | None:
        """One contact by its id."""
        row = self._db.row("SELECT * FROM contacts WHERE ledger_id = ?", ledger_id)
        return _contact(row) if row else None

    def keep(self, contacts: Iterable[ContactRow]) -> None:
        """Adds or replaces contacts."""
        with self._db.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        c.ledger_id,
                        c.kind,
                        c.name_1,
                        c.name_2,
                        c.mail.casefold(),
                        c.mail_second.casefold(),
                        c.postcode.strip(),
                        name_key(c.name_1, c.name_2),
                        int(c.archived),
                        c.updated_at,
                    )
                    for c in contacts
                ],
            )

    def drop_others(self, ledger_ids: Iterable[int]) -> None:
        """Forgets every contact that a complete listing no longer shows."""
        with self._db.transaction() as db:
            _show(db, ledger_ids)
            db.execute("DELETE FROM contacts WHERE ledger_id NOT IN (SELECT id FROM shown)")

    def restore_others(self, archived: Iterable[int]) -> None:
        """Whatever a complete listing of archived contacts no longer shows is archived no more."""
        with self._db.transaction() as db:
            _show(db, archived)
            db.execute(
                "UPDATE contacts SET archived = 0 WHERE archived = 1 AND ledger_id NOT IN (SELECT id FROM shown)"
            )

    def forget(self) -> None:
        """Empties the index, so that the next look-up reads everything again."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM contacts")


def _show(db: sqlite3.Connection, ledger_ids: Iterable[int]) -> None:
    db.execute("CREATE TEMP TABLE IF NOT EXISTS shown (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM shown")
    db.executemany("INSERT OR IGNORE INTO shown VALUES (?)", [(i,) for i in ledger_ids])


def name_key(name_1: str, name_2: str) -> str:
    """Names compared without regard to case and spacing."""
    return " ".join(f"{name_1} {name_2}".casefold().split())


def _contact(row: sqlite3.Row) -> ContactRow:
    return ContactRow(
        row["ledger_id"],
        row["kind"],
        row["name_1"],
        row["name_2"],
        row["mail"],
        row["mail_second"],
        row["postcode"],
        bool(row["archived"]),
        row["updated_at"],
    )


class StoredBudget:
    """The books about the ledger's request limits, shared by every process on this company."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def spend(self, bucket: str, now: datetime) -> Budget | None:
        """Takes one request from the current window."""
        with self._db.transaction() as db:
            books = spent(_books(db, bucket), now)
            if books is not None:
                _keep_books(db, bucket, books)
            return books

    def correct(self, bucket: str, *, limit: int, remaining: int, resets_at: datetime) -> None:
        """Believes what the ledger's headers said."""
        with self._db.transaction() as db:
            _keep_books(db, bucket, corrected(_books(db, bucket), Budget(limit, remaining, resets_at)))


def _books(db: sqlite3.Connection, bucket: str) -> Budget | None:
    row = db.execute("SELECT * FROM budget WHERE bucket = ?", (bucket,)).fetchone()
    return Budget(row["allowed"], row["remaining"], moment(row["resets_at"])) if row else None


def _keep_books(db: sqlite3.Connection, bucket: str, books: Budget) -> None:
    db.execute(
        "INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?)",
        (bucket, books.limit, books.remaining, stored(books.resets_at)),
    )
