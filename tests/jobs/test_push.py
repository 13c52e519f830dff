"""invoices push, through the front door, judged in the sandbox's books."""

from __future__ import annotations

from decimal import Decimal

from bexsync.engine.result import Status
from bexsync.errors import Exit
from world import World, an_invoice


def test_an_invoice_is_created_sent_and_reported_back(world: World) -> None:
    world.drop(an_invoice())
    result = world.push()

    assert result.exit_code is Exit.OK
    (invoice,) = world.invoices()
    assert invoice["kb_item_status_id"] == 8
    assert Decimal(invoice["total"]) == Decimal("108.10")
    assert invoice["api_reference"] == "bexsync:main:invoice:1001"
    (mail,) = world.sandbox.mails
    assert (mail.to, mail.subject) == ("anna.keller@example.ch", "Rechnung RE-00001")
    assert "RE-00001 über CHF 108.10" in mail.message
    assert world.status()["1001"]["number"] == "RE-00001"
    (event,) = world.events()
    assert (event["event"], event["number"]) == ("sent", "RE-00001")


def test_the_second_run_asks_nothing_and_writes_nothing(world: World) -> None:
    world.drop(an_invoice())
    world.push()
    requests = len(world.sandbox.requests)
    again = world.push()
    assert again.exit_code is Exit.OK
    assert len(world.sandbox.requests) == requests


def test_a_new_invoice_of_a_known_customer_costs_two_requests_and_a_look(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("2"))
    before = len(world.sandbox.requests)
    world.push()
    paths = [(r.method, r.path) for r in world.sandbox.requests[before:]]
    assert [p for p in paths if p[0] == "POST" and not p[1].endswith("/search")] == [
        ("POST", "/2.0/kb_invoice"),
        ("POST", "/2.0/kb_invoice/2/send"),
    ]


def test_one_new_customer_with_three_invoices_is_one_contact(world: World) -> None:
    before = len(world.sandbox.contacts())
    world.drop(*(an_invoice(str(n)) for n in range(3)))
    world.push()
    assert len(world.sandbox.contacts()) == before + 1
    assert len({i["contact_id"] for i in world.invoices()}) == 1


def test_a_blocked_record_does_not_hold_up_the_others(world: World) -> None:
    world.drop(an_invoice("good"), an_invoice("bad", currency="XXX"))
    result = world.push()
    assert result.exit_code is Exit.SOME_FAILED
    assert {o.shop_id: o.status for o in result.outcomes} == {"good": Status.DONE, "bad": Status.BLOCKED}
    assert world.status()["bad"]["error"].startswith("bexio has no currency XXX")


def test_a_mail_and_address_of_somebody_else_are_booked_there_and_said(world: World) -> None:
    address = {"street": "Weg", "house_number": "1", "postal_code": "3600", "city": "Thun"}
    fiduciary = {
        "kind": "company",
        "company_name": "Treuhand Meier AG",
        "email": "post@meier.example.ch",
        "billing_address": address,
    }
    world.drop(an_invoice("1", customer=fiduciary))
    world.push()
    world.drop(an_invoice("2", customer={**fiduciary, "company_name": "Kunde GmbH"}))
    (outcome,) = world.push().outcomes
    contact = world.invoice("1")["contact_id"]
    assert outcome.reason == (
        f"booked on the contact Treuhand Meier AG, Weg 1, 3600 Thun (contact {contact}), who has that mail in bexio"
    )
    assert world.invoice("2")["contact_address"].splitlines()[:2] == ["Kunde GmbH", "Weg 1"]


def test_where_bexio_rounds_both_amounts_are_shown(world: World) -> None:
    lines = [{"line_id": "1", "name": "x", "unit_price": "100.02", "tax_rate": "8.1"}]
    world.drop(an_invoice("1", lines=lines, total="108.12"))
    (outcome,) = world.push().outcomes
    assert outcome.reason == "108.12 in the shop, 108.10 in bexio, -0.02 by rounding"


def test_blocked_records_do_not_use_up_the_limit(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"), an_invoice("2"), an_invoice("3"))
    world.push(limit=1)
    assert len(world.invoices()) == 1
