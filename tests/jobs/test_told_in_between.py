"""A long run tells the shop of what is settled so far, every few seconds, and tells it the same as at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bexsync.errors import Exit
from bexsync.hooks import observed_by
from constants import set_constant
from front_door import called
from jobs.orders_kit import a_recent_order, settings
from world import World, a_world, an_invoice

NUMBERS = [str(number) for number in range(1, 26)]
CREATES = ("/kb_invoice", "/kb_order")


@dataclass
class SlowCreates:
    """Lets time pass with each document that is created, and notes how many events the shop has by then."""

    world: World
    seconds: float
    told: list[int] = field(default_factory=list)

    def __call__(self, point: str, **facts: str) -> None:
        if point == "request:before" and facts["method"] == "POST" and facts["path"].endswith(CREATES):
            self.told.append(_count(self.world))
            self.world.clock.forward(seconds=self.seconds)


def _count(world: World) -> int:
    """How many events the shop has."""
    return sum(len(file.read_bytes().splitlines()) for file in world.shop.glob("out/events-*") if file.is_file())


@dataclass(frozen=True)
class Told:
    """How many events the shop had before each document, and all it was told, but for the moments."""

    before: list[int]
    events: list[dict[str, Any]]


def pushed(folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> Told:
    folder.mkdir()
    with a_world(folder, monkeypatch) as world:
        world.drop(*map(an_invoice, NUMBERS))
        with observed_by(creates := SlowCreates(world, seconds)):
            assert world.push().exit_code is Exit.OK
        return Told(creates.told, [{**event, "at": ""} for event in world.events()])


def synced(folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> Told:
    folder.mkdir()
    with a_world(folder, monkeypatch) as world:
        world.set_profile(orders=settings())
        world.drop(*(a_recent_order(number, status="invoiced") for number in NUMBERS), kind="order")
        with observed_by(creates := SlowCreates(world, seconds)):
            assert world.sync().exit_code is Exit.OK
        return Told(creates.told, [{**event, "at": ""} for event in world.events()])


@pytest.mark.parametrize("run", [pushed, synced])
def test_a_slow_run_tells_the_same_as_a_fast_one_and_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    fast, slow = run(tmp_path / "fast", monkeypatch, 0), run(tmp_path / "slow", monkeypatch, 2)
    assert set(fast.before) == {0}
    of_each = len(fast.events) // len(NUMBERS)
    assert slow.before == [settled * of_each for settled in [0] * 10 + [10] * 10 + [20] * 5]
    assert slow.events == fast.events


def test_a_slow_poll_tells_of_payments_while_it_still_compares(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The payments of one request's documents are asked for together, so that there is news after each of these."""
    set_constant(monkeypatch, "jobs.payments._AT_ONCE", 2)
    world.drop(*map(an_invoice, NUMBERS[:6]))
    world.push()
    for invoice in world.invoices():
        world.sandbox.person.pay(invoice["id"])
    told: list[int] = []

    def slow_answer(point: str, **facts: str) -> None:
        if point == "request:after" and facts["path"].endswith("/payment"):
            told.append(_count(world) - 6)
            world.clock.forward(seconds=6)

    with observed_by(slow_answer):
        assert world.poll().exit_code is Exit.OK
    assert told == [0, 0, 1, 1, 3, 3]
    assert [(event["shop_id"], event["event"]) for event in world.events()[6:]] == [
        (one, "paid") for one in NUMBERS[:6]
    ]


def test_a_shop_that_cannot_be_told_keeps_nothing_from_being_booked(world: World) -> None:
    world.drop(*map(an_invoice, NUMBERS))
    events = world.shop / "out" / "events-2026-11.ndjson"
    events.mkdir(parents=True)
    with observed_by(SlowCreates(world, 2)):
        assert called(world, "invoices", "push").returncode == Exit.CONFIGURATION
    assert (len(world.invoices()), len(world.sandbox.mails)) == (len(NUMBERS), len(NUMBERS))
    events.rmdir()
    assert called(world, "invoices", "push").returncode == Exit.OK
    assert [(event["shop_id"], event["event"]) for event in world.events()] == [(one, "sent") for one in NUMBERS]
