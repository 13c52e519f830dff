"""A step that is being sent belongs to its run until that run's lock can be taken."""

from __future__ import annotations

import pytest
from filelock import FileLock

from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.ports.store import Intent, IntentState
from world import World, an_invoice


class Killed(BaseException):
    """Ends a run where it stands."""


def die_before_the_create(point: str, **facts: str) -> None:
    if point == "request:before" and facts["method"] == "POST" and facts["path"].endswith("/kb_invoice"):
        raise Killed


def the_create(world: World) -> Intent:
    with world.workspace() as workspace:
        (intent,) = (i for i in workspace.store.intents.of_subject("invoice", "1") if i.kind == "invoice")
        return intent


@pytest.fixture
def killed(world: World) -> World:
    """A run that was killed right before its first create left."""
    world.drop(an_invoice("1"))
    with pytest.raises(Killed), observed_by(die_before_the_create):
        world.push()
    return world


def test_the_row_names_the_lock_of_its_run_and_no_process(killed: World) -> None:
    intent = the_create(killed)
    assert intent.state is IntentState.SENDING
    assert "-main-run-invoices-push-" in intent.owner.rpartition(" ")[0]


def test_while_its_run_lives_nobody_else_judges_it(killed: World) -> None:
    name = the_create(killed).owner.rpartition(" ")[0]
    with FileLock(killed.folder / "state" / "locks" / f"{name}.lock"):
        code = killed.push().exit_code
        assert the_create(killed).state is IntentState.SENDING
        assert code is Exit.TRY_LATER
        assert killed.invoices() == []
    killed.clock.forward(minutes=5)
    assert killed.push().exit_code is Exit.OK
    assert len(killed.invoices()) == 1
