"""Which invoices a push takes: start date, --id, --since, --limit, --dry-run and --confirm."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit, PlanTooBig
from bexsync.jobs.lifecycle import RunEnded
from world import World, an_invoice

DAYS = {"a": "2026-09-01", "b": "2026-10-01", "c": "2026-11-01"}


@pytest.fixture
def three(world: World) -> World:
    world.drop(*(an_invoice(i, invoice_date=day, source_number=f"N-{i}") for i, day in DAYS.items()))
    return world


def pushed(world: World) -> set[str]:
    return {i["api_reference"].rpartition(":")[2] for i in world.invoices()}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, "abc"),
        ({"ids": ("b",)}, "b"),
        ({"ids": ("N-b", "c")}, "bc"),
        ({"since": "2026-10-01"}, "bc"),
        ({"limit": 2}, "ab"),
        ({"limit": 0}, ""),
        ({"since": "2026-10-01", "limit": 1}, "b"),
        ({"ids": ("nobody",)}, ""),
    ],
)
def test_what_a_person_narrows_it_to(three: World, options: dict[str, Any], names: str) -> None:
    from datetime import date

    if "since" in options:
        options = options | {"since": date.fromisoformat(options["since"])}
    result = three.push(**options)
    assert pushed(three) == set(names)
    assert result.exit_code is (Exit.SOME_FAILED if options.get("ids") == ("nobody",) else Exit.OK)
    three.push()
    assert pushed(three) == set("abc"), "the rest waits for the next run"


@pytest.mark.parametrize(("start", "names"), [("2026-10-01", "bc"), ("2026-10-02", "c"), (None, "")])
def test_the_start_date(three: World, start: str | None, names: str) -> None:
    """An empty one is the day of the first run, and stays that day."""
    three.set_profile(invoices={"start_date": start})
    result = three.push()
    assert pushed(three) == set(names)
    assert {o.shop_id for o in result.outcomes if o.status is Status.IGNORED} == set("abc") - set(names)
    three.clock.forward(days=3)
    three.drop(an_invoice("d", invoice_date="2026-11-20"), name="d.json")
    three.push()
    assert pushed(three) == {*names, "d"}


def test_a_rehearsal_changes_nothing_at_all(three: World) -> None:
    files = sorted(three.shop.rglob("*"))
    result = three.push(dry_run=True)
    assert {o.status for o in result.outcomes} == {Status.PLANNED}
    assert result.data["plan"] | {"digest": ""} == {
        "digest": "", "documents": 3, "mails": 3, "cancels": 0, "requests": 7, "money": {"CHF": "324.30"},
        "seconds": 1, "requests_a_minute": 1000, "speed_is_measured": False,
    }  # fmt: skip
    assert three.writes() == 0
    assert sorted(three.shop.rglob("*")) == files
    assert three.push().exit_code is Exit.OK
    assert pushed(three) == set("abc")


@pytest.mark.parametrize(("confirm", "done"), [(None, False), (2, False), (3, True)])
def test_a_big_plan_wants_to_be_confirmed(three: World, confirm: int | None, done: bool) -> None:
    three.set_profile(limits={"documents": 2})
    if done:
        assert three.push(confirm=confirm).exit_code is Exit.OK
    else:
        with pytest.raises(RunEnded) as caught:
            three.push(confirm=confirm)
        assert isinstance(caught.value.problem, PlanTooBig)
        assert "--confirm 3" in caught.value.problem.hint
    assert pushed(three) == (set("abc") if done else set())
