"""One story for each safeguard of exactly-once that no other test tells alone; `test_mutations.py` takes them out."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from bexio_sandbox import Fault
from bexio_sandbox.api import invoices as bexio_invoices
from bexio_sandbox.server import serving
from bexsync.engine.result import Status
from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.ports.store import ErrorRow
from bexsync.wiring import open_error_desk
from constants import set_constant
from world import World, an_invoice


@pytest.fixture
def known(world: World) -> World:
    """A ledger that bexsync knows already."""
    world.drop(an_invoice("0"), name="0.json")
    world.push()
    return world


@contextmanager
def a_gateway(world: World, *, passes_on: bool, times: int) -> Iterator[list[bytes]]:
    """Answers 422 to the first creates of an invoice, whether or not it passes them on to be done."""
    refused: list[bytes] = []

    def gateway(environ: Any, start_response: Any) -> Any:
        is_create = (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/2.0/kb_invoice")
        if not is_create or len(refused) >= times:
            return world.sandbox.app(environ, start_response)
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        refused.append(content)
        if passes_on:
            environ["wsgi.input"] = io.BytesIO(content)
            b"".join(world.sandbox.app(environ, lambda *_: None))
        body = json.dumps({"error_code": 422, "message": "Not saved.", "errors": ["title: Pflichtfeld"]})
        return Response(body, 422, content_type="application/json")(environ, start_response)

    with serving(gateway, 0, None) as url:
        world.set_profile(ledger={"api_url": url})
        yield refused


def open_errors(world: World) -> list[ErrorRow]:
    with open_error_desk(str(world.profile_path), clock=world.clock) as desk:
        return desk.open_errors(include_acknowledged=True)


def creates(world: World) -> int:
    """How often bexio was asked for a new invoice."""
    return sum((r.method, r.path) == ("POST", "/2.0/kb_invoice") for r in world.sandbox.requests)


def test_a_lost_answer_is_looked_for_and_not_asked_for_again(known: World) -> None:
    known.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice")])
    known.drop(an_invoice("1"))
    assert known.push().exit_code is Exit.OK
    assert (creates(known), len(known.invoices()), len(known.sandbox.mails)) == (2, 2, 2)


def test_a_refusal_after_the_work_was_done_is_not_believed(known: World) -> None:
    known.drop(an_invoice("1"))
    with a_gateway(known, passes_on=True, times=1) as refused:
        assert known.push().exit_code is Exit.OK
    assert len(refused) == 1
    assert (creates(known), len(known.invoices()), len(known.sandbox.mails)) == (2, 2, 2)


def test_what_was_refused_is_not_sent_again_by_itself(known: World) -> None:
    known.drop(an_invoice("1"))
    with a_gateway(known, passes_on=False, times=9) as refused:
        assert [known.push().exit_code for _ in range(3)] == [Exit.SOME_FAILED] * 3
    assert len(refused) == 1


def test_what_is_in_doubt_is_not_sent_while_bexio_may_still_be_at_it(known: World) -> None:
    """The answer is lost and the search lags: several runs at once see nothing, and none may try again."""
    known.set_profile(engine={"settle_seconds": 120.0})
    lag = Fault("lagging_search", seconds=60, repeat=0)
    known.sandbox.faults.plan([lag, Fault("drop_after", "POST", "/2.0/kb_invoice")])
    known.drop(an_invoice("1"))
    assert [known.push().exit_code for _ in range(3)] == [Exit.TRY_LATER] * 3
    assert creates(known) == 2
    known.clock.forward(seconds=90)
    assert known.push().exit_code is Exit.OK
    assert (creates(known), len(known.invoices()), len(known.sandbox.mails)) == (2, 2, 2)


class Killed(BaseException):
    """Not an Exception, so that nothing on the way handles it."""


class KilledOnceSent:
    """Ends a run at the first point it reaches after its nth create of an invoice left."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def __call__(self, point: str, **facts: str) -> None:
        if self._left == 0:
            raise Killed
        if point == "request:before" and (facts["method"], facts["path"]) == ("POST", "/2.0/kb_invoice"):
            self._left -= 1


def test_a_create_that_waited_for_the_rate_limit_counts_from_when_it_left(known: World) -> None:
    """The run is killed right after the create left, and the search shows the invoice a little later."""
    lag = Fault("lagging_search", seconds=4, repeat=0)
    known.sandbox.faults.plan([lag, Fault("too_many", "POST", "/2.0/kb_invoice", seconds=30)])
    known.drop(an_invoice("1"))
    with pytest.raises(Killed), observed_by(KilledOnceSent(2)):
        known.push()
    assert known.push().exit_code is Exit.OK
    assert (len(known.invoices()), len(known.sandbox.mails)) == (2, 2)


