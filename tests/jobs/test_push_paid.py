"""What the shop was paid for: its payments are booked on the invoice in bexio, each once, none above what remains."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bexio_sandbox import Fault
from bexsync.admin.links_desk import LinkAdmin
from bexsync.engine.result import Status
from bexsync.errors import Exit
from front_door import called
from world import World, an_invoice

DAY = "2026-11-03T10:00:00Z"
PAID, PARTLY, ISSUED, DRAFT = 9, 16, 8, 7


def paid(amount: str = "108.10", shop_id: str = "t1", **changes: Any) -> dict[str, Any]:
    """A transaction of the shop by which money came in."""
    return {"shop_id": shop_id, "amount": amount, "currency": "CHF", "paid_at": DAY, **changes}


def booked(world: World, shop_id: str = "1") -> list[tuple[Decimal, str]]:
    """The payments of an invoice in bexio: amount and day."""
    rows = world.sandbox.payments(world.invoice(shop_id)["id"])
    return [(Decimal(row["value"]), str(row["date"])[:10]) for row in rows]


def lose_the_state(world: World) -> None:
    for file in (world.folder / "state").glob("bexio-*.db*"):
        file.unlink()


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({"status": "paid", "paid_at": "2026-11-03T23:30:00Z"}, ["2026-11-04"]),
        ({"status": "paid", "payments": [paid("100", "a"), paid("8.10", "b", paid_at="2026-11-05T09:00:00Z")]},
         ["2026-11-03", "2026-11-05"]),
        ({"payments": [paid()]}, ["2026-11-03"]),
    ],
)  # fmt: skip
def test_one_that_is_paid_is_booked_issued_and_paid_and_nobody_is_mailed(
    world: World, changes: dict[str, Any], days: list[str]
) -> None:
    world.drop(an_invoice("1", **changes))
    result = world.push()
    assert (result.exit_code, [o.action for o in result.outcomes]) == (Exit.OK, ["create, issue and pay"])
    assert (world.invoice("1")["kb_item_status_id"], [day for _, day in booked(world)]) == (PAID, days)
    assert sum(amount for amount, _ in booked(world)) == Decimal("108.10")
    writes = world.writes()
    world.drop(an_invoice("1", **changes), name="again.json")
    assert (world.push().exit_code, world.writes(), world.sandbox.mails) == (Exit.OK, writes, [])


def test_a_table_says_by_one_column_when_an_invoice_was_paid(world: World) -> None:
    world.set_profile(shop={"csv": {"time_zone": "Europe/Zurich"}})
    header = (
        "Rechnungsnummer;Rechnungsdatum;Währung;Nachname;E-Mail;Bezeichnung;Einzelpreis;MWST-Satz;Total;"
        "Zahlungszeitpunkt"
    )
    rows = ["1;02.11.2026;CHF;Keller;a@keller.example;Beratung;100;8.1;108.10;04.11.2026 08:15",
            "2;03.11.2026;CHF;Frei;f@frei.example;Beratung;100;8.1;108.10;"]  # fmt: skip
    world.drop_bytes("\n".join([header, *rows, ""]).encode(), "export.csv")
    result = world.push()
    assert (result.exit_code, booked(world, "2")) == (Exit.OK, [])
    assert booked(world, "1") == [(Decimal("108.10"), "2026-11-04")]
    assert [mail.document_nr for mail in world.sandbox.mails] == [world.invoice("2")["document_nr"]]


def test_one_that_is_paid_is_mailed_only_where_it_says_so_itself(world: World) -> None:
    world.drop(an_invoice("1", status="paid", paid_at=DAY, auto_send=True))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.action) == (Status.DONE, "create, issue, pay and send")
    assert [mail.document_nr for mail in world.sandbox.mails] == ["RE-00001"]
    assert booked(world) == [(Decimal("108.10"), "2026-11-03")]


def test_what_is_paid_already_has_a_template_of_its_own(world: World) -> None:
    world.set_profile(invoices={"template": "5f8a3c", "template_paid": "b71e90"})
    world.drop(an_invoice("1", payments=[paid()]), an_invoice("2", payments=[paid("50")], invoice_date="2026-11-03"))
    assert world.push().exit_code == Exit.OK
    assert [world.invoice(n)["template_slug"] for n in "12"] == ["b71e90", "5f8a3c"]


def test_one_that_is_paid_needs_no_mail_address(world: World) -> None:
    customer = {**an_invoice()["customer"], "email": None}
    world.drop(an_invoice("1", payments=[paid()], customer=customer))
    assert (world.push().exit_code, len(booked(world))) == (Exit.OK, 1)


def test_one_that_is_paid_in_part_is_mailed_as_usual_and_gets_the_rest_later(world: World) -> None:
    world.drop(an_invoice("1", payments=[paid("50")]))
    assert world.push().exit_code == Exit.OK
    assert ([amount for amount, _ in booked(world)], len(world.sandbox.mails)) == ([Decimal(50)], 1)
    both = [paid("50"), paid("58.10", "t2", paid_at="2026-11-09T10:00:00Z")]
    world.drop(an_invoice("1", status="paid", payments=both), name="later.json")
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.action) == (Status.DONE, "pay")
    assert booked(world) == [(Decimal(50), "2026-11-03"), (Decimal("58.10"), "2026-11-09")]
    assert (world.invoice("1")["kb_item_status_id"], len(world.sandbox.mails)) == (PAID, 1)


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("by_hand", ["108.10", "50", None])
def test_one_that_stands_already_is_paid_there_unless_somebody_booked_the_money(
    world: World, lost: bool, by_hand: str | None
) -> None:
    world.drop(an_invoice("1"))
    world.push()
    if by_hand is not None:
        world.sandbox.person.pay(world.invoice("1")["id"], Decimal(by_hand), "2026-11-05")
    if lost:
        lose_the_state(world)
    world.drop(an_invoice("1", status="paid", payments=[paid("50", "a"), paid("58.10", "b")]), name="later.json")
    result = world.push()
    assert result.exit_code == Exit.OK
    amounts = sorted(amount for amount, _ in booked(world))
    assert amounts == ([Decimal("108.10")] if by_hand == "108.10" else [Decimal(50), Decimal("58.10")])
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)
    assert world.invoice("1")["kb_item_status_id"] == PAID
    # What a person booked as a whole leaves the shop's parts over, which is said once and is no error.
    said = [sentence for sentence in result.mentions.values() if "came in above" in sentence]
    assert len(said) == (by_hand == "108.10")


def test_what_is_above_what_remains_is_named_and_not_booked(world: World) -> None:
    world.drop(an_invoice("1", payments=[paid("110")]))
    run = called(world, "invoices", "push")
    assert (run.returncode, booked(world)) == (0, [(Decimal("108.10"), "2026-11-03")])
    assert "Invoice 1: 1.90 CHF came in above what remained, and is not booked." in run.stderr


def test_a_method_without_a_bank_account_is_named(world: World) -> None:
    world.drop(an_invoice("1", payments=[paid(payment_method="twint")]))
    run = called(world, "invoices", "push")
    assert (run.returncode, len(booked(world))) == (0, 1)
    assert run.stderr.count("has no bank account in CHF under [payments.accounts]") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "paid"},
        {"status": "paid", "payments": [paid(kind="authorization")]},
        {"status": "paid", "payments": [paid(paid_at=None)]},
    ],
)
def test_one_that_is_paid_on_no_day_is_a_question_until_the_shop_says_one(
    world: World, changes: dict[str, Any]
) -> None:
    world.drop(an_invoice("1", **changes))
    (outcome,) = world.push().outcomes
    code = "payment_day_missing" if changes.get("payments", [{}])[0].get("paid_at", 0) is None else "paid_in_shop"
    assert (outcome.status, outcome.code, world.invoices()) == (Status.BLOCKED, code, [])
    writes = world.writes()
    assert (world.push().exit_code, world.writes()) == (Exit.SOME_FAILED, writes)
    world.drop(an_invoice("1", status="paid", paid_at=DAY), name="later.json")
    assert (world.push().exit_code, len(booked(world))) == (Exit.OK, 1)
    assert called(world, "errors").stdout == "No open errors.\n"


def test_what_the_profile_skips_is_left_alone_with_its_payments(world: World) -> None:
    world.set_profile(invoices={"skip": ["paid"]})
    world.drop(an_invoice("0"))
    world.push()
    world.drop(*(an_invoice(n, status="paid", paid_at=DAY) for n in "01"), name="paid.json")
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"0": Status.UNCHANGED, "1": Status.IGNORED}
    assert (len(world.invoices()), booked(world, "0")) == (1, [])


def test_money_for_a_draft_is_a_question_until_somebody_issues_it(world: World) -> None:
    world.drop(an_invoice("1", status="paid", paid_at=DAY, leave_as_draft=True))
    for _ in range(2):
        (outcome,) = world.push().outcomes
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "paid_in_shop")
        assert outcome.reason.startswith("108.10 CHF came in for it, and ")
    assert world.invoice("1")["kb_item_status_id"] == DRAFT
    world.sandbox.person.issue(world.invoice("1")["id"])
    assert (world.push().exit_code, booked(world)) == (Exit.OK, [(Decimal("108.10"), "2026-11-03")])
    assert world.sandbox.mails == []


def test_payments_that_come_to_less_leave_a_question(world: World) -> None:
    world.drop(an_invoice("1", status="paid", payments=[paid("50")]))
    for _ in range(2):
        (outcome,) = world.push().outcomes
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "paid_in_shop")
        assert "with all payments that it hands over, " in outcome.reason
    assert ([amount for amount, _ in booked(world)], world.sandbox.mails) == ([Decimal(50)], [])
    world.sandbox.person.pay(world.invoice("1")["id"])
    assert world.push().exit_code == Exit.OK


def test_a_payment_of_ours_that_somebody_deleted_is_not_booked_again(world: World) -> None:
    world.drop(an_invoice("1", status="paid", payments=[paid()]))
    world.push()
    (row,) = world.sandbox.payments(world.invoice("1")["id"])
    world.sandbox.person.unpay(row["id"])
    world.drop(an_invoice("1", status="paid", payments=[paid()], auto_send=False), name="later.json")
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code, booked(world)) == (Status.BLOCKED, "paid_in_shop", [])


def test_a_draft_of_ours_that_was_paid_meanwhile_is_issued_and_paid(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("1"), an_invoice("2", invoice_date="2026-11-01"))
    world.push()
    world.set_profile(invoices={"finish": "send"})
    lines = [{"name": "Beratung", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}]
    world.drop(
        an_invoice("1", status="paid", paid_at=DAY),
        an_invoice("2", invoice_date="2026-11-01", lines=lines, total="216.20", payments=[paid("216.20")]),
        name="later.json",
    )
    assert world.push().exit_code == Exit.OK
    assert [booked(world, n)[0][0] for n in "12"] == [Decimal("108.10"), Decimal("216.20")]
    assert world.sandbox.mails == []


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_payment_whose_request_or_answer_was_lost_is_booked_once(world: World, fault: str) -> None:
    world.drop(an_invoice("0"))
    world.push()
    world.sandbox.faults.plan([Fault(fault, "POST", "/2.0/kb_invoice/{id}/payment")])
    world.drop(an_invoice("1", payments=[paid()]), name="paid.json")
    world.push()
    world.clock.forward(minutes=5)
    assert world.push().exit_code == Exit.OK
    assert booked(world) == [(Decimal("108.10"), "2026-11-03")]


def test_one_that_is_paid_in_part_is_mailed_after_a_payment_whose_answer_was_lost(world: World) -> None:
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice/{id}/payment")])
    world.drop(an_invoice("1", payments=[paid("50")]))
    world.push()
    world.clock.forward(minutes=5)
    assert world.push().exit_code == Exit.OK
    assert (len(booked(world)), [mail.document_nr for mail in world.sandbox.mails]) == (1, ["RE-00001"])


def test_money_that_somebody_books_meanwhile_is_not_booked_again(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.sandbox.faults.plan([Fault("person", "GET", "/2.0/kb_invoice/{id}", action="pay", target=1)])
    world.drop(an_invoice("1", status="paid", payments=[paid(paid_at="2026-11-18T09:00:00Z")]), name="paid.json")
    (outcome,) = world.push().outcomes
    assert (outcome.status, len(booked(world))) == (Status.HELD, 1)
    result = world.push()
    assert (result.exit_code, result.mentions, len(booked(world))) == (Exit.OK, {}, 1)


def test_money_for_one_that_was_cancelled_in_bexio_is_named(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.sandbox.person.cancel(world.invoice("1")["id"])
    world.drop(an_invoice("1", status="paid", paid_at=DAY), name="later.json")
    run = called(world, "invoices", "push")
    assert (run.returncode, booked(world)) == (0, [])
    assert "Invoice 1 is paid in the shop; RE-00001 is cancelled in bexio, so nothing was booked." in run.stderr


def test_a_change_after_booking_holds_the_payment(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    lines = [{"name": "Beratung", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}]
    world.drop(an_invoice("1", status="paid", paid_at=DAY, lines=lines, total="216.20"), name="later.json")
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code, booked(world)) == (Status.BLOCKED, "changed_after_booking", [])


OTHER = {"kind": "company", "company_name": "Rätia Bau AG", "email": "buero@raetiabau.example.ch"}


def by_hand(world: World, act: str = "issue", **changes: Any) -> str:
    """An invoice that somebody else wrote in bexio, without our reference; its number."""
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("by-hand", **changes), name="by-hand.json")
    world.push()
    books, ledger_id = world.sandbox.state.invoices, world.invoice("by-hand")["id"]
    books[ledger_id] = {**books[ledger_id], "api_reference": None}
    with world.workspace() as workspace:
        LinkAdmin(workspace.store, workspace.kept, workspace.locks).forget("by-hand")
    if act in ("issue", "pay"):
        world.sandbox.person.issue(ledger_id)
    if act == "pay":
        world.sandbox.person.pay(ledger_id)
    world.set_profile(invoices={"finish": "send"})
    return str(books[ledger_id]["document_nr"])


@pytest.mark.parametrize("many", [0, 21])
@pytest.mark.parametrize("act", ["issue", "pay"])
def test_one_that_somebody_booked_already_is_adopted_by_number_customer_and_total(
    world: World, act: str, many: int
) -> None:
    number = by_hand(world, act)
    more = [an_invoice(f"x{n}", status="paid", paid_at=DAY, source_number=f"X{n}") for n in range(many)]
    world.drop(an_invoice("1", status="paid", paid_at=DAY, source_number=number, auto_send=True), *more)
    result = world.push()
    (outcome,) = [one for one in result.outcomes if one.shop_id == "1"]
    assert (outcome.status, outcome.number) == (Status.DONE, number)
    (row,) = [one for one in world.invoices() if one["document_nr"] == number]
    assert (row["kb_item_status_id"], len(world.sandbox.payments(row["id"]))) == (PAID, 1)
    assert (world.sandbox.mails, len(world.invoices())) == ([], 1 + many)
    writes = world.writes()
    lose_the_state(world)
    world.drop(an_invoice("1", status="paid", paid_at=DAY, source_number=number), name="again.json")
    assert (world.push().exit_code, world.writes()) == (Exit.OK, writes)


@pytest.mark.parametrize(
    ("act", "changes", "code"),
    [
        ("issue", {"lines": [{"name": "Plan", "unit_price": "200", "tax_rate": "8.1"}], "total": "216.20"},
         "differs_in_ledger"),
        ("issue", {"customer": OTHER}, "differs_in_ledger"),
        ("draft", {}, "paid_in_shop"),
    ],
)  # fmt: skip
def test_one_that_may_stand_in_bexio_is_a_question(world: World, act: str, changes: dict[str, Any], code: str) -> None:
    number = by_hand(world, act)
    world.drop(an_invoice("1", status="paid", paid_at=DAY, source_number=number, **changes))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code, len(world.invoices())) == (Status.BLOCKED, code, 1)
    if act == "draft":
        world.sandbox.person.issue(world.invoices()[0]["id"])
        assert world.push().exit_code == Exit.OK
        assert world.invoices()[0]["kb_item_status_id"] == PAID


def test_a_number_that_is_the_same_by_chance_means_nothing(world: World) -> None:
    plan = {"name": "Plan", "unit_price": "200", "tax_rate": "8.1"}
    number = by_hand(world, customer=OTHER, lines=[plan], total="216.20")
    world.drop(an_invoice("1", status="paid", paid_at=DAY, source_number=number))
    assert world.push().exit_code == Exit.OK
    assert (len(world.invoices()), len(booked(world))) == (2, 1)


def test_an_adopted_one_without_our_reference_is_no_witness_of_a_search(world: World) -> None:
    world.drop(an_invoice("0", invoice_date="2026-11-01"))
    world.push()
    number = by_hand(world)
    world.clock.forward(minutes=5)
    world.drop(an_invoice("1", status="paid", paid_at=DAY, source_number=number), name="paid.json")
    world.push()
    before = len(world.sandbox.requests)
    world.drop(*(an_invoice(f"n{n}", invoice_date=f"2026-11-{n + 5:02}") for n in range(4)), name="more.json")
    assert world.push().exit_code == Exit.OK
    searches = [r.path for r in world.sandbox.requests[before:] if r.path.endswith("/kb_invoice/search")]
    assert len(searches) == 1
