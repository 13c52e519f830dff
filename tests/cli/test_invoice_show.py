"""`invoices show`: the whole story of one invoice, and why it was not booked or mailed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bexio_sandbox import Fault
from front_door import called
from world import World, an_invoice


def story(world: World, name: str) -> dict[str, Any]:
    run = called(world, "invoices", "show", name, "--json")
    assert run.returncode == 0, run.stdout
    data: dict[str, Any] = json.loads(run.stdout)["data"]
    return data


def why(world: World, name: str) -> str:
    return " ".join(story(world, name)["why_not"])


@pytest.fixture
def several(world: World) -> World:
    world.drop(
        an_invoice("good", source_number="R 1"),
        an_invoice("blocked", currency="XXX"),
        an_invoice("old", invoice_date="2025-01-01"),
        an_invoice("kept", leave_as_draft=True),
        an_invoice("quiet", auto_send=False),
    )
    world.push()
    return world


def test_by_id_and_by_either_number(several: World) -> None:
    number = several.invoice("good")["document_nr"]
    for name in ("good", "R 1", number):
        told = story(several, name)
        assert (told["invoice"]["shop_id"], told["invoice"]["number"]) == ("good", number)
    assert told["why_not"] == []
    assert told["source"].startswith("drop.json")
    assert {"contact", "invoice", "send", "event"} <= {step["step"] for step in told["steps"]}
    text = called(several, "invoices", "show", "good").stdout
    assert f"good is {number} in bexio: sent" in text
    assert "Anna Keller <anna.keller@example.ch>" in text
    assert "CHF 108.10, 108.10 open" in text


def test_why_it_was_not_booked_or_mailed(several: World) -> None:
    assert "bexio has no currency XXX." in why(several, "blocked")
    assert "before start_date 2026-01-01" in why(several, "old")
    assert "leave_as_draft" in why(several, "kept")
    assert "auto_send = false" in why(several, "quiet")
    several.sandbox.person.cancel(several.invoice("good")["id"])
    several.poll()
    assert "cancelled in bexio. To book it again: bexsync links forget good" in why(several, "good")
    several.set_profile(invoices={"finish": "draft"})
    several.drop(an_invoice("drafted"), name="drafted.json")
    several.push()
    assert 'finish = "draft"' in why(several, "drafted")


def test_every_attempt_at_a_step_with_its_run_and_its_reason(world: World) -> None:
    world.set_profile(engine={"settle_seconds": 600.0})
    world.drop(an_invoice("1"))
    lost = Fault("drop_after", "POST", "/2.0/kb_invoice")
    world.sandbox.faults.plan([Fault("lagging_search", "*", "*", repeat=0, seconds=20), lost])
    world.push()
    world.sandbox.faults.clear()
    world.clock.forward(minutes=5)
    world.push()
    (create,) = [step for step in story(world, "1")["steps"] if step["step"] == "invoice"]
    runs = [run["id"] for run in json.loads(called(world, "runs", "--json").stdout)["data"]["runs"]]
    tries = [(one["outcome"], one["run"]) for one in create["history"]]
    assert tries[0] == ("in_doubt", runs[-1])
    assert tries[-1] == ("done", runs[0])
    assert all(one["at"].startswith("2026-11-20T") for one in create["history"])
    assert create["history"][0]["reason"]
    assert (
        f", run {runs[-1]}, in doubt: {create['history'][0]['reason']}"[:60]
        in called(world, "invoices", "show", "1").stdout
    )


def test_acknowledged_and_waiting(several: World) -> None:
    called(several, "errors", "ack", "all")
    assert "acknowledged" in why(several, "blocked")
    several.drop(an_invoice("w1"), an_invoice("w2"), name="w.json")
    called(several, "invoices", "push", "--limit", "0")
    assert "The next `bexsync invoices push` takes it." in why(several, "w1")


def test_an_unknown_name(several: World) -> None:
    run = called(several, "invoices", "show", "nope")
    assert (run.returncode, 'The shop has no invoice "nope".' in run.stderr) == (2, True)
