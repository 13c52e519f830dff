"""What runs cost after years: processor seconds, peak memory and bytes read with 10 000 and 100 000 booked invoices.

Seconds differ from machine to machine, so the limits are multiples of a bare interpreter's, measured in the same run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.history import PROFILE, History, disagreement, invoice, make, shop_id
from bench.rows import Row, at_most
from bench.stage import Stage, measured, stage

COUNTS = (10_000, 100_000)
OPEN = 500
BARE_ROUNDS = 15
BATCH = 10_000


@dataclass(frozen=True)
class Costs:
    """The limits of a command after each of the two histories, and what is wanted after the longer one."""

    command: str
    own: tuple[float, float]  # in starts of a bare interpreter
    memory: tuple[float, float]  # MB
    wanted_seconds: float
    wanted_memory: float | None = None


COMMANDS = (
    Costs("invoices push", (90, 90), (60, 60), 0.6, 60),
    Costs("payments poll", (120, 120), (75, 75), 0.8, 70),
    Costs("payments poll --full", (170, 300), (80, 90), 2, 100),
    Costs("invoices push --dry-run", (80, 110), (65, 65), 0.6, 60),
    Costs("invoices list --limit 50", (110, 300), (65, 65), 2),
    Costs("links list --limit 50", (110, 130), (65, 80), 2),
    Costs("links show", (90, 90), (60, 60), 0.5),
)


def measure() -> Iterator[Row]:
    """The table of history with each count, then a push of ten thousand at once."""
    bare = min(measured([sys.executable, "-c", "pass"]).own for _ in range(BARE_ROUNDS))
    yield Row("processor time of a bare interpreter", f"{bare * 1000:.0f} ms")
    for column, count in enumerate(COUNTS):
        yield from _after(count, column, bare)
    yield from _large_push(bare)


def _after(count: int, column: int, bare: float) -> Iterator[Row]:
    with stage(PROFILE) as place:
        make(place, History(count, OPEN, count // 10))
        kilobytes = place.state.stat().st_size / count / 1024
        yield at_most(f"{count} links: state per invoice, KB", kilobytes, 4.5, 5, "{:.1f}")
        place.serve(speed=60)
        found = disagreement(place)
        yield Row(f"{count} links: what idle runs find to do", found or "nothing", "nothing", "nothing", not found)
        for costs in COMMANDS:
            yield from _cost(place, costs, count, column, bare)


def _cost(place: Stage, costs: Costs, count: int, column: int, bare: float) -> Iterator[Row]:
    arguments = costs.command.split()
    if costs.command == "links show":
        arguments.append(shop_id(count // 2))
    run = place.run(*arguments)
    what = f"{count} links: {costs.command}"
    wanted = f"{costs.wanted_seconds:g} s" if column else ""
    own, limit = run.own / bare, costs.own[column]
    yield Row(f"{what} ({own:.0f} x python)", f"{run.own:.2f} s", f"{limit:g} x", wanted, own <= limit)
    wanted_memory = costs.wanted_memory if column else None
    yield at_most(
        f"  memory ({run.read / 1e6:.0f} MB read)", run.megabytes, costs.memory[column], wanted_memory, "{:.0f} MB"
    )


def _large_push(bare: float) -> Iterator[Row]:
    with stage(PROFILE) as place:
        make(place, History(200))
        place.serve(speed=1000)
        place.drop("many", (invoice(n, n % 200 + 1) for n in range(1, BATCH + 1)))
        run = place.run("invoices", "push")
        yield at_most(f"push of {BATCH}: memory", run.megabytes, 180, 80, "{:.0f} MB")
        each = run.own / BATCH
        yield at_most(f"push of {BATCH}: own time per invoice, ms", each * 1000, 2 * bare * 1000, None, "{:.1f}")
