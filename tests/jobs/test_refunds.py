"""Refunds of orders are a list that closes itself: what to credit where, no failure, and never in the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import a_recent_order, settings, synced
from world import World, an_invoice


def refund(shop_id: str = "r1", amount: str = "54.05", **changes: Any) -> dict[str, Any]:
    at = "2026-11-19T10:00:00Z"
    return {"shop_id": shop_id, "amount": amount, "currency": "CHF", "refunded_at": at, **changes}


def refunded(*refunds: dict[str, Any], shop_id: str = "5001", **changes: Any) -> dict[str, Any]:
    at = f"2026-11-19T11:{len(refunds):02}:00Z"
    return a_recent_order(shop_id, at=at, status="invoiced", refunds=list(refunds), **changes)


@pytest.fixture
def invoiced(world: World) -> World:
    """An order of 108.10, invoiced and mailed."""
    world.set_profile(orders=settings())
    synced(world, a_recent_order(status="invoiced"))
    return world


def listed(world: World, *arguments: str) -> list[dict[str, Any]]:
    run = called(world, "orders", "refunds", "--json", *arguments)
    assert run.returncode == 0, run.stdout
    found: list[dict[str, Any]] = json.loads(run.stdout)["data"]["refunds"]
    return found


def test_a_refund_is_listed_per_rate_and_account_and_is_no_failure(invoiced: World) -> None:
    ran = synced(invoiced, refunded(refund(reason="broken")))
    assert (ran.code, ran.errors) == (0, [])
    assert ran.outcomes["refund 5001/r1"]["status"] == "by_hand"
    (one,) = listed(invoiced)
    part = {"account": "3200", "tax_code": "UN81", "rate": "8.1", "net": "50.00", "vat": "4.05", "total": "54.05"}
    assert (one["parts"], one["shared"], one["state"]) == ([part], False, "open")
    assert (one["of"], one["amount"], one["reason"], one["number"]) == ("5001", "54.05", "broken", "RE-00001")
    assert "kb_invoice/show/id/1" in one["url"]
    page = called(invoiced, "orders", "refunds").stdout
    assert "54.05 on account 3200, 4.05 of it VAT at 8.1 % (UN81)" in page
    assert "1 credit note to write" in called(invoiced, "errors", "list").stdout


def test_unattended_it_is_said_once(invoiced: World) -> None:
    invoiced.drop(refunded(refund()), kind="order")
    first = called(invoiced, "orders", "sync")
    assert first.returncode == 0
    assert "Refund r1 of order 5001 of 54.05 CHF (54.05 at 8.1 % on account 3200" in first.stderr
    assert called(invoiced, "orders", "sync").stderr == ""


def test_without_lines_it_is_shared_over_the_rates_and_says_so(world: World) -> None:
    world.set_profile(orders=settings())
    lines = [
        {"line_id": "1", "name": "Tasse", "unit_price": "100", "tax_rate": "8.1"},
        {"line_id": "2", "name": "Buch", "unit_price": "100", "tax_rate": "2.6"},
    ]
    order = {"lines": lines, "total": "210.70"}
    synced(world, a_recent_order(status="invoiced", **order))
    synced(world, refunded(refund("all", "21.07"), **order))
    (one,) = listed(world)
    assert (one["shared"], [part["rate"] for part in one["parts"]]) == (True, ["8.1", "2.6"])
    synced(world, refunded(refund("all", "21.07"), refund("book", "102.60", lines=[{"line_id": "2"}]), **order))
    book = next(one for one in listed(world) if one["id"] == "book")
    assert (book["shared"], [part["total"] for part in book["parts"]]) == (False, ["102.60"])


def test_it_closes_when_bexio_shows_the_credit(invoiced: World) -> None:
    synced(invoiced, refunded(refund(), refund("r2", "20.00")))
    invoiced.poll()
    assert len(listed(invoiced)) == 2
    invoiced.sandbox.person.credit(1, "20.00")
    invoiced.poll()
    assert [one["id"] for one in listed(invoiced)] == ["r1"]
    invoiced.sandbox.person.credit(1, "54.05")
    invoiced.poll()
    assert listed(invoiced) == []
    assert {one["id"]: one["state"] for one in listed(invoiced, "--all")} == {"r1": "credited", "r2": "credited"}
    assert synced(invoiced, refunded(refund(), refund("r2", "20.00"))).code == 0
    assert listed(invoiced) == []


def test_it_closes_when_its_invoice_is_cancelled_or_a_person_says_so(invoiced: World) -> None:
    synced(invoiced, refunded(refund()))
    run = called(invoiced, "orders", "refunds", "close", "r1")
    assert (run.returncode, run.stdout) == (0, "Closed: 5001/r1.\n")
    assert [one["state"] for one in listed(invoiced, "--all")] == ["by_person"]
    assert called(invoiced, "orders", "refunds", "close", "r1").returncode == 2
    synced(invoiced, refunded(refund(), refund("r2", "10.00")))
    assert [one["id"] for one in listed(invoiced)] == ["r2"]
    invoiced.sandbox.person.cancel(1)
    invoiced.poll()
    assert listed(invoiced) == []


def test_refunds_never_stop_a_job_and_nothing_booked_means_nothing_to_credit(world: World) -> None:
    world.set_profile(orders=settings(), errors={"stop_after": 1})
    orders = [a_recent_order(str(n), status="invoiced") for n in range(4)]
    synced(world, *orders)
    again = [refunded(refund(f"r{n}"), shop_id=str(n)) for n in range(4)]
    ran = synced(world, *again, a_recent_order("new", status="pending", refunds=[refund("early")]))
    assert (ran.code, len(listed(world))) == (0, 4)
    assert synced(world, a_recent_order("good")).code == 0


def test_credit_notes_of_invoices_stand_in_the_same_list(world: World) -> None:
    world.drop(an_invoice())
    world.push()
    lines = [{"name": "Beratung", "unit_price": "54.05", "tax_rate": "8.1"}]
    note = {"document_type": "credit_note", "original_shop_id": "1001", "prices_include_tax": True}
    world.drop(an_invoice("C-1", **note, lines=lines, total="54.05"), name="note.json")
    world.push()
    (one,) = listed(world)
    assert (one["kind"], one["id"], one["of"], one["amount"]) == ("credit_note", "C-1", "1001", "54.05")
    assert called(world, "orders", "refunds", "close", "C-1").returncode == 0
    assert listed(world) == []
    assert world.push().outcomes == []
