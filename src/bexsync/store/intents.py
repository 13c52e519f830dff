"""The journal of effects: one row a step, written before the request leaves.

planned -> sending -> done | held | rejected | in_doubt -> done | planned | conflict
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bexsync.ports.store import Intent, IntentState, parse_stored, stored_object
from bexsync.store.database import Database
from bexsync.store.timestamps import moment, stored


class Intents:
    """The journal of one company; the site's own rows and those that all sites share."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def get(self, scope: str, kind: str, key: str) -> Intent | None:
        """One row."""
        row = self._db.row("SELECT * FROM intents WHERE scope = ? AND kind = ? AND key = ?", scope, kind, key)
        return _intent(row) if row else None

    def of_subject(self, kind: str, shop_id: str) -> list[Intent]:
        """Everything that was ever begun for a record of this site."""
        return [
            _intent(row)
            for row in self._db.rows(
                "SELECT * FROM intents WHERE site = ? AND subject_kind = ? AND subject_id = ? ORDER BY changed_at",
                self._site,
                kind,
                shop_id,
            )
        ]

    def unsettled(self) -> list[Intent]:
        """What is under way or in doubt, of this site or shared, oldest first."""
        return [
            _intent(row)
            for row in self._db.rows(
                """SELECT * FROM intents WHERE state IN ('sending', 'in_doubt')
                   AND (scope = ? OR scope = '') ORDER BY sent_at""",
                self._site,
            )
        ]

    def under_way(self, kind: str) -> list[Intent]:
        """The steps of a kind that all sites share whose effect may still take place or only a person can judge."""
        return [
            _intent(row)
            for row in self._db.rows(
                """SELECT * FROM intents WHERE state IN ('sending', 'in_doubt', 'conflict')
                   AND scope = '' AND kind = ? ORDER BY sent_at""",
                kind,
            )
        ]

    def save(self, intent: Intent, now: datetime) -> None:
        """Writes a row as a whole."""
        with self._db.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    intent.scope,
                    intent.kind,
                    intent.key,
                    intent.state.value,
                    intent.payload_hash,
                    _json(intent.payload),
                    _json(intent.expect),
                    intent.attempt,
                    intent.owner,
                    stored(intent.sent_at) if intent.sent_at else None,
                    stored(intent.not_before) if intent.not_before else None,
                    intent.ledger_id,
                    _json(intent.result),
                    intent.said,
                    intent.subject_kind,
                    intent.subject_id,
                    intent.site,
                    intent.job,
                    _json(intent.link),
                    stored(now),
                ),
            )

    def forget(self, kind: str, shop_id: str) -> None:
        """Removes the story of a record's document; contacts, which sites share, keep theirs."""
        with self._db.transaction() as db:
            db.execute(
                "DELETE FROM intents WHERE scope = ? AND site = ? AND subject_kind = ? AND subject_id = ?",
                (self._site, self._site, kind, shop_id),
            )

    def forget_rejections(self, kind: str, shop_id: str, now: datetime) -> int:
        """Lets refused and held effects of a record be tried again; how many there were.

        A conflict is looked at again before anything is sent: the mail in doubt may have been mailed after all.
        """
        with self._db.transaction() as db:
            changed = db.execute(
                """UPDATE intents SET
                     payload_hash = CASE state WHEN 'conflict' THEN payload_hash ELSE '' END,
                     not_before = CASE state WHEN 'conflict' THEN ? ELSE not_before END,
                     state = CASE state WHEN 'conflict' THEN 'in_doubt' ELSE 'planned' END,
                     changed_at = ?
                   WHERE site = ? AND subject_kind = ? AND subject_id = ?
                     AND state IN ('rejected', 'held', 'conflict')""",
                (stored(now), stored(now), self._site, kind, shop_id),
            )
            return changed.rowcount


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _intent(row: sqlite3.Row) -> Intent:
    return Intent(
        scope=row["scope"],
        kind=row["kind"],
        key=row["key"],
        state=parse_stored(IntentState, row["state"]),
        payload_hash=row["payload_hash"],
        payload=stored_object(row["payload"]),
        expect=stored_object(row["expect"]),
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        site=row["site"],
        job=row["job"],
        attempt=row["attempt"],
        owner=row["owner"],
        sent_at=moment(row["sent_at"]) if row["sent_at"] else None,
        not_before=moment(row["not_before"]) if row["not_before"] else None,
        ledger_id=row["ledger_id"],
        result=stored_object(row["result"]),
        said=row["said"],
        link=stored_object(row["link"]),
    )
