"""Every way back that docs/taking-back.md describes, with the commands it names, against the sandbox."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from front_door import called
from world import World, an_invoice

PAGE = Path(__file__).parents[2] / "docs" / "taking-back.md"
OTHER = {**an_invoice()["customer"], "first_name": "Beat", "last_name": "Huber", "email": "beat.huber@example.ch"}


def said(world: World, *arguments: str, code: int = 0) -> str:
    """What a command of the page says; the page names it."""
    assert arguments[0] in PAGE.read_text()
    run = called(world, *arguments)
    assert run.returncode == code, (arguments, run.stdout, run.stderr)
    return run.stdout + run.stderr


def again(world: World, **changes: Any) -> None:
    """The shop hands the invoice over again."""
    world.drop(an_invoice("1", **changes), name="again.json")


def pushed(world: World, **changes: Any) -> World:
    world.drop(an_invoice("1", **changes))
    world.push()
    return world


def open_documents(world: World) -> list[tuple[str, str]]:
    """Number and total of what is not cancelled."""
    return [(i["document_nr"], i["total"].rstrip("0")) for i in world.invoices() if i["kb_item_status_id"] != 19]


def test_what_was_dropped_and_not_pushed(world: World) -> None:
    world.drop(an_invoice("1"))
    said(world, "invoices", "push", "--limit", "0")
    again(world, status="cancelled")
    said(world, "invoices", "push", code=1)
    said(world, "errors", "ack", "all")
    said(world, "invoices", "push")
    assert world.invoices() == world.sandbox.mails == []


def test_a_draft_follows_the_shop_or_is_deleted(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    pushed(world)
    again(world, customer=OTHER)
    said(world, "invoices", "push")
    assert len(world.invoices()) == 1
    world.set_profile(invoices={"cancel_draft": "delete"})
    again(world, customer=OTHER, status="cancelled")
    said(world, "invoices", "push")
    assert world.invoices() == []


def test_a_draft_that_a_person_deleted_is_booked_again(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    pushed(world).sandbox.person.delete(1)
    said(world, "payments", "poll")
    said(world, "links", "forget", "1", "--yes")
    again(world)
    said(world, "invoices", "push")
    assert [number for number, _ in open_documents(world)] == ["RE-00002"]


@pytest.mark.parametrize("finish", ["issue", "send"])
@pytest.mark.parametrize("changes", [{"customer": OTHER}, {}], ids=["wrong customer", "wrong VAT"])
def test_an_issued_or_mailed_one_is_cancelled_and_booked_again(
    world: World, finish: str, changes: dict[str, Any]
) -> None:
    world.set_profile(invoices={"finish": finish})
    pushed(world).sandbox.person.cancel(1)
    said(world, "payments", "poll")
    assert "links forget 1" in said(world, "invoices", "show", "1")
    said(world, "links", "forget", "1", "--yes")
    again(world, **changes)
    said(world, "invoices", "push")
    assert [number for number, _ in open_documents(world)] == ["RE-00002"]
    assert len(world.sandbox.mails) == (2 if finish == "send" else 0)
    if changes and finish == "send":
        assert world.sandbox.mails[-1].to == "beat.huber@example.ch"


def test_the_shop_cancels_and_the_profile_lets_bexsync_do_it(world: World) -> None:
    world.set_profile(invoices={"cancel": "cancel"})
    pushed(world)
    again(world, status="cancelled")
    said(world, "invoices", "push")
    assert open_documents(world) == []


def test_a_paid_one_is_never_cancelled(world: World) -> None:
    world.set_profile(invoices={"cancel": "cancel"})
    pushed(world).sandbox.person.pay(1)
    said(world, "payments", "poll")
    again(world, status="cancelled")
    said(world, "invoices", "push", code=1)
    assert [number for number, _ in open_documents(world)] == ["RE-00001"]


def test_a_payment_that_was_wrong(world: World) -> None:
    payment = pushed(world).sandbox.person.pay(1)
    said(world, "payments", "poll")
    world.sandbox.person.unpay(payment)
    said(world, "payments", "poll", "--full")
    assert world.status()["1"]["status"] == "sent"


def test_an_acknowledged_error_of_a_record_that_changes(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"))
    said(world, "invoices", "push", code=1)
    said(world, "errors", "ack", "all")
    again(world)
    said(world, "invoices", "push")
    assert [number for number, _ in open_documents(world)] == ["RE-00001"]


def test_a_link_to_the_wrong_document(world: World) -> None:
    for name in ("a", "b"):
        world.drop(an_invoice(name), name=f"{name}.json")
        world.push()
        row = world.sandbox.state.invoices[world.invoice(name)["id"]]
        world.sandbox.state.invoices[row["id"]] = {**row, "api_reference": None}
        said(world, "links", "forget", name, "--yes")
    world.drop(an_invoice("1"), name="1.json")
    said(world, "links", "adopt", "1", "RE-00001", "--yes")
    said(world, "links", "forget", "1", "--yes")
    again(world)
    said(world, "links", "adopt", "1", "RE-00002", "--yes")
    said(world, "invoices", "push")
    assert len(world.invoices()) == 2


def test_a_state_from_before(world: World) -> None:
    said(pushed(world), "state", "backup", "copy.db")
    said(world, "state", "restore", "copy.db", "--yes")
    said(world, "invoices", "push")
    assert len(world.invoices()) == len(world.sandbox.mails) == 1


def test_the_page_names_commands_that_exist() -> None:
    named = set(re.findall(r"bexsync ([a-z]+ [a-z-]+)", PAGE.read_text()))
    assert {"links forget", "invoices show", "errors retry", "state restore", "products sync"} <= named
