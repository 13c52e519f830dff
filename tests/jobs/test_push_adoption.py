"""A lost or restored state: what bexio already has is found, never made twice, and never mailed again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox.api import invoices as bexio_invoices
from bexsync.engine.result import Status
from bexsync.errors import Exit
from constants import set_constant
from world import World, a_world, an_invoice

OTHER = [{"line_id": "10", "name": "Beratung", "quantity": "2", "unit_price": "100", "tax_rate": "8.1"}]


def lose_the_state(world: World) -> None:
    shutil.rmtree(world.folder / "state")


def copy_of_the_state(world: World) -> Path:
    return Path(shutil.copytree(world.folder / "state", world.folder / "copy"))


def restore(world: World, copy: Path) -> None:
    lose_the_state(world)
    shutil.copytree(copy, world.folder / "state")


def looks(world: World, since: int) -> list[tuple[str, str]]:
    """The requests about documents that only read."""
    asked = [(r.method, r.path) for r in world.sandbox.requests[since:] if r.path.startswith("/2.0/kb_invoice")]
    return [one for one in asked if one[0] == "GET" or one[1].endswith("/search")]


@pytest.mark.parametrize(
    ("finish_before", "act", "changes", "status", "code", "total", "standing", "mails"),
    [
        # a draft that is equal is finished; one whose header differs is brought up to date first
        ("draft", "", {}, Status.DONE, "", "108.10", 8, 1),
        ("draft", "", {"currency": "EUR"}, Status.DONE, "", "108.10", 8, 1),
        ("draft", "", {"customer": {"last_name": "Frei", "email": "f@frei.ch"}}, Status.DONE, "", "108.10", 8, 1),
        ("draft", "", {"leave_as_draft": True}, Status.DONE, "", "108.10", 7, 0),
        # an issued one is linked when it comes to the same, and never mailed
        ("issue", "", {}, Status.DONE, "", "108.10", 8, 0),
        ("send", "", {}, Status.DONE, "", "108.10", 8, 1),
        ("send", "pay", {}, Status.DONE, "", "108.10", 9, 1),
        ("send", "cancel", {}, Status.DONE, "", "108.10", 19, 1),
        # else a person hears of it: nobody can tell whose work other positions are
        ("draft", "", {"lines": OTHER, "total": "216.20"}, Status.HELD, "held", "108.10", 7, 0),
        ("issue", "", {"lines": OTHER, "total": "216.20"}, Status.BLOCKED, "differs_in_ledger", "108.10", 8, 0),
        ("issue", "", {"currency": "EUR"}, Status.BLOCKED, "differs_in_ledger", "108.10", 8, 0),
        ("send", "pay", {"lines": OTHER, "total": "216.20"}, Status.BLOCKED, "differs_in_ledger", "108.10", 9, 1),
    ],
)
@pytest.mark.parametrize("with_person", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_lost_state_finds_its_documents_again(
    world: World,
    finish_before: str,
    act: str,
    changes: dict[str, Any],
    status: Status,
    code: str,
    total: str,
    standing: int,
    mails: int,
    with_person: bool,
) -> None:
    world.set_profile(invoices={"finish": finish_before})
    world.drop(an_invoice())
    world.push()
    if act:
        getattr(world.sandbox.person, act)(1)
    if with_person:  # the customer's contact is not what it was
        world.sandbox.person.archive_contact(world.invoice("1001")["contact_id"])
    lose_the_state(world)
    world.set_profile(invoices={"finish": "send"})
    # another invoice of the same customer must not suffer
    world.drop(an_invoice(**changes), an_invoice("1002"), name="again.json")
    outcomes = {o.shop_id: o for o in world.push().outcomes}
    assert (outcomes["1001"].status, outcomes["1001"].code) == (status, code)
    assert outcomes["1002"].status is Status.DONE
    assert len(world.invoices()) == 2
    invoice = world.invoice("1001")
    assert (Decimal(invoice["total"]), invoice["kb_item_status_id"]) == (Decimal(total), standing)
    assert len([m for m in world.sandbox.mails if m.invoice_id == 1]) == mails
    assert world.status()["1001"]["number"] == "RE-00001"
    writes = world.writes()
    assert world.push().exit_code is (Exit.OK if status is Status.DONE else Exit.SOME_FAILED)
    assert world.writes() == writes


def test_two_documents_with_our_reference_are_for_a_person(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice())
    world.push()
    with world.sandbox.state.transaction():
        row = dict(world.sandbox.state.invoices[1])
        world.sandbox.state.put("invoices", {**row, "id": 2, "document_nr": "RE-00099", "positions": []})
    lose_the_state(world)
    world.drop(an_invoice(), name="again.json")
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "document_ambiguous")
    world.sandbox.person.delete(2)
    assert world.push().outcomes[0].status is Status.DONE


@pytest.mark.parametrize("answer", ["yes", "refused", "ignored"])
@pytest.mark.parametrize("invoices", [3, pytest.param(30, marks=pytest.mark.long)])
def test_a_restored_state_finds_what_was_made_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, invoices: int
) -> None:
    """The copy has scanned before and knows one invoice; the others were made after it."""
    with a_world(tmp_path, monkeypatch, behaviours={"in_on_api_reference": answer}) as world:
        world.set_profile(invoices={"finish": "issue"})
        world.drop(an_invoice("0"))
        world.push()
        copy = copy_of_the_state(world)
        many = [an_invoice(str(n)) for n in range(1, invoices + 1)]
        world.drop(*many, name="many.json")
        world.push()
        restore(world, copy)
        world.drop(*many, name="again.json")
        since, writes = len(world.sandbox.requests), world.writes()
        assert {o.status for o in world.push().outcomes} == {Status.DONE}
        assert len(world.invoices()) == invoices + 1
        assert world.writes() == writes
        expected = {
            "yes": [("POST", "/2.0/kb_invoice/search")],
            "refused": [("POST", "/2.0/kb_invoice/search")],  # the one that is refused
            "ignored": [("POST", "/2.0/kb_invoice/search")],  # the one whose witness is missing
        }[answer]
        if answer != "yes":
            one_by_one = [("POST", "/2.0/kb_invoice/search")] * invoices
            expected = expected + (one_by_one if invoices <= 20 else [("GET", "/2.0/kb_invoice")])
        found = looks(world, since)
        assert found[: len(expected)] == expected
        # what was found is compared position by position, once each
        assert len([one for one in found if one[1].count("/") == 3 and one[0] == "GET"]) == invoices


@pytest.mark.parametrize("answer", ["yes", "refused", "ignored"])
def test_new_invoices_cost_one_search_where_in_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"in_on_api_reference": answer}) as world:
        world.drop(an_invoice("0"))
        world.push()
        for run in range(2):
            since = len(world.sandbox.requests)
            world.drop(*(an_invoice(f"{run}-{n}") for n in range(3)), name=f"{run}.json")
            world.push()
            # a refusal is learned once; an answer without the witness might have other reasons
            expected = {"yes": 1, "refused": 4 - run, "ignored": 4}[answer]
            assert len(looks(world, since)) == expected


def test_without_a_witness_each_reference_is_asked_for_by_itself(world: World) -> None:
    """The first scan was made, but every invoice we knew is gone: an empty answer would prove nothing."""
    world.drop(an_invoice("0"))
    world.push()
    world.sandbox.person.delete(1)
    world.poll()
    since = len(world.sandbox.requests)
    world.drop(an_invoice("1"), an_invoice("2"), name="1.json")
    assert world.push().exit_code is Exit.OK
    assert looks(world, since) == [("POST", "/2.0/kb_invoice/search")] * 2
    copy_or_scan = len(world.sandbox.requests)
    world.drop(*(an_invoice(f"x{n}") for n in range(25)), name="2.json")
    world.push()
    assert looks(world, copy_or_scan) == [("POST", "/2.0/kb_invoice/search")]


def test_a_witness_deleted_without_our_knowledge_hides_nothing(world: World) -> None:
    world.set_profile(invoices={"finish": "issue"})
    world.drop(an_invoice("0"))
    world.push()
    copy = copy_of_the_state(world)
    world.drop(an_invoice("1"), name="1.json")
    world.push()
    restore(world, copy)
    world.sandbox.person.delete(1)
    world.drop(an_invoice("1"), name="again.json")
    assert world.push().outcomes[0].status is Status.DONE
    assert len(world.invoices()) == 1


def test_a_search_that_answers_too_much_is_compared_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bexio whose search shows every invoice: those of other sites, and of ids that begin alike, are not ours."""
    searchable = bexio_invoices._SEARCH
    fields = {name: kind for name, kind in searchable.fields.items() if name != "api_reference"}
    set_constant(monkeypatch, "api.invoices._SEARCH", replace(searchable, fields=fields))
    with a_world(tmp_path, monkeypatch, behaviours={"unknown_search_field": "ignored"}) as world:
        world.drop(an_invoice("1"), an_invoice("10"), an_invoice("100"))
        world.push()
        world.profile_path = world.folder / "second.toml"
        world.set_profile(shop={"site": "second", "path": "./second"})
        for shop_id in ("0", "1"):
            file = world.folder / "second" / "in" / f"{shop_id}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"schema": "bexsync/1", "kind": "invoice", **an_invoice(shop_id)}))
            assert [o.status for o in world.push().outcomes] == [Status.DONE]
        assert len(world.invoices()) == 5
        assert world.invoice("1", "second")["id"] == 5


def test_an_adopted_issued_invoice_is_never_mailed_later_either(world: World) -> None:
    world.set_profile(invoices={"finish": "issue"})
    world.drop(an_invoice())
    world.push()
    lose_the_state(world)
    world.set_profile(invoices={"finish": "send"})
    for n, fields in enumerate(({}, {"auto_send": True}, {"metadata": {"x": 1}}, {})):
        world.drop(an_invoice(**fields), name=f"{n}.json")
        world.push()
        world.clock.forward(days=1)
        world.poll(full=True)
    assert world.sandbox.mails == []
