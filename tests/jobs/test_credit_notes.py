"""Credit notes are a worklist of their own: no failure, never in the way, closed once bexio shows the credit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from bexsync.planning.reversals import WaitingCredit, written_credits
from bexsync.ports.store import RecordState
from front_door import called
from world import World, an_invoice


def a_credit_note(shop_id: str = "C-1", total: str = "54.05", **changes: Any) -> dict[str, Any]:
    lines = [{"name": "Beratung", "unit_price": total, "tax_rate": "8.1"}]
    note = {"document_type": "credit_note", "original_shop_id": "1001", "prices_include_tax": True}
    return an_invoice(shop_id, **(note | {"lines": lines, "total": total} | changes))


@pytest.fixture
def credited(world: World) -> World:
    """An invoice of 108.10 in bexio, and a credit note for half of it."""
    world.drop(an_invoice())
    world.push()
    world.drop(a_credit_note(), name="note.json")
    assert world.push().exit_code is Exit.OK
    return world


def waiting(world: World) -> list[str]:
    with world.workspace() as workspace:
        return [row.shop_id for row in workspace.store.errors.open(include_acknowledged=False)]


def test_it_is_said_and_listed_and_no_failure(world: World) -> None:
    world.drop(a_credit_note(), an_invoice("bad", currency="XXX"))
    run = called(world, "invoices", "push")
    assert "C-1: Credit note C-1 of invoice 1001 of 54.05 CHF" in run.stderr
    assert "1 blocked, 1 by hand. `bexsync errors list`" in run.stderr
    world.drop(an_invoice("bad"), name="good.json")
    again = called(world, "invoices", "push")
    assert (again.returncode, again.stderr) == (0, "")
    listed = called(world, "errors").stdout
    assert listed.startswith("To do in bexio by hand:\n")
    assert "1 credit note to write." in listed


def test_30_of_them_stop_no_job(world: World) -> None:
    world.set_profile(errors={"stop_after": 1})
    world.drop(*(a_credit_note(str(n)) for n in range(30)))
    assert world.push().counts == {"by_hand": 30}
    world.drop(an_invoice("good"), name="good.json")
    assert [o.shop_id for o in world.push().outcomes if o.status is Status.DONE] == ["good"]


def test_it_closes_when_bexio_shows_the_credit(credited: World) -> None:
    assert credited.poll().outcomes == []
    credited.sandbox.person.credit(credited.invoice("1001")["id"], Decimal("54.05"))
    assert [(o.shop_id, o.action) for o in credited.poll().outcomes] == [("1001", "credited"), ("C-1", "credited")]
    assert waiting(credited) == []
    assert credited.push().outcomes == []
    assert not list((credited.shop / "work").iterdir())
    assert credited.poll().outcomes == []


def test_it_closes_when_its_original_is_cancelled_and_not_by_another_credit(credited: World) -> None:
    credited.sandbox.person.credit(credited.invoice("1001")["id"], Decimal("20"))
    credited.poll()
    assert waiting(credited) == ["C-1"]
    credited.sandbox.person.cancel(credited.invoice("1001")["id"])
    credited.poll()
    assert waiting(credited) == []
    with credited.workspace() as workspace:
        row = workspace.store.records.get("invoice", "C-1")
    assert row is not None
    assert (row.state, row.reason) == (RecordState.DONE, "RE-00001 is cancelled in bexio")


def test_a_paid_original_is_looked_at_as_well(credited: World) -> None:
    credited.sandbox.person.pay(credited.invoice("1001")["id"], Decimal("54.05"))
    credited.poll()
    credited.sandbox.person.credit(credited.invoice("1001")["id"], Decimal("54.05"))
    credited.clock.forward(hours=2)
    credited.poll()
    assert waiting(credited) == []


def test_a_credit_of_before_closes_nothing(world: World) -> None:
    world.drop(an_invoice())
    world.push()
    world.sandbox.person.credit(world.invoice("1001")["id"], Decimal("54.05"))
    world.poll()
    world.drop(a_credit_note(), name="note.json")
    world.push()
    world.poll()
    assert waiting(world) == ["C-1"]


def test_two_of_one_invoice_close_one_after_the_other(credited: World) -> None:
    credited.drop(a_credit_note("C-2", "20.00"), name="second.json")
    credited.push()
    for amount, left in (("20", ["C-1"]), ("54.05", [])):
        credited.sandbox.person.credit(credited.invoice("1001")["id"], Decimal(amount))
        credited.poll()
        assert waiting(credited) == left


def note(shop_id: str, amount: str, before: str = "0") -> WaitingCredit:
    return WaitingCredit(shop_id, Decimal(amount) if amount else None, Decimal(before))


@pytest.mark.parametrize(
    ("credit", "notes", "written"),
    [
        ("0", [note("a", "50")], []),
        ("50", [note("a", "50")], ["a"]),
        ("50.05", [note("a", "50.03")], ["a"]),
        ("60", [note("a", "50")], []),
        ("49", [note("a", "50")], []),
        ("50", [note("a", "50", "20")], []),
        ("70", [note("a", "50", "20")], ["a"]),
        ("50", [note("a", "")], []),
        ("50", [note("a", "30"), note("b", "50")], ["b"]),
        ("80", [note("a", "30"), note("b", "50")], ["a", "b"]),
        ("80", [note("a", "30"), note("b", "")], []),
        ("0.03", [note("a", "0.01")], ["a"]),
    ],
)
def test_which_credit_notes_a_credit_accounts_for(credit: str, notes: list[WaitingCredit], written: list[str]) -> None:
    assert written_credits(Decimal(credit), notes) == written
