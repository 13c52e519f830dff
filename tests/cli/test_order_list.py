"""`orders list` and `orders rules`: read from the state alone, for a person and for a script."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bexsync.shops.folder import shop as folder_shop
from constants import set_constant
from front_door import called
from world import World, an_order


def data(world: World, *arguments: str) -> dict[str, Any]:
    run = called(world, *arguments, "--json")
    assert run.returncode == 0, run.stdout
    found: dict[str, Any] = json.loads(run.stdout)["data"]
    return found


@pytest.fixture
def orders(world: World) -> World:
    """Three orders of two customers, of which the shop says how they are paid."""
    hotel = {
        **an_order()["customer"],
        "kind": "company",
        "company_name": "Hotel Bären",
        "email": "info@baeren.example.ch",
    }
    world.drop(
        an_order("5001", status="processing", payment_method="twint"),
        an_order("5002", status="completed", payment_method="invoice", customer=hotel, order_number="B-2"),
        an_order("5003", status="processing", ordered_at="2026-10-31T23:30:00Z"),
        kind="order",
    )
    world.push()
    return world


def test_each_order_with_customer_total_and_status(orders: World) -> None:
    found = data(orders, "orders", "list")
    assert [row["shop_id"] for row in found["orders"]] == ["5003", "5001", "5002"]
    assert found["orders"][2] == {
        "shop_id": "5002",
        "order_number": "B-2",
        "date": "2026-11-04",
        "customer": "Hotel Bären",
        "mail": "info@baeren.example.ch",
        "currency": "CHF",
        "total": "108.10",
        "status": "completed",
        "documents": [],
        "paid": "",
        "open": "",
        "state": "open",
        "error": "",
    }
    assert found["orders"][0]["date"] == "2026-11-01"
    assert (found["found"], found["open"]) == (3, {})


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--status", "completed"], ["5002"]),
        (["--customer", "bären"], ["5002"]),
        (["--since", "2026-11-02"], ["5001", "5002"]),
        (["--limit", "1"], ["5002"]),
        (["--limit", "0"], []),
        (["--status", "nothing"], []),
    ],
)
def test_a_person_narrows_the_list(orders: World, arguments: list[str], ids: list[str]) -> None:
    assert [row["shop_id"] for row in data(orders, "orders", "list", *arguments)["orders"]] == ids


def test_the_list_as_a_page(orders: World) -> None:
    page = called(orders, "orders", "list").stdout
    assert page.splitlines()[0].split() == ["id", "number", "customer", "date", "cur", "total", "status"]
    assert "Hotel Bären" in page
    assert called(orders, "orders", "list", "--status", "other").stdout == "No orders.\n"


def test_rules_show_what_happens_and_what_has_no_rule(orders: World) -> None:
    orders.set_profile(
        orders={
            "enabled": True,
            "actions": {"processing": ["order", "contact"]},
            "rules": [{"status": "processing", "payment_method": "invoice", "actions": ["contact", "invoice"]}],
            "status": {"paid": "processing"},
        }
    )
    found = data(orders, "orders", "rules")
    assert found["payment_methods"] == ["invoice", "twint"]
    assert found["without_rule"] == ["completed"]
    assert [(row["status"], row["payment_methods"], row["actions"], row["source"]) for row in found["rules"]] == [
        ("completed", [], None, ""),
        ("processing", ["invoice"], ["contact", "invoice"], "rule 1"),
        ("processing", ["twint", ""], ["contact", "order"], "[orders.actions]"),
    ]
    assert len(found["attention"]) == 1
    page = called(orders, "orders", "rules").stdout
    assert "Without a rule, so that nothing happens: completed." in page
    assert "nothing, no rule" in page


def test_statuses_that_the_shop_lists_are_shown_before_any_order_has_them(
    orders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = replace(folder_shop._CAPABILITIES, order_statuses=frozenset({"on-hold", "processing"}))
    set_constant(monkeypatch, "folder.shop._CAPABILITIES", listing)
    orders.push()
    found = data(orders, "orders", "rules")
    assert found["without_rule"] == ["completed", "on-hold", "processing"]


def test_a_status_that_orders_had_once_is_remembered(orders: World) -> None:
    orders.drop(an_order("5003", status="completed", at="2026-11-06T10:00:00Z"), name="b.json", kind="order")
    orders.drop(an_order("5001", status="completed", at="2026-11-06T10:00:00Z"), name="c.json", kind="order")
    orders.push()
    found = data(orders, "orders", "rules")
    assert sorted({row["status"] for row in found["rules"]}) == ["completed", "processing"]
    assert found["enabled"] is False


def test_status_counts_orders_and_watches_their_job(orders: World) -> None:
    orders.drop(an_order("bad", currency="XXX"), name="bad.json", kind="order")
    orders.set_profile(orders={"enabled": True, "start_date": "2026-01-01", "actions": {"processing": ["order"]}})
    orders.sync(limit=0)
    assert "4 orders for the next sync" in called(orders, "status").stdout
    orders.sync()
    waiting = data(orders, "status")["waiting"]
    assert (waiting["orders"], waiting["blocked_orders"]) == (0, 1)
    assert "1 order that a person must correct" in called(orders, "status").stdout
