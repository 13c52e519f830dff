"""What happens to orders in bexio comes back as the shop's status: once, never backwards, never against a newer one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import DEFAULT_ACTIONS, a_recent_order, paid, run, settings, synced
from world import World

STATUS = {"paid": "completed", "partly_paid": "", "cancelled": "cancelled", "done": "completed"}


@pytest.fixture
def shop(world: World) -> World:
    actions = {name: DEFAULT_ACTIONS[name] for name in ("processing", "invoiced", "cancelled")}
    world.set_profile(orders=settings(actions=actions, status=STATUS))
    return world


def told(world: World) -> list[tuple[str, str, str]]:
    """Every status that the shop was asked for: order, status, and the one it must still have."""
    events = [event for event in world.events() if event["event"] == "status"]
    return [(event["shop_id"], event["status"], event["expected"]) for event in events]


def names(world: World) -> list[str]:
    return [event["event"] for event in world.events() if event["kind"] == "order"]


def test_money_in_bexio_gives_the_order_its_status_once(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    assert names(shop) == ["sent"]
    shop.sandbox.person.pay(1, "108.10")
    assert [(o.kind, o.action) for o in shop.poll().outcomes] == [("order", "paid")]
    assert told(shop) == [("5001", "completed", "invoiced")]
    assert names(shop) == ["sent", "status", "paid"]
    shop.clock.forward(hours=26)
    shop.poll(full=True)
    assert len(told(shop)) == 1
    assert all("status" not in event for event in shop.events() if event["event"] == "paid")


def test_an_order_is_told_no_update_of_nothing_that_it_is_shown(shop: World) -> None:
    """An invoice without money that becomes a draft again: of an order no event shows how its invoice stands."""
    shop.set_profile(orders={"actions": {"direct": ["contact", "invoice", "issue"]}})
    synced(shop, a_recent_order(status="direct"))
    assert names(shop) == ["issued"]
    shop.sandbox.person.revert(1)
    shop.poll()
    assert names(shop) == ["issued"]
    status = json.loads(called(shop, "status", "--json").stdout)["data"]
    assert status["waiting"]["not_reported"] == 0, "it counts as told"
    shop.sandbox.person.issue(1)
    shop.sandbox.person.pay(1, "108.10")
    shop.poll()
    assert names(shop) == ["issued", "status", "paid"]


def test_a_missing_key_writes_nothing(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, "50")
    shop.poll()
    assert (told(shop), names(shop)) == ([], ["sent", "partly_paid"])


def test_what_comes_back_of_it_starts_nothing(shop: World) -> None:
    shop.set_profile(orders={"actions": {**DEFAULT_ACTIONS}})
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, "108.10")
    shop.poll()
    before = shop.writes()
    ran = synced(shop, a_recent_order(status="completed", at="2026-11-20T11:00:00Z"), name="back.json")
    assert (ran.code, shop.writes()) == (0, before)
    assert ran.outcomes["order 5001"]["reason"] == "bexsync itself wrote its status completed"
    shipped = {"shop_id": "f1", "shipped_at": "2026-11-20T12:00:00Z"}
    more = a_recent_order(status="completed", at="2026-11-20T12:00:00Z", fulfillments=[shipped])
    assert "delivery" in synced(shop, more, name="more.json").steps()


def test_a_newer_status_of_the_shop_stays(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, "108.10")
    synced(shop, a_recent_order(status="refunding", at="2026-11-20T12:00:00Z"))
    shop.poll()
    assert told(shop) == []


def test_a_status_of_the_shop_from_before_the_money_gives_way(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    synced(shop, a_recent_order(status="shipped", at="2026-11-18T12:00:00Z"))
    shop.clock.forward(hours=48)
    shop.sandbox.person.pay(1, "108.10")
    shop.poll()
    assert told(shop) == [("5001", "completed", "shipped")]


@pytest.mark.parametrize(("amount", "is_paid"), [("108.08", True), ("108.07", False)])
def test_what_the_ledger_rounds_away_counts_as_paid_everywhere(shop: World, amount: str, is_paid: bool) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, amount)
    shop.poll()
    assert told(shop) == ([("5001", "completed", "invoiced")] if is_paid else [])
    assert names(shop)[-1] == ("paid" if is_paid else "partly_paid")
    (row,) = json.loads(called(shop, "orders", "list", "--json").stdout)["data"]["orders"]
    assert (row["paid"], row["open"]) == (amount, "" if is_paid else "0.03")
    before = len(shop.events())
    shop.clock.forward(hours=26)
    assert shop.poll(full=True).outcomes == []
    assert run(shop).code == 0
    assert len(shop.events()) == before


def test_our_own_payment_of_all_but_what_the_ledger_rounds_away_is_told_as_paid(shop: World) -> None:
    shop.set_profile(orders={"actions": {"shipped": DEFAULT_ACTIONS["completed"]}})
    synced(shop, a_recent_order(status="shipped", payments=[paid("108.08")]))
    assert told(shop) == [("5001", "completed", "shipped")]
    assert "partly_paid" not in names(shop)
    assert shop.status()["5001"]["status"] == "paid"
    shop.clock.forward(hours=2)
    assert {one.action for one in shop.poll().outcomes} <= {"updated"}, "the day of the payment is learned later"


def test_a_person_who_finishes_an_order_is_news_and_our_own_invoice_is_not(shop: World) -> None:
    synced(shop, a_recent_order("1"), a_recent_order("2", status="invoiced"))
    assert told(shop) == []
    order = next(row["id"] for row in shop.sandbox.orders() if row["api_reference"].endswith(":1"))
    shop.clock.forward(hours=1)
    shop.sandbox.person.finish_order(order)
    assert run(shop).code == 0
    assert told(shop) == [], "it is looked at once a day"
    shop.clock.forward(hours=24)
    run(shop)
    assert told(shop) == [("1", "completed", "processing")]
    shop.clock.forward(hours=24)
    run(shop)
    assert len(told(shop)) == 1


def test_our_own_done_is_news_where_the_profile_says_so(shop: World) -> None:
    shop.set_profile(orders={"actions": {"shipped": DEFAULT_ACTIONS["completed"]}})
    synced(shop, a_recent_order("1", status="shipped"))
    shop.clock.forward(hours=25)
    run(shop)
    assert told(shop) == []
    shop.set_profile(orders={"own_done": True})
    synced(shop, a_recent_order("2", status="shipped"))
    shop.clock.forward(hours=25)
    run(shop)
    assert told(shop) == [("2", "completed", "shipped")]


def test_an_invoice_that_a_person_cancels_cancels_the_order_and_ours_does_not(shop: World) -> None:
    shop.set_profile(orders={"actions": {**DEFAULT_ACTIONS}})
    synced(shop, a_recent_order("1", status="direct"), a_recent_order("2", status="direct"))
    shop.sandbox.person.cancel(1)
    synced(shop, a_recent_order("2", status="cancelled", at="2026-11-20T11:00:00Z"))
    shop.poll()
    first = next(row for row in shop.invoices() if row["id"] == 1)["api_reference"].rpartition(":")[2]
    assert told(shop) == ([("1", "cancelled", "direct")] if first == "1" else [])


def test_the_status_list_has_orders_too(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"), a_recent_order("2", currency="XXX"))
    rows = shop.status()
    assert (rows["5001"]["number"], rows["5001"]["status"], rows["5001"]["kind"]) == ("RE-00001", "sent", "order")
    assert (rows["2"]["status"], rows["2"]["kind"]) == ("blocked", "order")
    assert "XXX" in rows["2"]["error"]


def test_payments_of_orders_are_found_again_by_a_lost_state(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    for path in (shop.folder / "state").glob("*.db*"):
        path.unlink()
    shop.sandbox.person.pay(1, "108.10")
    found: list[Any] = shop.poll(full=True).outcomes
    assert [(o.kind, o.shop_id) for o in found] == [("order", "5001")]
    ran = synced(shop, a_recent_order(status="invoiced", payments=[paid()]))
    assert ran.code == 0, ran.errors
    assert len(shop.invoices()) == 1


def test_what_remains_after_the_rounding_of_the_ledger_counts_as_paid(shop: World) -> None:
    """1.04 asks for 1.05 in bexio; the cent that remains is nobody's debt."""
    shop.set_profile(orders={"actions": {"ready": DEFAULT_ACTIONS["completed"]}})
    lines = [{"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "0.96", "tax_rate": "8.1"}]
    synced(shop, a_recent_order(status="ready", lines=lines, total="1.04", payments=[paid("1.04")]))
    (invoice,) = shop.invoices()
    assert invoice["total_remaining_payments"] == "0.0100"
    shop.poll()
    assert told(shop) == [("5001", "completed", "ready")]
    assert '"paid": "1.04", "open": ""' in called(shop, "orders", "list", "--json").stdout
