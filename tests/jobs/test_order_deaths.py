"""Runs of orders that die at one certain request: the run after them goes on where they ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest

from bexsync.hooks import observed_by
from crash.test_crash_sweep import Killed
from jobs.orders_kit import a_recent_order, paid, run, settings
from world import World

ACTIONS = {**settings()["actions"], "draft": ["contact", "order", "invoice"]}
DEARER = {
    "lines": [{"line_id": "10", "name": "Tasse", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}],
    "total": "216.20",
}


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings(actions=ACTIONS))
    return world


def dies(point: str, path: str) -> Callable[..., None]:
    """Ends a run at a point of the request for a path, and lets nothing happen after it."""
    is_over = False

    def look(at: str, **facts: str) -> None:
        nonlocal is_over
        is_over = is_over or (at, facts.get("path")) == (point, path)
        if is_over:
            raise Killed(path)

    return look


def killed(world: World, point: str, path: str) -> None:
    with suppress(Killed), observed_by(dies(point, path)):
        world.sync()
    world.clock.forward(seconds=30)


def test_an_invoice_that_was_only_made_is_edited_before_it_goes_out(shop: World) -> None:
    shop.drop(a_recent_order(status="completed", payments=[paid()]), kind="order")
    killed(shop, "request:before", "/2.0/kb_invoice/1")
    assert [row["api_reference"] for row in shop.invoices()] == [None]
    assert run(shop).code == 0
    (invoice,) = shop.invoices()
    assert (invoice["api_reference"], invoice["kb_item_status_id"]) == ("bexsync:main:order:5001", 9)
    assert len(shop.sandbox.mails) == 1


def test_an_order_made_anew_gets_its_invoice(shop: World) -> None:
    shop.drop(a_recent_order(status="draft"), kind="order")
    assert run(shop).code == 0
    shop.drop(a_recent_order(status="draft", at="2026-11-18T12:00:00Z", **DEARER), name="dearer.json", kind="order")
    killed(shop, "request:before", "/2.0/kb_order/2/invoice")
    assert (len(list(shop.sandbox.orders())), shop.invoices()) == (1, [])
    assert run(shop).code == 0
    (invoice,) = shop.invoices()
    assert Decimal(invoice["total"]) == Decimal("216.20")
