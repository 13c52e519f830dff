"""What is there before each crash test of `orders sync`, and what must stand in the books in the end."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from jobs.orders_kit import a_recent_order, paid, settings
from world import World

DRAFT, ISSUED, PAID, PARTLY_PAID, CANCELLED = 7, 8, 9, 16, 19
PENDING, PARTLY, DONE, DELIVERED = 5, 15, 6, 18
MORNING, NOON, EVENING = (f"2026-11-18T{hour}:00:00Z" for hour in (10, 12, 18))
TWO_SHIPMENTS = {
    "lines": [
        {"line_id": "20", "name": "Plan", "quantity": "3", "unit_price": "50", "tax_rate": "8.1"},
        {"line_id": "21", "name": "Buch", "quantity": "1", "unit_price": "20", "tax_rate": "2.6"},
    ],
    "total": "182.67",
    "fulfillments": [
        {"shop_id": "f1", "shipped_at": MORNING, "lines": [{"line_id": "20", "quantity": "2"}]},
        {
            "shop_id": "f2",
            "shipped_at": NOON,
            "lines": [{"line_id": "20", "quantity": "1"}, {"line_id": "21", "quantity": "1"}],
        },
    ],
}
DEARER = {
    "lines": [{"line_id": "10", "name": "Tasse", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}],
    "total": "216.20",
}


def _open_shop(world: World, **changes: Any) -> None:
    """Orders are carried over, and master data, the first contact and what a mail does are known."""
    told = {"paid": "archived", "partly_paid": "part"}
    world.set_profile(orders=settings(status=told, **changes))
    world.drop(
        a_recent_order("0", status="completed", payments=[paid(shop_id="p0")]), name="warm-up.json", kind="order"
    )
    world.sync()


def take_everything(world: World) -> None:
    """An order of a new company with two shipments and two transactions, and one that is invoiced directly."""
    _open_shop(world)
    customer = {
        "kind": "company",
        "company_name": "Rätia Bau AG",
        "first_name": "Gian",
        "last_name": "Caduff",
        "email": "buero@raetiabau.example.ch",
    }
    payments = [paid("100.00", "p1"), paid("82.65", "p2")]
    world.drop(
        a_recent_order("1", status="completed", customer=customer, payments=payments, **TWO_SHIPMENTS),
        a_recent_order("2", status="direct"),
        name="two.json",
        kind="order",
    )


def everything_is_there(world: World) -> None:
    """Each document, payment and mail once."""
    assert standings(world) == {
        "0": {"order": [DONE], "invoice": [PAID]},
        "1": {"order": [DONE], "invoice": [PAID]},
        "2": {"invoice": [ISSUED]},
    }
    assert [row["kb_item_status_id"] for row in world.sandbox.deliveries()] == [DELIVERED] * 3
    assert payments_of(world) == {"0": ["108.10"], "1": ["82.65", "100.00"]}
    once(mail.invoice_id for mail in world.sandbox.mails)
    assert len(world.sandbox.mails) == 3
    once(row["mail"] for row in world.sandbox.contacts() if row["mail"])
    told = told_status(world)
    assert told == {"0": ["archived"], "1": ["archived"]}


def go_on(world: World) -> None:
    """One that is changed and made anew, one paid in full by a second transaction, one whose draft is issued now."""
    _open_shop(world, actions={**settings()["actions"], "draft": ["contact", "order", "invoice"]})
    world.drop(
        a_recent_order("1", MORNING, status="draft"),
        a_recent_order("2", MORNING, status="completed", payments=[paid("50.00", "p1")]),
        a_recent_order("3", MORNING, status="draft"),
        name="first.json",
        kind="order",
    )
    world.sync()
    world.drop(
        a_recent_order("1", NOON, status="draft", **DEARER),
        a_recent_order("2", NOON, status="completed", payments=[paid("50.00", "p1"), paid("58.10", "p2")]),
        a_recent_order("3", NOON, status="completed", payments=[paid(shop_id="p3")]),
        name="then.json",
        kind="order",
    )


def all_went_on(world: World) -> None:
    """The first stands once at its new total, the others are paid and were mailed once."""
    assert standings(world) == {
        "0": {"order": [DONE], "invoice": [PAID]},
        "1": {"order": [PENDING], "invoice": [DRAFT]},
        "2": {"order": [DONE], "invoice": [PAID]},
        "3": {"order": [DONE], "invoice": [PAID]},
    }
    assert {Decimal(row["total"]) for row in documents(world)["1"]} == {Decimal("216.20")}
    assert payments_of(world) == {"0": ["108.10"], "2": ["50.00", "58.10"], "3": ["108.10"]}
    assert len(list(world.sandbox.deliveries())) == 3
    once(mail.invoice_id for mail in world.sandbox.mails)
    assert len(world.sandbox.mails) == 3


def refund_one(world: World) -> None:
    """One that is new, one whose status goes on with a refund, and one that was cancelled."""
    _open_shop(world, cancel="delete")
    world.drop(*(a_recent_order(n, MORNING) for n in ("on", "gone")), name="before.json", kind="order")
    world.sync()
    refund = {"shop_id": "r1", "amount": "10.00", "currency": "CHF", "refunded_at": NOON}
    world.drop(
        a_recent_order("1", status="completed", payments=[paid()]),
        a_recent_order("on", NOON, status="completed", payments=[paid()], refunds=[refund]),
        a_recent_order("gone", NOON, status="cancelled"),
        name="orders.json",
        kind="order",
    )


def each_once_and_a_refund(world: World) -> None:
    """Three orders with all that belongs to them, and one credit that a person is to write."""
    assert standings(world) == {n: {"order": [DONE], "invoice": [PAID]} for n in ("0", "on", "1")}
    assert [row["kb_item_status_id"] for row in world.sandbox.deliveries()] == [DELIVERED] * 3
    assert payments_of(world) == {key: ["108.10"] for key in ("0", "on", "1")}
    assert sorted(mail.document_nr for mail in world.sandbox.mails) == ["RE-00001", "RE-00002", "RE-00003"]
    with world.workspace() as workspace:
        assert [(row.kind, row.shop_id) for row in workspace.store.errors.open()] == [("refund", "on/r1")]
    assert not list((world.shop / "work").iterdir())


def cancel_three(world: World) -> None:
    """An order, an order with a draft, and an invoice without an order, all cancelled in the shop."""
    actions = {
        **settings()["actions"],
        "draft": ["contact", "order", "invoice"],
        "issued": ["contact", "invoice", "issue"],
    }
    _open_shop(world, actions=actions, cancel="delete")
    first = {"1": "processing", "2": "draft", "3": "issued"}
    world.drop(*(a_recent_order(n, MORNING, status=s) for n, s in first.items()), name="first.json", kind="order")
    world.sync()
    world.drop(*(a_recent_order(n, NOON, status="cancelled") for n in first), name="then.json", kind="order")


def all_are_taken_back(world: World) -> None:
    """The order and the draft are gone, the invoice is cancelled, and nobody was mailed."""
    assert standings(world) == {"0": {"order": [DONE], "invoice": [PAID]}, "3": {"invoice": [CANCELLED]}}
    assert len(world.sandbox.mails) == 1


def take_a_long_one(world: World) -> None:
    """More lines than bexio takes at once."""
    _open_shop(world)
    lines = [{"line_id": str(n), "name": f"Teil {n}", "unit_price": "1", "tax_rate": "8.1"} for n in range(1, 154)]
    order = a_recent_order("1", status="completed", lines=lines, total="165.39", payments=[paid("165.39", "p1")])
    world.drop(order, name="long.json", kind="order")


def the_long_one_is_there(world: World) -> None:
    """With every line in its place."""
    wanted = [f"Teil {n}" for n in range(1, 154)]
    for document in documents(world)["1"]:
        assert [position["text"] for position in document["positions"]] == wanted
    assert standings(world)["1"] == {"order": [PARTLY], "invoice": [PARTLY_PAID]}
    assert payments_of(world)["1"] == ["165.39"]
    assert len(world.sandbox.mails) == 2


def documents(world: World) -> dict[str, list[dict[str, Any]]]:
    """Orders and invoices in the books by the shop's id of the order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in (*world.sandbox.orders(), *world.sandbox.invoices()):
        found.setdefault(str(row["api_reference"]).rpartition(":")[2], []).append(dict(row))
    return found


