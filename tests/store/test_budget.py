"""The budget of requests: shared by the processes on one company, and never worth a failed run."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bexsync.http.rate_limit import Budget
from bexsync.store.sqlite.budget import SqliteBudget
from world import World, an_invoice

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
END = NOON + timedelta(seconds=30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bexio-1.limits"


def test_two_connections_spend_from_one_window(file: Path) -> None:
    one, two = SqliteBudget(file), SqliteBudget(file)
    one.correct("default", limit=100, remaining=50, resets_at=END)
    assert two.spend("default", NOON) == Budget(100, 49, END)
    assert one.spend("default", NOON) == Budget(100, 48, END)
    assert one.spend("search", NOON) is None
    assert one.spend("default", END) is None
    one.close()
    two.close()


def test_it_is_private_and_never_forced_onto_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: opened.append(connect(*a, **k)) or opened[-1])
    budget = SqliteBudget(file)
    budget.correct("default", limit=100, remaining=50, resets_at=END)
    (connection,) = opened
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 0
    assert [path.stat().st_mode & 0o077 for path in file.parent.iterdir()] == [0, 0, 0]
    budget.close()


@pytest.mark.parametrize("damage", ["nonsense" * 1000, "a moment that is none"])
def test_a_damaged_file_is_replaced_by_the_next_process(file: Path, damage: str) -> None:
    if damage.startswith("nonsense"):
        file.write_text(damage)
    else:
        before = SqliteBudget(file)
        before.correct("default", limit=100, remaining=50, resets_at=END)
        before.close()
        with sqlite3.connect(file) as db:
            db.execute("UPDATE budget SET resets_at = ?", (damage,))
        db.close()
    for remaining in (7, 8):
        budget = SqliteBudget(file)
        assert budget.spend("default", NOON) is None
        budget.correct("default", limit=100, remaining=remaining, resets_at=END)
        assert budget.spend("default", NOON) == Budget(100, remaining - 1, END)
        budget.close()
    again = SqliteBudget(file)
    assert again.spend("default", NOON) == Budget(100, 6, END)
    again.close()


def test_where_no_file_can_be_made_the_process_counts_by_itself(tmp_path: Path) -> None:
    budget = SqliteBudget(tmp_path / "not there" / "bexio-1.limits")
    budget.correct("default", limit=100, remaining=50, resets_at=END)
    assert budget.spend("default", NOON) == Budget(100, 49, END)
    budget.close()


def test_a_lost_or_damaged_budget_does_not_end_a_run(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    (file,) = (world.folder / "state").glob("*.limits")
    file.write_bytes(os.urandom(8192))
    world.drop(an_invoice("2"))
    world.push()
    world.drop(an_invoice("3"))
    world.push()
    assert len(world.invoices()) == 3
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT COUNT(*) FROM budget").fetchone()[0] > 0
    db.close()
