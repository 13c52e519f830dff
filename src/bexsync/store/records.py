"""The shop's records as they were last taken in, and what has become of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bexsync.ports.shop import IncomingRecord
from bexsync.ports.store import Database, RecordRow, RecordState, Row, Transaction, parse_stored, stored_object
from bexsync.store.values import packed, stored

_OBJECTS = ("customer", "billing_address")
# Not all of them: those that are generated would be computed for each row.
_COLUMNS = "kind, shop_id, fingerprint, body, origin, place, state, reason, taken_at"
_SELECT = f"SELECT {_COLUMNS} FROM records WHERE site = ? AND kind = ?"  # noqa: S608
_VALUES = "SELECT value FROM json_each(?)"
_ORDER_SUMMARY = ("order_number", "ordered_at", "currency", "total", "status", "customer_id", *_OBJECTS)


class Records:
    """The table of records of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def take(self, incoming: IncomingRecord, shop_id: str, now: datetime, *, is_newest: bool = False) -> RecordState:
        """Keeps what the shop says now: new content is open again, the same content keeps its state, which is returned.

        Content of an older source never replaces that of a newer one, however often it is taken in, unless it is known
        to be the newest.
        """
        key = (self._site, incoming.kind, shop_id)
        fingerprint = incoming.record.fingerprint()
        with self._db.transaction() as db:
            source_id = self._source_id(db, incoming.source)
            content = (fingerprint, packed(incoming.record.canonical()), incoming.source, incoming.location, source_id)
            known = db.execute(
                """SELECT fingerprint, origin_id, state, reason, taken_at FROM records
                   WHERE site = ? AND kind = ? AND shop_id = ?""",
                key,
            ).fetchone()
            if known is None:
                db.execute(
                    """INSERT INTO records (site, kind, shop_id, fingerprint, body, origin, place, origin_id,
                                            state, reason, taken_at)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', '', ?)""",
                    (*key, *content, stored(now)),
                )
                return RecordState.OPEN
            if source_id < known["origin_id"] and not is_newest:
                return RecordState.OPEN
            is_same = known["fingerprint"] == fingerprint
            state = parse_stored(RecordState, known["state"]) if is_same else RecordState.OPEN
            reason, taken_at = (known["reason"], known["taken_at"]) if is_same else ("", stored(now))
            db.execute(
                """UPDATE records SET fingerprint = ?, body = ?, origin = ?, place = ?, origin_id = ?,
                                      state = ?, reason = ?, taken_at = ?
                   WHERE site = ? AND kind = ? AND shop_id = ?""",
                (*content, state.value, reason, taken_at, *key),
            )
            return state

    def has_source(self, source: str) -> bool:
        """Whether records of a source were taken in before it was put away."""
        return self._db.row("SELECT 1 FROM origins WHERE site = ? AND origin = ?", self._site, source) is not None

    def _source_id(self, db: Transaction, source: str) -> int:
        db.execute("INSERT INTO origins (site, origin) VALUES (?, ?) ON CONFLICT DO NOTHING", (self._site, source))
        row = db.execute("SELECT id FROM origins WHERE site = ? AND origin = ?", (self._site, source)).fetchone()
        return int(row["id"])

    def get(self, kind: str, shop_id: str) -> RecordRow | None:
        """One record, if it was ever taken in."""
        row = self._db.row(f"{_SELECT} AND shop_id = ?", self._site, kind, shop_id)
        return _record_row(row) if row else None

    def in_state(self, kind: str, state: RecordState) -> Iterator[RecordRow]:
        """Every record in a state, in the order the contents were taken in."""
        for row in self._db.stream(
            f"{_SELECT} AND state = ? ORDER BY taken_at, shop_id", self._site, kind, state.value
        ):
            yield _record_row(row)

    def open_referring(self, kind: str) -> list[RecordRow]:
        """The open records that name another one as their original, in the order the contents were taken in."""
        return self._rows(
            f"{_SELECT} AND state = 'open' AND COALESCE(original, '') <> '' ORDER BY taken_at, shop_id", kind
        )

    def referring(self, kind: str, name: str) -> list[RecordRow]:
        """The records that name this one as their original, in the order of their ids."""
        # Asked for in that order, SQLite would read all records by their ids.
        return sorted(self._rows(f"{_SELECT} AND original = ?", kind, name), key=lambda row: row.shop_id)

    def numbered(self, kind: str, number: str) -> list[RecordRow]:
        """The records to which the shop gave this number, in the order the contents were taken in."""
        return self._rows(f"{_SELECT} AND shop_number = ? ORDER BY taken_at, shop_id", kind, number)

    def dated(self, kind: str, days: Iterable[str]) -> Iterator[RecordRow]:
        """Every record whose `invoice_date` is one of these days, written as YYYY-MM-DD."""
        for row in self._db.stream(f"{_SELECT} AND day IN ({_VALUES})", self._site, kind, json.dumps(sorted(days))):
            yield _record_row(row)

    def _rows(self, sql: str, kind: str, *values: str) -> list[RecordRow]:
        return [_record_row(row) for row in self._db.rows(sql, self._site, kind, *values)]

    def states(self, kind: str) -> dict[str, tuple[RecordState, str]]:
        """What has become of every record of a kind and why, without its content."""
        rows = self._db.rows("SELECT shop_id, state, reason FROM records WHERE site = ? AND kind = ?", self._site, kind)
        return {row["shop_id"]: (parse_stored(RecordState, row["state"]), row["reason"]) for row in rows}

    def ignored_reasons(self, kind: str) -> list[str]:
        """Return the distinct reasons why records of a kind are left alone."""
        rows = self._db.rows(
            "SELECT DISTINCT reason FROM records WHERE site = ? AND kind = ? AND state = 'ignored'", self._site, kind
        )
        return [row["reason"] for row in rows]

    def reopen_ignored(self, kind: str, reasons: Iterable[str]) -> None:
        """Open the records again that were left alone for these reasons."""
        with self._db.transaction() as db:
            db.executemany(
                """UPDATE records SET state = 'open', reason = '', settled_at = NULL
                   WHERE site = ? AND kind = ? AND state = 'ignored' AND reason = ?""",
                [(self._site, kind, reason) for reason in reasons],
            )

    def order_summaries(self) -> Iterator[dict[str, Any]]:
        """What a list shows of every order, without its lines and texts, for lists of many thousands.

        `state` and `reason` are those of the record, `status` is the shop's.
        """
        columns = ", ".join(f"json_extract(body, '$.{name}') AS {name}" for name in _ORDER_SUMMARY)
        rows = self._db.stream(
            f"SELECT shop_id, state, reason, {columns} FROM records WHERE site = ? AND kind = 'order'",  # noqa: S608
            self._site,
        )
        for row in rows:
            summary = {name: row[name] for name in ("shop_id", "state", "reason", *_ORDER_SUMMARY)}
            for name in _OBJECTS:
                summary[name] = stored_object(summary[name] or "{}")
            yield summary

    def from_source(self, source: str) -> list[RecordRow]:
        """The records whose content comes from this source."""
        return [
            _record_row(row)
            for row in self._db.rows(
                f"SELECT {_COLUMNS} FROM records WHERE site = ? AND origin = ?",  # noqa: S608
                self._site,
                source,
            )
        ]

    def settle(self, kind: str, shop_id: str, state: RecordState, reason: str, now: datetime) -> None:
        """Notes what has become of a record, and why it is still open."""
        with self._db.transaction() as db:
            db.execute(
                """UPDATE records SET state = ?, reason = ?, settled_at = ?
                   WHERE site = ? AND kind = ? AND shop_id = ? AND (state <> ? OR reason <> ?)""",
                (state.value, reason, stored(now), self._site, kind, shop_id, state.value, reason),
            )

    def forget(self, kind: str, shop_id: str) -> None:
        """Removes a record, so that the same content counts as new."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM records WHERE site = ? AND kind = ? AND shop_id = ?", (self._site, kind, shop_id))

    def forget_sources(self, sources: Iterable[str]) -> None:
        """Forgets the age of sources that were put away, since their names may come again."""
        with self._db.transaction() as db:
            db.executemany(
                "DELETE FROM origins WHERE site = ? AND origin = ?", [(self._site, source) for source in sources]
            )


def _record_row(row: Row) -> RecordRow:
    return RecordRow(
        row["kind"],
        row["shop_id"],
        row["fingerprint"],
        row["body"],
        row["origin"],
        row["place"],
        parse_stored(RecordState, row["state"]),
        row["reason"],
        row["taken_at"],
    )
