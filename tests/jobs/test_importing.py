"""Taking in is one step under one lock of the site, whichever job does it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bexsync.errors import Busy
from bexsync.jobs.lifecycle import RunEnded
from constants import set_constant
from world import World, an_invoice


@pytest.fixture
def free(world: World) -> Iterator[threading.Event]:
    """Another run is taking in until this is set."""
    begun, free = threading.Event(), threading.Event()

    def take_in() -> None:
        with world.workspace() as workspace, workspace.locks.taking_in():
            begun.set()
            free.wait(30)

    other = threading.Thread(target=take_in)
    other.start()
    begun.wait(30)
    yield free
    free.set()
    other.join()


def test_a_run_waits_until_another_has_taken_in(world: World, free: threading.Event) -> None:
    world.drop(an_invoice("1001"))
    threading.Timer(0.5, free.set).start()
    assert world.push().counts == {"done": 1}
    assert free.is_set()


def test_the_wait_has_an_end(world: World, free: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "locks.WAIT_FOR_SHOP", 0.1)
    world.drop(an_invoice("1001"))
    with pytest.raises(RunEnded) as ended:
        world.push()
    assert isinstance(ended.value.problem, Busy)
    assert "has been taking in records" in ended.value.problem.message
    assert list((world.shop / "in").iterdir()) != []
    assert world.invoices() == []


def test_a_dry_run_waits_for_nobody(world: World, free: threading.Event) -> None:
    world.drop(an_invoice("1001"))
    assert world.push(dry_run=True).counts == {"planned": 1}
    assert not free.is_set()
