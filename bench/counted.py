"""Runs the program in this process and counts what it makes durable: `python bench/counted.py FILE ARGUMENTS...`.

Without a debugger there are two places to count at. Every commit that changed something, in a connection that is fully
synchronous, is one fsync of the write-ahead log: they are told by SQLite's trace. Files are made durable by `os.fsync`
alone. What SQLite adds now and then when it folds its log back into the file is not counted (two per thousand pages).
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

_SYNCHRONOUS = ("2", "FULL", "3", "EXTRA")
_SETTING = "PRAGMA SYNCHRONOUS ="


class Counts:
    """How often something was made durable."""

    def __init__(self) -> None:
        self.commits = 0
        self.files = 0

    def connected(self, database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        """A connection whose commits are counted."""
        connection = _connect(database, *arguments, **options)
        if str(database) == ":memory:":
            return connection
        changes, is_synchronous = 0, True

        def trace(statement: str) -> None:
            nonlocal changes, is_synchronous
            text = statement.strip().upper()
            if text.startswith(_SETTING):
                is_synchronous = text.removeprefix(_SETTING).strip() in _SYNCHRONOUS
            elif text == "ROLLBACK":
                changes = connection.total_changes
            elif text == "COMMIT":
                self.commits += is_synchronous and connection.total_changes > changes
                changes = connection.total_changes

        connection.set_trace_callback(trace)
        return connection

    def synced(self, handle: Any) -> None:
        """Makes a file durable and counts it."""
        self.files += 1
        _fsync(handle)


_connect, _fsync = sqlite3.connect, os.fsync


def counting() -> Counts:
    """Counts from now on whatever this process makes durable."""
    counts = Counts()
    sqlite3.connect = counts.connected  # type: ignore[assignment]
    os.fsync = counts.synced
    return counts


def main() -> None:
    """Runs the program and writes the counts as JSON."""
    target, counts = Path(sys.argv[1]), counting()
    sys.argv = ["bexsync", *sys.argv[2:]]
    from bexsync.__main__ import main as run

    try:
        run()
    finally:
        target.write_text(json.dumps({"commits": counts.commits, "files": counts.files, "modules": len(sys.modules)}))


if __name__ == "__main__":
    main()
