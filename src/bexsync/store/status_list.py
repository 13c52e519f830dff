"""Whether the shop's status list says what the state says, and the records that it lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bexsync.ports.store import Database, RecordState, Row, parse_stored
from bexsync.store.values import stored

_AT_ONCE = 500
_LISTED = """
    SELECT shop_id FROM records WHERE site = ? AND kind = ? AND (state = 'open' OR settled_at >= ?)
    UNION
    SELECT shop_id FROM links WHERE site = ? AND kind IN (?, ?) AND (is_open = 1 OR checked_at >= ?)
    UNION
    SELECT shop_id FROM errors WHERE site = ? AND kind = ? AND resolved_at IS NULL
    ORDER BY shop_id"""
_ROWS = """
    SELECT listed.value AS shop_id, records.state, records.reason, links.id AS link, number, url,
           json_extract(links.state, '$.standing') AS standing, json_extract(links.state, '$.shared') AS shared,
           json_extract(links.state, '$.received') AS received, json_extract(links.state, '$.paid_date') AS paid_date
    FROM json_each(?) AS listed
    LEFT JOIN records ON (records.site, records.kind, records.shop_id) = (?, ?, listed.value)
    LEFT JOIN links ON links.id = (
      SELECT id FROM links WHERE site = ? AND shop_id = listed.value AND kind IN (?, ?)
      ORDER BY kind = ? DESC LIMIT 1)
    LEFT JOIN link_documents ON link_documents.link = links.id AND role = 'main'
    WHERE records.state IS NOT NULL OR links.id IS NOT NULL
    ORDER BY listed.value"""


@dataclass(frozen=True)
class ListedRecord:
    """One record of the shop and how its document stands; `state` is None where the shop no longer has the record."""

    shop_id: str
    state: RecordState | None
    reason: str
    is_linked: bool
    number: str
    url: str
    standing: str
    is_shared: bool
    received: str
    paid_date: str


class StatusList:
    """The status list of one site.

    Triggers of the tables note in the transaction of a change that the list is to be written again; a run that
    writes it notes so before it reads the rows, and what changes meanwhile is noted as well.
    """

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def is_current(self, settings: str) -> bool:
        """Whether the list was written with these settings, and nothing in it has changed since."""
        row = self._db.row("SELECT state, settings FROM status_lists WHERE site = ?", self._site)
        return row is not None and (row["state"], row["settings"]) == ("written", settings)

    def begin(self) -> None:
        """Note that the list is being written; until it is, it is not current."""
        with self._db.transaction() as db:
            db.execute(
                """INSERT INTO status_lists VALUES (?, 'writing', '')
                   ON CONFLICT (site) DO UPDATE SET state = 'writing', settings = ''""",
                (self._site,),
            )

    def end(self, settings: str) -> None:
        """Note that the list was written with these settings, unless something in it changed meanwhile."""
        with self._db.transaction() as db:
            db.execute(
                "UPDATE status_lists SET state = 'written', settings = ? WHERE site = ? AND state = 'writing'",
                (settings, self._site),
            )

    def rows(self, kind: str, document: str, since: datetime) -> Iterator[ListedRecord]:
        """The records of a kind that are open or have changed since then, in the order of their ids.

        A link of the kind `document` says more of a record than one of its own kind.
        """
        site, kinds, at = self._site, (kind, document), stored(since)
        listed = [row["shop_id"] for row in self._db.rows(_LISTED, site, kind, at, site, *kinds, at, site, kind)]
        for start in range(0, len(listed), _AT_ONCE):
            shop_ids = json.dumps(listed[start : start + _AT_ONCE])
            for row in self._db.rows(_ROWS, shop_ids, site, kind, site, *kinds, document):
                yield _listed(row)


def _listed(row: Row) -> ListedRecord:
    return ListedRecord(
        shop_id=row["shop_id"],
        state=parse_stored(RecordState, row["state"]) if row["state"] is not None else None,
        reason=row["reason"] or "",
        is_linked=row["link"] is not None,
        number=row["number"] or "",
        url=row["url"] or "",
        standing=row["standing"] or "",
        is_shared=row["shared"] == "yes",
        received=row["received"] or "0",
        paid_date=row["paid_date"] or "",
    )
