"""The fault matrix over real sockets: a short form in every run, all of it with `make faults`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import dates
from bexio_sandbox import Fault, Request
from bexsync.ports.shop_effects import SHOP_EFFECTS
from faults.matrix import STEPS, TROUBLES, Step, Trouble, combinations, play
from faults.verdicts import record
from world import World, a_world

SHORT = frozenset(
    {
        ("connection dropped after the commit", "contact"),
        ("connection dropped after the commit", "invoice"),
        ("connection dropped after the commit", "mail"),
        ("500 after the commit", "invoice"),
        ("commit later than the timeout", "invoice"),
        ("500 and half of the positions", "invoice"),
        ("429 without headers", "mail"),
        ("truncated JSON", "position"),
        ("token revoked", "mail"),
        ("answer lost, search lags", "invoice"),
        ("answer lost, a person deletes", "mail"),
        ("a person cancels", "mail"),
        ("connection dropped after the commit", "edit of a contact"),
        ("connection dropped after the commit", "adoption"),
        ("connection dropped after the commit", "item"),
        ("500 after the commit", "edit of an item"),
        ("a person creates the item", "item"),
        ("connection dropped after the commit", "order"),
        ("connection dropped after the commit", "delivery"),
        ("500 after the commit", "invoice of an order"),
        ("500 after the commit", "delete order"),
        ("truncated JSON", "second payment"),
        ("answer lost, search lags", "payment"),
        ("a person invoices the order", "delivery"),
        ("500 and half of the positions", "delivery"),
    }
)


LEAST_FAULTS, LEAST_STEPS, LEAST_CELLS = 37, 32, 828

# Kinds of steps that no column strikes, and why.
WITHOUT_A_COLUMN = {
    "verify": "only reads",
    "adopt": "only reads",
    "draft_delete": "only test-connection, of its own draft: faults in test_connection.py, deaths in the crash sweep",
    "contact_archive": "only test-connection, of its own contact: the same",
    "event": "a file of the shop, not a request: deaths before and after it in the crash sweep",
    "catalog": "a file of the shop: the same",
    "stock": "a file of the shop: the same",
}


def all_step_kinds(world: World) -> set[str]:
    """Every kind of step that a run can write into its journal."""
    with world.workspace() as workspace:
        ledger = workspace.make_ledger(workspace.store, lambda _: None)
        return {effect.step_kind for effect in (*ledger.effects, *SHOP_EFFECTS)}


def cases() -> list[object]:
    return [
        pytest.param(t, s, id=f"{t.name} x {s.name}", marks=() if (t.name, s.name) in SHORT else pytest.mark.slow)
        for t, s in combinations()
    ]


def test_the_matrix_does_not_shrink() -> None:
    assert len(TROUBLES) >= LEAST_FAULTS
    assert len(STEPS) >= LEAST_STEPS
    cells = {(trouble.name, step.name) for trouble, step in combinations()}
    assert len(cells) >= LEAST_CELLS
    assert cells >= SHORT


def kinds_struck(step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The kinds of the steps that are being sent when a request comes that a fault of this column would strike."""
    kinds: set[str] = set()
    fault = Fault("drop_before", step.method, step.path)
    with a_world(folder, monkeypatch) as world:
        step.prepare(world)

        def look(request: Request) -> None:
            if fault.matches(request.method, request.path):
                (state,) = world.folder.glob("state/bexio-*.db")
                with closing(sqlite3.connect(state)) as database:
                    kinds.update(*database.execute("SELECT kind FROM intents WHERE state = 'sending'"))

        world.sandbox.hooks.before.append(look)
        step.run(world)
    return kinds


def test_every_kind_of_step_has_a_column(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = all_step_kinds(world)  # before the others, which want a state folder of their own
    with dates.at(dates.NOW):
        struck = set().union(*(kinds_struck(s, tmp_path / s.name, monkeypatch) for s in STEPS))
    assert kinds - struck == WITHOUT_A_COLUMN.keys()


@pytest.mark.parametrize(("trouble", "step"), cases())
def test_nothing_twice_nothing_lost(
    trouble: Trouble, step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = play(trouble, step, tmp_path, monkeypatch)
    assert verdict.struck, "the fault never struck, so this proves nothing"
    record("matrix", trouble.name, step.name, runs=verdict.runs, for_a_person=bool(verdict.for_a_person))
