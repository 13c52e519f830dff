"""Links of orders for a person: an order and its invoice are shown, and forgetting both books nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bexsync.errors import Exit
from front_door import called
from jobs.orders_kit import a_recent_order, books, paid, run, settings, synced
from world import World, a_product, an_invoice


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings())
    return world


def said(world: World, *arguments: str, code: int = 0) -> str:
    done = called(world, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def data(world: World, *arguments: str) -> Any:
    return json.loads(called(world, *arguments, "--json").stdout)["data"]


def test_order_and_invoice_are_listed_and_shown(shop: World) -> None:
    synced(shop, a_recent_order(status="completed", payments=[paid()]))
    found = [(link["kind"], link["shop_id"], link["number"]) for link in data(shop, "links", "list")["links"]]
    assert found == [("order", "5001", "AU-00001"), ("order_invoice", "5001", "RE-00001")]
    for name in ("5001", "order:5001", "RE-00001", "AU-00001"):
        page = said(shop, "links", "show", name)
        assert "5001 is AU-00001 (document 1)" in page
        assert "5001 is RE-00001 (document 1)" in page
        assert "delivery: LS-00001" in page
        assert "pay" in page
    story = data(shop, "links", "show", "5001")
    assert (story["link"]["number"], [link["number"] for link in story["others"]]) == ("AU-00001", ["RE-00001"])


def test_the_list_can_be_cut_to_what_was_linked_last(shop: World) -> None:
    shop.drop(an_invoice("1"), an_invoice("2"))
    assert called(shop, "invoices", "push").returncode == 0
    synced(shop, a_recent_order(status="invoiced"))
    shop.drop(an_invoice("3"), name="later.json")
    assert called(shop, "invoices", "push").returncode == 0

    def names(*arguments: str) -> list[tuple[str, str]]:
        links = data(shop, "links", "list", *arguments)["links"]
        return [(link["kind"], link["shop_id"]) for link in links]

    order = [("order", "5001"), ("order_invoice", "5001")]
    assert names() == [("invoice", "1"), ("invoice", "2"), ("invoice", "3"), *order]
    assert names("--limit", "3") == [("invoice", "3"), *order]
    assert names("--limit", "1") == [("invoice", "3")]
    assert names("--limit", "0") == []


def test_an_order_without_a_document_says_why(shop: World) -> None:
    shop.drop(a_recent_order(currency="XXX"), kind="order")
    run(shop)
    assert "5001 is in no document; its record is open: bexio has no currency XXX." in said(
        shop, "links", "show", "5001"
    )


@pytest.mark.parametrize("status", ["processing", "invoiced", "direct", "completed"])
def test_a_forgotten_order_is_found_again_and_nothing_is_done_twice(shop: World, status: str) -> None:
    order = a_recent_order(status=status, payments=[paid()] if status == "completed" else [])
    synced(shop, order)
    synced(shop, a_recent_order("5002", status="processing"))
    before, mails, writes = books(shop), len(shop.sandbox.mails), shop.writes()
    assert "is forgotten." in said(shop, "links", "forget", "5001", "--yes")
    assert [link["shop_id"] for link in data(shop, "links", "list")["links"]] == ["5002"]
    ran = synced(shop, order, name="again.json")
    assert (ran.code, ran.errors) == (0, [])
    assert (books(shop), len(shop.sandbox.mails), shop.writes()) == (before, mails, writes)
    assert {link["shop_id"] for link in data(shop, "links", "list")["links"]} == {"5001", "5002"}


@pytest.mark.parametrize("status", ["invoiced", "direct"])
def test_an_order_whose_invoice_was_cancelled_is_booked_again(shop: World, status: str) -> None:
    synced(shop, a_recent_order(status=status))
    shop.sandbox.person.cancel(1)
    said(shop, "payments", "poll")
    said(shop, "links", "forget", "5001", "--yes")
    ran = synced(shop, a_recent_order(status=status), name="again.json")
    assert (ran.code, ran.errors) == (0, [])
    assert [invoice["document_nr"] for invoice in shop.invoices()] == ["RE-00001", "RE-00002"]


def test_an_order_is_found_again_although_its_product_is_no_longer_linked(shop: World) -> None:
    shop.set_profile(products={"enabled": True, "without_sku": "skip"})
    shop.list_products(a_product())
    shop.sync_products()
    line = {"line_id": "1", "product_shop_id": "17", "name": "Tasse", "unit_price": "100", "tax_rate": "8.1"}
    order = a_recent_order(status="invoiced", lines=[line])
    synced(shop, order)
    (placed,) = shop.sandbox.orders()
    assert [position["type"] for position in placed["positions"]] == ["KbPositionArticle"]
    before = books(shop)
    said(shop, "links", "forget", "product:17", "--yes")
    said(shop, "links", "forget", "5001", "--yes")
    ran = synced(shop, order, name="again.json")
    assert (ran.code, ran.errors, books(shop)) == (0, [], before)


def test_an_invoice_and_an_order_with_one_id_are_told_apart(shop: World) -> None:
    shop.drop(an_invoice("5001"), name="invoice.json")
    shop.push()
    synced(shop, a_recent_order(status="processing"))
    refused = said(shop, "links", "forget", "5001", "--yes", code=Exit.USAGE)
    assert '"5001" is an invoice and an order. Say invoice:5001 or order:5001.' in refused
    said(shop, "links", "forget", "order:5001", "--yes")
    assert [link["kind"] for link in data(shop, "links", "list")["links"]] == ["invoice"]


def test_what_is_nowhere_is_named(shop: World) -> None:
    run(shop)
    assert 'There is no link of "order:17".' in said(shop, "links", "show", "order:17", code=Exit.USAGE)
