"""People who work on an order's documents between two statuses: what bexsync still does, and what it leaves to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs.orders_kit import a_recent_order, paid, run, settings
from world import World

ROWS = {
    "order": ["contact", "order"],
    "delivered": ["contact", "order", "delivery"],
    "draft": ["contact", "order", "invoice"],
    "issued": ["contact", "order", "invoice", "issue"],
    "direct": ["contact", "invoice", "issue"],
    "completed": ["contact", "order", "delivery", "invoice", "issue", "payment", "send"],
    "cancelled": ["cancel"],
}
Deed = Callable[[Any, int], object]
ON_ORDERS: dict[str, Deed] = {
    "finish": lambda person, number: person.finish_order(number),
    "cancel": lambda person, number: person.cancel_order(number),
    "delete": lambda person, number: person.delete_order(number),
    "edit": lambda person, number: person.edit_order_price(number, 0, "90"),
    "deliver": lambda person, number: person.deliver_order(number),
    "invoice": lambda person, number: person.invoice_order(number),
}
ON_INVOICES: dict[str, Deed] = {
    "issue invoice": lambda person, number: person.issue(number),
    "take back invoice": lambda person, number: person.revert(number),
    "cancel invoice": lambda person, number: person.cancel(number),
    "delete invoice": lambda person, number: person.delete(number),
    "edit invoice": lambda person, number: person.edit_price(number, 0, "90"),
    "pay invoice": lambda person, number: person.pay(number, "108.10"),
}
CASES = [
    (row, deed)
    for row, deeds in {
        "order": ON_ORDERS,
        "delivered": {name: ON_ORDERS[name] for name in ("finish", "cancel", "invoice")},
        "draft": {name: ON_INVOICES[name] for name in ("issue invoice", "delete invoice", "edit invoice")},
        "issued": {name: ON_INVOICES[name] for name in ("take back invoice", "cancel invoice", "pay invoice")},
        "direct": {name: ON_INVOICES[name] for name in ("take back invoice", "cancel invoice", "pay invoice")},
    }.items()
    for deed in deeds
]


# What is left to people; where nothing is said, bexsync goes on.
COMPLETED = {
    "order-finish": "completed_in_ledger",
    "order-cancel": "gone_in_ledger",
    "order-delete": "gone_in_ledger",
    "order-edit": "held",
    "order-deliver": "refused",
    "order-invoice": "refused",
    "delivered-finish": "refused",
    "delivered-cancel": "gone_in_ledger",
    "delivered-invoice": "refused",
    "draft-delete_invoice": "gone_in_ledger",
    "draft-edit_invoice": "held",
    "issued-take_back_invoice": "taken_back_in_ledger",
    "issued-cancel_invoice": "gone_in_ledger",
    "direct-take_back_invoice": "taken_back_in_ledger",
    "direct-cancel_invoice": "gone_in_ledger",
}
# Nothing stands of these any more, so that a cancellation has nothing to undo.
NOTHING_LEFT = {"order-cancel", "order-delete", "delivered-cancel", "direct-cancel_invoice"}


def name_of(row: str, deed: str) -> str:
    return f"{row}-{deed.replace(' ', '_')}"


def versions(at: str, status: str = "") -> list[dict[str, Any]]:
    return [
        a_recent_order(name_of(*case), at, status=status or case[0], payments=[paid(shop_id=name_of(*case))])
        for case in CASES
    ]


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings(actions=ROWS, cancel="delete"), limits={"documents": 999, "cancels": 999})
    return world


def ids(world: World, kind: str) -> dict[str, int]:
    documents = world.invoices() if kind == "invoice" else list(world.sandbox.orders())
    return {row["api_reference"].rpartition(":")[2]: row["id"] for row in documents if row["api_reference"]}


def test_what_people_do_between_two_statuses(shop: World) -> None:
    shop.drop(*versions("2026-11-18T10:00:00Z"), name="1.json", kind="order")
    assert run(shop).code == 0
    orders, invoices = ids(shop, "order"), ids(shop, "invoice")
    for row, deed in CASES:
        if deed in ON_ORDERS:
            ON_ORDERS[deed](shop.sandbox.person, orders[name_of(row, deed)])
        else:
            ON_INVOICES[deed](shop.sandbox.person, invoices[name_of(row, deed)])
    names = {name_of(*case) for case in CASES}
    expected = {"completed": COMPLETED, "cancelled": dict.fromkeys(names - NOTHING_LEFT, "cancelled_in_shop")}
    for number, status in enumerate(("completed", "cancelled", "completed"), 2):
        shop.drop(*versions(f"2026-11-18T1{number}:00:00Z", status), name=f"{number}.json", kind="order")
        ran = run(shop)
        assert ran.code == 1
        assert {error["shop_id"]: error["code"] for error in ran.errors} == expected[status]
        writes = shop.writes()
        assert run(shop).code == 1
        assert shop.writes() == writes, "a second run wrote something"
    ours = [row["api_reference"] for row in shop.invoices() if row["api_reference"]]
    assert len(ours) == len(set(ours))
