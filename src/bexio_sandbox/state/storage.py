"""The books in an SQLite file: loaded once, then written through row by row."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (name TEXT, id INTEGER, body TEXT NOT NULL, PRIMARY KEY (name, id));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


_COLUMNS = {"rows": {"name", "id", "body"}, "counters": {"name", "value"}}
_REASONS = {
    "SQLITE_NOTADB": "is no file of books",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_BUSY": "is in use by another program",
    "SQLITE_READONLY": "cannot be written",
    "SQLITE_CANTOPEN": "cannot be opened",
}


class UnusableStateFile(Exception):
    """A file that cannot hold the books of a sandbox; the text says why."""


class Storage:
    """One file with the rows and counters of a company."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.is_dir():
            raise UnusableStateFile(f"{path} is a folder, not a file.")
        if not path.parent.is_dir():
            raise UnusableStateFile(f"For the file {path.name} there is no folder {path.parent}.")
        self._guard = _sole_use(path)
        with self._problems_as_sentences():
            # Only the owner of the books' lock comes here, from whichever thread serves the request.
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)

    def load(self, tables: dict[str, dict[int, dict[str, Any]]], counters: dict[str, int]) -> None:
        """Fills tables and counters with what the file holds, which becomes one of books if it is new."""
        with self._problems_as_sentences():
            if self._is_new():
                self._connection.executescript(_SCHEMA)
            for name, number, body in self._connection.execute("SELECT name, id, body FROM rows ORDER BY name, id"):
                if name not in tables:
                    raise UnusableStateFile(f"{self._path} was written by a newer version of bexsync.")
                tables[name][number] = json.loads(body)
            counters.update(self._connection.execute("SELECT name, value FROM counters").fetchall())
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript("BEGIN IMMEDIATE; COMMIT")  # refused where nothing may be written

    def _is_new(self) -> bool:
        found = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for name, columns in _COLUMNS.items():
            rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            if found and {column for (column,) in rows} != columns:
                raise UnusableStateFile(f"{self._path} holds something else than the books of a sandbox.")
        return not found

    @contextmanager
    def _problems_as_sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            kind = "_".join(str(getattr(problem, "sqlite_errorname", "")).split("_")[:2])
            reason = _REASONS.get(kind, f"cannot be used: {problem}")
            raise UnusableStateFile(f"{self._path} {reason}.") from None
        except json.JSONDecodeError:
            raise UnusableStateFile(f"{self._path} is damaged.") from None

    def save(self, rows: Mapping[tuple[str, int], dict[str, Any] | None], counters: Mapping[str, int]) -> None:
        """Writes changed rows and counters in one transaction; None deletes a row."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for (name, number), row in rows.items():
                self._save_row(name, number, row)
            self._connection.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters.items())
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()
        if self._guard is not None:
            os.close(self._guard)
            self._guard = None

    def _save_row(self, name: str, number: int, row: dict[str, Any] | None) -> None:
        if row is None:
            self._connection.execute("DELETE FROM rows WHERE name = ? AND id = ?", (name, number))
        else:
            body = json.dumps(row, ensure_ascii=False)
            self._connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (name, number, body))


def _sole_use(path: Path) -> int | None:
    """Locks the file as long as it is open: two sandboxes would overwrite each other's rows.

    It must be closed after the connection, whose own locks end with the first handle of the file that is closed.
    """
    with suppress(OSError):  # what keeps it from being opened is said by the database
        guard = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(guard)
            raise UnusableStateFile(f"{path} is served by another sandbox already.") from None
        except OSError:  # a file system without locks
            os.close(guard)
            return None
        return guard
    return None
