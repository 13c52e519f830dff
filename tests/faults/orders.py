"""Orders under the faults of the matrix: what is there before, and what must stand in the books in the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bexsync.engine.result import Result
from world import World, an_order

ALL = ["contact", "order", "delivery", "invoice", "issue", "payment", "send"]
ACTIONS = {"processing": ["contact", "order"], "completed": ALL, "cancelled": ["cancel"]}
MANY = [{"line_id": str(n), "name": f"Teil {n}", "unit_price": "1", "tax_rate": "8.1"} for n in range(1, 153)]
TOTAL = Decimal("108.10")


def a_paid_order(shop_id: str, **changes: Any) -> dict[str, Any]:
    """An order of two days ago that was paid at once."""
    money = {"shop_id": "t1", "amount": "108.10", "currency": "CHF", "paid_at": "2026-11-19T08:00:00Z"}
    at, ordered = "2026-11-18T10:00:00Z", "2026-11-18T09:00:00Z"
    return an_order(shop_id, **{"at": at, "ordered_at": ordered, "status": "completed", "payments": [money], **changes})


def known_ledger(world: World) -> None:
    """Everything was done once before, so that faults strike what they are meant for."""
    settings = {"enabled": True, "start_date": "2026-01-01", "cancel": "delete", "actions": ACTIONS}
    world.set_profile(orders=settings)
    world.drop(a_paid_order("0"), name="0.json", kind="order")
    world.sync()


def completed(world: World) -> None:
    known_ledger(world)
    world.drop(a_paid_order("x"), name="x.json", kind="order")


def long_order(world: World) -> None:
    known_ledger(world)
    order = a_paid_order("x", status="processing", lines=MANY, total="164.31", payments=[])
    world.drop(order, name="x.json", kind="order")


def cancelled(world: World) -> None:
    known_ledger(world)
    world.drop(a_paid_order("x", status="processing", payments=[]), name="x.json", kind="order")
    world.sync()
    gone = a_paid_order("x", status="cancelled", payments=[], at="2026-11-19T10:00:00Z")
    world.drop(gone, name="gone.json", kind="order")


def sync(world: World) -> Result:
    """One run of the job."""
    return world.sync()


def _left(result: Result) -> str:
    return "; ".join(f"{o.code}: {o.reason}" for o in result.outcomes if o.status in ("blocked", "failed", "held"))


def _of(rows: list[dict[str, Any]], shop_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in rows if row["api_reference"] == f"bexsync:main:order:{shop_id}"]


def judge_completed(world: World, trouble: Any, result: Result) -> None:
    """One order, one delivery that is issued, one invoice that is paid once, and one mail."""
    del trouble
    box = world.sandbox
    (order,) = _of(box.orders(), "x")
    (invoice,) = _of(box.invoices(), "x")
    assert (Decimal(order["total"]), Decimal(invoice["total"])) == (TOTAL, TOTAL)
    assert [row["kb_item_status_id"] for row in box.deliveries()] == [18, 18]
    assert [Decimal(row["value"]) for row in box.payments(invoice["id"])] == [TOTAL]
    assert len(box.invoices()) == 2
    assert sorted(mail.document_nr for mail in box.mails) == ["RE-00001", "RE-00002"]
    assert not _left(result), _left(result)


def judge_long(world: World, trouble: Any, result: Result) -> None:
    """One order with all of its lines, each once."""
    del trouble
    (order,) = _of(world.sandbox.orders(), "x")
    assert [row["text"] for row in order["positions"]] == [f"Teil {n}" for n in range(1, 153)]
    assert not _left(result), _left(result)


def judge_cancelled(world: World, trouble: Any, result: Result) -> None:
    """The order is gone, and nothing else of it was ever there."""
    del trouble
    assert _of(world.sandbox.orders(), "x") == []
    assert len(world.sandbox.invoices()) == 1
    assert not _left(result), _left(result)
