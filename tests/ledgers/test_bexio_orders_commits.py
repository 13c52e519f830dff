"""What must be asked right before an order's effects is asked outside any transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from orders_kit import a_desk, statuses, whole_order

from bexio_sandbox.requests import Request
from world import World


def test_no_transaction_is_open_while_a_request_is_under_way(world: World) -> None:
    """Another connection may write whenever the ledger is asked something."""
    asked: list[str] = []
    locked: list[str] = []
    with a_desk(world) as desk:
        desk.run.ledger.master()
        wants = whole_order(desk.document(("Tisch", "2", "100"), ("Buch", "3", "20")), paid="281.05")
        (state,) = world.folder.glob("state/bexio-*.db")

        def write(request: Request) -> None:
            asked.append(request.path)
            with closing(sqlite3.connect(state, timeout=0, isolation_level=None)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    locked.append(request.path)

        world.sandbox.hooks.before.append(write)
        done = statuses(desk.apply(*wants))
    assert locked == []
    assert {status for _, status in done} == {"done"}
    assert len(asked) > len(done)
