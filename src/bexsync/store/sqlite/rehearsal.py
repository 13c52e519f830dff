"""What a rehearsal writes: copies of the tables in SQLite's temporary database, which it looks into first."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Not what a statement does on a conflict, nor what a trigger is for.
_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE(?!\s+(?:SET|OF|ON)\b)|DELETE FROM)\s+(\w+)")


class CopyOnWrite:
    """Runs the statements of a rehearsal; a table that one is to write is copied first, and shadowed by its copy."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = (), /) -> sqlite3.Cursor:
        """Runs one statement."""
        self._copy_written(sql)
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> sqlite3.Cursor:
        """Runs one statement for each of these values."""
        self._copy_written(sql)
        return self._connection.executemany(sql, values)

    def _copy_written(self, sql: str) -> None:
        missing = self._led_to(_WRITTEN.findall(sql))
        for table in missing:
            self._copy(table)
        for table in missing:  # now that every table is there that they write
            for trigger in self._definitions("trigger", table):
                self._connection.execute(trigger.replace("CREATE TRIGGER", "CREATE TEMP TRIGGER", 1))

    def _led_to(self, tables: Iterable[str]) -> list[str]:
        """These tables and all that writing them leads to, less those that were copied before."""
        copied = {row["name"] for row in self._connection.execute("SELECT name FROM temp.sqlite_master")}
        found: list[str] = []
        waiting = list(tables)
        while waiting:
            table = waiting.pop()
            if table not in copied and table not in found:
                found.append(table)
                waiting += [
                    name for trigger in self._definitions("trigger", table) for name in _WRITTEN.findall(trigger)
                ]
                waiting += self._related(table)
        return found

    def _related(self, table: str) -> list[str]:
        """The tables whose rows refer to those of this one, or the other way round."""
        rows = self._connection.execute(
            """SELECT tables.name AS one, keys."table" AS other
               FROM main.sqlite_master AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
               WHERE tables.type = 'table' AND ? IN (one, other)""",
            (table,),
        )
        return [name for row in rows for name in (row["one"], row["other"])]

    def _copy(self, table: str) -> None:
        (definition,) = self._definitions("table", table)
        self._connection.execute(definition.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
        columns = ", ".join(row["name"] for row in self._connection.execute(f"PRAGMA main.table_info({table})"))
        self._connection.execute(f"INSERT INTO temp.{table} ({columns}) SELECT {columns} FROM main.{table}")  # noqa: S608
        for index in self._definitions("index", table):
            self._connection.execute(re.sub(r"INDEX (\w+) ON", r"INDEX temp.\1 ON", index, count=1))

    def _definitions(self, kind: str, table: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT sql FROM main.sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL", (kind, table)
        )
        return [row["sql"] for row in rows]
