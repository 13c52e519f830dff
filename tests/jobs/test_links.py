"""links and state: what a person mends by hand, through the front door."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Fault
from bexsync.admin.links import AdoptOptions, adopt
from bexsync.admin.links_desk import LinkAdmin
from bexsync.errors import StateProblem, UsageProblem
from bexsync.jobs.lifecycle import RunEnded
from bexsync.store.folder import file_system_of, refuse_network
from front_door import called
from world import World, an_invoice


def by_hand(world: World, **changes: Any) -> int:
    """An invoice that a person wrote in bexio, without any reference of ours."""
    world.drop(an_invoice("by-hand", **changes), name="by-hand.json")
    world.push()
    document = next(i for i in world.invoices() if i["api_reference"] == "bexsync:main:invoice:by-hand")
    row = world.sandbox.state.invoices[document["id"]]
    world.sandbox.state.invoices[document["id"]] = {**row, "api_reference": None}
    with world.workspace() as workspace:
        LinkAdmin(workspace.store, workspace.kept, workspace.locks).forget("by-hand")
    return int(document["id"])


def adopt_in(world: World, **options: Any) -> Any:
    with world.workspace() as workspace:
        return adopt(workspace, AdoptOptions(**options))


def test_an_invoice_that_stands_in_bexio_already_is_shown_then_linked_and_never_doubled(world: World) -> None:
    document = by_hand(world)
    world.drop(an_invoice("1001"))
    shown = adopt_in(world)
    assert [(o.status, o.number) for o in shown.outcomes] == [("planned", "RE-00001")]
    assert world.invoices()[0]["api_reference"] is None

    linked = adopt_in(world, yes=True)
    assert [(o.status, o.ledger_id) for o in linked.outcomes] == [("done", str(document))]
    world.push()
    assert len(world.invoices()) == 1
    assert len(world.sandbox.mails) == 1  # the one the person had sent
    assert world.status()["1001"]["number"] == "RE-00001"


def test_where_bexio_takes_no_reference_on_issued_invoices_the_link_alone_has_to_do(world: World) -> None:
    world.sandbox.behaviours.settle("edit_issued", "refused")
    by_hand(world)
    world.drop(an_invoice("1001"))
    (outcome,) = adopt_in(world, yes=True).outcomes
    assert outcome.status == "done"
    world.push()
    assert len(world.invoices()) == 1


def test_with_the_reference_on_it_even_a_lost_state_finds_it_again(world: World) -> None:
    world.sandbox.behaviours.settle("edit_issued", "accepted")
    by_hand(world)
    world.drop(an_invoice("1001"))
    adopt_in(world, yes=True)
    for file in (world.folder / "state").glob("bexio-*"):
        file.unlink()
    world.drop(an_invoice("1001"), name="again.json")
    world.push()
    assert len(world.invoices()) == len(world.sandbox.mails) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "216.20", "lines": [{"name": "x", "unit_price": "200", "tax_rate": "8.1"}]},
        {"invoice_date": "2026-11-03"},
    ],
    ids=["another amount", "another day"],
)
def test_what_does_not_match_is_left_alone(world: World, changes: dict[str, Any]) -> None:
    by_hand(world)
    world.drop(an_invoice("1001", **changes))
    assert adopt_in(world, yes=True).outcomes == []


def test_two_that_may_be_it_are_for_a_person_who_names_one(world: World) -> None:
    by_hand(world)
    second = by_hand(world)
    world.drop(an_invoice("1001"))
    (outcome,) = adopt_in(world, yes=True).outcomes
    assert (outcome.status, outcome.hint) == ("blocked", "Name one: bexsync links adopt 1001 NUMBER --yes")
    (outcome,) = adopt_in(world, shop_id="1001", document="RE-00002", yes=True).outcomes
    assert (outcome.status, outcome.ledger_id) == ("done", str(second))


def test_an_unknown_name_is_a_sentence(world: World) -> None:
    world.push()
    with world.workspace() as workspace, pytest.raises(UsageProblem, match='no link of "7"'):
        LinkAdmin(workspace.store, workspace.kept, workspace.locks).forget("7")
    done = called(world, "links", "adopt", "7", "RE-1", "--yes", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"][0]["message"] == 'The shop has no open invoice "7" without a link.'


def test_a_deleted_invoice_is_booked_anew_once_its_link_is_forgotten(world: World) -> None:
    world.drop(an_invoice("1001"))
    world.push()
    world.sandbox.person.delete(1)
    assert called(world, "links", "forget", "1001", "--yes").returncode == 0
    world.drop(an_invoice("1001"), name="again.json")
    world.push()
    assert [i["document_nr"] for i in world.invoices()] == ["RE-00002"]


def test_a_restored_copy_finds_everything_again_and_mails_nothing_twice(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("1"), name="1.json")
    world.push()
    copy = world.folder / "copy.db"
    assert called(world, "state", "backup", str(copy)).returncode == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    world.set_profile(invoices={"finish": "send"})
    lines = [{"line_id": "10", "name": "Beratung", "unit_price": "200", "tax_rate": "8.1"}]
    changed = an_invoice("1", lines=lines, total="216.20")
    world.drop(changed, name="2.json")
    world.drop(an_invoice("2"), name="3.json")
    world.push()
    assert len(world.sandbox.mails) == 2

    assert called(world, "state", "restore", str(copy)).returncode == 2  # nobody said yes
    assert called(world, "state", "restore", str(copy), "--yes").returncode == 0
    world.drop(changed, name="4.json")
    world.drop(an_invoice("2"), name="5.json")
    for _ in range(3):
        world.push()
        world.poll(full=True)
    assert [Decimal(i["total"]) for i in world.invoices()] == [Decimal("216.20"), Decimal("108.10")]
    assert len(world.sandbox.mails) == 2


def test_a_copy_of_something_else_is_refused(world: World) -> None:
    world.push()
    (world.folder / "x.db").write_bytes(b"no database at all" * 100)
    done = called(world, "state", "restore", str(world.folder / "x.db"), "--yes")
    assert done.returncode == 78
    assert "is no state of bexsync" in done.stderr
    assert called(world, "state", "restore", "/nowhere.db", "--yes").returncode == 78


def test_another_computer_has_to_take_over(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    elsewhere = {"BEXSYNC_HOST": "the-other-one"}
    done = called(world, "invoices", "push", **elsewhere)
    assert done.returncode == 78
    assert "state take-over" in done.stderr
    assert called(world, "state", "take-over", "--yes", **elsewhere).returncode == 0
    assert called(world, "invoices", "push", **elsewhere).returncode == 0
    assert called(world, "invoices", "push").returncode == 78


def test_pruning_forgets_people_and_words_and_keeps_figures(world: World) -> None:
    world.drop(an_invoice("1", header_text="Geheimes Vorhaben"))
    world.push()
    world.sandbox.person.pay(1)
    world.poll()
    with world.workspace() as workspace:
        workspace.store.facts.forget("master:")
    assert called(world, "state", "prune", "--days", "30").returncode == 0
    assert state_holds(world, "Geheimes Vorhaben"), "nothing is old yet"
    world.clock.forward(days=400)

    from bexsync.wiring import open_state_desk

    counts = open_state_desk(str(world.profile_path), clock=world.clock).prune(365)
    assert counts["records"] == counts["links"] == 1
    assert not state_holds(world, "Geheimes Vorhaben")
    assert not state_holds(world, "Guten Tag")
    assert state_holds(world, "108.1")
    world.drop(an_invoice("1", header_text="Geheimes Vorhaben"), name="again.json")
    writes = world.writes()
    world.push()
    assert world.writes() == writes


def test_pruning_leaves_no_person_behind_and_books_nothing_again(world: World) -> None:
    """Not in the state, not in done/ or failed/, not in a copy; a dry run only counts."""
    from bexsync.wiring import open_state_desk

    invoice = an_invoice("1", title="Geheim", customer={**an_invoice()["customer"], "shop_id": "c7"})
    world.drop(invoice)
    world.drop_bytes(b"{ Keller", "broken.json")
    world.push()
    world.sandbox.person.pay(1)
    world.poll()
    desk = open_state_desk(str(world.profile_path), clock=world.clock)
    copy = desk.backup(None)
    called(world, "errors", "ack", "all")
    old = (world.clock.now() - timedelta(days=1)).timestamp()
    for file in (copy, *(world.shop / "failed").iterdir()):
        os.utime(file, (old, old))
    world.clock.forward(days=400)
    people = ("Keller", "keller", "Seestrasse", "Rapperswil", "Beratung", "Geheim")

    def found() -> set[str]:
        files = [file for file in world.folder.rglob("*") if file.is_file() and "out" not in file.parts]
        texts = [(str(file.relative_to(world.folder)), file.read_bytes()) for file in files]
        return {name for name, text in texts if any(person.encode() in text for person in people)}

    before = found()
    assert len(before) >= 4
    counted = desk.prune(365, dry=True)
    assert found() == before
    assert desk.prune(365) == counted
    assert {name: n for name, n in counted.items() if n and " " in name} == {
        "files in done/": 1, "files in failed/": 1, "copies of the state": 1,
    }  # fmt: skip
    assert found() == set()
    world.drop(invoice, name="again.json")
    writes = world.writes()
    world.push()
    assert world.writes() == writes
    assert found() != set()  # the file that was dropped again
    contacts = len(world.sandbox.state.contacts)
    world.drop({**invoice, "shop_id": "2", "invoice_date": "2027-12-20"}, name="2.json")
    world.push()
    assert len(world.invoices()) == 2
    assert len(world.sandbox.state.contacts) == contacts


def test_pruning_keeps_what_is_asked_for_and_what_is_in_question(world: World) -> None:
    from bexsync.wiring import open_state_desk

    world.drop(an_invoice("1"))
    world.drop_bytes(b"{ Keller", "broken.json")
    world.push()
    old = (world.clock.now() - timedelta(days=1)).timestamp()
    for file in (world.shop / "failed").iterdir():
        os.utime(file, (old, old))
    world.clock.forward(days=400)
    desk = open_state_desk(str(world.profile_path), clock=world.clock)
    assert "files in done/" not in desk.prune(365, files=False, backups=False)
    assert list((world.shop / "done").rglob("drop.json"))
    assert desk.prune(365)["files in failed/"] == 0  # its error is open
    assert (world.shop / "failed" / "broken.json").exists()
    assert not list((world.shop / "done").rglob("drop.json"))


def state_holds(world: World, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in (world.folder / "state").glob("bexio-*"))


MOUNTINFO = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /home/me/share rw,relatime shared:30 - nfs4 server:/export rw
41 22 0:51 / /mnt/with\\040space rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me", "ext4"),
        ("/home/me/share/state", "nfs4"),
        ("/home/me/shared", "ext4"),
        ("/mnt/with space/x", "cifs"),
    ],
)
def test_a_state_on_a_network_file_system_is_refused(tmp_path: Path, folder: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTINFO)
    assert file_system_of(Path(folder), mounts) == kind
    if kind == "ext4":
        refuse_network(Path(folder), mounts)
    else:
        with pytest.raises(StateProblem, match="network file system"):
            refuse_network(Path(folder), mounts)


def test_where_mounts_are_unknown_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network(tmp_path, tmp_path / "missing")
    shutil.rmtree(tmp_path)


CLAIM = "/2.0/kb_invoice/{id}"


def claims(world: World) -> list[str]:
    with world.workspace() as workspace:
        steps = workspace.store.intents.of_subject("invoice", "1001")
        return [step.state for step in steps if step.kind == "claim"]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@pytest.mark.parametrize("named", [True, False], ids=["one pair", "all"])
def test_a_reference_whose_answer_was_lost_is_settled_by_the_next_run(world: World, named: bool, fault: str) -> None:
    world.sandbox.behaviours.settle("edit_issued", "accepted")
    world.set_profile(engine={"settle_seconds": 600.0})
    document = by_hand(world)
    world.drop(an_invoice("1001"))
    world.sandbox.faults.plan([Fault(fault, "POST", CLAIM)])
    options = {"shop_id": "1001", "document": "RE-00001"} if named else {}
    (outcome,) = adopt_in(world, **options, yes=True).outcomes
    assert (outcome.status, outcome.ledger_id) == ("done", str(document))
    world.clock.forward(minutes=20)
    world.push()
    assert claims(world) == ["done" if fault == "drop_after" else "planned"]
    adopt_in(world, **options, yes=True)
    assert claims(world) == ["done"]
    assert [row["api_reference"] for row in world.invoices()] == ["bexsync:main:invoice:1001"]
    writes = world.writes()
    adopt_in(world, yes=True)
    world.push()
    assert world.writes() == writes
    assert len(world.sandbox.mails) == 1  # the one the person had sent


def test_a_document_that_another_link_holds_is_named_and_not_taken_from_it(world: World) -> None:
    """Where bexio took no reference, the links alone say whose it is."""
    world.sandbox.behaviours.settle("edit_issued", "refused")
    document = by_hand(world)
    world.drop(an_invoice("1001"))
    adopt_in(world, yes=True)
    world.drop(an_invoice("1002"), name="second.json")
    (outcome,) = adopt_in(world, yes=True).outcomes
    assert (outcome.status, outcome.code) == ("blocked", "document_taken")
    assert outcome.reason == "RE-00001 belongs to 1001 already."
    refused = called(world, "links", "adopt", "1002", "RE-00001", "--yes", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["errors"][0]["code"]) == (2, "document_taken")
    row = world.sandbox.state.invoices[document]
    world.sandbox.state.invoices[document] = {**row, "api_reference": "bexsync:main:invoice:1002"}
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == ("failed", "document_taken")
    assert "RE-00001 belongs to 1001 already" in outcome.reason
    assert len(world.invoices()) == 1
    with world.workspace() as workspace:
        assert [link.shop_id for link in workspace.store.links.all("invoice")] == ["1001"]


def test_a_document_that_belongs_to_another_invoice_or_has_another_amount_is_not_given_away(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("2"), name="2.json")
    with pytest.raises(RunEnded, match="RE-00001 belongs to 1 already"):
        adopt_in(world, shop_id="2", document="RE-00001", yes=True)
    document = by_hand(world)
    lines = [{"name": "x", "unit_price": "200", "tax_rate": "8.1"}]
    world.drop(an_invoice("3", lines=lines, total="216.20"), name="3.json")
    with pytest.raises(RunEnded, match=r"3 comes to 216\.20, RE-\d+ to 108\.10"):
        adopt_in(world, shop_id="3", document=str(document), yes=True)
