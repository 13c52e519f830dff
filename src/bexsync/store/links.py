"""Which shop record is which ledger record, with the values last agreed and last reported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bexsync.ports.store import Link, parse_stored, stored_object
from bexsync.store.database import Database
from bexsync.store.timestamps import stored


class Links:
    """The table of links of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def get(self, kind: str, shop_id: str) -> Link | None:
        """The link of a shop record."""
        row = self._db.row("SELECT * FROM links WHERE site = ? AND kind = ? AND shop_id = ?", self._site, kind, shop_id)
        return _link(row) if row else None

    def all(self, kind: str) -> Iterator[Link]:
        """Every link of a kind, oldest document first."""
        for row in self._db.rows(
            "SELECT * FROM links WHERE site = ? AND kind = ? ORDER BY ledger_id", self._site, kind
        ):
            yield _link(row)

    def standings(self, kind: str) -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
        """Shop id, number, deep link and state of every link of a kind, for lists of many thousands."""
        rows = self._db.rows(
            "SELECT shop_id, number, url, state FROM links WHERE site = ? AND kind = ?", self._site, kind
        )
        for row in rows:
            yield row["shop_id"], row["number"], row["url"], stored_object(row["state"])

    def notes(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The notes of every link of a kind by shop id."""
        rows = self._db.stream("SELECT shop_id, notes FROM links WHERE site = ? AND kind = ?", self._site, kind)
        return {row["shop_id"]: stored_object(row["notes"]) for row in rows}

    def marks(self, kind: str) -> Iterator[tuple[str, int, str]]:
        """Shop id, ledger id and fingerprint of every link of a kind, for lists of many thousands."""
        rows = self._db.stream(
            "SELECT shop_id, ledger_id, fingerprint FROM links WHERE site = ? AND kind = ?", self._site, kind
        )
        for row in rows:
            yield row["shop_id"], row["ledger_id"], row["fingerprint"]

    def elsewhere(self, kind: str) -> Iterator[tuple[int, str, str, str]]:
        """Ledger id, site, profile and shop id of every link that other sites have."""
        rows = self._db.stream(
            """SELECT ledger_id, links.site, profile, shop_id FROM links JOIN sites ON sites.site = links.site
               WHERE links.site <> ? AND kind = ?""",
            self._site,
            kind,
        )
        for row in rows:
            yield row["ledger_id"], row["site"], row["profile"], row["shop_id"]

    def open(self, kind: str) -> list[Link]:
        """The links whose documents the ledger may still move by itself."""
        return [
            _link(row)
            for row in self._db.rows(
                "SELECT * FROM links WHERE site = ? AND kind = ? AND is_open = 1 ORDER BY ledger_id",
                self._site,
                kind,
            )
        ]

    def newest_present(self, kind: str) -> Link | None:
        """The newest link whose document was there when the ledger last spoke of it."""
        row = self._db.row(
            """SELECT * FROM links WHERE site = ? AND kind = ? AND json_extract(state, '$.standing') <> 'deleted'
               ORDER BY checked_at DESC LIMIT 1""",
            self._site,
            kind,
        )
        return _link(row) if row else None

    def unreported(self, kind: str) -> list[Link]:
        """The links of which the shop has not been told everything."""
        return [
            _link(row)
            for row in self._db.rows(
                "SELECT * FROM links WHERE site = ? AND kind = ? AND state <> reported ORDER BY ledger_id",
                self._site,
                kind,
            )
        ]

    def unreported_ids(self, kind: str) -> list[str]:
        """The shop ids of those links alone, for lists of many thousands."""
        rows = self._db.rows(
            "SELECT shop_id FROM links WHERE site = ? AND kind = ? AND state <> reported ORDER BY ledger_id",
            self._site,
            kind,
        )
        return [row["shop_id"] for row in rows]

    def report(self, link: Link, now: datetime) -> None:
        """Notes that the shop was told, as one event, what the link says of its state."""
        with self._db.transaction() as db:
            db.execute(
                """UPDATE links SET reported = ?, events = events + 1, checked_at = ?
                   WHERE site = ? AND kind = ? AND shop_id = ?""",
                (packed(link.state), stored(now), self._site, link.kind, link.shop_id),
            )

    def save(self, link: Link, now: datetime) -> None:
        """Writes a link as a whole."""
        with self._db.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._site,
                    link.kind,
                    link.shop_id,
                    link.ledger_kind,
                    link.ledger_id,
                    link.number,
                    link.url,
                    link.fingerprint,
                    packed(link.agreed),
                    packed(link.state),
                    packed(link.reported),
                    packed(link.notes),
                    link.events,
                    int(link.is_open),
                    int(link.adopted),
                    link.linked_at or stored(now),
                    stored(now),
                ),
            )

    def forget(self, kind: str, shop_id: str) -> None:
        """Removes a link."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM links WHERE site = ? AND kind = ? AND shop_id = ?", (self._site, kind, shop_id))

    def touch(self, kind: str, shop_ids: Iterable[str], now: datetime) -> None:
        """Notes that these were looked at and had not moved."""
        with self._db.transaction() as db:
            db.executemany(
                "UPDATE links SET checked_at = ? WHERE site = ? AND kind = ? AND shop_id = ?",
                [(stored(now), self._site, kind, shop_id) for shop_id in shop_ids],
            )


def packed(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys, so that equal values are equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _figures(state: dict[str, Any]) -> dict[str, Any]:
    """How a document stands, with amounts that are amounts."""
    for name in ("total", "received", "credited", "remaining"):
        parse_stored(Decimal, state.get(name) or "0")
    return state


def _link(row: sqlite3.Row) -> Link:
    return Link(
        row["kind"],
        row["shop_id"],
        row["ledger_kind"],
        row["ledger_id"],
        row["number"],
        row["url"],
        row["fingerprint"],
        stored_object(row["agreed"]),
        _figures(stored_object(row["state"])),
        _figures(stored_object(row["reported"])),
        stored_object(row["notes"]),
        row["events"],
        bool(row["is_open"]),
        bool(row["adopted"]),
        row["linked_at"],
        row["checked_at"],
    )
