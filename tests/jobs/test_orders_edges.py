"""`orders sync` at the edges: first days, long texts, parts, numbers of each class, money above, and what is gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import RECENT, a_recent_order, books, paid, run, settings, synced
from world import World

LINE = {"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"}


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings())
    return world


def test_without_a_start_date_the_day_of_the_first_run_counts(shop: World) -> None:
    shop.set_profile(orders={"start_date": ""})
    ran = synced(shop, a_recent_order("1"), a_recent_order("2", ordered_at="2026-11-20T08:00:00Z"))
    assert (ran.code, list(ran.outcomes), ran.data["counts"]) == (0, ["order 2"], {"done": 1, "ignored": 1})
    shop.clock.forward(days=3)
    ran = synced(shop, a_recent_order("3", ordered_at="2026-11-21T08:00:00Z"), name="later.json")
    assert list(ran.outcomes) == ["order 3"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"purchase_order_number": "8" * 300}, "`purchase_order_number` is 300 characters long, bexio takes 255."),
        ({"order_number": "9" * 300}, "`order_number` is 306 characters long, bexio takes 255."),
        (
            {
                "shipping_address": {
                    "address_line1": "X" * 300,
                    "city": "Zug",
                    "postal_code": "6300",
                    "country_code": "CH",
                }
            },
            "`shipping_address.address_line1` is 300 characters long, bexio takes 255.",
        ),
    ],
)
def test_what_is_too_long_is_refused_before_anything_is_written(
    shop: World, changes: dict[str, Any], sentence: str
) -> None:
    ran = synced(shop, a_recent_order(**changes))
    assert (ran.code, ran.codes, ran.errors[0]["message"]) == (1, ["too_long"], sentence)
    assert shop.writes() == 0


def test_signs_that_nobody_sees_are_removed_from_names_and_texts(shop: World) -> None:
    keller = {**a_recent_order()["customer"], "last_name": "Kel\x07ler"}
    ran = synced(shop, a_recent_order(customer=keller, lines=[{**LINE, "name": "Ta\x1bsse"}]))
    assert ran.code == 0
    assert "Keller" in [row["name_1"] for row in shop.sandbox.contacts()]
    assert [row["text"] for order in shop.sandbox.orders() for row in order["positions"]] == ["Tasse"]


@pytest.mark.parametrize(("numbering", "is_automatic"), [("ledger", False), ("shop", True)])
def test_who_numbers_invoices_is_checked_too(shop: World, numbering: str, is_automatic: bool) -> None:
    shop.set_profile(ledger={"numbering": numbering})
    shop.sandbox.person.set_automatic_numbering(is_automatic)
    ran = synced(shop, a_recent_order(order_number="B-1"))
    assert (ran.code, ran.codes) == (78, ["numbering"])
    assert shop.writes() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"financial_status": "voided"},
        {"financial_status": "refunded"},
        {"cancelled_at": RECENT},
        {"refunds": [{"shop_id": "r", "amount": "108.10", "currency": "CHF", "refunded_at": RECENT}]},
    ],
)
def test_what_came_to_nothing_before_it_was_booked_is_said_once(shop: World, changes: dict[str, Any]) -> None:
    shop.drop(a_recent_order(**changes), kind="order")
    first = called(shop, "orders", "sync")
    assert first.returncode == 0
    assert "cancelled or refunded before anything was booked: 5001" in first.stderr
    assert called(shop, "orders", "sync").stderr == ""
    assert shop.writes() == 0


def test_where_an_invoice_stands_no_order_is_made_later(shop: World) -> None:
    synced(shop, a_recent_order(status="direct"))
    ran = synced(shop, a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid()]), name="2.json")
    assert (ran.code, ran.steps()) == (0, ["payment"])
    assert books(shop) == {"orders": 0, "deliveries": 0, "invoices": 1}


def test_what_is_above_is_named_once_for_each_payment(shop: World) -> None:
    ran = synced(shop, a_recent_order(status="completed", payments=[paid("120")]))
    assert (ran.code, ran.data["remarks"]) == (
        0,
        ["Order 5001: 11.90 CHF came in above what remained, and is not booked."],
    )
    more = a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid("120"), paid("5", "t2")])
    ran = synced(shop, more, name="2.json")
    assert ran.data["remarks"] == ["Order 5001: 5.00 CHF came in above what remained, and is not booked."]
    assert [Decimal(row["value"]) for row in shop.sandbox.payments(1)] == [Decimal("108.10")]


def test_the_invoice_of_what_is_paid_has_its_own_template(shop: World) -> None:
    shop.set_profile(invoices={"template_paid": "b71e90"})
    assert synced(shop, a_recent_order("1", status="completed", payments=[paid()])).code == 0
    assert synced(shop, a_recent_order("2", status="invoiced"), name="2.json").code == 0
    assert [row.get("template_slug") == "b71e90" for row in shop.invoices()] == [True, False]


def test_only_sales_and_captures_that_succeeded_are_money_and_each_once(shop: World) -> None:
    payments = [
        paid(shop_id="a", kind="authorization"),
        paid(shop_id="p", status="pending"),
        paid(shop_id="f", status="failed"),
        paid(shop_id="s"),
        paid(shop_id="c", kind="capture", parent_id="s"),
        paid("10", "r", kind="refund"),
    ]
    ran = synced(shop, a_recent_order(status="completed", payments=payments))
    assert ran.code == 0, ran.errors
    assert [Decimal(row["value"]) for row in shop.sandbox.payments(1)] == [Decimal("108.10")]


def test_shipments_are_delivered_one_by_one(shop: World) -> None:
    one, two = ({"shop_id": f"f{n}", "shipped_at": RECENT, "lines": [{"line_id": "10", "quantity": n}]} for n in "12")
    order = {"status": "completed", "lines": [{**LINE, "quantity": "3"}], "total": "324.30"}
    first = synced(shop, a_recent_order(**order, fulfillments=[one], fulfillment_status="partial"))
    assert first.code == 0, first.errors
    second = synced(shop, a_recent_order(**order, fulfillments=[one, two], at="2026-11-19T12:00:00Z"), name="2.json")
    assert second.steps() == ["delivery", "delivery_issue"]
    assert books(shop) == {"orders": 1, "deliveries": 2, "invoices": 1}


def test_shipped_in_part_without_quantities_stops(shop: World) -> None:
    ran = synced(shop, a_recent_order(status="completed", fulfillment_status="partial"))
    assert (ran.code, ran.codes) == (1, ["shipped_in_part"])
    assert books(shop) == {"orders": 0, "deliveries": 0, "invoices": 0}


def test_a_unit_that_the_ledger_has_not_stands_in_the_text_and_is_said_once(shop: World) -> None:
    ran = synced(shop, a_recent_order(lines=[{**LINE, "unit": "Fass"}]))
    assert ran.data["remarks"] == ['bexio has no unit "Fass": it stands in the text of the lines.']
    assert [row["text"] for order in shop.sandbox.orders() for row in order["positions"]] == ["Tasse<br/>1 Fass"]


@pytest.mark.parametrize("kind", ["shipping", "fee", "tip"])
def test_what_has_no_rate_of_its_own_stops(shop: World, kind: str) -> None:
    extra = {"line_id": "11", "type": kind, "name": kind, "quantity": "1", "unit_price": "10"}
    ran = synced(shop, a_recent_order(lines=[LINE, extra], total="118.91"))
    assert (ran.code, ran.codes) == (1, ["tax_unmapped"])
    assert shop.writes() == 0


def test_deleting_our_own_orders_counts_as_cancelling(shop: World) -> None:
    shop.set_profile(orders={"cancel": "delete"}, limits={"cancels": 1})
    synced(shop, *(a_recent_order(str(n)) for n in range(2)))
    gone = [a_recent_order(str(n), status="cancelled", at="2026-11-19T12:00:00Z") for n in range(2)]
    assert synced(shop, *gone, name="2.json").codes == ["plan_too_big"]
    assert books(shop)["orders"] == 2
    assert run(shop, "--confirm", "2").code == 0
    assert books(shop)["orders"] == 0


def test_a_changed_quantity_is_said_with_both(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    more = a_recent_order(
        status="invoiced", at="2026-11-19T12:00:00Z", lines=[{**LINE, "quantity": "2"}], total="216.20"
    )
    assert "lines[1].quantity: 1 -> 2" in synced(shop, more, name="2.json").errors[0]["message"]
