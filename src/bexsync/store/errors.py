"""What went wrong with which record, since when, how often, and whether a person has seen it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bexsync.ports.store import WORKLIST, Database, ErrorRow, Row
from bexsync.store.values import stored

_SHARED_THINGS = frozenset(
    {"account", "bank_account", "country", "currency", "tax", "tax_class", "template", "unit", "year"}
)


class Errors:
    """The table of errors of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def note(
        self,
        job: str,
        kind: str,
        shop_id: str,
        code: str,
        cause: str,
        message: str,
        hint: str,
        said: str,
        now: datetime,
    ) -> None:
        """Counts an error; another cause of the same record replaces the one before.

        An acknowledged record rests, so that its error comes again only with new content: that is news.
        """
        with self._db.transaction() as db:
            db.execute(
                """UPDATE errors SET resolved_at = ? WHERE site = ? AND job = ? AND kind = ? AND shop_id = ?
                   AND cause <> ? AND resolved_at IS NULL""",
                (stored(now), self._site, job, kind, shop_id, cause),
            )
            db.execute(
                """INSERT INTO errors (site, job, kind, shop_id, code, cause, message, hint, said, first_at, last_at,
                                       times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
                   ON CONFLICT (site, job, kind, shop_id, cause) WHERE resolved_at IS NULL
                   DO UPDATE SET said_at = CASE WHEN errors.message = excluded.message
                                                     AND errors.acknowledged_at IS NULL
                                                THEN errors.said_at END,
                                 message = excluded.message, hint = excluded.hint, said = excluded.said,
                                 last_at = excluded.last_at, times = errors.times + 1, acknowledged_at = NULL""",
                (
                    self._site, job, kind, shop_id, code, cause, message, hint, said, stored(now), stored(now),
                ),
            )  # fmt: skip

    def resolve(self, job: str, kind: str, shop_id: str, now: datetime) -> None:
        """The record is well again."""
        with self._db.transaction() as db:
            db.execute(
                """UPDATE errors SET resolved_at = ? WHERE site = ? AND job = ? AND kind = ? AND shop_id = ?
                   AND resolved_at IS NULL""",
                (stored(now), self._site, job, kind, shop_id),
            )

    def resolve_place(self, job: str, origin: str, now: datetime) -> None:
        """Whatever was unreadable in a file of this name can be read now."""
        with self._db.transaction() as db:
            db.execute(
                """UPDATE errors SET resolved_at = ? WHERE site = ? AND job = ? AND code = 'unreadable'
                   AND resolved_at IS NULL AND (cause = ? OR substr(cause, 1, ?) = ?)""",
                (stored(now), self._site, job, f"unreadable:{origin}", len(origin) + 13, f"unreadable:{origin}, "),
            )

    def open(self, *, include_acknowledged: bool = True) -> list[ErrorRow]:
        """All that is not resolved, oldest first."""
        rows = self._db.rows(
            "SELECT * FROM errors WHERE site = ? AND resolved_at IS NULL ORDER BY first_at, id", self._site
        )
        return [_error(row) for row in rows if include_acknowledged or not row["acknowledged_at"]]

    def of(self, kind: str, shop_id: str) -> ErrorRow | None:
        """The open error of a record."""
        row = self._db.row(
            """SELECT * FROM errors WHERE site = ? AND kind = ? AND shop_id = ? AND resolved_at IS NULL
               ORDER BY last_at DESC""",
            self._site,
            kind,
            shop_id,
        )
        return _error(row) if row else None

    def get(self, error_id: int) -> ErrorRow | None:
        """One error by its number."""
        row = self._db.row("SELECT * FROM errors WHERE site = ? AND id = ?", self._site, error_id)
        return _error(row) if row else None

    def unacknowledged_causes(self, job: str) -> int:
        """Count the distinct causes of a job that nobody has acknowledged, however many records share them.

        Credit notes are a worklist and no cause.
        """
        rows = self._db.rows(
            """SELECT DISTINCT code, cause FROM errors
               WHERE site = ? AND job = ? AND resolved_at IS NULL AND acknowledged_at IS NULL AND code <> ?""",
            self._site,
            job,
            WORKLIST,
        )
        return len({_kind_of_cause(row["code"], row["cause"]) for row in rows})

    def said_between(self, job: str, since: datetime, until: datetime) -> set[tuple[str, str]]:
        """Return kind and shop id of the open errors that were said between these two moments."""
        rows = self._db.rows(
            """SELECT kind, shop_id FROM errors
               WHERE site = ? AND job = ? AND resolved_at IS NULL AND said_at BETWEEN ? AND ?""",
            self._site,
            job,
            stored(since),
            stored(until),
        )
        return {(row["kind"], row["shop_id"]) for row in rows}

    def mark_said(self, job: str, records: Iterable[tuple[str, str]], now: datetime) -> None:
        """Store that the open errors of these records were said now."""
        with self._db.transaction() as db:
            db.executemany(
                """UPDATE errors SET said_at = ?
                   WHERE site = ? AND job = ? AND kind = ? AND shop_id = ? AND resolved_at IS NULL""",
                [(stored(now), self._site, job, kind, shop_id) for kind, shop_id in records],
            )

    def acknowledge(self, error_id: int, now: datetime) -> None:
        """A person has seen it and lets it go."""
        with self._db.transaction() as db:
            db.execute("UPDATE errors SET acknowledged_at = ? WHERE id = ?", (stored(now), error_id))

    def unacknowledge(self, error_id: int) -> None:
        """A person wants it tried again."""
        with self._db.transaction() as db:
            db.execute("UPDATE errors SET acknowledged_at = NULL WHERE id = ?", (error_id,))


def _kind_of_cause(code: str, cause: str) -> str:
    """Return the code, and what is missing where all records that want it wait for the same thing."""
    thing = cause.removeprefix(f"{code}:").partition(":")[0]
    return cause if thing in _SHARED_THINGS else code


def _error(row: Row) -> ErrorRow:
    return ErrorRow(**{name: row[name] for name in ErrorRow.__dataclass_fields__})
