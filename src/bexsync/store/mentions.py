"""What a run mentioned besides errors where nobody sits at a terminal, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bexsync.store.database import Database
from bexsync.store.timestamps import stored


class Mentions:
    """The table of mentions of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def said_between(self, job: str, since: datetime, until: datetime) -> set[str]:
        """Return the keys that the job mentioned between these two moments."""
        rows = self._db.rows(
            "SELECT key FROM mentions WHERE site = ? AND job = ? AND said_at BETWEEN ? AND ?",
            self._site,
            job,
            stored(since),
            stored(until),
        )
        return {row["key"] for row in rows}

    def mark_said(self, job: str, keys: Iterable[str], now: datetime) -> None:
        """Store that the job mentioned these keys now."""
        with self._db.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO mentions VALUES (?, ?, ?, ?)",
                [(self._site, job, key, stored(now)) for key in keys],
            )

    def keep_only(self, job: str, keys: Iterable[str]) -> None:
        """Forget every other key of the job, so that it counts as new when it comes again."""
        kept = set(keys)
        rows = self._db.rows("SELECT key FROM mentions WHERE site = ? AND job = ?", self._site, job)
        gone = [(self._site, job, row["key"]) for row in rows if row["key"] not in kept]
        if gone:
            with self._db.transaction() as db:
                db.executemany("DELETE FROM mentions WHERE site = ? AND job = ? AND key = ?", gone)
