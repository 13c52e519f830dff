"""Runs with nothing to do cost the same whatever has been settled before: counted in SQLite's own steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bexsync.errors import Exit
from bexsync.ports.store import RecordState
from bexsync.store.sqlite import database
from jobs.orders_kit import settings
from world import World, an_invoice, an_order

FEW = 3
RUNS: dict[str, Callable[[World], object]] = {
    "push": lambda world: world.push(),
    "poll": lambda world: world.poll(),
    "daily poll": lambda world: world.poll(full=True),
    "sync": lambda world: world.sync(),
}


class Steps:
    """The steps of SQLite's machine in every connection to a state that is opened from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        connect = database._connect

        def counting(path: Path) -> sqlite3.Connection:
            connection = connect(path)
            connection.set_progress_handler(self._note, 1)
            return connection

        monkeypatch.setattr(database, "_connect", counting)

    def _note(self) -> int:
        self.count += 1
        return 0

    def of(self, world: World, run: Callable[[World], object]) -> int:
        """How many steps one run takes."""
        before = self.count
        run(world)
        return self.count - before


def a_history(world: World, first: int, count: int) -> None:
    """Invoices and orders with an invoice each, all of them paid and of long ago in the end."""
    day = world.clock.now().date()
    numbers = range(first, first + count)
    world.drop(*(an_invoice(f"{n}", invoice_date=f"{day}", source_number=f"R-{n}") for n in numbers), name="i.json")
    at = f"{world.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    world.drop(
        *(an_order(f"{n}", at, ordered_at=at, status="invoiced", order_number=f"B-{n}") for n in numbers),
        name="o.json",
        kind="order",
    )
    credit = an_invoice(f"c{first}", invoice_date=f"{day}", document_type="credit_note", original_shop_id=f"{first}")
    world.push()
    assert world.sync().exit_code is Exit.OK
    world.drop(credit, name="c.json")
    world.push()
    for row in world.invoices():
        if row["kb_item_status_id"] == 8:
            world.sandbox.person.pay(row["id"], Decimal("108.10"))
    world.poll()
    with world.workspace() as workspace:
        for error in workspace.store.errors.open():
            workspace.store.errors.resolve(error.job, error.kind, error.shop_id, world.clock.now())
            workspace.store.records.settle(error.kind, error.shop_id, RecordState.DONE, "", world.clock.now())
    world.clock.forward(days=100)


def test_a_run_with_nothing_to_do_takes_as_many_steps_after_four_times_the_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_profile(orders=settings())
    steps = Steps(monkeypatch)
    taken = []
    for first, count in ((1, FEW), (FEW + 1, 3 * FEW)):
        a_history(world, first, count)
        for run in RUNS.values():  # the first ones find the day, the events and the rules that changed
            run(world)
        taken.append({name: steps.of(world, run) for name, run in RUNS.items()})
    with world.workspace() as workspace:
        assert len(list(workspace.store.links.all("invoice"))) == 4 * FEW
    assert taken[0] == taken[1]
