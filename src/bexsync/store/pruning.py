"""Forgetting what has aged: names, addresses, mails and texts of what was settled long ago."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bexsync.ports.store import Database, Transaction
from bexsync.store.values import packed, stored

_PERSONAL = frozenset(
    {
        *("customer", "invoice_contact", "billing_address", "email", "header_text", "footer_text", "title"),
        *("project", "contract_reference", "attachments", "metadata"),
        *("shipping_address", "customer_note", "purchase_order_number"),
    }
)
_WORDS_OF_LINES = frozenset({"time_entries", "name", "description", "metadata"})
# Of the parts of orders: what people wrote, and what leads to a person elsewhere.
_WORDS_OF_PARTS = {"refunds": frozenset({"reason"}), "fulfillments": frozenset({"tracking"})}
_OF_CONTACTS = ("contact", "contact_edit", "contact_relation", "contact_restore", "contact_archive")


@dataclass(frozen=True)
class Pruned:
    """How much was deleted."""

    records: int
    links: int
    intents: int
    contacts: int
    errors: int
    runs: int


def prune(database: Database, *, keep: timedelta, now: datetime, dry: bool = False) -> Pruned:
    """Deletes the names, addresses, mails and texts of what was settled longer ago than `keep`.

    Figures, numbers, fingerprints and links stay: they are what keeps an invoice from being booked again. A dry
    run only counts.
    """
    with suppress(_OnlyCounted), database.transaction() as db:
        pruned = _pruned(db, stored(now - keep))
        if dry:
            raise _OnlyCounted  # which takes everything back
    if not dry:
        database.compact()
    return pruned


class _OnlyCounted(Exception):
    """Ends a transaction whose changes are not wanted."""


def _pruned(db: Transaction, before: str) -> Pruned:
    pruned = Pruned(
        records=_prune_records(db, before),
        links=_prune_links(db, before),
        intents=_prune_intents(db, before),
        contacts=_prune_contacts(db, before),
        errors=_prune_errors(db, before),
        runs=db.execute("DELETE FROM runs WHERE started_at < ?", (before,)).rowcount,
    )
    db.execute("DELETE FROM mentions WHERE said_at < ?", (before,))
    db.execute("DELETE FROM attempts WHERE at < ?", (before,))
    return pruned


def files_in_question(database: Database) -> set[str]:
    """The files that an open error says could not be read."""
    rows = database.rows(
        "SELECT cause FROM errors WHERE code = 'unreadable' AND resolved_at IS NULL AND acknowledged_at IS NULL"
    )
    return {str(row["cause"]).removeprefix("unreadable:").partition(", ")[0] for row in rows}


def _prune_records(db: Transaction, before: str) -> int:
    """Settled invoices and orders keep their figures; customers that no open one names are deleted."""
    count = 0
    rows = db.execute(
        """SELECT site, kind, shop_id, body FROM records
           WHERE kind IN ('invoice', 'order') AND state <> 'open' AND settled_at < ?""",
        (before,),
    ).fetchall()
    for row in rows:
        figures = _figures(json.loads(row["body"]))
        text = packed(figures)
        if text != row["body"]:
            db.execute(
                "UPDATE records SET body = ? WHERE site = ? AND kind = ? AND shop_id = ?",
                (text, row["site"], row["kind"], row["shop_id"]),
            )
            count += 1
    gone = db.execute(
        """DELETE FROM records WHERE kind = 'customer' AND taken_at < ? AND (site, shop_id) NOT IN (
             SELECT site, json_extract(body, '$.customer_id') FROM records
             WHERE kind IN ('invoice', 'order') AND state = 'open'
               AND json_extract(body, '$.customer_id') IS NOT NULL)""",
        (before,),
    )
    return count + gone.rowcount


def _prune_links(db: Transaction, before: str) -> int:
    count = 0
    rows = db.execute(
        """SELECT id, COALESCE(agreed, body, '{}') AS agreed
           FROM links LEFT JOIN records USING (site, kind, shop_id) WHERE is_open = 0 AND linked_at < ?""",
        (before,),
    ).fetchall()
    for row in rows:
        agreed = json.loads(row["agreed"])
        if agreed and not agreed.get("pruned"):
            text = packed({**_figures(agreed), "pruned": True})
            db.execute("UPDATE links SET agreed = ? WHERE id = ?", (text, row["id"]))
            count += 1
    return count


def _prune_intents(db: Transaction, before: str) -> int:
    """Done steps of contacts, whose keys are mails and names; every other done step holds no texts any more.

    A contact that was created long ago is found in the ledger itself, so its step bars nothing any more.
    """
    marks = ", ".join("?" for _ in _OF_CONTACTS)
    return db.execute(
        f"DELETE FROM intents WHERE state = 'done' AND changed_at < ? AND kind IN ({marks})",  # noqa: S608
        (before, *_OF_CONTACTS),
    ).rowcount


def _prune_contacts(db: Transaction, before: str) -> int:
    """Deletes the copies of contacts that have not changed since; the next push reads all contacts again."""
    gone = db.execute("DELETE FROM contacts WHERE substr(updated_at, 1, 10) < ?", (before[:10],)).rowcount
    if gone:
        db.execute("DELETE FROM facts WHERE name LIKE 'contacts:%'")
    return gone


def _prune_errors(db: Transaction, before: str) -> int:
    """What is resolved, and what a person has acknowledged and nobody has met since."""
    gone = db.execute(
        "DELETE FROM errors WHERE resolved_at < ? OR (acknowledged_at < ? AND last_at < ?)", (before, before, before)
    )
    return gone.rowcount


def _figures(record: dict[str, Any]) -> dict[str, Any]:
    """A record without its people and its words."""
    kept = {key: value for key, value in record.items() if key not in _PERSONAL}
    for name, words in {"lines": _WORDS_OF_LINES, **_WORDS_OF_PARTS}.items():
        if name in kept:
            kept[name] = [{k: v for k, v in part.items() if k not in words} for part in kept[name]]
    return kept
