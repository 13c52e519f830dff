"""Cursors, the history of runs, and what runs mentioned where nobody sits at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from bexsync.ports.store import Database, Row, RunRow, RunState
from bexsync.store.values import stored


class Cursors:
    """How far a site has read; moved only in the transaction that stores what was read."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def get(self, name: str) -> str | None:
        """The cursor's value, or None before the first run."""
        row = self._db.row("SELECT value FROM cursors WHERE site = ? AND name = ?", self._site, name)
        return str(row["value"]) if row else None

    def move(self, name: str, value: str) -> None:
        """Moves the cursor."""
        with self._db.transaction() as db:
            db.execute(
                """INSERT INTO cursors VALUES (?, ?, ?)
                   ON CONFLICT (site, name) DO UPDATE SET value = excluded.value""",
                (self._site, name, value),
            )


class Runs:
    """The history of runs of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def begin(self, job: str, now: datetime, lock: str = "") -> int:
        """Notes that a run began, and the lock it holds until it ends; its number."""
        with self._db.transaction() as db:
            cursor = db.execute(
                """INSERT INTO runs (site, job, started_at, counts, requests, message, lock)
                   VALUES (?, ?, ?, '{}', 0, '', ?) RETURNING id""",
                (self._site, job, stored(now), lock),
            )
            return int(cursor.fetchone()["id"])

    def add(self, job: str, exit_code: int, message: str, now: datetime) -> None:
        """Notes a run that ended before it did anything."""
        self.end(self.begin(job, now), exit_code, {}, 0, message, now)

    def end(
        self, run_id: int, exit_code: int, counts: Mapping[str, int], requests: int, message: str, now: datetime
    ) -> None:
        """Notes how a run ended."""
        with self._db.transaction() as db:
            db.execute(
                "UPDATE runs SET ended_at = ?, exit_code = ?, counts = ?, requests = ?, message = ? WHERE id = ?",
                (stored(now), exit_code, json.dumps(counts), requests, message, run_id),
            )

    def trailing(self, job: str, exit_code: int) -> int:
        """How many runs of a job in a row ended with this code, the newest first."""
        rows = self._db.rows(
            """SELECT exit_code FROM runs WHERE site = ? AND job = ? AND exit_code IS NOT NULL
               ORDER BY id DESC LIMIT 100""",
            self._site,
            job,
        )
        count = 0
        for row in rows:
            if row["exit_code"] != exit_code:
                break
            count += 1
        return count

    def newest(self, job: str | None = None, limit: int = 20, *, failed: bool = False) -> list[RunRow]:
        """The newest runs, of one job or with trouble alone if that is asked for."""
        of_job = "AND job = ?" if job is not None else ""
        with_trouble = "AND COALESCE(exit_code, 1) <> 0" if failed else ""
        rows = self._db.rows(
            f"""SELECT id, job, started_at, ended_at, exit_code, counts, requests, message, lock FROM runs
                WHERE site = ? {of_job} {with_trouble} ORDER BY id DESC LIMIT ?""",  # noqa: S608
            self._site,
            *([job] if job is not None else []),
            limit,
        )
        return [self._run(row) for row in rows]

    def jobs(self) -> list[str]:
        """The jobs that ever ran, by name."""
        rows = self._db.rows("SELECT DISTINCT job FROM runs WHERE site = ? ORDER BY job", self._site)
        return [row["job"] for row in rows]

    def last_end(self, job: str, exit_codes: Iterable[int]) -> str:
        """When the last run of a job with one of these exit codes ended, "" where there is none."""
        codes = ",".join(str(int(code)) for code in exit_codes)
        row = self._db.row(
            f"SELECT ended_at FROM runs WHERE site = ? AND job = ? AND exit_code IN ({codes}) "  # noqa: S608
            "ORDER BY id DESC LIMIT 1",
            self._site,
            job,
        )
        return str(row["ended_at"] or "") if row else ""

    def _run(self, row: Row) -> RunRow:
        state = RunState.ENDED
        if row["ended_at"] is None:
            state = RunState.RUNNING if self._db.is_held(row["lock"]) else RunState.KILLED
        return RunRow(**{name: row[name] for name in RunRow.__dataclass_fields__ if name != "state"}, state=state)


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
                """INSERT INTO mentions VALUES (?, ?, ?, ?)
                   ON CONFLICT (site, job, key) DO UPDATE SET said_at = excluded.said_at""",
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
