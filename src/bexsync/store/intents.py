"""The journal of effects: one row a step, written before the request leaves.

planned -> sending -> done | held | rejected | in_doubt -> done | planned | conflict
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bexsync.ids import LedgerId
from bexsync.ports.store import Attempt, Database, Intent, IntentState, Row, parse_stored, stored_objects
from bexsync.store.values import moment, packed, stored

_COLUMNS = (
    "scope", "kind", "key", "state", "payload_hash", "schema", "payload", "expect", "attempt", "owner", "sent_at",
    "not_before", "ledger_id", "result", "said", "subject_kind", "subject_id", "site", "job", "link", "changed_at",
)  # fmt: skip
_SAVE = f"""
    INSERT INTO intents ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" for _ in _COLUMNS)})
    ON CONFLICT (scope, kind, key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])}"""  # noqa: S608
# Word for word what stands in the index of unsettled rows, without which SQLite does not use it.
_UNSETTLED = "state IN ('sending', 'in_doubt', 'conflict')"


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
                f"""SELECT * FROM intents WHERE {_UNSETTLED} AND state <> 'conflict'
                    AND scope IN (?, '') ORDER BY sent_at""",  # noqa: S608
                self._site,
            )
        ]

    def under_way(self, kind: str) -> list[Intent]:
        """The steps of a kind that all sites share whose effect may still take place or only a person can judge."""
        return [
            _intent(row)
            for row in self._db.rows(
                f"SELECT * FROM intents WHERE {_UNSETTLED} AND scope = '' AND kind = ? ORDER BY sent_at",  # noqa: S608
                kind,
            )
        ]

    def save(self, intent: Intent, now: datetime) -> None:
        """Writes a row as a whole."""
        if intent.state is IntentState.DONE:  # what it wrote stands in the link, in the contact or in the shop
            intent = replace(intent, payload={}, expect={}, link={}, owner="", not_before=None)
        with self._db.transaction() as db:
            db.execute(
                _SAVE,
                (
                    intent.scope,
                    intent.kind,
                    intent.key,
                    intent.state.value,
                    intent.payload_hash,
                    intent.schema,
                    packed(intent.payload),
                    packed(intent.expect),
                    intent.attempt,
                    intent.owner,
                    stored(intent.sent_at) if intent.sent_at else None,
                    stored(intent.not_before) if intent.not_before else None,
                    intent.ledger_id,
                    packed(intent.result),
                    intent.said,
                    intent.subject_kind,
                    intent.subject_id,
                    intent.site,
                    intent.job,
                    packed(intent.link),
                    stored(now),
                ),
            )

    def forget(self, kind: str, shop_id: str, now: datetime) -> None:
        """Removes the rows of a record's document; contacts, which sites share, keep theirs, and attempts stay."""
        attempts = Attempts(self._db)
        with self._db.transaction() as db:
            for one in self.of_subject(kind, shop_id):
                if one.scope == self._site:
                    attempts.add(Attempt(one.scope, one.kind, one.key, now, None, "forgotten", "", one.payload_hash))
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


def _result(stored: dict[str, Any]) -> dict[str, Any]:
    """What a step came to; later steps refer to the id in it."""
    made = stored.get("ledger_id")
    return stored if made is None else {**stored, "ledger_id": LedgerId(made)}


def _intent(row: Row) -> Intent:
    payload, expect, result, link = stored_objects(row["payload"], row["expect"], row["result"], row["link"])
    return Intent(
        scope=row["scope"],
        kind=row["kind"],
        key=row["key"],
        state=parse_stored(IntentState, row["state"]),
        payload_hash=row["payload_hash"],
        payload=payload,
        expect=expect,
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        site=row["site"],
        job=row["job"],
        attempt=row["attempt"],
        owner=row["owner"],
        sent_at=moment(row["sent_at"]) if row["sent_at"] else None,
        not_before=moment(row["not_before"]) if row["not_before"] else None,
        ledger_id=LedgerId(row["ledger_id"]) if row["ledger_id"] else None,
        result=_result(result),
        said=row["said"],
        link=link,
        schema=row["schema"],
    )


_LONGEST_REASON = 200


class Attempts:
    """The attempts of one company; a row is added for each and never changed, whatever becomes of the intent."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, attempt: Attempt) -> None:
        """Add one; of the reason the first 200 characters are kept."""
        with self._db.transaction() as db:
            db.execute(
                """INSERT INTO attempts
                   SELECT ?, ?, ?, COALESCE(MAX(number), 0) + 1, ?, ?, ?, ?, ? FROM attempts
                   WHERE scope = ? AND kind = ? AND key = ?""",
                (
                    attempt.scope,
                    attempt.kind,
                    attempt.key,
                    stored(attempt.at),
                    attempt.run,
                    attempt.outcome,
                    attempt.reason[:_LONGEST_REASON],
                    attempt.payload_hash,
                    attempt.scope,
                    attempt.kind,
                    attempt.key,
                ),
            )

    def of(self, scope: str, kind: str, key: str) -> list[Attempt]:
        """The attempts at one step, oldest first."""
        rows = self._db.rows(
            "SELECT * FROM attempts WHERE (scope, kind, key) = (?, ?, ?) ORDER BY number", scope, kind, key
        )
        return [
            Attempt(scope, kind, key, moment(row["at"]), row["run"], row["outcome"], row["reason"], row["payload_hash"])
            for row in rows
        ]
