"""How long a plan says it will take: as fast as bexio allows, or as the last long run was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bexsync.cli.views.text import show_result
from bexsync.engine.result import Result
from world import World, an_invoice


def planned(world: World) -> dict[str, object]:
    result = world.push(dry_run=True)
    return {
        name: result.data["plan"][name] for name in ("requests", "seconds", "requests_a_minute", "speed_is_measured")
    }


def a_run_of(world: World, requests: int, seconds: float) -> None:
    """A run of the past, as its row says."""
    with world.workspace() as workspace:
        runs, now = workspace.store.runs, world.clock.now()
        number = runs.begin("invoices push", now - timedelta(seconds=seconds), "gone")
        runs.end(number, 0, {}, requests, "", now)


def test_the_request_limit_says_it_where_no_long_run_is_known(world: World) -> None:
    world.drop(*(an_invoice(str(number)) for number in range(1, 41)))
    a_run_of(world, 20, 2)  # mostly its beginning
    assert planned(world) == {"requests": 81, "seconds": 5, "requests_a_minute": 1000, "speed_is_measured": False}


def test_the_last_long_run_says_it_better(world: World) -> None:
    world.drop(*(an_invoice(str(number)) for number in range(1, 41)))
    a_run_of(world, 1200, 600)
    assert planned(world) == {"requests": 81, "seconds": 41, "requests_a_minute": 120, "speed_is_measured": True}


@pytest.mark.parametrize(
    ("seconds", "is_measured", "said"),
    [
        (59, False, "Plan abc: 3 documents, 0 mails, 7 requests. Nothing was changed."),
        (600, False, "It takes at least 10 minutes, since no more than 1000 requests a minute are allowed."),
        (60, True, "At 1000 requests a minute, as in the last long run, it takes 1 minute."),
        (9000, True, "At 1000 requests a minute, as in the last long run, it takes 2.5 hours."),
    ],
)
def test_what_a_person_reads_of_it(
    seconds: int, is_measured: bool, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    plan = {
        **{"digest": "abc", "documents": 3, "mails": 0, "cancels": 0, "requests": 7, "money": {}},
        **{"seconds": seconds, "requests_a_minute": 1000, "speed_is_measured": is_measured},
    }
    show_result(Result(data={"plan": plan}), "invoices push", "bexio", with_errors=False, with_files=False)
    assert said in capsys.readouterr().out
