"""`links adopt` for orders: what stands in bexio already is linked, by number or by mail and day, and by amount."""

from __future__ import annotations

import json
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import a_recent_order, books, run, settings, synced
from world import World


@pytest.fixture
def by_hand(world: World) -> World:
    """An order and its invoice in bexio that carry no reference of ours, as somebody else wrote them."""
    world.set_profile(orders=settings())
    synced(world, a_recent_order("w", order_number="W-1", status="invoiced"))
    state = world.sandbox.state
    for documents in (state.orders, state.invoices):
        documents[1] = {**documents[1], "api_reference": None}
    called(world, "links", "forget", "w", "--yes")
    for kept in world.folder.glob("state*/**/*.ndjson"):
        kept.unlink()
    return world


def adopted(world: World, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    done = called(world, "links", "adopt", *arguments, "--json")
    return done.returncode, json.loads(done.stdout)["data"].get("outcomes", [])


def test_an_order_is_matched_by_mail_day_and_amount_and_goes_on(by_hand: World) -> None:
    by_hand.drop(a_recent_order(status="invoiced"), kind="order")
    code, (planned,) = adopted(by_hand)
    assert (code, planned["kind"], planned["status"]) == (0, "order", "planned")
    assert planned["reason"] == "AU-00001 and RE-00001, 108.10, by mail, day and amount"
    code, (done,) = adopted(by_hand, "--yes")
    assert (code, done["status"]) == (0, "done")
    assert run(by_hand).code == 0
    assert books(by_hand) == {"orders": 1, "deliveries": 0, "invoices": 1}
    assert len(by_hand.sandbox.mails) == 1


def test_an_order_named_by_hand_is_linked_to_that_document_alone(by_hand: World) -> None:
    other = {**a_recent_order()["customer"], "email": "other@example.ch"}
    by_hand.drop(a_recent_order(customer=other), kind="order")
    assert adopted(by_hand)[1] == []
    assert adopted(by_hand, "5001", "AU-00001", "--yes")[0] == 0
    assert run(by_hand).code == 0
    assert books(by_hand)["orders"] == 1
    assert adopted(by_hand, "5001", "AU-00009", "--yes")[0] == 2


def test_what_fits_two_orders_is_left_to_a_person(by_hand: World) -> None:
    by_hand.drop(a_recent_order("1"), a_recent_order("2"), kind="order")
    code, outcomes = adopted(by_hand, "--yes")
    assert (code, {one["status"] for one in outcomes}) == (1, {"blocked"})
    with by_hand.workspace() as workspace:
        assert list(workspace.store.links.all("order")) == []


def test_another_amount_is_never_linked(by_hand: World) -> None:
    line = {"line_id": "10", "name": "Tasse", "unit_price": "200", "tax_rate": "8.1"}
    by_hand.drop(a_recent_order(lines=[line], total="216.20"), kind="order")
    assert adopted(by_hand, "--yes")[1] == []
    assert adopted(by_hand, "5001", "AU-00001", "--yes")[0] == 2
