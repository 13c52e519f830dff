"""A thousand invoices of two hundred known customers, then nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bench.stage import Line, Measured, Profile, Stage, stage

CUSTOMERS = 200
INVOICES = 1000
FEW = 100
OPEN = 400
SPEED = 15  # minutes of the rate limits pass in four seconds
PROFILE: Profile = {"invoices": {"start_date": "2026-01-01"}, "limits": {"documents": 5000, "mails": 5000}}


def measure() -> Iterator[Line]:
    """Requests per invoice, refusals, memory, idle runs."""
    with stage(PROFILE, speed=SPEED) as place:
        _drop(place, "warm-up", range(CUSTOMERS))
        place.run("invoices", "push")
        _, few = _push(place, "few", range(1000, 1000 + FEW))
        requests, many = _push(place, "many", range(10_000, 10_000 + INVOICES))
        per_invoice = requests / INVOICES
        yield (
            f"requests per invoice ({INVOICES} of {CUSTOMERS} known customers)",
            f"{per_invoice:.3f}",
            "2.1",
            per_invoice <= 2.1,
        )
        refused = place.requests()["statuses"].get("429", 0)
        yield "answers 429", str(refused), "0", refused == 0
        ratio = many.memory / few.memory
        yield (
            f"memory for {INVOICES} against {FEW} ({many.megabytes:.0f} MB)",
            f"{ratio:.2f} x",
            "1.5 x",
            ratio <= 1.5,
        )
        yield "own time per invoice", f"{many.own / INVOICES * 1000:.1f} ms", "", None
        idle = _counted(place, "invoices", "push")
        yield "requests of an idle push", str(idle), "0", idle == 0
    with stage(PROFILE, speed=SPEED) as place:
        _drop(place, "open", range(OPEN))
        place.run("invoices", "push")
        place.run("payments", "poll")
        idle = _counted(place, "payments", "poll")
        yield f"requests of an idle poll ({OPEN} open invoices)", str(idle), "1", idle == 1


def _drop(place: Stage, name: str, numbers: range) -> None:
    lines = (json.dumps(_invoice(number), ensure_ascii=False) for number in numbers)
    (place.shop / "in" / f"{name}.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _invoice(number: int) -> dict[str, Any]:
    customer = number % CUSTOMERS
    return {
        "schema": "bexsync/1",
        "kind": "invoice",
        "shop_id": str(number),
        "invoice_date": "2026-11-02",
        "currency": "CHF",
        "customer": {
            "kind": "person",
            "first_name": "Eva",
            "last_name": f"Muster {customer}",
            "email": f"eva.{customer}@example.ch",
        },
        "lines": [
            {"line_id": str(n), "name": "Beratung", "quantity": "2", "unit_price": "50", "tax_rate": "8.1"}
            for n in range(5)
        ],
        "total": "540.50",
    }


def _push(place: Stage, name: str, numbers: range) -> tuple[int, Measured]:
    _drop(place, name, numbers)
    before = place.requests()["count"]
    measured = place.run("invoices", "push")
    return place.requests()["count"] - before, measured


def _counted(place: Stage, *command: str) -> int:
    before = place.requests()["count"]
    place.run(*command)
    return int(place.requests()["count"] - before)
