"""Death at every boundary of every job, then clean runs: nothing twice, nothing lost, and the next run writes nothing.

In this process: the observer raises at one point and at every later one, so that nothing after it takes effect.
`test_kill.py` does the same to real processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from bexsync.admin.links import AdoptOptions, adopt
from bexsync.engine.result import Result
from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.jobs.connection import Report
from crash.scenarios import LEAST, SCENARIOS, Scenario
from crash.turns import several_in_flight
from faults.verdicts import record
from world import World, a_world


class Killed(BaseException):
    """Not an Exception, so that nothing on the way can think of handling it."""


class Reaper:
    """Lets a run live until its nth boundary."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.points: Counter[str] = Counter()

    def __call__(self, point: str, **facts: str) -> None:
        self.points[point.partition(":")[0]] += 1
        if self.points.total() >= self.at:
            raise Killed(f"{self.points.total()}: {point} {facts}")


def adopted(world: World) -> Result:
    """`links adopt --yes`."""
    with world.workspace() as workspace:
        return adopt(workspace, AdoptOptions(yes=True))


def run(world: World, scenario: Scenario) -> Result | Report:
    jobs: dict[str, Callable[[], Result | Report]] = {
        "invoices": world.push,
        "orders": world.sync,
        "payments": world.poll,
        "products": world.sync_products,
        "stock": world.pull_stock,
        "test-connection": world.try_connection,
        "links": lambda: adopted(world),
    }
    return jobs[scenario.command[0]]()


def boundaries(
    scenario: Scenario, folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int | None = None
) -> Counter[str]:
    """How many there are of each kind, before and after counted apart; with a seed, those of several in flight."""
    with a_world(folder, monkeypatch) as world:
        scenario.prepare(world)
        reaper = Reaper(10**9)
        with in_flight(world, seed, monkeypatch), observed_by(reaper):
            run(world, scenario)
        scenario.judge(world)
        return reaper.points


def in_flight(world: World, seed: int | None, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """One request at a time, or several in the order that a seed says."""
    return nullcontext() if seed is None else several_in_flight(world, seed, monkeypatch)


def clean_runs(world: World, scenario: Scenario) -> None:
    for _ in range(4):
        world.clock.forward(seconds=30)
        if run(world, scenario).exit_code is Exit.OK:
            break
    else:
        pytest.fail("it does not come to rest")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_boundaries_do_not_become_fewer(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = boundaries(scenario, tmp_path, monkeypatch)
    assert not LEAST[scenario.name] - found, f"so many are gone: {found}"


SLICES = 12
MARKS = {"": (), "long": pytest.mark.long, "slow": pytest.mark.slow}


@pytest.mark.parametrize(
    ("scenario", "part"),
    [
        pytest.param(scenario, part, id=f"{scenario.name}-{part}", marks=MARKS["slow" if part else scenario.marks])
        for scenario in SCENARIOS
        for part in range(SLICES)
    ],
)
def test_death_at_every_boundary(
    scenario: Scenario, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = boundaries(scenario, tmp_path / "count", monkeypatch).total()
    for at in range(1 + part, points + 1, SLICES):
        die(scenario, at, tmp_path / str(at), monkeypatch)
    record("death at every boundary", scenario.name, str(part), histories=len(range(1 + part, points + 1, SLICES)))


def die(scenario: Scenario, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int | None = None) -> None:
    """Death at one boundary, then clean runs, and a last one that writes nothing."""
    with a_world(folder, monkeypatch) as world:
        scenario.prepare(world)
        with in_flight(world, seed, monkeypatch), pytest.raises(Killed), observed_by(Reaper(at)):
            run(world, scenario)
        clean_runs(world, scenario)
        scenario.judge(world)
        writes, events = world.writes(), len(world.events())
        run(world, scenario)
        if scenario.rests:
            assert (world.writes(), len(world.events())) == (writes, events), f"killed at {at}"
        scenario.judge(world)


SEEDS = range(1, 6)
SIDE_BY_SIDE = SCENARIOS


@pytest.mark.parametrize("scenario", SIDE_BY_SIDE, ids=lambda scenario: scenario.name)
def test_boundaries_with_several_in_flight(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed always comes to the same boundaries, and requests are really under way side by side."""
    first, second = (boundaries(scenario, tmp_path / name, monkeypatch, seed=1) for name in "ab")
    assert first == second
    assert not LEAST[scenario.name] - first, f"so many are gone: {first}"


@pytest.mark.parametrize(
    ("scenario", "seed", "part"),
    [
        pytest.param(
            scenario,
            seed,
            part,
            id=f"{scenario.name}-{seed}-{part}",
            marks=MARKS[scenario.marks if (seed, part) == (1, 0) else "slow"],
        )
        for scenario in SIDE_BY_SIDE
        for seed in SEEDS
        for part in range(SLICES)
    ],
)
def test_death_with_several_in_flight(
    scenario: Scenario, seed: int, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = boundaries(scenario, tmp_path / "count", monkeypatch, seed).total()
    for at in range(1 + part, points + 1, SLICES):
        die(scenario, at, tmp_path / str(at), monkeypatch, seed)
    name = f"{scenario.name}, several in flight"
    record("death at every boundary", name, f"{seed} {part}", histories=len(range(1 + part, points + 1, SLICES)))
