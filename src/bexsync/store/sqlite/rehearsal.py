"""What a rehearsal writes, in SQLite's temporary database, where names are looked up first.

Most tables are copied as they are about to be written. Records are many and few of them are written: what is written of
them is laid over the table, as a view of both.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

# Not what a statement does on a conflict, nor what a trigger is for.
_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE(?!\s+(?:SET|OF|ON)\b)|DELETE FROM)\s+(\w+)")


_OVERLAID = frozenset({"records"})


class CopyOnWrite:
    """Runs the statements of a rehearsal; a table that one is to write is shadowed first, by a copy or a view."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = (), /) -> sqlite3.Cursor:
        """Runs one statement."""
        self._shadow_written(sql)
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> sqlite3.Cursor:
        """Runs one statement for each of these values."""
        self._shadow_written(sql)
        return self._connection.executemany(sql, values)

    def _shadow_written(self, sql: str) -> None:
        shadowed = {row["name"] for row in self._connection.execute("SELECT name FROM temp.sqlite_master")}
        written = {name for name in _WRITTEN.findall(sql) if name not in shadowed}
        for table in written & _OVERLAID:
            self._overlay(table)
        copied = self._led_to(written - _OVERLAID, shadowed)
        for table in copied:
            self._copy(table)
        for table in copied:  # now that every table is there that they write
            for trigger in self._definitions("trigger", table):
                self._connection.execute(trigger.replace("CREATE TRIGGER", "CREATE TEMP TRIGGER", 1))

    def _led_to(self, tables: Iterable[str], shadowed: Collection[str]) -> list[str]:
        """These tables and all that writing them leads to."""
        found: list[str] = []
        waiting = list(tables)
        while waiting:
            table = waiting.pop()
            if table not in shadowed and table not in found:
                found.append(table)
                for trigger in self._definitions("trigger", table):
                    waiting += _WRITTEN.findall(trigger)
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

    def _overlay(self, table: str) -> None:
        """Shadows a table by a view of the rows that are written and of all others, which takes its statements.

        The table's triggers are not repeated: what was agreed on is the body in the file, which stays as it is.
        """
        own, gone = f"own_{table}", f"gone_{table}"
        columns = self._connection.execute(f"PRAGMA main.table_xinfo({table})").fetchall()
        shown = ", ".join(column["name"] for column in columns)
        stored = [column["name"] for column in columns if not column["hidden"]]
        key = [column["name"] for column in columns if column["pk"]]
        keys, old_key = ", ".join(key), ", ".join(f"OLD.{name}" for name in key)
        same_key = " AND ".join(f"gone.{name} = kept.{name}" for name in key)
        new = ", ".join(f"NEW.{name}" for name in stored)
        keep = f"INSERT INTO {own} ({', '.join(stored)}) VALUES ({new});"  # noqa: S608
        drop = f"DELETE FROM {own} WHERE ({keys}) = ({old_key}); INSERT OR IGNORE INTO {gone} VALUES ({old_key});"  # noqa: S608
        (definition,) = self._definitions("table", table)
        self._connection.execute(re.sub(r"TABLE \"?\w+\"?", f"TEMP TABLE {own}", definition, count=1))
        for index in self._definitions("index", table):
            self._connection.execute(re.sub(r"INDEX (\w+) ON \w+", rf"INDEX temp.own_\1 ON {own}", index, count=1))
        for statement in (
            f"CREATE TEMP TABLE {gone} ({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"""CREATE TEMP VIEW {table} AS
                SELECT {shown} FROM {own} UNION ALL SELECT {shown} FROM main.{table} AS kept
                WHERE NOT EXISTS (SELECT 1 FROM {gone} AS gone WHERE {same_key})""",  # noqa: S608
            f"CREATE TEMP TRIGGER insert_{own} INSTEAD OF INSERT ON {table} BEGIN {keep} END",
            f"CREATE TEMP TRIGGER update_{own} INSTEAD OF UPDATE ON {table} BEGIN {drop} {keep} END",
            f"CREATE TEMP TRIGGER delete_{own} INSTEAD OF DELETE ON {table} BEGIN {drop} END",
        ):
            self._connection.execute(statement)

    def _definitions(self, kind: str, table: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT sql FROM main.sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL", (kind, table)
        )
        return [row["sql"] for row in rows]
