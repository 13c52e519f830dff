"""A clock that was wrong for a while: nothing is repeated too early, nothing waits for a moment years ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bexio_sandbox import Fault
from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.http.rate_limit import Budget, spent
from constants import set_constant
from world import TestClock, World, an_invoice


class SteppedClock(TestClock):
    """The clock of a world whose wall clock may be ahead, while the other one goes on counting."""

    __test__ = False

    def __init__(self, true: TestClock) -> None:
        super().__init__()
        self.true = true
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.ahead

    def monotonic(self) -> float:
        return self.true.monotonic()

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)

    def forward(self, **delta: float) -> None:
        self.true.forward(**delta)


class Killed(BaseException):
    """Not an Exception, so that nothing on the way handles it."""


@pytest.fixture
def clock(world: World) -> SteppedClock:
    assert isinstance(world.clock, TestClock)
    world.clock = SteppedClock(world.clock)
    return world.clock


@contextmanager
def killed_after_its_create() -> Iterator[None]:
    def observer(point: str, **facts: str) -> None:
        if (point, facts.get("path")) == ("request:after", "/2.0/kb_invoice") and facts["method"] == "POST":
            raise Killed

    with pytest.raises(Killed), observed_by(observer):
        yield


def test_a_clock_put_forward_after_a_power_cut_makes_nothing_due(world: World, clock: SteppedClock) -> None:
    world.drop(an_invoice("0"), name="0.json")
    world.push()
    world.sandbox.faults.plan([Fault("lagging_search", seconds=4, repeat=0)])
    world.drop(an_invoice("1"))
    with killed_after_its_create():
        world.push()
    clock.ahead = timedelta(hours=3)
    assert world.push().exit_code is Exit.OK
    assert (len(world.invoices()), len(world.sandbox.mails)) == (2, 2)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_an_outcome_unknown_since_a_moment_in_the_future_is_settled(
    world: World, clock: SteppedClock, fault: str
) -> None:
    world.set_profile(engine={"settle_seconds": 100.0})
    clock.ahead = timedelta(days=1400)
    world.sandbox.faults.plan([Fault(fault, "POST", "/2.0/kb_invoice")])
    world.drop(an_invoice())
    world.push()
    clock.ahead = timedelta(0)
    world.push()
    world.clock.forward(minutes=5)
    assert world.push().exit_code is Exit.OK
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


def test_contacts_added_while_the_last_look_seems_to_be_in_the_future_are_seen(
    world: World, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_constant(monkeypatch, "PAGE", 1, read_by="bexio.contacts")  # as if there were too many to read all
    clock.ahead = timedelta(days=30)
    world.drop(an_invoice("0"), name="0.json")
    world.push()
    clock.ahead = timedelta(0)
    clock.forward(hours=5)
    with world.sandbox.state.transaction():
        anna = next(row for row in world.sandbox.state.contacts.values() if row["name_1"] == "Keller")
        nina = {**anna, "name_1": "Frei", "name_2": "Nina", "mail": "nina@example.ch", "nr": "9999"}
        del nina["id"]
        world.sandbox.state.add("contacts", {**nina, "updated_at": world.sandbox.state.now()})
    person = {"kind": "person", "first_name": "Nina", "last_name": "Frei", "email": "nina@example.ch"}
    world.drop(an_invoice("1", customer=person))
    world.push()
    assert [row["mail"] for row in world.sandbox.contacts()].count("nina@example.ch") == 1


def test_a_request_limit_that_ends_years_from_now_is_forgotten() -> None:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert spent(Budget(1000, 0, now + timedelta(days=1400)), now) is None
    assert spent(Budget(1000, 5, now + timedelta(seconds=30)), now) == Budget(1000, 4, now + timedelta(seconds=30))