def standings(world: World) -> dict[str, dict[str, list[int]]]:
    """How orders and invoices of each order stand in the books."""
    found: dict[str, dict[str, list[int]]] = {}
    for kind, rows in (("order", world.sandbox.orders()), ("invoice", world.sandbox.invoices())):
        for row in rows:
            shop_id = str(row["api_reference"]).rpartition(":")[2]
            found.setdefault(shop_id, {}).setdefault(kind, []).append(row["kb_item_status_id"])
    return found


def payments_of(world: World) -> dict[str, list[str]]:
    """The money booked for the invoice of each order."""
    found = {}
    for row in world.sandbox.invoices():
        values = sorted(Decimal(one["value"]) for one in world.sandbox.payments(row["id"]))
        if values:
            found[str(row["api_reference"]).rpartition(":")[2]] = [f"{value:.2f}" for value in values]
    return found


def told_status(world: World) -> dict[str, list[str]]:
    """The statuses that the shop was told of each order; a repeat has the id of the first."""
    told = {event["event_id"]: event for event in world.events() if event["event"] == "status"}
    found: dict[str, list[str]] = {}
    for event in told.values():
        found.setdefault(event["shop_id"], []).append(event["status"])
    return found


def once(names: Any) -> None:
    """None of them twice."""
    assert [name for name, count in Counter(names).items() if count > 1] == []
