"""Upgrading a state: what the rebuilt tables keep, and when nothing is begun."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bexsync.errors import Busy, Exit, TryLater
from bexsync.ports.store import IntentState, Link, RecordState
from bexsync.store import Store
from bexsync.store.sqlite.opening import open_store
from bexsync.store.sqlite.upkeep import SqliteUpkeep
from world import World, an_invoice

KEPT = Path(__file__).parent / "kept"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Usage = namedtuple("Usage", ("total", "used", "free"))


@pytest.fixture(autouse=True)
def _this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEXSYNC_HOST", "kept")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A state of schema 3."""
    path = tmp_path / "state" / "bexio-1.db"
    path.parent.mkdir()
    shutil.copy(KEPT / "v3.db", path)
    return path


def company_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("SELECT value FROM meta WHERE key = 'company'").fetchone()[0])


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def rows(path: Path, sql: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql)]


@contextmanager
def upgraded(path: Path) -> Iterator[Store]:
    with closing(open_store(path, "main", company_of(path))) as store:
        yield store


def test_rows_that_are_not_done_keep_everything_they_had(old: Path) -> None:
    states = [state for state in IntentState if state is not IntentState.DONE]
    with closing(sqlite3.connect(old)) as db, db:
        for state in states:
            db.execute(
                """INSERT INTO intents
                   SELECT scope, 'send', ?, ?, payload_hash, payload, expect, attempt, owner, sent_at, not_before, 7,
                          result, 'said', subject_kind, subject_id, site, job, link, changed_at
                   FROM intents WHERE state = 'in_doubt' AND kind = 'invoice'""",
                (f"key {state}", state),
            )
    question = "SELECT * FROM intents WHERE state <> 'done' ORDER BY kind, key"
    before = rows(old, question)
    assert len(before) == len(states) + 1
    with upgraded(old):
        pass
    after = rows(old, question)
    assert {row.pop("schema") for row in after} == {1}
    for row in (*before, *after):
        row["result"] = json.loads(row["result"])
    for row in before:
        row["ledger_id"] = row["ledger_id"] and str(row["ledger_id"])
        row["result"] |= {"ledger_id": row["ledger_id"]} if row["ledger_id"] else {}
    assert after == before


def test_links_and_records_say_what_they_said(old: Path) -> None:
    before = {row["shop_id"]: row for row in rows(old, "SELECT * FROM links")}
    bodies = {row["shop_id"]: json.loads(row["body"]) for row in rows(old, "SELECT * FROM records")}
    with upgraded(old) as store:
        links = list(store.links.all("invoice"))
        assert [link.shop_id for link in links] == sorted(before, key=lambda shop_id: before[shop_id]["ledger_id"])
        for link in links:
            row = before[link.shop_id]
            assert (link.ledger_kind, link.ledger_id) == (row["ledger_kind"], str(row["ledger_id"]))
            assert (link.number, link.url, link.fingerprint) == (row["number"], row["url"], row["fingerprint"])
            for name in ("agreed", "state", "reported"):
                assert getattr(link, name) == json.loads(row[name]), name
            notes = json.loads(row["notes"])
            assert link.notes == notes | {"contact_id": str(notes["contact_id"])}
            assert (link.events, link.is_open, link.linked_at) == (row["events"], row["is_open"], row["linked_at"])
        taken = [row for state in RecordState for row in store.records.in_state("invoice", state)]
        assert {row.shop_id: row.canonical() for row in taken} == bodies
        assert store.records.in_state("invoice", RecordState.OPEN)
        (anna,) = store.contacts.by_mail("anna.keller@example.ch")
        assert anna.written["street"] == "Seestrasse"


def test_an_old_state_is_left_alone_while_a_run_is_going_on(old: Path) -> None:
    before = contents(old)
    company = company_of(old)
    (old.parent / "locks").mkdir()
    for name in (f"{company}-other-payments-poll", f"{company}-main-invoices-push", f"{company}-write"):
        with FileLock(old.parent / "locks" / f"{name}.lock"):
            with pytest.raises(Busy, match="another run of this company is going on") as caught:
                open_store(old, "main", company)
            assert caught.value.exit_code is Exit.TRY_LATER
        assert (contents(old), sorted(old.parent.glob("*.bak"))) == (before, [])
    with FileLock(old.parent / "locks" / f"{company}1-main-invoices-push.lock"):  # of another company
        open_store(old, "main", company).close()
    assert contents(old) != before


HOLDING = """
import sys, time
from bexsync.store.sqlite.locks import FileLocks
from pathlib import Path
with FileLocks(Path(sys.argv[1]), sys.argv[2], "main").everything():
    print("held", flush=True)
    time.sleep(2)
"""


def test_another_process_that_upgrades_is_waited_for(old: Path) -> None:
    company = company_of(old)
    command = [sys.executable, "-c", HOLDING, str(old.parent / "locks"), company]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with upgraded(old) as store:
            assert {link.shop_id for link in store.links.all("invoice")} == {"paid", "open"}
        assert other.wait(10) == 0


def test_without_space_nothing_is_begun(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(old)
    free = 3 * old.stat().st_size - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * free, 0, free))
    with pytest.raises(TryLater, match=r"takes \d MB of space; \d MB are free") as caught:
        open_store(old, "main", company_of(old))
    assert (caught.value.exit_code, caught.value.code) == (Exit.TRY_LATER, "disk")
    assert (contents(old), sorted(old.parent.glob("*.bak"))) == (before, [])


def test_the_file_is_small_afterwards_and_the_old_one_is_kept(old: Path) -> None:
    with upgraded(old):
        pass
    smallest = old.with_name("smallest.db")
    with closing(sqlite3.connect(old)) as db:
        db.execute("VACUUM INTO ?", (str(smallest),))
    assert old.stat().st_size == smallest.stat().st_size
    assert not rows(old, "PRAGMA freelist_count")[0]["freelist_count"]
    assert rows(old.with_name("bexio-1.db.v3.bak"), "PRAGMA user_version") == [{"user_version": 3}]


def test_an_old_copy_is_upgraded_before_it_takes_the_states_place(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    (path,) = (world.folder / "state").glob("bexio-*.db")
    company = path.stem.removeprefix("bexio-")
    SqliteUpkeep(path, company).restore(KEPT / "v1.db", NOW)
    assert rows(path, "PRAGMA user_version") != [{"user_version": 1}]
    with closing(open_store(path, "main", company)) as store:
        assert {link.shop_id for link in store.links.all("invoice")} == {"paid", "open"}
    assert [file.name for file in path.parent.glob(".bexsync*")] == []


def test_what_is_kept_once_is_read_as_before(tmp_path: Path) -> None:
    """A damaged body is no reason to refuse the rest."""
    path = tmp_path / "bexio-1.db"
    shutil.copy(KEPT / "v3.db", path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE records SET body = '{' WHERE shop_id = 'open'")
    with upgraded(path) as store:
        link = store.links.get("invoice", "open")
        assert isinstance(link, Link)
        assert link.agreed["shop_id"] == "open"
