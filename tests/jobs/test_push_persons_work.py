"""What a person changes in a draft is neither mailed unseen nor overwritten by a change in the shop."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bexio_sandbox import Fault, Request
from bexsync.engine.result import Outcome, Status
from bexsync.errors import Exit
from bexsync.hooks import observed_by
from front_door import called
from world import World, an_invoice

SEND = "/2.0/kb_invoice/{id}/send"


def edit_the_price(world: World) -> None:
    world.sandbox.person.edit_price(1, 0, "8000")


def add_a_position(world: World) -> None:
    world.sandbox.person.add_position(1, "Nachtrag", "50")


def change_the_title(world: World) -> None:
    world.sandbox.person.edit(1, title="Von Hand")


def change_the_contact(world: World) -> None:
    world.sandbox.person.edit(1, contact_id=2)


EDITS = [edit_the_price, add_a_position, change_the_title, change_the_contact]


class Killed(BaseException):
    """Not an Exception, so that nothing on the way handles it."""


def killed_at(wanted: str, path: str) -> Callable[..., None]:
    def observer(point: str, **facts: str) -> None:
        if point == wanted and facts["method"] == "POST" and facts["path"] == path:
            raise Killed

    return observer


def pushed(world: World, **changes: Any) -> Outcome:
    """Drops the invoice once more and pushes; what came of it."""
    world.drop(an_invoice(**changes), name=f"again{len(world.sandbox.requests)}.json")
    (outcome,) = world.push().outcomes
    return outcome


def left_alone(world: World) -> bool:
    """Whether the invoice is still a draft that nobody was mailed."""
    return (world.invoice("1001")["kb_item_status_id"], world.sandbox.mails) == (7, [])


def test_a_draft_edited_while_its_mail_waits_for_the_rate_limit_is_held(world: World) -> None:
    world.sandbox.faults.plan([Fault("too_many", "POST", SEND, seconds=5)])

    def edit(request: Request) -> None:
        if request.path.endswith("/send"):
            edit_the_price(world)

    world.sandbox.hooks.before.append(edit)
    outcome = pushed(world)
    assert (outcome.status, outcome.code) == (Status.HELD, "held")
    assert "comes to 8648.00" in outcome.reason
    assert left_alone(world)


@pytest.mark.parametrize("edit", EDITS[:2])
@pytest.mark.parametrize(
    ("point", "path"),
    [("request:after", "/2.0/kb_invoice"), ("request:before", "/2.0/kb_invoice/1/send")],
    ids=["the answer is lost", "before the mail"],
)
def test_a_draft_edited_after_its_run_was_killed_is_not_mailed(
    world: World, edit: Callable[[World], None], point: str, path: str
) -> None:
    world.drop(an_invoice())
    with pytest.raises(Killed), observed_by(killed_at(point, path)):
        world.push()
    edit(world)
    for _ in range(2):
        world.clock.forward(minutes=10)
        (outcome,) = world.push().outcomes
        assert outcome.status in (Status.HELD, Status.FAILED)
        assert left_alone(world)


@pytest.mark.parametrize("finish", ["issue", "send"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_draft_edited_between_two_runs_is_held_until_the_edit_is_undone(
    world: World, edit: Callable[[World], None], finish: str
) -> None:
    world.drop(an_invoice("1001", leave_as_draft=True), an_invoice("1002", leave_as_draft=True))
    world.push()
    before = world.invoice("1001")
    edit(world)
    world.set_profile(invoices={"finish": finish})
    assert pushed(world).status is Status.HELD
    assert left_alone(world)
    if edit is add_a_position:
        return
    world.sandbox.person.edit_price(1, 0, "100")
    world.sandbox.person.edit(1, title=before["title"], contact_id=before["contact_id"])
    assert called(world, "errors", "retry", "all").returncode == 0
    assert world.push().exit_code is Exit.OK
    assert world.invoice("1001")["kb_item_status_id"] == 8
    assert len(world.sandbox.mails) == (finish == "send")


def test_a_draft_left_alone_is_looked_at_once_before_it_is_mailed_in_a_later_run(world: World) -> None:
    pushed(world, leave_as_draft=True)
    before = len(world.sandbox.requests)
    assert pushed(world).status is Status.DONE
    paths = [(r.method, r.path) for r in world.sandbox.requests[before:] if "kb_invoice" in r.path]
    assert paths == [
        ("POST", "/2.0/kb_invoice/search"),
        ("GET", "/2.0/kb_invoice/1"),
        ("POST", "/2.0/kb_invoice/1/send"),
    ]


@pytest.mark.parametrize("edit", EDITS[:3])
def test_a_change_in_the_shop_does_not_destroy_a_persons_work(world: World, edit: Callable[[World], None]) -> None:
    pushed(world, leave_as_draft=True)
    edit(world)
    before = world.invoice("1001")
    for _ in range(2):
        outcome = pushed(world, title="Neu", due_date="2026-12-24")
        assert (outcome.status, outcome.code) == (Status.HELD, "held")
        assert "changed in bexio and in the shop" in outcome.reason
        assert world.invoice("1001") == before
    assert world.sandbox.mails == []


def test_a_draft_that_says_already_what_the_shop_says_is_taken_over(world: World) -> None:
    """A person corrects the draft just as somebody else corrects the shop."""
    pushed(world, leave_as_draft=True)
    world.sandbox.person.edit_price(1, 0, "120")
    lines = [{**an_invoice()["lines"][0], "unit_price": "120"}]
    assert pushed(world, lines=lines, total="129.72").status is Status.DONE
    assert Decimal(world.invoice("1001")["total"]) == Decimal("129.70")
    assert len(world.sandbox.mails) == 1


def test_an_edit_whose_answer_was_lost_is_not_taken_for_a_persons_work(world: World) -> None:
    pushed(world, leave_as_draft=True)
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice/1")])
    outcome = pushed(world, title="Neu")
    assert outcome.status is Status.DONE, outcome.reason
    assert (world.invoice("1001")["title"], len(world.sandbox.mails)) == ("Neu", 1)
