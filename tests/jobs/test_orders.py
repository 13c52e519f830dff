"""`orders sync` through the front door: every status, every action, exit code and what --json says, in the sandbox."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import DEFAULT_ACTIONS, a_recent_order, books, paid, run, settings, synced
from world import World, an_invoice, an_order


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings())
    return world


def mails(world: World) -> int:
    return len(world.sandbox.mails)


# every status


@pytest.mark.parametrize(
    ("status", "action", "steps", "documents"),
    [
        ("pending", "contact", ["contact"], (0, 0, 0)),
        ("processing", "order", ["contact", "order"], (1, 0, 0)),
        (
            "invoiced",
            "order, create, update, send",
            ["contact", "order", "order_invoice", "invoice_edit", "send"],
            (1, 0, 1),
        ),
        ("direct", "create, send", ["contact", "invoice", "send"], (0, 0, 1)),
        (
            "completed",
            "order, deliver, create, update, issue, pay, send",
            [
                *("contact", "order", "delivery", "delivery_issue"),
                *("order_invoice", "invoice_edit", "issue", "payment", "send"),
            ],
            (1, 1, 1),
        ),
    ],
)  # fmt: skip
def test_each_status_starts_its_actions(
    shop: World, status: str, action: str, steps: list[str], documents: tuple[int, int, int]
) -> None:
    ran = synced(shop, a_recent_order(status=status, payments=[paid()]))
    assert (ran.code, ran.errors) == (0, [])
    outcome = ran.outcomes["order 5001"]
    assert (outcome["status"], outcome["action"], outcome["customer"]) == ("done", action, "Anna Keller")
    assert ran.steps() == steps
    assert {step["status"] for step in outcome["steps"]} == {"done"}
    assert tuple(books(shop).values()) == documents
    assert mails(shop) == ("send" in steps)


def test_an_order_goes_through_its_statuses_and_nothing_is_done_twice(shop: World) -> None:
    for number, status in enumerate(("pending", "processing", "invoiced", "completed")):
        ran = synced(shop, a_recent_order(at=f"2026-11-18T1{number}:00:00Z", status=status, payments=[paid()]))
        assert ran.code == 0, ran.errors
    assert books(shop) == {"orders": 1, "deliveries": 1, "invoices": 1}
    assert mails(shop) == 1
    (invoice,) = shop.invoices()
    assert (invoice["api_reference"], invoice["kb_item_status_id"]) == ("bexsync:main:order:5001", 9)
    (row,) = called_list(shop)
    assert [document["kind"] for document in row["documents"]] == ["order", "delivery", "invoice"]
    assert (row["paid"], row["open"]) == ("108.10", "")


def called_list(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(called(world, "orders", "list", "--json").stdout)["data"]["orders"]
    return found


def test_a_dry_run_names_every_step_and_its_cost_and_changes_nothing(shop: World) -> None:
    ran = synced(shop, a_recent_order(status="completed", payments=[paid()]), arguments=("--dry-run",))
    outcome = ran.outcomes["order 5001"]
    assert (ran.code, outcome["status"]) == (0, "planned")
    assert all(step["status"] == "planned" and step["requests"] for step in outcome["steps"])
    assert sum(step["requests"] for step in outcome["steps"]) == ran.data["plan"]["requests"]
    assert ran.data["plan"]["mails"] == 1
    assert shop.writes() == 0
    assert "order for Anna Keller (2 requests)" in called(shop, "orders", "sync", "--dry-run").stdout


def test_a_status_without_a_rule_does_nothing_and_is_said_once(shop: World) -> None:
    shop.drop(a_recent_order(status="on-hold"), kind="order")
    first = called(shop, "orders", "sync")
    assert (first.returncode, first.stderr) == (
        0,
        'orders sync: 1 ignored: its status "on-hold" has no row in [orders.actions]: 5001\n',
    )
    assert called(shop, "orders", "sync").stderr == ""
    shop.set_profile(orders={"actions": {**DEFAULT_ACTIONS, "on-hold": ["contact", "order"]}})
    assert run(shop).steps() == ["contact", "order"]


def test_where_orders_are_not_enabled_nothing_is_asked(world: World) -> None:
    world.drop(a_recent_order(), kind="order")
    ran = run(world)
    assert (ran.code, ran.data["disabled"]) == (0, True)
    assert world.sandbox.requests == []


# which version counts, and changes


def test_an_older_version_after_a_newer_is_left_alone(shop: World) -> None:
    synced(shop, a_recent_order(status="processing", at="2026-11-18T12:00:00Z"))
    older = a_recent_order(status="direct", at="2026-11-18T11:00:00Z")
    ran = synced(shop, older, name="older.json")
    assert (ran.code, ran.outcomes) == (0, {})
    assert "order 5001 as it was at 2026-11-18 11:00:00 UTC is left alone" in ran.data["remarks"][0]
    assert books(shop) == {"orders": 1, "deliveries": 0, "invoices": 0}


def changed(**fields: Any) -> dict[str, Any]:
    line = {"line_id": "10", "name": "Tasse", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}
    return a_recent_order(at="2026-11-18T12:00:00Z", lines=[line], total="216.20", **fields)


def test_a_changed_total_before_issue_makes_order_and_draft_anew(shop: World) -> None:
    actions = {"processing": ["contact", "order", "invoice"]}
    shop.set_profile(orders=settings(actions=actions))
    synced(shop, a_recent_order())
    ran = synced(shop, changed())
    assert ran.code == 0, ran.errors
    assert [Decimal(row["total"]) for row in shop.sandbox.orders()] == [Decimal("216.20")]
    assert [Decimal(row["total"]) for row in shop.invoices()] == [Decimal("216.20")]


def test_a_changed_total_after_issue_is_held_with_both_totals(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    ran = synced(shop, changed(status="invoiced"))
    assert (ran.code, ran.codes) == (1, ["changed_after_booking"])
    (error,) = ran.errors
    assert "RE-00001 comes to 108.10, the order now to 216.20 CHF" in error["message"]
    assert "kb_invoice/show/id/1" in error["hint"]


def test_what_a_person_changed_is_not_made_anew(shop: World) -> None:
    synced(shop, a_recent_order())
    shop.sandbox.person.edit_order_price(1, 0, "90")
    ran = synced(shop, changed())
    assert (ran.code, ran.codes) == (1, ["changed_after_booking"])
    assert books(shop)["orders"] == 1


# money


def test_a_second_transaction_in_the_same_status_is_booked_too(shop: World) -> None:
    synced(shop, a_recent_order(status="completed", payments=[paid("50")]))
    ran = synced(
        shop,
        a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid("50"), paid("58.10", "t2")]),
    )
    assert (ran.code, ran.steps()) == (0, ["payment"])
    assert [Decimal(row["value"]) for row in shop.sandbox.payments(1)] == [Decimal(50), Decimal("58.10")]
    assert mails(shop) == 1


def test_money_that_the_bank_booked_is_not_booked_again(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, "108.10")
    ran = synced(shop, a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid()]))
    assert ran.code == 0, ran.errors
    assert "payment" not in ran.steps()
    assert len(shop.sandbox.payments(1)) == 1


def test_part_of_the_money_that_the_bank_booked_is_not_booked_again(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    shop.sandbox.person.pay(1, "50")
    ran = synced(shop, a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid("50.00")]))
    assert ran.code == 0, ran.errors
    assert [Decimal(row["value"]) for row in shop.sandbox.payments(1)] == [Decimal(50)]


def test_an_order_paid_by_voucher_gets_no_invoice_and_is_no_error(shop: World) -> None:
    lines = [
        {"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"},
        {"line_id": "11", "type": "gift_card", "name": "Gutschein", "unit_price": "-108.10"},
    ]
    shop.set_profile(orders={"gift_card_account": "2030"})
    shop.sandbox.person.set_tax_active("U00", True)
    ran = synced(shop, a_recent_order(status="completed", lines=lines, total="0.00"))
    assert (ran.code, ran.errors) == (0, [])
    assert books(shop) == {"orders": 1, "deliveries": 1, "invoices": 0}
    assert mails(shop) == 0


def test_the_delivery_of_an_old_order_paid_by_voucher_is_left_out_and_counted(shop: World) -> None:
    lines = [
        {"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"},
        {"line_id": "11", "type": "gift_card", "name": "Gutschein", "unit_price": "-108.10"},
    ]
    shop.set_profile(orders={"gift_card_account": "2030"})
    shop.sandbox.person.set_tax_active("U00", True)
    ran = synced(shop, an_order(status="completed", lines=lines, total="0.00"))
    assert (ran.code, ran.data["left_out"]) == (0, {"delivery": 1})
    assert run(shop, "--backfill", "delivery").steps() == ["delivery", "delivery_issue"]


def test_paid_without_a_day_is_a_question(shop: World) -> None:
    ran = synced(shop, a_recent_order(status="completed", financial_status="paid"))
    assert (ran.code, ran.codes) == (1, ["payment_day_missing"])


def test_money_for_an_invoice_that_a_person_cancelled_is_an_error(shop: World) -> None:
    synced(shop, a_recent_order(status="direct"))
    shop.sandbox.person.cancel(1)
    order = a_recent_order(status="completed", at="2026-11-19T12:00:00Z", payments=[paid()])
    ran = synced(shop, order, name="paid.json")
    assert (ran.code, ran.codes) == (1, ["gone_in_ledger"])
    assert "Invoice RE-00001 was cancelled in bexio" in ran.errors[0]["message"]


def test_a_changed_currency_is_held_with_both(shop: World) -> None:
    synced(shop, a_recent_order(status="invoiced"))
    ran = synced(shop, a_recent_order(status="invoiced", currency="EUR", at="2026-11-19T12:00:00Z"))
    assert "RE-00001 comes to 108.10 CHF, the order now to 108.10 EUR" in ran.errors[0]["message"]


# what cannot be booked


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "XXX"}, "unknown_currency"),
        ({"customer": None}, "customer_missing"),
        ({"total": "-5.00"}, "total_not_positive"),
        ({"total": "100.00"}, "total_mismatch"),
    ],
)
def test_what_cannot_be_booked_stops_that_order_alone(shop: World, changes: dict[str, Any], code: str) -> None:
    good = a_recent_order("good")
    ran = synced(shop, a_recent_order("bad", **changes), good)
    assert (ran.code, ran.codes) == (1, [code])
    assert ran.outcomes["order bad"]["status"] == "blocked"
    assert ran.outcomes["order good"]["status"] == "done"
    assert ran.errors[0]["hint"]


def test_a_discount_without_a_rate_is_not_called_the_reason_of_a_wrong_total(shop: World) -> None:
    line = {"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"}
    off = {"line_id": "11", "type": "discount", "name": "Rabatt", "quantity": "1", "unit_price": "-10"}
    ran = synced(shop, a_recent_order(lines=[line, off], total="97.50"))
    assert ran.codes == ["total_mismatch"]
    assert "default tax" not in ran.errors[0]["hint"]


def test_an_inactive_rate_and_a_foreign_one_stop_the_order(shop: World) -> None:
    shop.sandbox.person.set_tax_active("UN81", False)
    line = {"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "19"}
    foreign = a_recent_order("foreign", lines=[line], total="119.00")
    ran = synced(shop, a_recent_order("inactive"), foreign)
    assert ran.code == 1
    assert sorted(ran.codes) == ["tax_unmapped", "tax_unmapped"], ran.errors
    assert books(shop)["orders"] == 0


def test_neither_mail_nor_number_makes_a_contact_by_name_and_no_mail(shop: World) -> None:
    nobody = {**an_order()["customer"]}
    del nobody["email"]
    order = a_recent_order(status="processing", customer=nobody)
    ran = synced(shop, order)
    assert (ran.code, ran.steps()) == (0, ["contact", "order"])
    ran = synced(shop, a_recent_order(status="invoiced", customer=nobody, at="2026-11-18T12:00:00Z"))
    assert (ran.code, ran.codes) == (1, ["mail_missing"])
    assert books(shop)["invoices"] == 0


# old orders, limits, cancellations


def test_old_orders_are_booked_without_mail_and_delivery_until_somebody_asks(shop: World) -> None:
    old = an_order(status="completed", payments=[paid()])
    ran = synced(shop, old)
    assert ran.code == 0, ran.errors
    assert ran.data["left_out"] == {"delivery": 1, "send": 1}
    assert (mails(shop), books(shop)["deliveries"]) == (0, 0)
    ran = run(shop, "--backfill", "delivery")
    assert ran.steps() == ["delivery", "delivery_issue"]
    assert mails(shop) == 0
    assert called(shop, "orders", "sync", "--backfill", "pay").returncode == 2


def test_orders_before_the_start_date_are_counted(shop: World) -> None:
    shop.set_profile(orders={"start_date": "2026-11-10"})
    ran = synced(shop, an_order("1"), an_order("2"))
    assert (ran.code, ran.data["counts"]) == (0, {"ignored": 2})
    assert ran.data["remarks"] == [
        "Left alone, since they were ordered before [orders] start_date 2026-11-10: 2 orders."
    ]
    shop.set_profile(orders={"start_date": "2026-11-01"})
    assert sorted(run(shop).outcomes) == ["order 1", "order 2"]


def test_a_cancelled_order_takes_back_what_may_be_taken_back(shop: World) -> None:
    synced(shop, a_recent_order(status="direct"))
    ran = synced(shop, a_recent_order(status="cancelled", at="2026-11-19T12:00:00Z"))
    assert (ran.code, ran.outcomes["order 5001"]["action"]) == (0, "cancel")
    assert [row["kb_item_status_id"] for row in shop.invoices()] == [19]


def test_a_mass_cancel_is_refused_until_it_is_confirmed(shop: World) -> None:
    shop.set_profile(limits={"cancels": 1})
    synced(shop, *(a_recent_order(str(n), status="direct") for n in range(3)))
    gone = [a_recent_order(str(n), status="cancelled", at="2026-11-19T12:00:00Z") for n in range(3)]
    ran = synced(shop, *gone)
    assert (ran.code, ran.codes) == (78, ["plan_too_big"])
    assert [row["kb_item_status_id"] for row in shop.invoices()] == [8, 8, 8]
    assert run(shop, "--confirm", "3").code == 0
    assert [row["kb_item_status_id"] for row in shop.invoices()] == [19, 19, 19]


def test_cancelled_before_anything_was_booked_is_nothing(shop: World) -> None:
    ran = synced(shop, a_recent_order(status="cancelled"))
    assert (ran.code, ran.outcomes["order 5001"]["status"]) == (0, "ignored")
    assert shop.writes() == 0


# numbers, choosing, sites, customers


@pytest.mark.parametrize(
    ("numbering", "document_class", "is_automatic"),
    [("ledger", "KbOrder", False), ("shop", "KbOrder", True), ("ledger", "KbDelivery", False)],
)
def test_numbering_is_checked_against_the_ledger_before_anything_is_written(
    shop: World, numbering: str, document_class: str, is_automatic: bool
) -> None:
    shop.set_profile(orders={"numbering": numbering})
    shop.sandbox.person.set_automatic_numbering(is_automatic, document_class)
    shop.drop(a_recent_order(), kind="order")
    ran = run(shop)
    assert (ran.code, ran.codes) == (78, ["numbering"])
    assert shop.writes() == 0


def test_where_invoices_are_numbered_by_hand_they_are_made_with_their_number(shop: World) -> None:
    shop.set_profile(ledger={"numbering": "shop"})
    shop.sandbox.person.set_automatic_numbering(False)
    ran = synced(shop, a_recent_order(status="completed", order_number="B-77", payments=[paid()]))
    assert (ran.code, ran.errors) == (0, [])
    (invoice,) = shop.invoices()
    assert (invoice["document_nr"], invoice["api_reference"]) == ("B-77", "bexsync:main:order:5001")
    assert invoice["kb_item_status_id"] == 9


def test_a_person_narrows_a_run(shop: World) -> None:
    shop.drop(
        a_recent_order("1"), a_recent_order("2", order_number="B-2"), a_recent_order("3", status="direct"), kind="order"
    )
    assert list(run(shop, "--id", "B-2").outcomes) == ["order 2"]
    assert list(run(shop, "--status", "direct").outcomes) == ["order 3"]
    assert run(shop, "--id", "nothing").code == 1
    assert list(run(shop, "--limit", "0").outcomes) == []
    assert list(run(shop).outcomes) == ["order 1"]


def test_two_sites_with_one_shop_id_are_two_orders(shop: World) -> None:
    synced(shop, a_recent_order())
    shop.set_profile(shop={"site": "second", "path": "./second"})
    shop.profile_path = shop.profile_path.rename(shop.folder / "second.toml")
    shop.set_profile()
    (shop.folder / "second" / "in").mkdir(parents=True)
    shop.drop(a_recent_order(site="main"), kind="order", name="wrong.json")
    target = shop.folder / "second" / "in" / "right.json"
    (shop.shop / "in" / "wrong.json").rename(shop.folder / "second" / "in" / "wrong.json")
    shop.drop(a_recent_order("5001"), kind="order", name="right.json").rename(target)
    ran = run(shop)
    assert ran.codes == ["other_site"]
    assert books(shop)["orders"] == 2


def test_a_customer_alone_gets_a_contact_and_his_link(shop: World) -> None:
    keller = {**an_invoice()["customer"], "shop_id": "c1"}
    drop_customer(shop, keller)
    ran = run(shop)
    assert (ran.code, ran.outcomes["customer c1"]["status"]) == (0, "done")
    assert link_of(shop, "c1") == "3"
    before = shop.writes()
    drop_customer(shop, {**keller, "shop_id": "c2"})
    ran = run(shop)
    assert (ran.code, ran.outcomes["customer c2"]["status"]) == (0, "unchanged")
    assert (link_of(shop, "c2"), shop.writes()) == ("3", before)
    assert run(shop).outcomes == {}


def drop_customer(world: World, customer: dict[str, Any]) -> None:
    envelope = {"schema": "bexsync/1", "kind": "customer", "records": [customer]}
    world.drop_bytes(json.dumps(envelope).encode(), f"{customer['shop_id']}.json")


def link_of(world: World, customer: str) -> str:
    with world.workspace() as workspace:
        link = workspace.store.links.get("customer", customer)
    return link.ledger_id if link else ""
