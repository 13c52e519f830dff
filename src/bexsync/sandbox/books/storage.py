"""The books in an SQLite file: loaded once, then written through row by row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (name TEXT, id INTEGER, body TEXT NOT NULL, PRIMARY KEY (name, id));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Storage:
    """One file with the rows and counters of a company."""

    def __init__(self, path: Path) -> None:
        # Only the owner of the books' lock comes here, from whichever thread serves the request.
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def load(self, tables: dict[str, dict[int, dict[str, Any]]], counters: dict[str, int]) -> None:
        """Fills tables and counters with what the file holds."""
        for name, number, body in self._connection.execute("SELECT name, id, body FROM rows ORDER BY name, id"):
            tables[name][number] = json.loads(body)
        counters.update(self._connection.execute("SELECT name, value FROM counters").fetchall())

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

    def _save_row(self, name: str, number: int, row: dict[str, Any] | None) -> None:
        if row is None:
            self._connection.execute("DELETE FROM rows WHERE name = ? AND id = ?", (name, number))
        else:
            body = json.dumps(row, ensure_ascii=False)
            self._connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (name, number, body))