def test_a_state_from_before_the_mail_mails_nothing_again(known: World) -> None:
    known.set_profile(invoices={"finish": "draft"})
    known.drop(an_invoice("1"))
    known.push()
    files = sorted((known.folder / "state").glob("bexio-*.db*"))
    kept: Path = known.folder / "kept"
    kept.mkdir()
    for file in files:
        shutil.copy(file, kept)
    known.set_profile(invoices={"finish": "send"})
    known.drop(an_invoice("1"), name="again.json")
    known.push()
    known.drop(an_invoice("1", metadata={"seen": "twice"}), name="once-more.json")
    known.push()
    mails = len(known.sandbox.mails)
    assert mails == 2
    for file in (known.folder / "state").glob("bexio-*.db*"):
        file.unlink()
    for file in kept.iterdir():
        shutil.copy(file, known.folder / "state")
    shutil.rmtree(known.folder / "state-kept")  # what is known besides of mailed documents is lost as well
    known.drop(an_invoice("1", metadata={"seen": "again"}), name="restored.json")
    (outcome,) = known.push().outcomes
    assert len(known.sandbox.mails) == mails
    assert outcome.status is Status.UNCHANGED, "it is right as it is, and nothing for a person"


def test_a_contact_that_somebody_else_created_is_used(known: World) -> None:
    """Since the last run a colleague has entered the customer by hand."""
    colleague = {"first_name": "Nina", "last_name": "Frei", "email": "nina@example.ch"}
    with known.sandbox.state.transaction():
        anna = next(row for row in known.sandbox.state.contacts.values() if row["name_1"] == "Keller")
        nina = {**anna, "name_1": "Frei", "name_2": "Nina", "mail": "nina@example.ch", "nr": "9999"}
        del nina["id"]
        known.sandbox.state.add("contacts", nina)
    known.drop(an_invoice("1", customer={"kind": "person", **colleague}))
    known.push()
    assert [row["mail"] for row in known.sandbox.contacts()].count("nina@example.ch") == 1


def test_cancelled_after_the_state_was_lost_is_told_to_a_person(known: World) -> None:
    """The customer has it; that the state knows nothing of it is no reason for silence."""
    for file in (known.folder / "state").glob("bexio-*.db*"):
        file.unlink()
    known.drop(an_invoice("0", status="cancelled"), name="cancelled.json")
    for _ in range(2):
        (outcome,) = known.push().outcomes
        assert (outcome.code, outcome.number) == ("cancelled_in_shop", "RE-00001")
    known.sandbox.person.cancel(known.invoice("0")["id"])
    assert known.push().exit_code is Exit.OK


@pytest.mark.parametrize("lost", ["drop_before", "drop_after"])
def test_a_search_that_shows_another_invoice_of_the_customer_is_not_believed(
    known: World, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """A bexio that ignores the criterion shows every invoice when the one in doubt is looked for."""
    searchable = bexio_invoices._SEARCH
    fields = {name: kind for name, kind in searchable.fields.items() if name != "api_reference"}
    set_constant(monkeypatch, "api.invoices._SEARCH", replace(searchable, fields=fields))
    known.sandbox.behaviours.settle("unknown_search_field", "ignored")
    known.sandbox.faults.plan([Fault(lost, "POST", "/2.0/kb_invoice")])
    known.drop(an_invoice("1"))
    assert known.push().exit_code is Exit.OK
    assert [invoice["kb_item_status_id"] for invoice in known.invoices()] == [8, 8]
    assert len(known.sandbox.mails) == 2


@pytest.mark.parametrize("finish", ["issue", "send"])
def test_a_document_deleted_while_its_last_step_is_in_doubt_holds_up_nobody(known: World, finish: str) -> None:
    """The answer is lost, and a person deletes the document: this run says so, and books the others."""
    known.set_profile(invoices={"finish": finish})
    where = ("POST", f"/2.0/kb_invoice/{{id}}/{finish}")
    deletes = Fault("person", *where, action="delete", target="this invoice", when="after")
    known.sandbox.faults.plan([deletes, Fault("drop_after", *where)])
    known.drop(an_invoice("1"), an_invoice("2"))
    for _ in range(2):
        known.push()
        known.clock.forward(minutes=10)
    assert [(error.shop_id, error.code) for error in open_errors(known)] == [("1", "deleted_in_ledger")]
    assert len(known.invoices()) == 2
    assert known.push().exit_code is Exit.SOME_FAILED


def test_a_clock_that_was_ahead_for_a_while_makes_no_poll_blind(known: World) -> None:
    """What is paid is only looked at once a day, and the last look seemed to be two months from now."""
    (invoice,) = known.invoices()
    payment = known.sandbox.person.pay(invoice["id"])
    known.poll()
    known.clock.forward(days=60)
    known.poll()
    known.clock.forward(days=-60)
    known.sandbox.person.unpay(payment)
    known.clock.forward(days=1)
    known.poll()
    assert [event["event"] for event in known.events()] == ["sent", "paid", "reopened"]
