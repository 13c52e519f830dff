"""Requests per order for five typical sets of rules, beside the fewest with which bexio could do the same.

The customers are known, so that no set needs a request for them, and an order went before, by which it was learned what
an issue and a mail do. The fewest are the writes that the documents take. An invoice of an order, for instance, takes
one more than a direct one, since only an edit gives it our reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.history import PROFILE, History, make
from bench.rows import Row, at_most
from bench.stage import Profile, Stage, stage

ORDERS = 100
CUSTOMERS = 20
STATUS = "completed"
SPEED = 15
# What a run reads once, before its first write, shared by all of its orders.
_ONCE = 0.25
EVERYTHING = ("contact", "order", "delivery", "invoice", "issue", "payment", "send")


@dataclass(frozen=True)
class RuleSet:
    """What a status starts, the fewest requests that this takes, and how many are made today."""

    actions: tuple[str, ...]
    fewest: int
    made: int


RULE_SETS = (
    RuleSet(("contact", "order"), 1, 1),
    RuleSet(("contact", "invoice", "issue", "send"), 2, 2),
    RuleSet(("contact", "invoice", "issue", "payment", "send"), 4, 5),
    RuleSet(("contact", "order", "invoice", "issue", "send"), 4, 5),
    RuleSet(EVERYTHING, 8, 11),
)


def measure() -> Iterator[Row]:
    """Each set of rules with orders of its own, then a run with nothing to do."""
    for rules in RULE_SETS:
        with stage(profile(rules.actions)) as place:
            make(place, History(CUSTOMERS, customers=CUSTOMERS))
            place.serve(speed=SPEED)
            drop(place, range(1, 2), CUSTOMERS)
            place.run("orders", "sync")
            drop(place, range(2, 2 + ORDERS), CUSTOMERS)
            asked, _ = place.counted("orders", "sync")
            what = f"orders sync, requests per order: {', '.join(rules.actions)}"
            yield at_most(what, len(asked) / ORDERS, rules.made + _ONCE, rules.fewest, "{:.2f}")
            idle, _ = place.counted("orders", "sync")
            yield at_most("  requests of an idle run", len(idle), 0)
            yield at_most("  answers 429", place.refused(), 0)


def profile(actions: tuple[str, ...]) -> Profile:
    """A profile in which the one status of all orders starts these actions."""
    orders = {"enabled": True, "start_date": PROFILE["invoices"]["start_date"], "actions": {STATUS: list(actions)}}
    return {**PROFILE, "orders": orders}


def drop(place: Stage, numbers: Iterable[int], customers: int) -> None:
    """Puts paid orders of yesterday into the shop."""
    place.drop("orders", (_order(number, number % customers + 1) for number in numbers))


def _order(number: int, customer: int) -> dict[str, Any]:
    moment = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    return {
        "schema": "bexsync/1",
        "kind": "order",
        "shop_id": str(number),
        "status": STATUS,
        "ordered_at": moment,
        "updated_at": moment,
        "currency": "CHF",
        "customer": {
            "kind": "person",
            "first_name": "Eva",
            "last_name": f"Muster {customer}",
            "email": f"eva.{customer}@example.ch",
        },
        "lines": [
            {"line_id": str(n), "name": "Tasse", "quantity": "2", "unit_price": "50", "tax_rate": "8.1"}
            for n in range(1, 4)
        ],
        "payments": [{"shop_id": f"t{number}", "amount": "324.30", "currency": "CHF", "paid_at": moment}],
        "total": "324.30",
    }
