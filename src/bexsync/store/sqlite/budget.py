"""How many requests are left, in a file of its own that is never forced onto the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bexsync.errors import BexsyncError
from bexsync.hooks import notify
from bexsync.http.rate_limit import Budget, MemoryBudget, corrected, spent
from bexsync.store.values import moment, stored

_WAIT_SECONDS = 5.0
_TABLE = """CREATE TABLE IF NOT EXISTS budget (
    bucket TEXT PRIMARY KEY, allowed INTEGER NOT NULL, remaining INTEGER NOT NULL, resets_at TEXT NOT NULL
) STRICT, WITHOUT ROWID"""
_KEEP = """INSERT INTO budget VALUES (?, ?, ?, ?)
    ON CONFLICT (bucket) DO UPDATE SET
      allowed = excluded.allowed, remaining = excluded.remaining, resets_at = excluded.resets_at"""


class SqliteBudget:
    """The budget that all processes on one company share.

    Each request changes it twice, so it has its own file without fsync: a power cut may lose or damage it, and the
    next answer of the ledger says it again. Where the file cannot be used, this process counts by itself; a damaged one
    is removed for the next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._memory = MemoryBudget()
        self._connection: sqlite3.Connection | None = None
        self._usable = True

    def spend(self, bucket: str, now: datetime) -> Budget | None:
        """Take one request from the current window."""
        with self._lock, suppress(_Unusable):
            return self._changed(bucket, lambda books: spent(books, now))
        return self._memory.spend(bucket, now)

    def correct(self, bucket: str, *, limit: int, remaining: int, resets_at: datetime) -> None:
        """Take over what the ledger's headers said."""
        with self._lock, suppress(_Unusable):
            self._changed(bucket, lambda books: corrected(books, Budget(limit, remaining, resets_at)))
            return
        self._memory.correct(bucket, limit=limit, remaining=remaining, resets_at=resets_at)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    def _opened(self) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_TABLE)
        except BaseException:
            connection.close()
            raise
        return connection

    def _changed(self, bucket: str, change: Callable[[Budget | None], Budget | None]) -> Budget | None:
        """Replace one bucket in one transaction; raises _Unusable where the file cannot be used."""
        if not self._usable:
            raise _Unusable
        try:
            if self._connection is None:
                self._connection = self._opened()
            return _transaction(self._connection, bucket, change)
        except (OSError, sqlite3.Error, BexsyncError) as problem:
            self._usable = False
            self._disconnect()
            if not isinstance(problem, OSError | sqlite3.OperationalError):
                self._remove_damaged()
            raise _Unusable from problem

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _remove_damaged(self) -> None:
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(f"{self._path.name}{end}").unlink()


class _Unusable(Exception):
    """The file cannot be used."""


def _transaction(
    db: sqlite3.Connection, bucket: str, change: Callable[[Budget | None], Budget | None]
) -> Budget | None:
    db.execute("BEGIN IMMEDIATE")
    try:
        row = db.execute("SELECT allowed, remaining, resets_at FROM budget WHERE bucket = ?", (bucket,)).fetchone()
        books = change(Budget(row[0], row[1], moment(row[2])) if row else None)
        if books is not None:
            db.execute(_KEEP, (bucket, books.limit, books.remaining, stored(books.resets_at)))
        notify("budget:before")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    notify("budget:after")
    return books
