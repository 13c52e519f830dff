"""Every row of actions after every other, each pair an order of its own in the sandbox; then changed, or cancelled."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from front_door import called
from jobs.orders_kit import a_recent_order, paid, run, settings
from world import World

ROWS = {
    "contact": ["contact"],
    "order": ["contact", "order"],
    "delivery": ["contact", "order", "delivery"],
    "draft": ["contact", "order", "invoice"],
    "issue": ["contact", "order", "invoice", "issue"],
    "pay": ["contact", "order", "invoice", "issue", "payment"],
    "send": ["contact", "order", "invoice", "issue", "send"],
    "all": ["contact", "order", "delivery", "invoice", "issue", "payment", "send"],
    "direct": ["contact", "invoice"],
    "direct_issue": ["contact", "invoice", "issue"],
    "direct_all": ["contact", "invoice", "issue", "payment", "send"],
}
PAIRS = [(first, second) for first in ROWS for second in ROWS]


def orders(at: str, *, second: bool) -> list[dict[str, Any]]:
    return [
        a_recent_order(f"{one}-{two}", at, status=two if second else one, payments=[paid(shop_id=f"{one}-{two}")])
        for one, two in PAIRS
    ]


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(orders=settings(actions=ROWS), limits={"documents": 1000, "mails": 1000})
    return world


def test_every_row_after_every_other(shop: World) -> None:
    for number, second in enumerate((False, True, False)):
        shop.drop(*orders(f"2026-11-18T1{number}:00:00Z", second=second), name=f"{number}.json", kind="order")
        ran = run(shop)
        assert (ran.code, ran.errors) == (0, [])
        before = shop.writes()
        assert run(shop).code == 0
        assert shop.writes() == before, "a second run wrote something"
        if number == 2:
            assert not any(one["status"] == "done" for one in ran.outcomes.values()), "an earlier status did more"
    listed = json.loads(called(shop, "orders", "list", "--json", "--limit", "1000").stdout)["data"]["orders"]
    found = {row["shop_id"]: row for row in listed}
    mails = 0
    for first, second in PAIRS:
        row, wanted = found.get(f"{first}-{second}"), {*ROWS[first], *ROWS[second]}
        direct_first = "invoice" in ROWS[first] and "order" not in ROWS[first]
        kinds = {document["kind"] for document in row["documents"]} if row else set()
        assert ("order" in kinds) is ("order" in wanted and not direct_first), (first, second)
        assert ("delivery" in kinds) is ("delivery" in wanted and not direct_first), (first, second)
        assert ("invoice" in kinds) is ("invoice" in wanted), (first, second)
        assert bool(row and row["paid"] == "108.10") is ("payment" in wanted), (first, second)
        mails += "send" in wanted
    assert len(shop.sandbox.mails) == mails


def each_row(at: str, **changes: Any) -> list[dict[str, Any]]:
    """One order for each row."""
    return [a_recent_order(row, at, **{"status": row, "payments": [paid(shop_id=row)], **changes}) for row in ROWS]


def total_of(world: World, shop_id: str) -> dict[str, str]:
    """The totals of the documents that stand for an order."""
    reference = f"bexsync:main:order:{shop_id}"
    found = {"order": list(world.sandbox.orders()), "invoice": world.invoices()}
    return {
        kind: str(Decimal(document["total"]))
        for kind, documents in found.items()
        for document in documents
        if document["api_reference"] == reference and document["kb_item_status_id"] != 19
    }


MORE = {
    "lines": [{"line_id": "10", "name": "Tasse", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}],
    "total": "216.20",
}
UNTOUCHED = {"order": ["order"], "draft": ["order", "invoice"], "direct": ["invoice"]}


def test_every_row_after_which_the_order_changes(shop: World) -> None:
    shop.drop(*each_row("2026-11-18T10:00:00Z"), name="1.json", kind="order")
    assert run(shop).code == 0
    before = {row: total_of(shop, row) for row in ROWS}
    shop.drop(*each_row("2026-11-18T11:00:00Z", **MORE), name="2.json", kind="order")
    ran = run(shop)
    held = [row for row in ROWS if row not in UNTOUCHED and row != "contact"]
    assert sorted(ran.codes) == ["changed_after_booking"] * len(held)
    for row in ROWS:
        expected = dict.fromkeys(UNTOUCHED[row], "216.2") if row in UNTOUCHED else before[row]
        assert {kind: total.rstrip("0") for kind, total in total_of(shop, row).items()} == {
            kind: total.rstrip("0") for kind, total in expected.items()
        }, row
    writes = shop.writes()
    run(shop)
    assert shop.writes() == writes, "a second run wrote something"


@pytest.mark.parametrize("cancel", ["stop", "delete"])
def test_every_row_after_which_the_order_is_cancelled(shop: World, cancel: str) -> None:
    actions = {**ROWS, "cancelled": ["cancel"]}
    shop.set_profile(orders=settings(actions=actions, cancel=cancel), limits={"documents": 1000, "mails": 1000})
    shop.drop(*each_row("2026-11-18T10:00:00Z"), name="1.json", kind="order")
    assert run(shop).code == 0
    shop.drop(*each_row("2026-11-18T11:00:00Z", status="cancelled"), name="2.json", kind="order")
    ran = run(shop)
    stays = {row for row in ROWS if total_of(shop, row)}
    # Money and goods that went out stay in any case; an order stays where an invoice was made from it and cancelled.
    always = {"delivery", "pay", "all", "direct_all", "issue", "send"}
    assert stays == always | ({"order", "draft", "direct"} if cancel == "stop" else set())
    assert {error["code"] for error in ran.errors} == {"cancelled_in_shop"}
    assert len(ran.errors) == len(stays)
    invoices = {row: "invoice" in total_of(shop, row) for row in ("issue", "send", "direct_issue", "pay", "all")}
    assert invoices == {"issue": False, "send": False, "direct_issue": False, "pay": True, "all": True}
    writes = shop.writes()
    run(shop)
    assert shop.writes() == writes, "a second run wrote something"
