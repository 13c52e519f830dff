"""The company's lock goes from process to process in the order in which they came, whoever is killed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from bexsync.errors import Busy, StoppedBySignal
from bexsync.store.sqlite.locks import FileLocks
from constants import set_constant
from store.lock_holders import LockHolder

Start = Callable[[str], LockHolder]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[LockHolder] = []

    def started(name: str) -> LockHolder:
        begun.append(LockHolder(tmp_path, "company", name))
        return begun[-1]

    yield started
    for process in begun:
        process.close()


@pytest.fixture
def locks(tmp_path: Path) -> FileLocks:
    return FileLocks(tmp_path, "company", "main")


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().split()


def waiting(start: Start, *names: str) -> list[LockHolder]:
    """Runs that wait for the lock one behind the other."""
    found = []
    for name in names:
        found.append(start(name))
        assert found[-1].says() == "waits"
    return found


@contextmanager
def of_no_queue(folder: Path) -> Iterator[None]:
    """The lock as an older version holds it, which knows no queue."""
    with FileLock(folder / "company-write.lock"):
        yield


def test_those_that_wait_get_it_in_the_order_in_which_they_came(tmp_path: Path, locks: FileLocks, start: Start) -> None:
    with locks.company():
        assert not locks.is_wanted()
        runs = waiting(start, "first", "second", "third")
        assert locks.is_wanted()
    for run, left in zip(runs, (True, True, False), strict=True):
        assert run.says() == "holds"
        assert locks.is_wanted() is left
        run.ends()
    assert order(tmp_path) == ["first", "second", "third"]
    assert not list(tmp_path.glob("*-waiting-*"))


def test_its_holder_gets_it_again_after_all_that_wait(tmp_path: Path, locks: FileLocks, start: Start) -> None:
    with locks.company():
        runs = waiting(start, "first", "second")
    asked = iter(runs)

    def let_the_next_one_end() -> bool:
        run = next(asked, None)
        if run is not None:
            assert run.says() == "holds"
            run.ends()
        return False

    locks.stopping = let_the_next_one_end
    with locks.company():
        assert order(tmp_path) == ["first", "second"]


def test_its_holder_takes_it_once_more_at_once_whoever_waits(locks: FileLocks, start: Start) -> None:
    with locks.company():
        (run,) = waiting(start, "first")
        with locks.company():
            assert locks.is_wanted()
        assert locks.is_wanted()
    assert run.says() == "holds"


def test_a_holder_that_is_killed_is_followed_by_who_came_next(tmp_path: Path, start: Start) -> None:
    holder = start("holder")
    assert holder.says() == "holds"
    first, second = waiting(start, "first", "second")
    holder.is_killed()
    assert first.says() == "holds"
    first.ends()
    assert second.says() == "holds"
    second.ends()
    assert order(tmp_path) == ["holder", "first", "second"]


def test_one_that_is_killed_while_it_waits_holds_up_nobody(tmp_path: Path, locks: FileLocks, start: Start) -> None:
    with locks.company():
        killed, second, also_killed = waiting(start, "killed", "second", "also killed")
        killed.is_killed()
        also_killed.is_killed()
        (third,) = waiting(start, "third")
    for run in (second, third):
        assert run.says() == "holds"
        run.ends()
    assert order(tmp_path) == ["second", "third"]
    with locks.company():
        assert not locks.is_wanted()
    assert not list(tmp_path.glob("*-waiting-*"))


def test_the_place_of_the_last_one_that_was_killed_is_removed_by_who_takes_the_lock(
    tmp_path: Path, locks: FileLocks, start: Start
) -> None:
    with locks.company():
        waiting(start, "killed")[0].is_killed()
        assert locks.is_wanted()
    with locks.company():
        assert not locks.is_wanted()
    assert not (tmp_path / "order").exists()


def test_who_gives_up_leaves_the_queue(tmp_path: Path, locks: FileLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    with of_no_queue(tmp_path):
        set_constant(monkeypatch, "WAIT_FOR_COMPANY", 0)
        with pytest.raises(Busy, match="for ten minutes"), locks.company():
            pass
        assert not locks.is_wanted()
        monkeypatch.undo()
        locks.stopping = lambda: True
        with pytest.raises(StoppedBySignal), locks.company():
            pass
        assert not locks.is_wanted()
    locks.stopping = lambda: False
    with locks.company():
        pass


def test_an_older_version_keeps_the_lock_from_who_is_first_in_the_queue(
    tmp_path: Path, locks: FileLocks, start: Start
) -> None:
    with of_no_queue(tmp_path):
        first, second = waiting(start, "first", "second")
        assert locks.is_wanted()
    assert first.says() == "holds"
    with pytest.raises(TimeoutError), FileLock(tmp_path / "company-write.lock", timeout=0):
        pass
    first.ends()
    assert second.says() == "holds"


def test_the_tables_are_rebuilt_while_nobody_waits(tmp_path: Path, locks: FileLocks, start: Start) -> None:
    with of_no_queue(tmp_path):
        (run,) = waiting(start, "first")
        with pytest.raises(Busy), locks.everything():
            pass
        run.is_killed()
    with locks.everything():
        pass
    with locks.company():
        assert not locks.is_wanted()


def test_the_locks_of_a_site_are_no_places_in_the_queue(tmp_path: Path, locks: FileLocks) -> None:
    of_site = FileLocks(tmp_path, "company", "waiting-00000001")
    with of_site.job("invoices push"), of_site.taking_in(), of_site.run("invoices push"):
        assert not locks.is_wanted()
        with locks.company():
            pass
