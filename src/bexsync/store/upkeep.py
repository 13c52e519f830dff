"""Looking after the state: copies, restoring one, moving to another computer, and forgetting what has aged."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bexsync.errors import ConfigurationProblem, StateProblem
from bexsync.store.database import in_memory_copy, open_database, this_host, translated
from bexsync.store.migrations import MIGRATIONS
from bexsync.store.values import packed, stored

_PERSONAL = frozenset(
    {
        *("customer", "invoice_contact", "billing_address", "email", "header_text", "footer_text", "title"),
        *("project", "contract_reference", "attachments", "metadata"),
    }
)
_WORDS_OF_LINES = frozenset({"time_entries", "name", "description", "metadata"})
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


def bring_up_to_date(path: Path) -> None:
    """Gives the state this program's schema, for which every lock must be free; raises Busy where a run goes on."""
    open_database(path).close()


def backup(path: Path, target: Path) -> None:
    """Writes a whole, consistent copy of the state to a file of its own, readable by its owner only."""
    if target.exists():
        raise ConfigurationProblem(f"{target} exists already.", "Name another file; bexsync never overwrites a copy.")
    database = open_database(path)
    try:
        _copy(database.connection, target)
    finally:
        database.close()


def _copy(source: sqlite3.Connection, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite opens by name and follows links, so it writes in a folder of its own that nobody else may enter.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bexsync-copy-") as folder:
            unfinished = Path(folder) / "copy.db"
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with translated(target), closing(sqlite3.connect(unfinished)) as copy:
                source.backup(copy)
            unfinished.replace(target)
    except OSError as problem:
        raise ConfigurationProblem(
            f"{target} cannot be written: {problem.strerror}.", "Name another file."
        ) from problem


def restore(path: Path, source: Path, *, company: str, now: datetime) -> Path:
    """Puts a copy in the place of the state, which is itself kept beside it; the file where it is kept.

    Whatever happened since the copy is found in the ledger again: documents by their reference, how they stand
    by asking, and nothing that is issued is mailed.
    """
    check_copy(source, company)
    kept = path.with_name(f"{path.name}.before-restore-{now:%Y%m%d-%H%M%S}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".bexsync-restore-") as folder:
        copy = Path(folder) / "copy.db"
        with translated(source), closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as given:
            _copy(given, copy)
        with closing(open_database(copy)) as restored, closing(open_database(path)) as database:
            # An older copy has this program's schema by now, so that no other program ever meets it half way.
            _copy(database.connection, kept)
            restored.connection.backup(database.connection)
    with closing(open_database(path)) as database, database.transaction() as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('host', ?)", (this_host(),))
        # The next poll looks at everything, and finds what came since.
        db.execute("DELETE FROM cursors WHERE name = 'payments:changed_until'")
    return kept


def check_copy(source: Path, company: str) -> None:
    """Raises ConfigurationProblem where the file is no whole copy of this company's state."""
    if not source.is_file():
        raise ConfigurationProblem(f"There is no file {source}.", "Name a file that `bexsync state backup` wrote.")
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            whole = copy.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            version = int(copy.execute("PRAGMA user_version").fetchone()[0])
            row = copy.execute("SELECT value FROM meta WHERE key = 'company'").fetchone()
    except sqlite3.Error as problem:
        raise StateProblem(f"{source} is no state of bexsync ({problem}).", "Name another copy.") from problem
    if not whole or not version or row is None:
        raise StateProblem(f"{source} is damaged.", "Name another copy.")
    if version > len(MIGRATIONS):
        raise StateProblem(f"{source} was written by a newer bexsync.", "Update bexsync first.")
    if row[0] != company:
        raise StateProblem(
            f'{source} is the state of the company "{row[0]}", this one is "{company}".', "Name a copy of this company."
        )


def take_over(path: Path) -> str:
    """Lets this computer go on with a state that another one wrote; the name of the other one."""
    with closing(open_database(path)) as database, database.transaction() as db:
        row = database.row("SELECT value FROM meta WHERE key = 'host'")
        db.execute("INSERT OR REPLACE INTO meta VALUES ('host', ?)", (this_host(),))
        return str(row["value"]) if row else ""


def prune(path: Path, *, keep: timedelta, now: datetime, dry: bool = False) -> Pruned:
    """Deletes the names, addresses, mails and texts of what was settled longer ago than `keep`.

    Figures, numbers, fingerprints and links stay: they are what keeps an invoice from being booked again. A dry
    run only counts.
    """
    before = stored(now - keep)
    opened = open_database(path)
    database = in_memory_copy(opened) if dry else opened
    try:
        with database.transaction() as db:
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
        database.connection.execute("VACUUM")
        database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return pruned
    finally:
        database.close()
        opened.close()


def files_in_question(path: Path) -> set[str]:
    """The files that an open error says could not be read."""
    database = open_database(path)
    try:
        rows = database.rows(
            "SELECT cause FROM errors WHERE code = 'unreadable' AND resolved_at IS NULL AND acknowledged_at IS NULL"
        )
    finally:
        database.close()
    return {str(row["cause"]).removeprefix("unreadable:").partition(", ")[0] for row in rows}


def _prune_records(db: sqlite3.Connection, before: str) -> int:
    """Settled invoices keep their figures; customers that no open invoice names are deleted."""
    count = 0
    rows = db.execute(
        "SELECT site, kind, shop_id, body FROM records WHERE kind = 'invoice' AND state <> 'open' AND settled_at < ?",
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
             WHERE kind = 'invoice' AND state = 'open' AND json_extract(body, '$.customer_id') IS NOT NULL)""",
        (before,),
    )
    return count + gone.rowcount


def _prune_links(db: sqlite3.Connection, before: str) -> int:
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


def _prune_intents(db: sqlite3.Connection, before: str) -> int:
    """Done steps of contacts, whose keys are mails and names; every other done step holds no texts any more.

    A contact that was created long ago is found in the ledger itself, so its step bars nothing any more.
    """
    marks = ", ".join("?" for _ in _OF_CONTACTS)
    return db.execute(
        f"DELETE FROM intents WHERE state = 'done' AND changed_at < ? AND kind IN ({marks})",  # noqa: S608
        (before, *_OF_CONTACTS),
    ).rowcount


def _prune_contacts(db: sqlite3.Connection, before: str) -> int:
    """Deletes the copies of contacts that have not changed since; the next push reads all contacts again."""
    gone = db.execute("DELETE FROM contacts WHERE substr(updated_at, 1, 10) < ?", (before[:10],)).rowcount
    if gone:
        db.execute("DELETE FROM facts WHERE name LIKE 'contacts:%'")
    return gone


def _prune_errors(db: sqlite3.Connection, before: str) -> int:
    """What is resolved, and what a person has acknowledged and nobody has met since."""
    gone = db.execute(
        "DELETE FROM errors WHERE resolved_at < ? OR (acknowledged_at < ? AND last_at < ?)", (before, before, before)
    )
    return gone.rowcount


def _figures(record: dict[str, Any]) -> dict[str, Any]:
    """A record without its people and its words."""
    kept = {key: value for key, value in record.items() if key not in _PERSONAL}
    if "lines" in kept:
        kept["lines"] = [{k: v for k, v in line.items() if k not in _WORDS_OF_LINES} for line in kept["lines"]]
    return kept


def old_copies(path: Path, before: datetime) -> list[Path]:
    """The copies of the state that were written before a moment: backups, and what restoring and upgrading kept."""
    found = [
        *(path.parent / "backups").glob(f"{path.stem}-*.db"),
        *path.parent.glob(f"{path.name}.before-restore-*"),
        *path.parent.glob(f"{path.name}.v*.bak"),
    ]
    return sorted(file for file in found if file.is_file() and file.stat().st_mtime < before.timestamp())
