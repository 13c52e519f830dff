"""Rehearsals on the file of the state: what they guarantee, what they copy, and that no request is made in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox.requests import Request
from bexsync.http.rate_limit import MemoryBudget
from bexsync.ports.store import Database
from bexsync.store import Store
from bexsync.store.sqlite.database import SqliteDatabase, open_database
from contract.database import Opened, RehearsalContract
from world import World, an_invoice

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bexio-1.db"


class TestRehearsal(RehearsalContract):
    """The one database there is."""

    @pytest.fixture
    def opened(self, path: Path) -> Iterator[Opened]:
        databases: list[SqliteDatabase] = []

        def once_more() -> Database:
            databases.append(open_database(path))
            return databases[-1]

        yield once_more
        for database in databases:
            database.close()


@pytest.fixture
def booked(world: World) -> World:
    world.drop(an_invoice("1"), an_invoice("2"), name="two.json")
    world.push()
    return world


def state(world: World) -> Path:
    (found,) = (world.folder / "state").glob("bexio-*.db")
    return found


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of every connection that is opened from now on."""
    found: list[str] = []
    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(found.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connected)
    return found


def copied(asked: list[str]) -> list[str]:
    """The tables that were copied."""
    return [sql.split()[2].removeprefix("temp.") for sql in asked if sql.startswith("INSERT INTO temp.")]


def test_every_table_may_be_written_and_none_of_the_file(booked: World) -> None:
    before = contents(state(booked))
    with closing(open_database(state(booked))) as database, database.rehearsal() as rehearsal:
        tables = [row["name"] for row in rehearsal.rows("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        own = [name for name in tables if not name.startswith("sqlite_")]
        for name in own:
            with rehearsal.transaction() as db:
                db.execute(f"DELETE FROM {name}")
        assert {name: len(rehearsal.rows(f"SELECT * FROM {name}")) for name in own} == dict.fromkeys(own, 0)
        assert database.rows("SELECT * FROM links")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            rehearsal.connection.execute("DELETE FROM main.links")
    assert contents(state(booked)) == before


def test_its_copies_do_what_the_tables_do_by_themselves(booked: World) -> None:
    """What was agreed outlives a new body, and the documents of a link go with it."""
    with closing(open_database(state(booked))) as database, database.rehearsal() as rehearsal:
        store = Store(rehearsal, "main", MemoryBudget())
        before = store.links.get("invoice", "1")
        assert before is not None
        with rehearsal.transaction() as db:
            db.execute("UPDATE records SET body = '{}' WHERE shop_id = '1'")
        assert store.links.get("invoice", "1") == before
        store.links.forget("invoice", "1")
        assert store.links.owner_of("invoice", before.ledger_id) is None
        store.links.save(before, NOW)
        assert store.links.owner_of("invoice", before.ledger_id) == ("main", "1")


def test_a_rehearsal_of_nothing_copies_nothing_that_grows(booked: World, asked: list[str]) -> None:
    booked.push(dry_run=True)
    assert not {"records", "links", "link_documents", "intents", "attempts", "contacts"} & set(copied(asked))


def test_a_rehearsal_of_new_invoices_copies_neither_records_nor_links(booked: World, asked: list[str]) -> None:
    booked.drop(*(an_invoice(str(number)) for number in range(10, 40)), name="many.json")
    result = booked.push(dry_run=True)
    assert result.data["plan"]["documents"] == 30
    tables = copied(asked)
    assert not {"records", "links", "link_documents", "intents", "attempts"} & set(tables)
    assert len(tables) == len(set(tables)) > 0


def test_what_is_asked_of_records_in_a_rehearsal_is_found_by_indexes(booked: World) -> None:
    """Rows of the file and rows that were taken in stand in two tables, which are both looked up."""
    with closing(open_database(state(booked))) as database, database.rehearsal() as rehearsal:
        with rehearsal.transaction() as db:
            db.execute("UPDATE records SET reason = 'new' WHERE site = 'main' AND kind = 'invoice' AND shop_id = '1'")
        asked = (
            ("shop_id = ?", "1"), ("state = ?", "open"), ("day = ?", "2026-11-02"), ("shop_number = ?", "1"),
            ("original = ?", "1"),
        )  # fmt: skip
        for condition, value in asked:
            plan = rehearsal.rows(
                f"EXPLAIN QUERY PLAN SELECT * FROM records WHERE site = 'main' AND kind = 'invoice' AND {condition}",
                value,
            )
            assert not [row["detail"] for row in plan if row["detail"].startswith("SCAN")]
            assert sum(row["detail"].startswith("SEARCH") for row in plan) == 3
        assert [row["reason"] for row in rehearsal.rows("SELECT reason FROM records ORDER BY shop_id")] == ["new", ""]


def test_no_transaction_is_open_while_a_request_is_made(booked: World) -> None:
    """Another process writes at every request, and the log is folded back as a whole."""
    requests: list[str] = []

    def look(request: Request) -> None:
        requests.append(request.path)
        with closing(sqlite3.connect(state(booked), timeout=0, isolation_level=None)) as other:
            other.execute("INSERT OR REPLACE INTO cursors VALUES ('other', 'here', ?)", (len(requests),))
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0

    booked.sandbox.hooks.before.append(look)
    booked.drop(an_invoice("1", title="Anders"), an_invoice("3"), name="more.json")
    assert booked.push(dry_run=True).data["plan"]["documents"] == 1
    assert len(requests) > 2


def test_its_requests_count_for_real(booked: World) -> None:
    def spent() -> int:
        with closing(sqlite3.connect(state(booked).with_suffix(".limits"))) as db:
            return sum(allowed - left for allowed, left in db.execute("SELECT allowed, remaining FROM budget"))

    booked.drop(an_invoice("3"), name="more.json")
    before, made = spent(), len(booked.sandbox.requests)
    booked.push(dry_run=True)
    assert spent() - before == len(booked.sandbox.requests) - made > 0


def test_a_state_that_is_written_meanwhile_is_shown_as_it_is(booked: World) -> None:
    """A push of the same site books while a rehearsal waits for an answer, and both come to an end."""
    pushed: list[object] = []

    def push_meanwhile(request: Request) -> None:
        if not pushed and "kb_invoice" in request.path:
            pushed.append(True)
            pushed.append(booked.push())

    booked.drop(an_invoice("3"), name="more.json")
    booked.sandbox.hooks.before.append(push_meanwhile)
    rehearsed = booked.push(dry_run=True)
    assert len(pushed) == 2
    assert len(booked.sandbox.mails) == len(booked.invoices()) == 3
    assert rehearsed.exit_code == 0
