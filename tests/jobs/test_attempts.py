"""Every attempt at a step is kept as a short row: when, by which run, what came of it."""

from __future__ import annotations

from bexio_sandbox import Fault
from world import World, an_invoice

REFERENCE = "bexsync:main:invoice:1"


def attempts(world: World, kind: str, scope: str = "main", key: str = REFERENCE) -> list[tuple[str, str]]:
    with world.workspace() as workspace:
        return [(one.outcome, one.reason) for one in workspace.store.attempts.of(scope, kind, key)]


def test_a_create_without_an_answer_that_is_found_again_leaves_two_rows(world: World) -> None:
    world.drop(an_invoice("1"), name="1.json")
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice")])
    world.push()
    world.clock.forward(minutes=5)
    world.push()
    outcomes = [outcome for outcome, _ in attempts(world, "invoice")]
    assert outcomes == ["in_doubt", "done"]
    assert [outcome for outcome, _ in attempts(world, "send")] == ["done"]
