"""What the benchmark stands on: a history with which the program finds nothing to do, and counts that are right."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _bench_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.long
def test_state_and_books_of_a_made_history_agree() -> None:
    from bench.history import PROFILE, History, disagreement, make
    from bench.stage import stage

    with stage(PROFILE) as place:
        make(place, History(30, open=10, customers=7))
        place.serve(speed=60)
        assert disagreement(place) == ""
        found = place.result("links", "show", "10000021")["data"]
        assert "RE-00021" in json.dumps(found)
        with closing(sqlite3.connect(place.state)) as state:
            states = state.execute(
                "SELECT json_extract(state, '$.standing'), count(*) FROM links GROUP BY 1"
            ).fetchall()
        assert dict(states) == {"paid": 20, "issued": 10}


@pytest.mark.long
def test_an_invoice_that_was_paid_meanwhile_is_news() -> None:
    from bench.history import PROFILE, History, make
    from bench.stage import stage

    with stage(PROFILE) as place:
        make(place, History(4, open=3, customers=2), all_paid=True)
        place.serve(speed=60)
        outcomes = place.result("payments", "poll")["data"]["outcomes"]
        assert [(one["shop_id"], one["action"]) for one in outcomes] == [
            ("10000002", "paid"),
            ("10000003", "paid"),
            ("10000004", "paid"),
        ]


COUNTED = """
import os, sqlite3, sys
sys.path.insert(0, sys.argv[1])
from bench.counted import counting
counts = counting()
db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
def transaction(end, *statements):
    for statement in ("BEGIN IMMEDIATE", *statements, end):
        db.execute(statement)
transaction("COMMIT", "INSERT INTO t VALUES (1)")
transaction("ROLLBACK", "INSERT INTO t VALUES (1)")
transaction("COMMIT")
db.execute("PRAGMA synchronous = NORMAL")
transaction("COMMIT", "INSERT INTO t VALUES (1)")
db.execute("PRAGMA synchronous = FULL")
transaction("COMMIT", "UPDATE t SET x = 2")
with open(sys.argv[2]) as file:
    os.fsync(file.fileno())
print(counts.commits, counts.files)
"""


def test_commits_that_reach_the_disk_are_counted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNTED, str(ROOT), str(tmp_path / "a.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2 1\n"
