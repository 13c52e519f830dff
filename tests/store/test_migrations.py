"""States of earlier versions: kept files are opened and gone on with; a kill in a migration harms nothing.

A new schema version begins with a file of the old one:
BEXSYNC_KEEP_STATE=v1 pytest tests/store/test_migrations.py -n0 -k test_keep
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Fault
from bexsync.engine.result import Status
from bexsync.errors import Exit
from bexsync.store.sqlite.database import open_database
from bexsync.store.sqlite.migrations import MIGRATIONS
from world import World, an_invoice

KEPT = Path(__file__).parent / "kept"
HOST = "kept"  # a state belongs to one computer; this one is in every test


@pytest.fixture(autouse=True)
def _this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEXSYNC_HOST", HOST)


def a_history(world: World) -> None:
    """Real runs that leave one of each behind: paid, open, blocked, and an invoice nobody knows the outcome of."""
    world.set_profile(engine={"settle_seconds": 600.0})
    world.drop(an_invoice("paid"), an_invoice("open"), name="two.json")
    assert world.push().exit_code is Exit.OK
    world.sandbox.person.pay(world.invoice("paid")["id"], Decimal("108.10"))
    world.poll()
    lines = [{"line_id": "1", "name": "Beratung", "unit_price": "100", "tax_code": "XX"}]
    world.drop(an_invoice("blocked", lines=lines), name="blocked.json")
    assert world.push().exit_code is Exit.SOME_FAILED
    world.sandbox.faults.plan(
        [
            Fault("lagging_search", "*", "*", repeat=0, seconds=20),
            Fault("drop_after", "POST", "/2.0/kb_invoice"),
        ]
    )
    world.drop(an_invoice("doubtful"), name="doubtful.json")
    result = world.push()
    assert {o.shop_id: o.status for o in result.outcomes}["doubtful"] is Status.IN_DOUBT
    world.sandbox.faults.clear()


def state_of(world: World) -> Path:
    (path,) = (world.folder / "state").glob("bexio-*.db")
    return path


def contents(path: Path) -> dict[str, list[Any]]:
    """Every row of every table, as any program would read it."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.skipif("BEXSYNC_KEEP_STATE" not in os.environ, reason="writes a file to be kept")
def test_keep(world: World) -> None:
    a_history(world)
    target = KEPT / f"{os.environ['BEXSYNC_KEEP_STATE']}.db"
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(state_of(world))) as db:
        db.execute("VACUUM INTO ?", (str(target),))


KEPT_STATES = sorted(KEPT.glob("v*.db"))


def test_every_version_but_todays_is_kept() -> None:
    assert [version_of(path) for path in KEPT_STATES] == list(range(1, len(KEPT_STATES) + 1))
    assert len(KEPT_STATES) in (len(MIGRATIONS) - 1, len(MIGRATIONS)), "keep a file of the version before, see above"


@pytest.mark.parametrize("kept", KEPT_STATES, ids=lambda path: path.stem)
def test_todays_program_goes_on_with_a_state_of_that_version(world: World, kept: Path) -> None:
    a_history(world)  # the books it speaks of
    path = state_of(world)
    shutil.copy(kept, path)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    mailed = len(world.sandbox.mails)
    world.clock.forward(minutes=11)

    result = world.push()
    statuses = {o.shop_id: o.status for o in result.outcomes}
    assert statuses == {"blocked": Status.BLOCKED, "doubtful": Status.DONE}
    assert len(world.sandbox.mails) == mailed + 1
    assert sorted(i["api_reference"].rpartition(":")[2] for i in world.invoices()) == ["doubtful", "open", "paid"]
    world.sandbox.person.pay(world.invoice("open")["id"], Decimal("108.10"))
    world.poll()
    told = Counter((e["shop_id"], e["event"]) for e in world.events())
    assert told["paid", "paid"] == told["open", "paid"] == told["doubtful", "sent"] == 1
    with world.workspace() as workspace:
        assert [row.shop_id for row in workspace.store.errors.open()] == ["blocked"]
        (anna,) = workspace.store.contacts.by_mail("anna.keller@example.ch")
        assert (anna.address.street, anna.written["street"]) == ("Seestrasse", "Seestrasse")
    world.drop(an_invoice("blocked"), name="corrected.json")
    assert world.push().exit_code is Exit.OK
    assert len(world.sandbox.mails) == len(world.invoices()) == 4
    before = world.writes(), world.events()
    assert world.push().exit_code is Exit.OK
    world.poll()
    assert (world.writes(), world.events()) == before


# the machinery, with a migration that does not exist


