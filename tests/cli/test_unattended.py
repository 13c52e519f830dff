"""Where nobody sits at a terminal, the same trouble is said once and then once a day; the exit code stays."""

from __future__ import annotations

import json

import pytest
from test_output import on_terminal, plain

from bexsync.http.clock import SystemClock
from front_door import called
from world import World, an_invoice


@pytest.fixture
def clocked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The front door goes by the world's clock."""
    monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
    return world


def test_a_trouble_is_said_once_and_again_a_day_later(clocked: World) -> None:
    clocked.drop(an_invoice("bad", currency="XXX"))
    said = []
    for hours in (0, 1, 21, 2, 1):
        clocked.clock.forward(hours=hours)
        run = called(clocked, "invoices", "push")
        assert run.returncode == 1
        said.append("bad: bexio has no currency XXX." in run.stderr)
        assert said[-1] or run.stdout + run.stderr == ""
    assert said == [True, False, False, True, False]


def test_what_is_new_or_changed_is_said_at_once_and_alone(clocked: World) -> None:
    clocked.drop(an_invoice("bad", currency="XXX"))
    called(clocked, "invoices", "push")
    clocked.drop(an_invoice("worse", currency="YYY"), name="2.json")
    second = called(clocked, "invoices", "push").stderr
    assert "worse: bexio has no currency YYY." in second
    assert "XXX" not in second
    assert "2 blocked. `bexsync errors list` shows what is open." in second
    clocked.drop(an_invoice("bad", currency="ZZZ"), name="3.json")
    assert "bad: bexio has no currency ZZZ." in called(clocked, "invoices", "push").stderr
    clocked.drop(an_invoice("bad"), name="4.json")
    called(clocked, "invoices", "push")
    clocked.drop(an_invoice("bad", currency="ZZZ"), name="5.json")
    assert "bad" in called(clocked, "invoices", "push").stderr  # it was well in between


def test_whoever_asks_is_told_everything_each_time(clocked: World) -> None:
    clocked.drop(an_invoice("bad", currency="XXX"))
    for _ in range(2):
        assert "no currency XXX" in called(clocked, "invoices", "push", "-v").stderr
        (error,) = json.loads(called(clocked, "invoices", "push", "--json").stdout)["errors"]
        assert error["shop_id"] == "bad"
        assert "no currency XXX" in called(clocked, "invoices", "push", "--dry-run").stderr
    assert "no currency XXX" in called(clocked, "invoices", "push").stderr  # nobody was mailed yet
    code, text = on_terminal(clocked, "invoices", "push", columns=200)
    assert (code, "no currency XXX" in plain(text)) == (1, True)


def test_a_file_that_is_dropped_again_unchanged_is_said_again(clocked: World) -> None:
    for _ in range(2):
        clocked.drop_bytes(b"{oops", "broken.json")
        assert "broken.json: is not valid JSON" in called(clocked, "invoices", "push").stderr


def test_a_file_that_waits_with_a_broken_line_is_said_once(clocked: World) -> None:
    good = json.dumps({"schema": "bexsync/1", "kind": "invoice", **an_invoice("bad", currency="XXX")})
    clocked.drop_bytes(f"{good}\n{{oops\n".encode(), "two.ndjson")
    assert "two.ndjson, line 2: is not valid JSON" in called(clocked, "invoices", "push").stderr
    assert called(clocked, "invoices", "push").stderr == ""


def test_a_clock_that_was_in_the_future_once_does_not_silence_anything(clocked: World) -> None:
    clocked.drop(an_invoice("bad", currency="XXX"))
    clocked.clock.forward(days=1000)
    called(clocked, "invoices", "push")
    clocked.clock.forward(days=-1000)
    assert "no currency XXX" in called(clocked, "invoices", "push").stderr
