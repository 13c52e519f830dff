"""An invoice that the shop cancels: taken back in bexio where the profile says so, else a question."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest

from bexsync.engine.result import Outcome, Status
from bexsync.errors import Exit
from bexsync.jobs.lifecycle import RunEnded
from world import World, an_invoice

TAKE_BACK = {"cancel": "cancel", "cancel_draft": "delete"}


def cancelled(world: World) -> Outcome:
    world.drop(an_invoice(status="cancelled"), name=f"again{len(world.sandbox.requests)}.json")
    (outcome,) = world.push().outcomes
    return outcome


@pytest.mark.parametrize("finish", ["draft", "issue", "send"])
def test_it_is_taken_back_where_the_profile_says_so(world: World, finish: str) -> None:
    world.set_profile(invoices={"finish": finish, **TAKE_BACK})
    world.drop(an_invoice())
    world.push()
    outcome = cancelled(world)
    assert (outcome.status, outcome.action) == (Status.DONE, "delete" if finish == "draft" else "cancel")
    assert [i["kb_item_status_id"] for i in world.invoices()] == ([] if finish == "draft" else [19])
    assert world.events()[-1]["event"] == ("deleted" if finish == "draft" else "cancelled")
    world.clock.forward(days=2)
    assert world.poll().exit_code is Exit.OK
    writes = world.writes()
    assert world.push().exit_code is Exit.OK
    assert world.writes() == writes


@pytest.mark.parametrize("deed", ["paid", "partly paid", "edited", "taken back", "adopted after a lost state"])
def test_what_a_person_or_a_customer_had_a_part_in_is_not_taken_back(world: World, deed: str) -> None:
    is_draft = deed in ("edited", "adopted after a lost state")
    world.set_profile(invoices={"finish": "draft" if is_draft else "issue", **TAKE_BACK})
    world.drop(an_invoice())
    world.push()
    person = world.sandbox.person
    if deed == "paid":
        person.pay(1)
    if deed == "partly paid":
        person.pay(1, Decimal(50))
    if deed == "edited":
        person.add_position(1, "Nachtrag", "50")
    if deed == "taken back":
        person.revert(1)
    if deed == "adopted after a lost state":
        shutil.rmtree(world.folder / "state")
    before = world.invoice("1001")
    for _ in range(2):
        assert cancelled(world).status in (Status.BLOCKED, Status.HELD)
        assert world.invoice("1001") == before


def test_more_of_them_than_the_limit_are_refused_until_confirmed(world: World) -> None:
    world.set_profile(invoices={"finish": "issue", **TAKE_BACK}, limits={"cancels": 1})
    world.drop(*(an_invoice(n) for n in "12"))
    world.push()
    world.drop(*(an_invoice(n, status="cancelled") for n in "12"), name="cancelled.json")
    with pytest.raises(RunEnded, match=r"2 cancellations \(limit 1\)") as refused:
        world.push()
    assert refused.value.problem.exit_code is Exit.CONFIGURATION
    assert {i["kb_item_status_id"] for i in world.invoices()} == {8}
    world.push(confirm=2)
    assert {i["kb_item_status_id"] for i in world.invoices()} == {19}
