"""The columns of the fault matrix that belong to orders: what is there before, and what must stand in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bexsync.engine.result import Result
from jobs.orders_kit import a_recent_order, paid, settings
from world import World

TOTAL = Decimal("108.10")
DRAFT, PAID, CANCELLED, DELIVERED = 7, 9, 19, 18
MORNING, NOON = "2026-11-18T10:00:00Z", "2026-11-18T12:00:00Z"
MANY = [{"line_id": str(n), "name": f"Teil {n}", "unit_price": "1", "tax_rate": "8.1"} for n in range(1, 153)]
DEARER = {
    "lines": [{"line_id": "10", "name": "Tasse", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}],
    "total": "216.20",
}
ACTIONS = {**settings()["actions"], "draft": ["contact", "order", "invoice"]}
MADE_BY_PEOPLE = {"invoice_order": "invoices", "deliver_order": "deliveries"}


def _known_ledger(world: World) -> None:
    """Everything was done once before, so that faults strike what they are meant for."""
    world.set_profile(orders=settings(actions=ACTIONS, cancel="delete", status={"paid": "archived"}))
    world.drop(a_recent_order("0", status="completed", payments=[paid(shop_id="t0")]), name="0.json", kind="order")
    world.sync()


def _drop(world: World, at: str = MORNING, **changes: Any) -> None:
    world.drop(a_recent_order("x", at, **changes), name=f"{at[11:13]}.json", kind="order")


def everything(world: World) -> None:
    """A new order of which everything is wanted."""
    _known_ledger(world)
    _drop(world, status="completed", payments=[paid()])


def a_long_order(world: World) -> None:
    """An order of more lines than bexio takes at once."""
    _known_ledger(world)
    _drop(world, lines=MANY, total="164.31")


def a_changed_order(world: World) -> None:
    """An order with a draft, both of which are to be made anew."""
    _known_ledger(world)
    _drop(world, status="draft")
    world.sync()
    _drop(world, NOON, status="draft", **DEARER)


def a_cancelled_order(world: World) -> None:
    """An order that the shop cancelled."""
    _known_ledger(world)
    _drop(world)
    world.sync()
    _drop(world, NOON, status="cancelled")


def a_lost_state(world: World) -> None:
    """An order that a lost state has placed, and of which the rest is wanted."""
    _known_ledger(world)
    _drop(world)
    world.sync()
    for file in world.folder.glob("state/bexio-*.db*"):
        file.unlink()
    _drop(world, NOON, status="completed", payments=[paid()])


def a_second_payment(world: World) -> None:
    """An invoice that is paid in part, and the rest of the money."""
    _known_ledger(world)
    _drop(world, status="completed", payments=[paid("50.00", "t1")])
    world.sync()
    _drop(world, NOON, status="completed", payments=[paid("50.00", "t1"), paid("58.10", "t2")])


def whole(*values: str) -> Callable[[World, Any, Result], None]:
    """The judge of an order of which everything was wanted, with payments of these values."""

    def judge(world: World, trouble: Any, result: Result) -> None:
        left = _judge_always(world, trouble, result)
        if left or trouble.person:
            return
        (order,), (invoice,) = _of_x(world, "orders"), _of_x(world, "invoices")
        assert (Decimal(order["total"]), Decimal(invoice["total"])) == (TOTAL, TOTAL)
        assert invoice["kb_item_status_id"] == PAID
        assert [row["kb_item_status_id"] for row in world.sandbox.deliveries()] == [DELIVERED, DELIVERED]
        assert [Decimal(one["value"]) for one in _payments(world, invoice)] == [Decimal(value) for value in values]
        assert len(world.sandbox.mails) == 2

    return judge


def judge_long(world: World, trouble: Any, result: Result) -> None:
    """Every line of the order, each once and in its place."""
    if not _judge_always(world, trouble, result) and not trouble.person:
        (order,) = _of_x(world, "orders")
        assert [row["text"] for row in order["positions"]] == [f"Teil {n}" for n in range(1, 153)]


def judge_anew(world: World, trouble: Any, result: Result) -> None:
    """One order and one draft, both with the new total."""
    if not _judge_always(world, trouble, result) and not trouble.person:
        (order,), (invoice,) = _of_x(world, "orders"), _of_x(world, "invoices")
        assert (Decimal(order["total"]), Decimal(invoice["total"])) == (2 * TOTAL, 2 * TOTAL)
        assert invoice["kb_item_status_id"] == DRAFT
        assert len(world.sandbox.mails) == 1


def judge_gone(world: World, trouble: Any, result: Result) -> None:
    """The order is gone, and nothing was ever made of it."""
    if not _judge_always(world, trouble, result) and not trouble.person:
        assert _of_x(world, "orders") == []
        assert len(world.invoices()) == 1


def _judge_always(world: World, trouble: Any, result: Result) -> str:
    """What holds whatever happened: no document, payment or mail twice; returns what is left to a person."""
    left = "; ".join(f"{o.code}: {o.reason}" for o in result.outcomes if o.status in ("blocked", "failed", "held"))
    assert not left or trouble.person or trouble.fault == "half_create", left
    box, made = world.sandbox, MADE_BY_PEOPLE.get(trouble.parameters.get("action", ""), "")
    _once(row["api_reference"] for row in box.orders())
    _once(row["api_reference"] for row in box.invoices() if row["api_reference"])
    _once(mail.invoice_id for mail in box.mails)
    _once(row["mail"] for row in (*box.contacts(), *box.contacts(archived=True)) if row["mail"])
    nameless = [row for row in box.invoices() if not row["api_reference"]]
    assert len(nameless) <= (made == "invoices") + bool(left), "an invoice that nobody knows"
    standing = [row for row in box.deliveries() if row["kb_item_status_id"] != CANCELLED]
    assert len(standing) <= 2 + (made == "deliveries"), "delivered twice"
    for invoice in box.invoices():
        assert sum(Decimal(one["value"]) for one in _payments(world, invoice)) <= Decimal(invoice["total"])
    return left


def _of_x(world: World, kind: str) -> list[Mapping[str, Any]]:
    rows = world.sandbox.orders() if kind == "orders" else world.sandbox.invoices()
    return [row for row in rows if row["api_reference"] == "bexsync:main:order:x"]


def _payments(world: World, invoice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(world.sandbox.payments(invoice["id"]), key=lambda one: Decimal(one["value"]))


def _once(names: Any) -> None:
    assert [name for name, count in Counter(names).items() if count > 1] == []


_ORDER, _INVOICE, _DELIVERY = "/2.0/kb_order", "/2.0/kb_invoice", "/2.0/kb_delivery"
_ALL = (everything, whole("108.10"))
# Name, method and path of what is struck, what is there before, and the judge.
COLUMNS: tuple[tuple[str, str, str, Callable[[World], None], Callable[[World, Any, Result], None]], ...] = (
    ("order", "POST", _ORDER, *_ALL),
    ("position of an order", "POST", f"{_ORDER}/{{id}}/kb_position_custom", a_long_order, judge_long),
    ("look at an order", "GET", f"{_ORDER}/{{id}}", a_long_order, judge_long),
    ("order made anew", "POST", _ORDER, a_changed_order, judge_anew),
    ("delete order", "DELETE", f"{_ORDER}/{{id}}", a_cancelled_order, judge_gone),
    ("adoption of an order", "GET", f"{_ORDER}/{{id}}", a_lost_state, whole("108.10")),
    ("watermark", "GET", _DELIVERY, *_ALL),
    ("delivery", "POST", f"{_ORDER}/{{id}}/delivery", *_ALL),
    ("issue of a delivery", "POST", f"{_DELIVERY}/{{id}}/issue", *_ALL),
    ("invoice of an order", "POST", f"{_ORDER}/{{id}}/invoice", *_ALL),
    ("edit of that invoice", "POST", f"{_INVOICE}/{{id}}", *_ALL),
    ("payment", "POST", f"{_INVOICE}/{{id}}/payment", *_ALL),
    ("second payment", "POST", f"{_INVOICE}/{{id}}/payment", a_second_payment, whole("50.00", "58.10")),
)
NAMES = frozenset(name for name, *_ in COLUMNS)
# What people may do to an order while it is written, and to its invoice once there is one.
WHERE_ORDERS_STAND = NAMES - {"delete order"}
WHERE_INVOICES_STAND = frozenset({"invoice of an order", "edit of that invoice", "payment", "second payment"})
PEOPLE = {
    "a person finishes the order": "finish_order",
    "a person cancels the order": "cancel_order",
    "a person deletes the order": "delete_order",
    "a person edits the order": "edit_order_price",
    "a person delivers the order": "deliver_order",
    "a person invoices the order": "invoice_order",
}
