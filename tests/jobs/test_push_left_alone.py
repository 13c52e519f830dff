"""What the shop hands over and nothing is booked for: named, and a question where it may be money."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit, RecordProblem
from bexsync.planning.invoice_link import no_longer_valid, reason_to_leave_alone
from bexsync.records import Invoice, read_record
from front_door import called
from world import World, an_invoice

CODES = {"paid": "paid_in_shop", "sent": "sent_by_shop", "cancelled": "cancelled_before_booking"}


@pytest.mark.parametrize("status", CODES)
def test_what_may_be_money_is_a_question_until_acknowledged(world: World, status: str) -> None:
    world.drop(an_invoice("1", status=status), an_invoice("good"))
    run = called(world, "invoices", "push")
    assert (run.returncode, "1: The invoice " in run.stderr) == (1, True)
    assert f'[invoices] skip = ["{status}"] leaves all of these alone.' in run.stderr
    assert called(world, "invoices", "push").returncode == 1
    assert [i["api_reference"] for i in world.invoices()] == ["bexsync:main:invoice:good"]
    with world.workspace() as workspace:
        (error,) = workspace.store.errors.open()
    assert error.code == CODES[status]
    assert called(world, "errors", "ack", str(error.id)).returncode == 0
    assert called(world, "invoices", "push").returncode == 0
    world.drop(an_invoice("1", status="approved"), name="again.json")
    assert called(world, "invoices", "push").returncode == 0
    assert len(world.invoices()) == 2


def test_what_the_profile_skips_is_named_once_and_not_asked(world: World) -> None:
    world.drop(*(an_invoice(status, status=status) for status in CODES))
    assert world.push().exit_code is Exit.SOME_FAILED
    world.set_profile(invoices={"skip": ["paid", "sent", "cancelled"]})
    first, second = (called(world, "invoices", "push") for _ in range(2))
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert "invoices push: 1 ignored: its status in the shop is paid: paid\n" in first.stderr
    assert called(world, "errors").stdout == "No open errors.\n"
    world.set_profile(invoices={"skip": ["sent"]})
    assert {o.shop_id: o.status for o in world.push().outcomes} == {
        "paid": Status.BLOCKED, "cancelled": Status.BLOCKED,
    }  # fmt: skip


def test_a_start_date_that_is_moved_back_takes_up_what_was_left_alone(world: World) -> None:
    world.set_profile(invoices={"start_date": "2026-11-10"})
    world.drop(an_invoice("old", invoice_date="2026-11-02"), an_invoice("older", invoice_date="2026-10-02"))
    assert world.push().counts == {"ignored": 2}
    assert world.push().outcomes == []
    world.set_profile(invoices={"start_date": "2026-11-01"})
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"old": Status.DONE, "older": Status.IGNORED}
    assert world.push().outcomes == []


def test_a_file_that_brings_again_what_is_left_alone_is_counted_and_not_named_again(world: World) -> None:
    for name in ("a.json", "b.json"):
        world.drop(an_invoice("1", status="draft"), name=name)
        assert world.push().counts == {"ignored": 1}
    world.drop(an_invoice("1", status="draft"), name="c.json")
    assert called(world, "invoices", "push").stderr == ""


@pytest.mark.parametrize("status", ["paid", "sent"])
def test_what_is_in_bexio_already_is_linked_after_the_state_was_lost(world: World, status: str) -> None:
    world.drop(an_invoice("1"))
    world.push()
    if status == "paid":
        world.sandbox.person.pay(world.invoice("1")["id"])
    for file in (world.folder / "state").glob("bexio-*.db*"):
        file.unlink()
    world.drop(an_invoice("1", status=status), name="later.json")
    result = world.push()
    assert (result.exit_code, [o.number for o in result.outcomes]) == (Exit.OK, ["RE-00001"])
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


@pytest.mark.parametrize("lost", [False, True])
def test_an_invoice_that_the_shop_was_paid_for_is_a_question_until_bexio_shows_it(world: World, lost: bool) -> None:
    world.drop(an_invoice("1"))
    world.push()
    if lost:
        for file in (world.folder / "state").glob("bexio-*.db*"):
            file.unlink()
    world.drop(an_invoice("1", status="paid"), name="later.json")
    for _ in range(2):
        result = world.push()
        assert (result.exit_code, result.outcomes[0].code) == (Exit.SOME_FAILED, "paid_in_shop")
        assert result.outcomes[0].reason.startswith("It is paid in the shop, which does not say when; in bexio RE")
    world.sandbox.person.pay(world.invoice("1")["id"])
    assert world.push().exit_code == Exit.OK
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


@pytest.mark.parametrize("status", ["paid", "sent"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_draft_is_neither_issued_nor_mailed_once_the_shop_sent_it_itself(
    world: World, status: str, skip: bool
) -> None:
    world.set_profile(invoices={"skip": [status] if skip else []})
    world.drop(an_invoice("1", leave_as_draft=True))
    world.push()
    lines = [{"name": "Beratung", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}]
    world.drop(an_invoice("1", status=status, lines=lines, total="216.20"), name="later.json")
    (outcome,) = world.push().outcomes
    code = {"paid": "paid_in_shop", "sent": "sent_by_shop"}[status]
    assert (outcome.status, outcome.code) == ((Status.UNCHANGED, "") if skip else (Status.BLOCKED, code))
    assert (world.invoice("1")["kb_item_status_id"], world.invoice("1")["total"]) == (7, "108.100000")
    assert world.sandbox.mails == []


def test_an_invoice_that_the_shop_takes_up_again_after_cancelling_it_is_a_question(world: World) -> None:
    world.set_profile(invoices={"cancel": "cancel"})
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("1", status="cancelled"))
    world.push()
    world.drop(an_invoice("1"))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "cancelled_in_ledger")
    assert "bexsync links forget 1" in outcome.hint
    world.drop(an_invoice("1", status="cancelled"))
    assert world.push().exit_code == Exit.OK


def test_attachments_that_bexio_does_not_take_are_said_once(world: World) -> None:
    world.drop(an_invoice("1", attachments=[{"filename": "Rapport.pdf"}, {"path": "plan.pdf"}]))
    said = "bexio takes no attachments on invoices; they stay with the shop: 1 (Rapport.pdf, plan.pdf).\n"
    assert said in called(world, "invoices", "push", "-n").stdout
    run = called(world, "invoices", "push")
    assert (run.returncode, run.stderr) == (0, f"invoices push: {said}")
    assert called(world, "invoices", "push").stderr == ""
    world.drop(an_invoice("2", attachments=[{"filename": "Rapport.pdf"}]), name="2.json")
    assert "2 (Rapport.pdf)" in called(world, "invoices", "push").stderr


START = date(2026, 11, 1)


def invoice(**changes: Any) -> Invoice:
    record = read_record("invoice", {"schema": "bexsync/1", "kind": "invoice", **an_invoice(**changes)})
    assert isinstance(record, Invoice)
    return record


@pytest.mark.parametrize(
    ("changes", "skip", "expected"),
    [
        ({}, (), ""),
        ({"status": "draft"}, (), "its status in the shop is draft"),
        ({"status": "draft", "invoice_date": "2026-10-31"}, (), "its status in the shop is draft"),
        ({"invoice_date": "2026-10-31"}, (), "dated before start_date 2026-11-01"),
        ({"invoice_date": "2026-10-31", "status": "paid"}, (), "dated before start_date 2026-11-01"),
        ({"invoice_date": "2026-10-31", "status": "cancelled"}, (), "dated before start_date 2026-11-01"),
        ({"status": "paid"}, (), "paid_in_shop"),
        ({"status": "sent"}, ("paid",), "sent_by_shop"),
        ({"status": "cancelled"}, (), "cancelled_before_booking"),
        ({"status": "cancelled"}, ("cancelled",), "its status in the shop is cancelled"),
        ({"status": "paid", "document_type": "credit_note"}, (), ""),
        ({"status": "cancelled", "document_type": "credit_note"}, (), "cancelled_before_booking"),
    ],
)
def test_why_an_invoice_is_left_alone(changes: dict[str, Any], skip: tuple[str, ...], expected: str) -> None:
    assert decision(invoice(**changes), skip) == expected


def decision(record: Invoice, skip: tuple[str, ...]) -> str:
    try:
        return reason_to_leave_alone(record, START, skip, "bexio")
    except RecordProblem as problem:
        return problem.code


def test_which_reasons_no_longer_hold() -> None:
    status, day = "its status in the shop is", "dated before start_date"
    reasons = [f"{status} draft", f"{status} paid", f"{day} 2026-11-01", f"{day} 2026-01-01", "another reason"]
    assert no_longer_valid(reasons, START, ()) == [reasons[1], reasons[3]]
    assert no_longer_valid(reasons, date(2026, 1, 1), ("paid",)) == [reasons[2]]
