"""Which shop record is which ledger record, with the values last agreed and last reported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ports.store import (
    Database,
    Link,
    LinkedDocument,
    Row,
    Transaction,
    parse_stored,
    stored_objects,
)
from bexsync.store.values import packed, stored

_AT_ONCE = 500
_MAIN = "main"
_WITH_MAIN = f"links JOIN link_documents ON link = links.id AND role = '{_MAIN}'"
# What the tables keep once is read as if it stood in both places: see the migration. A rehearsal has other records, but
# what was agreed on is the body in the file.
_ROWS = f"""
    SELECT links.id, links.kind, links.shop_id, ledger_kind, ledger_id, number, url, links.fingerprint,
           COALESCE(links.agreed, body, '{{}}') AS agreed,
           links.state, COALESCE(links.reported, links.state) AS reported, notes,
           events, is_open, adopted, linked_at, checked_at,
           EXISTS (SELECT 1 FROM link_documents WHERE link = links.id AND role <> '{_MAIN}') AS has_more
    FROM {_WITH_MAIN}
    LEFT JOIN main.records AS records ON links.agreed IS NULL AND (records.site, records.kind, records.shop_id)
                         = (links.site, links.kind, links.shop_id)
    WHERE links.site = ? AND links.kind = ? """  # noqa: S608
# Ids are opaque; those that are numbers come in the order of numbers.
OLDEST_FIRST = "ORDER BY length(ledger_id), ledger_id"


class Links:
    """The table of links of one site."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def get(self, kind: str, shop_id: str) -> Link | None:
        """The link of a shop record."""
        row = self._db.row(f"{_ROWS} AND links.shop_id = ?", self._site, kind, shop_id)
        return self._link(row) if row else None

    def has_any(self, kind: str) -> bool:
        """Whether there is a link of a kind."""
        return self._db.row("SELECT 1 FROM links WHERE site = ? AND kind = ? LIMIT 1", self._site, kind) is not None

    def count(self, kind: str) -> int:
        """How many links of a kind there are."""
        row = self._db.row("SELECT count(*) AS count FROM links WHERE site = ? AND kind = ?", self._site, kind)
        return int(row["count"])

    def all(self, kind: str) -> Iterator[Link]:
        """Every link of a kind, oldest document first, some hundreds read at a time."""
        return self.in_order(kind, self.ids(kind))

    def ids(self, kind: str) -> list[str]:
        """The shop ids of every link of a kind, oldest document first."""
        return self._ids(f"true {OLDEST_FIRST}", kind)

    def in_order(self, kind: str, shop_ids: Sequence[str]) -> Iterator[Link]:
        """The links of these shop records in this order, some hundreds read at a time."""
        for start in range(0, len(shop_ids), _AT_ONCE):
            part = shop_ids[start : start + _AT_ONCE]
            found = {link.shop_id: link for link in self.some(kind, part)}
            yield from (found[shop_id] for shop_id in part if shop_id in found)

    def newest(self, kinds: Sequence[str], limit: int) -> set[tuple[str, str]]:
        """Kind and shop id of the links of these kinds that were made last."""
        rows = self._db.rows(
            """SELECT kind, shop_id FROM links WHERE site = ? AND kind IN (SELECT value FROM json_each(?))
               ORDER BY id DESC LIMIT ?""",
            self._site,
            json.dumps(kinds),
            limit,
        )
        return {(row["kind"], row["shop_id"]) for row in rows}

    def marks(self, kind: str) -> Iterator[tuple[str, LedgerId, str]]:
        """Shop id, ledger id and fingerprint of every link of a kind, for lists of many thousands."""
        rows = self._db.stream(
            f"SELECT shop_id, ledger_id, fingerprint FROM {_WITH_MAIN} WHERE site = ? AND kind = ?",  # noqa: S608
            self._site,
            kind,
        )
        for row in rows:
            yield row["shop_id"], LedgerId(row["ledger_id"]), row["fingerprint"]

    def numbered(self, kind: str, number: str) -> LedgerId | None:
        """The document of the link that has this number, None where none or several have it."""
        rows = self._numbered(kind, number)
        return LedgerId(rows[0]["ledger_id"]) if len(rows) == 1 else None

    def ids_numbered(self, kind: str, number: str) -> list[str]:
        """The shop ids of the links whose documents have this number, oldest document first."""
        return [row["shop_id"] for row in self._numbered(kind, number)]

    def _numbered(self, kind: str, number: str) -> list[Row]:
        # A cross join is made in this order; SQLite would begin with the links of the site, which are many.
        return self._db.rows(
            f"""SELECT shop_id, ledger_id FROM link_documents CROSS JOIN links
                WHERE number <> '' AND number = ? AND role = '{_MAIN}' AND links.id = link AND site = ? AND kind = ?
                {OLDEST_FIRST}""",  # noqa: S608
            number,
            self._site,
            kind,
        )

    def of_documents(self, kind: str, ledger_kind: str, ledger_ids: Iterable[LedgerId]) -> dict[LedgerId, Link]:
        """The links of a kind whose main documents have these ids."""
        rows = self._db.rows(
            f"""{_ROWS} AND links.id IN (
                  SELECT link FROM link_documents
                  WHERE ledger_kind = ? AND ledger_id IN (SELECT value FROM json_each(?)) AND role = '{_MAIN}'
                  AND ledger_kind NOT IN ('contact', 'item'))""",  # noqa: S608
            self._site,
            kind,
            ledger_kind,
            json.dumps(list(ledger_ids)),
        )
        return {link.ledger_id: link for link in map(self._link, rows)}

    def some(self, kind: str, shop_ids: Iterable[str]) -> list[Link]:
        """The links of these shop records, oldest document first."""
        rows = self._db.rows(
            f"{_ROWS} AND links.shop_id IN (SELECT value FROM json_each(?)) {OLDEST_FIRST}",  # noqa: S608
            self._site,
            kind,
            json.dumps(list(shop_ids)),
        )
        return [self._link(row) for row in rows]

    def elsewhere(self, kind: str) -> Iterator[tuple[LedgerId, str, str, str]]:
        """Ledger id, site, profile and shop id of every link that other sites have."""
        rows = self._db.stream(
            f"""SELECT ledger_id, sites.site, profile, shop_id
                FROM sites CROSS JOIN {_WITH_MAIN}
                WHERE sites.site <> ? AND links.site = sites.site AND kind = ?""",  # noqa: S608
            self._site,
            kind,
        )
        for row in rows:
            yield LedgerId(row["ledger_id"]), row["site"], row["profile"], row["shop_id"]

    def owner_of(self, ledger_kind: str, ledger_id: LedgerId) -> tuple[str, str] | None:
        """Site and shop id of the link that holds a document of the ledger, of whatever site."""
        row = self._db.row(
            """SELECT site, shop_id FROM link_documents JOIN links ON id = link
               WHERE ledger_kind = ? AND ledger_id = ? AND ledger_kind NOT IN ('contact', 'item')""",
            ledger_kind,
            ledger_id,
        )
        return (row["site"], row["shop_id"]) if row else None

    def open_ids(self, kind: str) -> list[str]:
        """The shop ids of the links whose documents the ledger may still move by itself, oldest document first."""
        return self._ids(f"is_open = 1 {OLDEST_FIRST}", kind)

    def paid_since(self, kind: str, day: date) -> list[str]:
        """The shop ids of the links whose documents were paid on this day or later, or on an unknown day."""
        return self._ids(f"paid_on >= ? {OLDEST_FIRST}", kind, day.isoformat())

    def _ids(self, condition: str, kind: str, *values: str) -> list[str]:
        rows = self._db.rows(
            f"SELECT shop_id FROM {_WITH_MAIN} WHERE site = ? AND kind = ? AND {condition}",  # noqa: S608
            self._site,
            kind,
            *values,
        )
        return [row["shop_id"] for row in rows]

    def newest_present(self, kind: str) -> Link | None:
        """The newest link whose document was there when the ledger last spoke of it, one of our own where there is one.

        A document that was adopted may lack our reference.
        """
        for adopted in ("adopted = 0", "adopted = 1"):
            row = self._db.row(
                f"{_ROWS} AND {adopted} AND standing <> 'deleted' ORDER BY links.id DESC LIMIT 1", self._site, kind
            )
            if row:
                return self._link(row)
        return None

    def unreported(self, kind: str) -> list[Link]:
        """The links of which the shop has not been told everything."""
        rows = self._db.rows(f"{_ROWS} AND links.reported IS NOT NULL {OLDEST_FIRST}", self._site, kind)
        return [self._link(row) for row in rows]

    def unreported_ids(self, kind: str) -> list[str]:
        """The shop ids of those links alone, for lists of many thousands."""
        return self._ids(f"reported IS NOT NULL {OLDEST_FIRST}", kind)

    def report(self, link: Link, now: datetime) -> None:
        """Notes that the shop was told, as one event, what the link says of its state."""
        with self._db.transaction() as db:
            db.execute(
                """UPDATE links SET reported = NULLIF(?, state), events = events + 1, checked_at = ?
                   WHERE site = ? AND kind = ? AND shop_id = ?""",
                (packed(link.state), stored(now), self._site, link.kind, link.shop_id),
            )

    def save(self, link: Link, now: datetime) -> None:
        """Writes a link as a whole; raises Defect where another link holds one of its documents."""
        agreed, state, reported = packed(link.agreed), packed(link.state), packed(link.reported)
        values = {
            "fingerprint": link.fingerprint,
            "agreed": agreed,
            "state": state,
            "reported": None if reported == state else reported,
            "notes": packed(link.notes),
            "events": link.events,
            "is_open": int(link.is_open),
            "adopted": int(link.adopted),
            "linked_at": link.linked_at or stored(now),
            "checked_at": stored(now),
        }
        with self._db.transaction() as db:
            known = db.execute(
                f"""INSERT INTO links (site, kind, shop_id, {", ".join(values)})
                    VALUES (:site, :kind, :shop_id, {", ".join(f":{name}" for name in values)})
                    ON CONFLICT (site, kind, shop_id) DO UPDATE SET
                      {", ".join(f"{name} = excluded.{name}" for name in values)}
                    RETURNING id""",  # noqa: S608
                values | {"site": self._site, "kind": link.kind, "shop_id": link.shop_id},
            ).fetchone()
            db.execute(
                """UPDATE links SET agreed = NULL WHERE id = ? AND agreed = (
                     SELECT body FROM main.records WHERE site = ? AND kind = ? AND shop_id = ?)""",
                (known["id"], self._site, link.kind, link.shop_id),
            )
            self._save_documents(db, known["id"], link)

    def _save_documents(self, db: Transaction, link_id: int, link: Link) -> None:
        main = LinkedDocument(_MAIN, link.ledger_kind, link.ledger_id, link.number, link.url)
        documents = (main, *link.documents)
        db.execute("DELETE FROM link_documents WHERE link = ?", (link_id,))
        for one in documents:
            owner = self.owner_of(one.ledger_kind, one.ledger_id)
            if owner is not None:
                raise Defect(f"The {one.ledger_kind} {one.ledger_id} belongs to {owner[1]} and to {link.shop_id}.")
        db.executemany(
            "INSERT INTO link_documents VALUES (?, ?, ?, ?, ?, ?)",
            [(link_id, one.role, one.ledger_kind, one.ledger_id, one.number, one.url) for one in documents],
        )

    def _link(self, row: Row) -> Link:
        agreed, state, reported, notes = stored_objects(row["agreed"], row["state"], row["reported"], row["notes"])
        parse_stored(_check_amounts, state)
        parse_stored(_check_amounts, reported)
        return Link(
            row["kind"],
            row["shop_id"],
            row["ledger_kind"],
            LedgerId(row["ledger_id"]),
            row["number"],
            row["url"],
            row["fingerprint"],
            agreed,
            state,
            reported,
            notes,
            row["events"],
            bool(row["is_open"]),
            bool(row["adopted"]),
            row["linked_at"],
            row["checked_at"],
            self._documents(row["id"]) if row["has_more"] else (),
        )

    def _documents(self, link_id: int) -> tuple[LinkedDocument, ...]:
        rows = self._db.rows(
            """SELECT role, ledger_kind, ledger_id, number, url FROM link_documents
               WHERE link = ? AND role <> ? ORDER BY role, length(ledger_id), ledger_id""",
            link_id,
            _MAIN,
        )
        return tuple(LinkedDocument(role, kind, LedgerId(one), *rest) for role, kind, one, *rest in rows)

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


def _check_amounts(state: Mapping[str, Any]) -> None:
    """Raise ArithmeticError where an amount of how a document stands is none."""
    for name in ("total", "received", "credited", "remaining"):
        Decimal(state.get(name) or "0")
