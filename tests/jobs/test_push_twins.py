"""The same invoice under another spelling of its number is a question, and not a second invoice."""

from __future__ import annotations

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from front_door import called
from world import World, an_invoice

OTHER = {"last_name": "Frei", "email": "eva@frei.example"}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("first", "second"), [("0000031", "31"), ("re-5", "RE-5"), ("2026-11", "Nov 26")])
def test_it_is_a_question(world: World, first: str, second: str, at_once: bool) -> None:
    if at_once:
        world.drop(an_invoice(first), an_invoice(second))
    else:
        world.drop(an_invoice(first), name="a.json")
        world.push()
        world.drop(an_invoice(second), name="b.json")
    rehearsed = {o.shop_id: o.code for o in world.push(dry_run=True).outcomes}
    assert sorted(rehearsed.values()) == (["", "same_invoice"] if at_once else ["same_invoice"])
    for _ in range(2):
        assert world.push().exit_code is Exit.SOME_FAILED
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)
    assert called(world, "errors", "ack", "all").returncode == 0
    assert world.push().exit_code is Exit.OK


@pytest.mark.parametrize(
    "changes",
    [
        {"shop_id": "32"},
        {"customer": OTHER},
        {"invoice_date": "2026-11-03"},
        {"lines": [{**an_invoice()["lines"][0], "unit_price": "200"}], "total": "216.20"},
    ],
)
def test_another_number_customer_day_or_total_is_another_invoice(world: World, changes: dict[str, object]) -> None:
    world.drop(an_invoice("0000031"), an_invoice(**{"shop_id": "31", **changes}))  # type: ignore[arg-type]
    assert {o.status for o in world.push().outcomes} == {Status.DONE}
    assert len(world.invoices()) == 2
