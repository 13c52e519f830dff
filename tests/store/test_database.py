"""The state file: opened, reopened, refused with a sentence, private, whole after a kill, rehearsed without a trace."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bexsync.errors import ConfigurationProblem, StateProblem, TryLater
from bexsync.hooks import observed_by
from bexsync.store import Store
from bexsync.store.sqlite.migrations import MIGRATIONS
from bexsync.store.sqlite.opening import open_store
from world import World, an_invoice

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bexio-1.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path, "main", "1")
    yield opened
    opened.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    first = open_store(path, "main", "1")
    first.cursors.move("here", "42")
    first.close()
    again = open_store(path, "main", "1")
    assert again.cursors.get("here") == "42"
    again.close()


def test_nobody_else_may_read_it(store: Store, path: Path) -> None:
    store.cursors.move("here", "42")
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "bexio-1.db": 0o600, "bexio-1.db-wal": 0o600, "bexio-1.db-shm": 0o600,
    }  # fmt: skip
    assert mode(path.parent) == 0o700


def test_a_copy_restored_with_loose_rights_is_made_private(path: Path) -> None:
    open_store(path, "main", "1").close()
    path.chmod(0o644)
    open_store(path, "main", "1").close()
    assert mode(path) == 0o600


def refusal(path: Path, company: str = "1") -> StateProblem:
    with pytest.raises(StateProblem) as caught:
        open_store(path, "main", company)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_newer_state_is_refused_and_left_alone(path: Path) -> None:
    open_store(path, "main", "1").close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = path.read_bytes()
    assert "newer bexsync" in refusal(path).message
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_garbage_is_damage(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert "is damaged" in refusal(path).message
    assert path.read_bytes() == content


def test_a_hole_in_the_middle_is_damage(path: Path) -> None:
    opened = open_store(path, "main", "1")
    with opened.transaction():
        for number in range(2000):
            opened.cursors.move(f"cursor {number}", "x" * 50)
    opened.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\x55" * (len(content) - 4096 * 2)
    path.write_bytes(content)

    def use() -> None:
        damaged = open_store(path, "main", "1")
        list(damaged.links.all("invoice"))
        damaged.cursors.get("cursor 1")

    with pytest.raises(StateProblem, match="is damaged") as caught:
        use()
    assert "restore a copy" in caught.value.hint


@pytest.mark.parametrize("version", [0, 1])
def test_another_programs_database_is_refused(path: Path, version: int) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    assert "another program" in refusal(path).message
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    db.close()


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    refusal(path)


def test_a_file_in_the_folders_place(path: Path) -> None:
    path.parent.write_text("")
    with pytest.raises(StateProblem):
        open_store(path, "main", "1")


def test_the_state_of_another_company_is_refused(path: Path) -> None:
    open_store(path, "main", "1").close()
    assert "another company" in refusal(path, company="2").message


def test_two_profiles_cannot_share_a_site_but_a_profile_may_move(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "a.toml"
    here.write_text("")
    store.claim_site(profile=str(here), shop="folder", now=NOW)
    store.claim_site(profile=str(here), shop="folder", now=NOW)
    with pytest.raises(ConfigurationProblem, match=r"already used by the profile .*a\.toml"):
        store.claim_site(profile=str(tmp_path / "b.toml"), shop="folder", now=NOW)
    here.rename(tmp_path / "b.toml")
    store.claim_site(profile=str(tmp_path / "b.toml"), shop="folder", now=NOW)


def test_a_transaction_is_whole_or_not_at_all(store: Store) -> None:
    def break_off() -> None:
        with store.transaction():
            store.cursors.move("one", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert store.cursors.get("one") is None

    def fail(point: str, **_: str) -> None:
        if point == "commit:before":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed_by(fail):
        store.cursors.move("two", "2")
    assert store.cursors.get("two") is None
    store.cursors.move("three", "3")
    assert store.cursors.get("three") == "3"


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from bexsync.hooks import set_observer
    from bexsync.store.sqlite.opening import open_store

    count = 0
    def kill(point, **facts):
        global count
        count += 1
        if count == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
    set_observer(kill)
    store = open_store(Path(sys.argv[1]), "main", "1")
    for number in range(3):
        with store.transaction():
            store.cursors.move("first", str(number))
            store.cursors.move("second", str(number))
"""


@pytest.mark.parametrize("at", [2, 9, *(pytest.param(at, marks=pytest.mark.long) for at in (1, 3, 4, 7, 8, 10))])
def test_a_kill_leaves_whole_transactions(path: Path, at: int) -> None:
    """Also in the middle of making the tables."""
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), path, str(at)], check=False)
    assert run.returncode == -signal.SIGKILL
    after = open_store(path, "main", "1")
    assert after.cursors.get("first") == after.cursors.get("second")
    after.cursors.move("first", "again")
    after.close()


def test_a_rehearsal_leaves_no_trace(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("2"), an_invoice("3", currency="XXX"))

    def contents() -> dict[str, list[tuple[object, ...]]]:
        (path,) = (world.folder / "state").glob("bexio-*.db")
        db = sqlite3.connect(path)
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names if name != "budget"}
        db.close()
        return found

    def shop() -> dict[str, bytes]:
        return {str(file): file.read_bytes() for file in world.shop.rglob("*") if file.is_file()}

    before = contents(), shop(), world.writes()
    assert world.push(dry_run=True).data["plan"]["documents"] == 1
    assert (contents(), shop(), world.writes()) == before


def test_two_connections_wait_for_each_other(store: Store, path: Path) -> None:
    other = open_store(path, "other", "1")
    store.cursors.move("a", "1")
    other.cursors.move("a", "2")
    assert (store.cursors.get("a"), other.cursors.get("a")) == ("1", "2")
    other.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a tiny disk")
def test_a_full_disk_is_later_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        store = open_store(disk / "state" / "bexio-1.db", "main", "1")
        store.cursors.move("kept", "yes")

        def fill() -> None:
            for number in range(10_000):
                store.cursors.move(f"cursor {number}", "x" * 1000)

        with pytest.raises(TryLater, match="could not be written") as caught:
            fill()
        assert caught.value.code == "disk"
        assert store.cursors.get("kept") == "yes"
        store.close()
    finally:
        subprocess.run(["umount", disk], check=True)
