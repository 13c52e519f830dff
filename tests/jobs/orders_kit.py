"""Orders through the front door: what `orders sync` says and does with what the shop hands over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from front_door import called
from world import World, an_order

DEFAULT_ACTIONS = {
    "pending": ["contact"],
    "processing": ["contact", "order"],
    "invoiced": ["contact", "order", "invoice", "issue", "send"],
    "direct": ["contact", "invoice", "issue", "send"],
    "completed": ["contact", "order", "delivery", "invoice", "issue", "payment", "send"],
    "cancelled": ["cancel"],
}
RECENT = "2026-11-18T09:00:00Z"


def settings(**changes: Any) -> dict[str, Any]:
    """[orders] of a profile in which every action has a status."""
    return {"enabled": True, "start_date": "2026-01-01", "actions": DEFAULT_ACTIONS, **changes}


def a_recent_order(shop_id: str = "5001", at: str = "2026-11-18T10:00:00Z", **changes: Any) -> dict[str, Any]:
    """An order of two days ago, which is not too old for mails and deliveries."""
    return an_order(shop_id, at, **{"ordered_at": RECENT, **changes})


def paid(amount: str = "108.10", shop_id: str = "t1", **changes: Any) -> dict[str, Any]:
    """One successful sale."""
    return {"shop_id": shop_id, "amount": amount, "currency": "CHF", "paid_at": "2026-11-19T08:00:00Z", **changes}


@dataclass(frozen=True)
class Ran:
    """What one run of the command came to."""

    code: int
    data: Mapping[str, Any]
    errors: list[dict[str, str]]
    stderr: str

    @property
    def outcomes(self) -> dict[str, Mapping[str, Any]]:
        return {f"{one['kind']} {one['shop_id']}": one for one in self.data.get("outcomes", ())}

    def steps(self, shop_id: str = "5001") -> list[str]:
        return [step["step"] for step in self.outcomes[f"order {shop_id}"].get("steps", ())]

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.errors]


def run(world: World, *arguments: str) -> Ran:
    done = called(world, "orders", "sync", "--json", *arguments)
    said = json.loads(done.stdout)
    assert said["exit_code"] == done.returncode
    return Ran(done.returncode, said["data"], said["errors"], done.stderr)


def synced(world: World, *orders: Mapping[str, Any], name: str = "orders.json", arguments: tuple[str, ...] = ()) -> Ran:
    """Drops the orders and runs the command; then a second run writes nothing."""
    if orders:
        world.drop(*orders, name=name, kind="order")
    ran = run(world, *arguments)
    if "--dry-run" not in arguments:
        before = world.writes()
        run(world)
        assert world.writes() == before, "a second run wrote something"
    return ran


def books(world: World) -> dict[str, int]:
    """How many documents stand in the ledger."""
    box = world.sandbox
    return {
        "orders": len(list(box.orders())),
        "deliveries": len(list(box.deliveries())),
        "invoices": len(box.invoices()),
    }