def m_next(db: sqlite3.Connection) -> None:
    """A table of its own, a column more, and rows written anew, as real migrations do."""
    db.execute("CREATE TABLE labels (shop_id TEXT PRIMARY KEY, label TEXT NOT NULL) STRICT")
    db.execute("ALTER TABLE links ADD COLUMN label TEXT NOT NULL DEFAULT ''")
    db.execute("INSERT INTO labels SELECT shop_id, 'label of ' || shop_id FROM links")
    db.execute("UPDATE links SET label = (SELECT label FROM labels WHERE labels.shop_id = links.shop_id)")
    db.execute("CREATE INDEX links_by_label ON links (label)")
    db.execute("DELETE FROM facts")


def m_after(db: sqlite3.Connection) -> None:
    """And one more, since two steps may be due at once."""
    db.execute("DROP TABLE labels")


LATER = (*MIGRATIONS, m_next, m_after)


def upgrade_and_die(path: Path, at: int) -> int:
    """Opens the state with the later program; SIGKILL comes before or after the nth statement, if there are so many."""
    left = at

    def count(_frame: Any, event: str, called: Any) -> None:
        nonlocal left
        if event in ("c_call", "c_return") and isinstance(getattr(called, "__self__", None), sqlite3.Connection):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    open_database(path, LATER).close()
    sys.setprofile(None)
    return left


def die_everywhere(folder: Path) -> None:
    """A copy of the kept state for each statement, whose upgrade dies there; a process each, until one survives."""
    for at in range(10_000):
        path = fresh_copy(folder / f"{at:04}")
        child = os.fork()
        if child == 0:
            upgrade_and_die(path, at)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            return


def in_a_process_of_its_own(what: str, path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(KEPT.parent.parent)}
    return subprocess.Popen([sys.executable, __file__, what, str(path)], env=environment)


def fresh_copy(folder: Path) -> Path:
    path = folder / "bexio-1.db"
    folder.mkdir()
    shutil.copy(KEPT / "v1.db", path)
    return path


def test_a_migration_that_is_killed_at_any_statement_is_finished_by_the_next_start(tmp_path: Path) -> None:
    before = contents(fresh_copy(tmp_path / "never"))
    (tmp_path / "killed").mkdir()
    assert in_a_process_of_its_own("die", tmp_path / "killed").wait(100) == 0
    *killed, survivor = sorted((tmp_path / "killed").iterdir())
    after = contents(survivor / "bexio-1.db")
    assert len(killed) > 40
    assert {row[-1] for row in after["links"]} == {"label of paid", "label of open"}

    halves = Counter[int]()
    for folder in killed:
        path = folder / "bexio-1.db"
        found = version_of(path)
        halves[found] += 1
        if found == 1:
            assert contents(path) == before, folder.name
        else:
            kept = path.with_name(f"{path.name}.v1.bak")
            assert contents(kept) == before
            assert kept.stat().st_mode & 0o077 == 0
        open_database(path, LATER).close()
        assert version_of(path) == len(LATER)
        assert contents(path) == after, folder.name
    assert set(halves) == set(range(1, len(LATER) + 1))


def test_a_migration_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    path = fresh_copy(tmp_path / "state")
    open_database(path).close()
    before = contents(path)

    def m_broken(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM links")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        open_database(path, (*MIGRATIONS, m_broken))
    assert (version_of(path), contents(path)) == (len(MIGRATIONS), before)


@pytest.mark.long
def test_two_processes_that_upgrade_at_once_upgrade_once(tmp_path: Path) -> None:
    path = fresh_copy(tmp_path / "state")
    both = [in_a_process_of_its_own("upgrade", path) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert version_of(path) == len(LATER)
    assert {row[-1] for row in contents(path)["links"]} == {"label of paid", "label of open"}


def test_a_state_of_a_newer_program_is_left_alone(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    path = state_of(world)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    world.drop(an_invoice("2"))
    run = world.cli("invoices", "push", "--json", BEXSYNC_HOST=HOST)
    assert run.returncode == Exit.CONFIGURATION
    (error,) = json.loads(run.stdout)["errors"]
    assert "written by a newer bexsync (schema 99, this one knows" in error["message"]
    assert path.read_bytes() == before
    assert len(world.invoices()) == 1
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert world.push().exit_code is Exit.OK
    assert len(world.invoices()) == 2


if __name__ == "__main__":
    {"die": die_everywhere, "upgrade": lambda path: upgrade_and_die(path, 10_000)}[sys.argv[1]](Path(sys.argv[2]))
