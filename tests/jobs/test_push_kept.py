"""What outlives the state: when a site began, what was mailed or adopted, and what a person forgot on purpose."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bexio_sandbox import Fault
from bexsync.admin.links import AdoptOptions, adopt
from bexsync.engine.result import Outcome, Status
from bexsync.errors import Exit
from bexsync.ids import LedgerId
from bexsync.jobs.invoices import PUSH
from bexsync.ports.store import DocumentEvent
from front_door import called
from world import World, an_invoice

SEND = "/2.0/kb_invoice/{id}/send"


def lose(world: World) -> None:
    shutil.rmtree(world.folder / "state")


def forget(world: World) -> None:
    done = called(world, "links", "forget", "1001", "--yes")
    assert done.returncode == 0, done.stderr


def pushed(world: World, **changes: object) -> Outcome:
    world.drop(an_invoice(**changes), name=f"again{len(world.sandbox.requests)}.json")  # type: ignore[arg-type]
    (outcome,) = world.push().outcomes
    return outcome


def test_an_empty_start_date_is_known_after_the_state_was_lost(world: World) -> None:
    world.set_profile(invoices={"start_date": None})
    assert pushed(world, invoice_date="2026-11-20").status is Status.DONE
    lose(world)
    world.clock.forward(days=7)
    world.drop(an_invoice("2", invoice_date="2026-11-22"), an_invoice("3", invoice_date="2026-11-19"))
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"2": Status.DONE, "3": Status.IGNORED}


def test_a_rehearsal_does_not_settle_when_a_site_began(world: World) -> None:
    world.set_profile(invoices={"start_date": None})
    world.drop(an_invoice(invoice_date="2026-11-22"))
    world.push(dry_run=True)
    assert not list(world.folder.glob("state-kept/*"))


@pytest.mark.parametrize("memory", ["kept", "forgotten", "lost", "older"])
@pytest.mark.parametrize("corrected", [True, False])
def test_an_invoice_taken_back_in_bexio_is_never_mailed_or_rewritten_again(
    world: World, memory: str, corrected: bool, tmp_path: Path
) -> None:
    world.sandbox.behaviours.settle("network_link", "on_send")
    pushed(world, leave_as_draft=True)
    shutil.copytree(world.folder / "state", tmp_path / "older")
    pushed(world)
    world.sandbox.person.revert(1)
    row = world.sandbox.state.invoices[1]
    world.sandbox.state.invoices[1] = {**row, "network_link": ""}  # nobody has checked that it survives
    if corrected:
        world.sandbox.person.edit_price(1, 0, "8000")
    if memory == "forgotten":
        forget(world)
    if memory in ("lost", "older"):
        lose(world)
    if memory == "older":
        shutil.copytree(tmp_path / "older", world.folder / "state")
    before = world.invoice("1001")
    for _ in range(2):
        outcome = pushed(world, title="Neu")
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "taken_back_in_ledger")
        assert world.invoice("1001") == before
    assert len(world.sandbox.mails) == 1


def test_an_invoice_that_went_out_and_is_gone_is_not_booked_twice_by_itself(world: World) -> None:
    pushed(world)
    world.sandbox.person.delete(1)
    lose(world)
    outcome = pushed(world)
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "deleted_in_ledger")
    forget(world)
    assert pushed(world).status is Status.DONE
    assert len(world.invoices()) == 1


def test_a_cancelled_invoice_is_booked_again_once_its_link_is_forgotten(world: World) -> None:
    pushed(world)
    world.sandbox.person.cancel(1)
    forget(world)
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice")])
    outcome = pushed(world)
    assert (outcome.status, outcome.number) == (Status.DONE, "RE-00002")
    lose(world)
    assert (pushed(world).number, len(world.invoices()), len(world.sandbox.mails)) == ("RE-00002", 2, 2)


def test_a_poll_before_the_push_leaves_a_cancelled_document_that_was_forgotten_alone(world: World) -> None:
    pushed(world)
    world.sandbox.person.cancel(1)
    world.poll()
    forget(world)
    world.clock.forward(days=1)
    world.poll()
    assert pushed(world).number == "RE-00002"


def test_a_cancelled_invoice_of_a_lost_state_is_not_booked_again(world: World) -> None:
    pushed(world)
    world.sandbox.person.cancel(1)
    lose(world)
    pushed(world)
    assert len(world.invoices()) == 1


def test_a_link_is_not_forgotten_while_nobody_knows_whether_its_mail_went_out(world: World) -> None:
    world.set_profile(engine={"settle_seconds": 300.0})
    world.sandbox.faults.plan([Fault("drop_before", "POST", SEND)])
    world.drop(an_invoice())
    world.push()
    done = called(world, "links", "forget", "1001", "--yes")
    assert done.returncode == Exit.TRY_LATER
    assert "1001" in done.stderr
    assert "send" in done.stderr


def test_a_link_is_not_forgotten_while_a_push_is_running(world: World) -> None:
    pushed(world)
    with world.workspace() as workspace, workspace.locks.job(PUSH):
        assert called(world, "links", "forget", "1001", "--yes").returncode == Exit.TRY_LATER


@pytest.mark.parametrize("how", [forget, lose])
def test_an_adopted_document_without_our_reference_is_found_again(world: World, how: Callable[[World], None]) -> None:
    world.sandbox.behaviours.settle("edit_issued", "refused")
    world.drop(an_invoice("by-hand"), name="by-hand.json")
    world.push()
    world.sandbox.state.invoices[1] = {**world.sandbox.state.invoices[1], "api_reference": None}
    with world.workspace() as workspace:
        workspace.store.links.forget("invoice", "by-hand")
    world.drop(an_invoice("1001"))
    with world.workspace() as workspace:
        assert adopt(workspace, AdoptOptions(yes=True)).outcomes[0].status is Status.DONE
    how(world)
    assert pushed(world).number == "RE-00001"
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


def test_what_is_kept_is_for_this_user_alone_and_survives_a_torn_line(world: World) -> None:
    pushed(world)
    (file,) = world.folder.glob("state-kept/*.ndjson")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(file.read_bytes() + b'["finished", "bexsync:ma')
    world.drop(an_invoice("2"), name="2.json")
    assert world.push().exit_code is Exit.OK
    with world.workspace() as workspace:
        assert workspace.kept.documents(DocumentEvent.FINISHED, "bexsync:main:invoice:2") == ("2",)


def test_where_no_folder_can_be_made_beside_the_state_it_is_kept_inside(world: World) -> None:
    (world.folder / "state-kept").write_text("a file that happens to be there")
    pushed(world)
    assert list(world.folder.glob("state/kept/*.ndjson"))


def test_years_of_notes_are_not_parsed_line_by_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are they lost, however they are written: torn, with a text as id, with signs that JSON escapes."""
    pushed(world)
    (notes,) = world.folder.glob("state-kept/*")
    with notes.open("a") as file:
        file.writelines(f'["finished", "bexsync:main:invoice:old-{number}", {number}]\n' for number in range(1, 1001))
        file.write('["finished", "torn", 1\n["finished", "zero", 01]\n["finished", "several", 5]\n')
        file.write('["finished", "several", "a, 1"]\n["finished", "a\\"b", 7]\n["finished", "several", 6]')
    parsed: list[str] = []
    loads = json.loads
    with monkeypatch.context() as patched, world.workspace() as workspace:
        patched.setattr(json, "loads", lambda text, **more: parsed.append(text) or loads(text, **more))
        finished = partial(workspace.kept.documents, DocumentEvent.FINISHED)
        assert finished("bexsync:main:invoice:old-1000") == (LedgerId(1000),)
        assert finished("several") == (LedgerId(5), LedgerId("a, 1"), LedgerId(6))
        assert finished('a"b') == (LedgerId(7),)
        assert finished("torn") == finished("zero") == finished("unknown") == ()
        assert finished("bexsync:main:invoice:1001") == (LedgerId(world.invoice("1001")["id"]),)
    assert len(parsed) < 20
