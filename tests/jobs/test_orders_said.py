"""What a person reads of orders: before a run what will stop, after it where to look, and never a wrong word."""

from __future__ import annotations

import json

import pytest

from front_door import called
from jobs.orders_kit import DEFAULT_ACTIONS, a_recent_order, paid, run, settings, synced
from world import World


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings())
    return world


def said(world: World, *arguments: str) -> str:
    done = called(world, *arguments)
    return done.stdout + done.stderr


def test_a_dry_run_says_what_will_be_left_to_a_person(shop: World) -> None:
    shop.drop(a_recent_order(status="completed", financial_status="paid"), kind="order")
    page = said(shop, "orders", "sync", "--dry-run")
    assert "issue (1 request)" in page
    assert "then it stops: It is paid in the shop, which does not say when; 108.10 CHF remain." in page


def test_a_dry_run_counts_what_it_would_cancel(shop: World) -> None:
    shop.set_profile(orders={"cancel": "delete"})
    synced(shop, a_recent_order())
    shop.drop(a_recent_order(status="cancelled", at="2026-11-19T10:00:00Z"), name="later.json", kind="order")
    assert "0 documents, 0 mails, 1 cancellation, " in said(shop, "orders", "sync", "--dry-run")


def test_steps_name_money_as_it_is_written(shop: World) -> None:
    shop.drop(a_recent_order(status="completed", payments=[paid()]), kind="order")
    page = said(shop, "orders", "sync", "--dry-run")
    assert "book 108.10 CHF" in page
    assert "create contact Anna Keller (1 request)" in page


def test_a_status_without_a_rule_says_where_one_is_given(shop: World) -> None:
    shop.drop(a_recent_order(status="on hold"), kind="order")
    page = said(shop, "orders", "sync")
    assert '1 ignored: its status "on hold" has no row in [orders.actions]: 5001' in page


def test_a_currency_is_corrected_in_the_order(shop: World) -> None:
    shop.drop(a_recent_order(currency="SEK"), kind="order")
    assert run(shop).errors[0]["hint"].endswith("Add it in bexio or correct it in the shop.")


def test_the_list_names_no_reason_for_what_is_done(shop: World) -> None:
    synced(shop, a_recent_order(status="completed", payments=[paid()]))
    synced(shop, a_recent_order(status="completed", payments=[paid()], metadata={"a": "b"}, at="2026-11-19T10:00:00Z"))
    assert "is paid" not in said(shop, "orders", "list")


def test_the_shop_is_told_the_day_of_a_payment_with_the_payment(shop: World) -> None:
    synced(shop, a_recent_order(status="completed", payments=[paid()]))
    assert shop.status()["5001"]["paid_date"] == "2026-11-19"
    assert json.loads(called(shop, "payments", "poll", "--full", "--json").stdout)["data"]["outcomes"] == []


def test_the_day_of_the_last_of_several_payments_is_told(shop: World) -> None:
    first = paid("50.00", paid_at="2026-11-19T12:00:00Z")
    second = paid("58.10", "t2", paid_at="2026-11-18T12:00:00Z")
    synced(shop, a_recent_order(status="completed", payments=[first, second]))
    called(shop, "payments", "poll", "--full")
    assert shop.status()["5001"]["paid_date"] == "2026-11-19"


def test_the_list_says_which_documents_no_longer_count(shop: World) -> None:
    shop.set_profile(orders={"cancel": "delete"})
    synced(shop, a_recent_order(), a_recent_order("5002", status="direct"))
    shop.sandbox.person.cancel(1)
    called(shop, "payments", "poll")
    synced(shop, a_recent_order(status="cancelled", at="2026-11-19T10:00:00Z"), name="later.json")
    page = said(shop, "orders", "list")
    assert "AU-00001 (deleted)" in page
    assert "kb_order/show/id/1" not in page
    assert "RE-00001 (cancelled)" in page


def test_the_list_of_invoices_names_those_of_orders(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    page = said(shop, "invoices", "list")
    assert "No invoices yet." in page
    assert "1 invoice of an order is listed by `bexsync orders list`." in page


@pytest.mark.parametrize("name", ["W-7", "5001"])
def test_an_error_is_named_by_the_number_of_its_order(shop: World, name: str) -> None:
    shop.drop(a_recent_order(order_number="W-7", currency="SEK"), kind="order")
    run(shop)
    assert "1 error to be tried again" in said(shop, "errors", "retry", name)


def test_the_connection_test_says_what_orders_start(shop: World) -> None:
    page = said(shop, "test-connection", "--read-only")
    assert "orders" in page
    assert "from 2026-01-01" in page
    shop.set_profile(orders={"actions": {}, "rules": []})
    assert "[orders.actions] names no status, so that nothing is done" in said(shop, "test-connection", "--read-only")
    shop.set_profile(orders={"actions": DEFAULT_ACTIONS, "numbering": "shop"})
    page = said(shop, "test-connection", "--read-only")
    assert "numbering of orders" in page
    assert called(shop, "test-connection", "--read-only").returncode == 78
