"""Runs on one company take turns: a long push lets in whoever waits, and a poll beside it waits for nobody."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from filelock import FileLock

from bexio_sandbox import Fault
from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.jobs.invoice_choice import PushOptions
from bexsync.jobs.invoices import push
from bexsync.jobs.lifecycle import RunEnded
from bexsync.store.sqlite.locks import FileLocks
from store.lock_holders import LockHolder
from world import World, an_invoice

COUNT = 40
IN_FLIGHT = 16
CREATE, SEND = "/kb_invoice", "/send"


@contextmanager
def before_the_first(path: str, happen: Callable[[], None]) -> Iterator[None]:
    """Let something happen once, when the first POST to such a path is about to leave."""
    left = [happen]

    def observe(point: str, **facts: str) -> None:
        is_it = point == "request:before" and facts["method"] == "POST" and facts["path"].endswith(path)
        if is_it and left:
            left.pop()()

    with observed_by(observe):
        yield


def one_that_wants_to_write(world: World) -> LockHolder:
    """Another process that wants the company's lock."""
    (lock,) = (world.folder / "state" / "locks").glob("*-write.lock")
    return LockHolder(lock.parent, lock.name.removesuffix("-write.lock"), "other")


class Turn:
    """Another process that waits for the company's lock from a moment on, and what is seen once it holds the lock."""

    def __init__(self, world: World, look: Callable[[], int]) -> None:
        self._world = world
        self._look = look
        self._thread = threading.Thread(target=self._take)
        self.seen = -1

    def begin_to_wait(self) -> None:
        self._other = one_that_wants_to_write(self._world)
        assert self._other.says() == "waits"
        self._thread.start()

    def _take(self) -> None:
        assert self._other.says() == "holds"
        self.seen = self._look()
        self._other.ends()
        self._other.close()

    def end(self) -> None:
        self._thread.join(30)


def test_a_long_push_lets_in_who_waits_as_soon_as_what_is_under_way_has_ended(world: World) -> None:
    world.drop(*(an_invoice(str(number)) for number in range(1, COUNT + 1)))
    turn = Turn(world, lambda: len(world.invoices()))
    with before_the_first(CREATE, turn.begin_to_wait):
        assert world.push().exit_code is Exit.OK
    turn.end()
    assert 1 <= turn.seen <= IN_FLIGHT
    assert (len(world.invoices()), len(world.sandbox.mails)) == (COUNT, COUNT)


def test_doubts_are_settled_one_by_one_so_that_who_waits_is_let_in(world: World) -> None:
    world.drop(*map(an_invoice, "123"))
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice", repeat=3)])

    def doubts() -> int:
        with world.workspace() as workspace:
            return len(workspace.store.intents.unsettled())

    turn, creates = Turn(world, doubts), []

    def wait_at_the_first_look(point: str, **facts: str) -> None:
        if point != "request:before" or turn.seen >= 0:
            return
        if facts["method"] == "POST" and facts["path"].endswith(CREATE):
            creates.append(point)
        elif len(creates) == 3:
            creates.append("the look")
            turn.begin_to_wait()

    with observed_by(wait_at_the_first_look):
        assert world.push().exit_code is Exit.OK
    turn.end()
    assert turn.seen == 2
    assert (len(world.invoices()), len(world.sandbox.mails)) == (3, 3)


@pytest.mark.parametrize("path", [CREATE, SEND])
def test_a_poll_beside_a_push_waits_for_nobody_and_tells_nothing_of_what_is_half_done(world: World, path: str) -> None:
    """What the push is sending just then is the push's own matter."""
    polls: list[subprocess.CompletedProcess[str]] = []
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("2"), an_invoice("3"))
    with before_the_first(path, lambda: polls.append(world.cli("payments", "poll", "--json"))):
        assert world.push().exit_code is Exit.OK
    (poll,) = polls
    assert (poll.returncode, poll.stderr) == (0, "")
    assert [(event["shop_id"], event["event"]) for event in world.events()] == [
        ("1", "sent"),
        ("2", "sent"),
        ("3", "sent"),
    ]


def test_master_data_are_read_before_the_lock_and_contacts_under_it(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.clock.forward(days=2)
    world.drop(an_invoice("2"))
    (lock,) = (world.folder / "state" / "locks").glob("*-write.lock")
    before = len(world.sandbox.requests)
    with world.workspace() as workspace, FileLock(lock):
        workspace.locks.stopping = lambda: True  # it is asked in a wait for a lock
        with pytest.raises(RunEnded):
            push(workspace, PushOptions())
    asked = {request.path for request in world.sandbox.requests[before:]}
    assert {"/3.0/taxes", "/2.0/contact"} & asked == {"/3.0/taxes"}


def test_a_turn_is_full_although_somebody_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step a turn would make two runs together slower than one."""
    world.set_profile(engine={"in_flight": 8})
    turns: list[FileLocks] = []
    company = FileLocks.company

    def counted(locks: FileLocks) -> AbstractContextManager[None]:
        turns.append(locks)
        return company(locks)

    monkeypatch.setattr(FileLocks, "company", counted)
    monkeypatch.setattr(FileLocks, "is_wanted", lambda _: True)
    world.drop(*(an_invoice(str(number)) for number in range(1, COUNT + 1)))
    assert world.push().exit_code is Exit.OK
    assert (len(world.invoices()), len(world.sandbox.mails)) == (COUNT, COUNT)
    assert len(turns) < COUNT  # for twice as many steps
