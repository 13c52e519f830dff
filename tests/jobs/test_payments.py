"""payments poll, through the front door: what happens in the books reaches the shop once, and cheaply."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from bexio_sandbox.server import serving
from bexio_sandbox.state import invoices
from bexsync.engine.result import Result, Status
from bexsync.errors import Exit
from bexsync.jobs import payments
from bexsync.ledgers.bexio import finders
from constants import set_constant
from front_door import called
from world import TOKEN, World, a_world, an_invoice

LINKED = "found in bexio, linked again"


def ours(world: World, shop_id: str = "1001") -> int:
    return int(world.invoice(shop_id)["id"])


def a_pushed(world: World, *shop_ids: str, **changes: Any) -> World:
    """These invoices sent, and the first poll done, so that only news is left to tell."""
    world.drop(*(an_invoice(shop_id, **changes) for shop_id in shop_ids or ("1001",)))
    assert world.push().exit_code is Exit.OK
    world.poll()
    world.clock.forward(hours=2)
    return world


@pytest.fixture
def sent(world: World) -> World:
    return a_pushed(world)


def mailed_by_a_person(world: World, invoice_id: int) -> None:
    letter = {"recipient_email": "ina@example.ch", "subject": "Rechnung", "message": "[Network Link]"}
    with world.sandbox.state.transaction():
        invoices.send(world.sandbox.state, invoice_id, letter)


def news(world: World, *, since: int = 0) -> list[tuple[str, str]]:
    return [(event["shop_id"], event["event"]) for event in world.events()[since:]]


def told_by(world: World, poll: Result) -> list[tuple[str, str]]:
    return [(outcome.action, outcome.reason) for outcome in poll.outcomes]


# what is told


def test_what_bexio_rounds_away_is_no_rest(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent), "108.08")
    assert told_by(sent, sent.poll()) == [("paid", "108.08 received")]
    assert sent.status()["1001"]["status"] == "paid"
    (row,) = json.loads(called(sent, "invoices", "list", "--json").stdout)["data"]["invoices"]
    assert (row["status"], row["open"]) == ("paid", "0.00")
    sent.clock.forward(hours=26)
    assert sent.poll(full=True).outcomes == []


def test_paid_is_told_once_with_amount_and_day(sent: World) -> None:
    before = len(sent.events())
    sent.sandbox.person.pay(ours(sent), date="2026-11-19")

    assert told_by(sent, sent.poll()) == [("paid", "108.10 received")]
    (event,) = sent.events()[before:]
    assert (event["event"], event["status"], event["paid_amount"], event["paid_date"]) == (
        "paid", "paid", "108.10", "2026-11-19",
    )  # fmt: skip
    assert (event["number"], event["currency"]) == ("RE-00001", "CHF")
    row = sent.status()["1001"]
    assert (row["status"], row["paid_amount"], row["paid_date"]) == ("paid", "108.10", "2026-11-19")

    assert sent.poll().outcomes == []
    assert len(sent.events()) == before + 1


def test_partly_paid_tells_the_amount_and_then_the_rest(sent: World) -> None:
    before = len(sent.events())
    sent.sandbox.person.pay(ours(sent), Decimal("50"))
    assert told_by(sent, sent.poll()) == [("partly_paid", "50.00 received")]
    assert sent.status()["1001"]["paid_amount"] == "50.00"
    sent.sandbox.person.pay(ours(sent))
    assert told_by(sent, sent.poll()) == [("paid", "108.10 received")]
    assert [(e["event"], e["paid_amount"]) for e in sent.events()[before:]] == [
        ("partly_paid", "50.00"), ("paid", "108.10"),
    ]  # fmt: skip


@pytest.mark.parametrize("status_after_unpaying", ["8", "31"])
def test_a_deleted_payment_reopens(tmp_path: Path, monkeypatch: Any, status_after_unpaying: str) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"status_after_unpaying": status_after_unpaying}) as world:
        a_pushed(world)
        payment = world.sandbox.person.pay(ours(world))
        world.poll()
        before = len(world.events())
        world.sandbox.person.unpay(payment)
        world.clock.forward(days=1)

        assert told_by(world, world.poll()) == [("reopened", "0.00 received")]
        (event,) = world.events()[before:]
        assert (event["event"], event["paid_amount"]) == ("reopened", "0.00")
        assert "paid_date" not in event
        assert (world.status()["1001"]["paid_amount"], world.status()["1001"]["paid_date"]) == ("", "")
        world.sandbox.person.pay(ours(world))
        assert [outcome.action for outcome in world.poll().outcomes] == ["paid"]


def test_one_of_two_payments_deleted_is_reopened(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent), Decimal("8.10"))
    payment = sent.sandbox.person.pay(ours(sent), Decimal("100"))
    sent.poll()
    sent.sandbox.person.unpay(payment)
    assert told_by(sent, sent.poll(full=True)) == [("reopened", "8.10 received")]


@pytest.mark.parametrize("listed", ["yes", "no"])
def test_credited_in_part_and_in_full(tmp_path: Path, monkeypatch: Any, listed: str) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"credit_in_payment_list": listed}) as world:
        a_pushed(world)
        before = len(world.events())
        world.sandbox.person.credit(ours(world), Decimal("10"))
        assert told_by(world, world.poll()) == [("credited", "credited: 10.00")]
        world.sandbox.person.credit(ours(world), Decimal("98.10"))
        assert told_by(world, world.poll()) == [("credited", "credited: 108.10")]
        assert [e["event"] for e in world.events()[before:]] == ["credited", "credited"]
        last = world.events()[-1]
        assert (last["status"], last["paid_amount"]) == ("paid", "0.00")
        assert world.status()["1001"]["paid_amount"] == ""


def test_a_credit_is_no_payment_and_does_not_move_the_day(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent), Decimal("98.10"), date="2026-11-10")
    sent.sandbox.person.credit(ours(sent), Decimal("10"))
    before = len(sent.events())
    (outcome,) = sent.poll().outcomes
    assert (outcome.action, outcome.reason) == ("paid", "credited: 10.00; 98.10 received")
    assert [e["event"] for e in sent.events()[before:]] == ["credited", "paid"]
    assert sent.status()["1001"]["paid_date"] == "2026-11-10"


def test_cancelled_is_told_once(sent: World) -> None:
    before = len(sent.events())
    sent.sandbox.person.cancel(ours(sent))
    sent.poll()
    sent.poll(full=True)
    assert [e["event"] for e in sent.events()[before:]] == ["cancelled"]
    assert sent.status()["1001"]["status"] == "cancelled"


def test_deleted_is_told_once(sent: World) -> None:
    before = len(sent.events())
    sent.sandbox.person.delete(ours(sent))
    sent.poll()
    sent.poll(full=True)
    assert [e["event"] for e in sent.events()[before:]] == ["deleted"]
    assert sent.status()["1001"]["status"] == "deleted"


def test_one_of_many_deleted(world: World) -> None:
    a_pushed(world, "a", "b", "c")
    world.sandbox.person.delete(ours(world, "b"))
    (outcome,) = world.poll().outcomes
    assert (outcome.shop_id, outcome.action) == ("b", "deleted")


def test_a_search_that_leaves_one_out_deletes_nothing(world: World) -> None:
    """bexio's search may lag: only a question for the one document can say that it is gone."""
    a_pushed(world, "a", "b")
    hidden = ours(world, "b")

    def forgetful(environ: Any, start_response: Any) -> Any:
        answer = Response.from_app(world.sandbox.app, environ)
        if environ["PATH_INFO"] == "/2.0/kb_invoice/search":
            answer.set_data(json.dumps([row for row in json.loads(answer.get_data()) if row["id"] != hidden]))
        return answer(environ, start_response)

    with serving(forgetful, 0, None) as url:
        world.set_profile(ledger={"api_url": url})
        assert world.poll().outcomes == []
    assert "deleted" not in {e["event"] for e in world.events()}


def test_changed_in_the_ledger_is_one_sentence_and_one_event(sent: World) -> None:
    before = len(sent.events())
    sent.sandbox.person.edit_price(ours(sent), 0, Decimal("90.749"))  # with 8.1 % 98.10
    assert told_by(sent, sent.poll()) == [("changed_in_ledger", "changed in the ledger: 108.10 -> 98.10")]
    (event,) = sent.events()[before:]
    assert (event["event"], event["message"]) == ("changed_in_ledger", "changed in the ledger: 108.10 -> 98.10")
    assert event["total"] == "98.10"
    assert sent.poll().outcomes == []


def test_a_changed_price_of_a_partly_paid_one_does_not_repeat_the_payment(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent), Decimal("50"))
    sent.poll()
    before = len(sent.events())
    sent.sandbox.person.edit_price(ours(sent), 0, Decimal("90.749"))
    sent.poll()
    assert [e["event"] for e in sent.events()[before:]] == ["changed_in_ledger"]


def test_a_total_the_shop_itself_changed_is_not_called_the_ledgers(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    a_pushed(world)
    line = {"line_id": "10", "name": "Beratung", "quantity": "1", "unit_price": "90.749", "tax_rate": "8.1"}
    world.drop(an_invoice(lines=[line], total="98.10"))
    before = len(world.events())
    world.push()
    assert Decimal(world.invoice("1001")["total"]) == Decimal("98.10")
    (event,) = world.events()[before:]
    assert (event["event"], event["message"]) == ("updated", "total 108.10 -> 98.10, as the shop has it")


def test_an_update_of_nothing_that_the_shop_is_shown_is_not_told(world: World) -> None:
    """The public link of an invoice that has money already: the event would repeat the one before word for word."""
    world.set_profile(invoices={"finish": "issue"})
    a_pushed(world)
    world.sandbox.person.pay(ours(world), Decimal("50"))
    world.poll()
    before = world.events()
    assert [event["event"] for event in before] == ["issued", "partly_paid"]
    mailed_by_a_person(world, ours(world))
    assert world.poll().outcomes == []
    assert world.events() == before
    status = json.loads(called(world, "status", "--json").stdout)["data"]
    assert status["waiting"]["not_reported"] == 0, "it counts as told"
    world.sandbox.person.pay(ours(world))
    world.poll()
    assert [event["event"] for event in world.events()] == ["issued", "partly_paid", "paid"]


def test_a_draft_that_a_person_issues(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    a_pushed(world)
    before = len(world.events())
    world.sandbox.person.issue(ours(world))
    world.poll()
    assert [e["event"] for e in world.events()[before:]] == ["issued"]


# what it costs, and when it hears of things


@pytest.mark.parametrize("at_once", [20, pytest.param(500, marks=pytest.mark.long)])
def test_an_idle_poll_costs_one_request_per_500_open_invoices(
    world: World, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (payments._AT_ONCE, finders.IDS_AT_ONCE) == (500, 500)
    set_constant(monkeypatch, "payments._AT_ONCE", at_once)
    set_constant(monkeypatch, "IDS_AT_ONCE", at_once)
    world.set_profile(invoices={"finish": "draft"}, limits={"documents": 1000, "mails": 1000})
    a_pushed(world, *(str(n) for n in range(at_once + 1)))
    before = len(world.sandbox.requests)
    assert world.poll().requests == 2
    assert [r.path for r in world.sandbox.requests[before:]] == ["/2.0/kb_invoice/search"] * 2
    assert [len(r.body[0]["value"]) for r in world.sandbox.requests[before:]] == [at_once, 1]


def test_nothing_open_costs_nothing(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent))
    sent.poll()
    assert sent.poll().requests == 0


@pytest.mark.parametrize("works", ["yes", "refused", "ignored"])
def test_a_payment_is_heard_of_within_two_hours_though_updated_at_stands_still(
    tmp_path: Path, monkeypatch: Any, works: str
) -> None:
    behaviours = {"payment_moves_updated_at": "no", "in_on_id": works}
    with a_world(tmp_path, monkeypatch, behaviours=behaviours) as world:
        a_pushed(world, "a", "b", "c")
        world.sandbox.person.pay(ours(world, "b"))
        world.sandbox.person.delete(ours(world, "c"))
        assert {o.shop_id: o.action for o in world.poll().outcomes} == {"b": "paid", "c": "deleted"}
        world.clock.forward(hours=2)
        assert world.poll().outcomes == []


def test_a_payment_deleted_after_days_is_heard_of_though_updated_at_stands_still(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"payment_moves_updated_at": "no"}) as world:
        a_pushed(world)
        payment = world.sandbox.person.pay(ours(world))
        world.poll()
        for _ in range(80):
            world.clock.forward(days=1)
        world.poll()
        world.sandbox.person.unpay(payment)
        world.clock.forward(days=1)
        assert [o.action for o in world.poll().outcomes] == ["reopened"]


def test_the_look_at_everything_changed_happens_once_a_day(sent: World) -> None:
    def cost() -> int:
        sent.clock.forward(hours=2)
        return sent.poll().requests

    costs = [cost() for _ in range(24)]
    assert sorted(set(costs)) == [1, 2]
    assert costs.count(2) == 2
    assert sent.poll(full=True).requests == 2


CLOCK_CHANGES = {
    "summer begins": datetime(2027, 3, 28, 0, 0, tzinfo=UTC),  # 01:00 UTC: 02:00 becomes 03:00
    "summer ends": datetime(2027, 10, 31, 0, 0, tzinfo=UTC),  # 01:00 UTC: 03:00 becomes 02:00
    "an ordinary night": datetime(2027, 6, 15, 0, 0, tzinfo=UTC),
}


@pytest.mark.parametrize(
    "midnight",
    [
        pytest.param(moment, id=name, marks=pytest.mark.long if name == "an ordinary night" else ())
        for name, moment in CLOCK_CHANGES.items()
    ],
)
@pytest.mark.parametrize("minutes", range(15, 150, 30))
def test_no_change_is_lost_when_the_clocks_change(
    tmp_path: Path, monkeypatch: Any, midnight: datetime, minutes: int
) -> None:
    """A paid invoice is asked for by id only for 90 days: after that the watermark must find what happens to it."""
    with a_world(tmp_path, monkeypatch) as world:
        world.clock.moment = midnight - timedelta(days=120)
        a_pushed(world)
        payment = world.sandbox.person.pay(ours(world))
        world.poll()
        world.clock.moment = midnight + timedelta(minutes=minutes)
        world.poll(full=True)
        world.clock.forward(minutes=4)
        world.sandbox.person.unpay(payment)
        world.clock.forward(minutes=4)
        assert [o.action for o in world.poll(full=True).outcomes] == ["reopened"]


# a state that was lost


def forget_the_state(world: World) -> None:
    for path in (world.folder / "state").glob("bexio-*"):
        path.unlink()


def test_an_invoice_that_a_lost_state_does_not_know_gets_its_link_back(sent: World) -> None:
    forget_the_state(sent)
    assert told_by(sent, sent.poll()) == [("linked", LINKED)]
    assert sent.status()["1001"]["number"] == "RE-00001"

    sent.drop(an_invoice())
    mails = len(sent.sandbox.mails)
    again = sent.push()
    assert again.exit_code is Exit.OK, again.outcomes
    assert len(sent.invoices()) == 1
    assert len(sent.sandbox.mails) == mails


def test_a_restored_copy_learns_of_what_was_pushed_after_it(sent: World) -> None:
    (state,) = (sent.folder / "state").glob("bexio-*.db")
    copy = state.read_bytes()
    sent.drop(an_invoice("1002"))
    sent.push()
    sent.sandbox.person.pay(ours(sent, "1002"))
    state.write_bytes(copy)
    sent.clock.forward(days=2)
    before = len(sent.events())

    (outcome,) = sent.poll().outcomes
    assert (outcome.shop_id, outcome.action, outcome.reason) == ("1002", "linked", LINKED)
    assert news(sent, since=before) == [("1002", "linked"), ("1002", "paid")]
    assert sent.status()["1002"]["paid_amount"] == "108.10"


def test_news_after_a_lost_state_never_bears_an_id_the_shop_has_seen_with_other_news(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent), Decimal("50"))
    sent.poll()
    forget_the_state(sent)
    sent.sandbox.person.pay(ours(sent))
    sent.poll()
    first: dict[str, Any] = {}
    for event in sent.events():
        content = (event["event"], event["paid_amount"])
        assert first.setdefault(event["event_id"], content) == content
    assert list(first.values())[-1] == ("paid", "108.10")


def test_invoices_of_others_and_of_other_sites_are_left_alone(sent: World) -> None:
    forget_the_state(sent)
    (sent.shop / ".bexsync").unlink()  # as if a folder that nobody had
    sent.set_profile(shop={"site": "other"})
    assert sent.poll().outcomes == []
    assert sent.status() == {}


# beside a push


def push_during_the_next_search(world: World) -> None:
    """A push runs from beginning to end after bexio has answered a poll, and before the answer arrives."""
    begun: list[str] = []

    def push_once(request: Any) -> None:
        if request.path == "/2.0/kb_invoice/search" and not begun:
            begun.append("push")
            pushing = threading.Thread(target=world.push)
            pushing.start()
            pushing.join()

    world.sandbox.hooks.after_commit.append(push_once)


def test_a_push_beside_a_poll_loses_nothing(sent: World) -> None:
    sent.drop(an_invoice("1002"))
    sent.sandbox.person.pay(ours(sent))
    push_during_the_next_search(sent)
    sent.poll(full=True)
    sent.poll(full=True)
    assert sorted(news(sent)) == [("1001", "paid"), ("1001", "sent"), ("1002", "sent")]
    assert len(sent.sandbox.mails) == 2
    assert sent.push().outcomes == []


def test_a_poll_that_heard_old_news_does_not_undo_what_a_push_wrote(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    a_pushed(world)
    world.set_profile(invoices={"finish": "send"})
    world.drop(an_invoice(title="Beratung im November"))
    push_during_the_next_search(world)
    world.poll()
    assert [e["event"] for e in world.events()] == ["linked", "sent"]
    assert world.status()["1001"]["status"] == "sent"
    world.sandbox.person.pay(ours(world))
    world.poll()
    assert [e["event"] for e in world.events()] == ["linked", "sent", "paid"]
    assert world.push().outcomes == []
    assert Decimal(world.invoice("1001")["total"]) == Decimal("108.10")


# when things go wrong


def test_what_was_learned_before_the_network_broke_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "payments._AT_ONCE", 3)
    set_constant(monkeypatch, "IDS_AT_ONCE", 3)
    world.set_profile(invoices={"finish": "draft"})
    a_pushed(world, *(f"{n:04}" for n in range(4)))
    world.sandbox.person.issue(ours(world, "0000"))
    world.sandbox.person.pay(ours(world, "0000"))

    def break_off(request: Any) -> None:
        if request.path.endswith("/payment"):
            world.sandbox.revoke_token(TOKEN)

    world.sandbox.hooks.after_commit.append(break_off)
    poll = called(world, "payments", "poll")
    assert poll.returncode == 77
    assert world.status()["0000"]["status"] == "paid"


def test_an_event_that_cannot_be_written_is_told_by_the_next_run(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent))
    events = sorted(sent.shop.glob("out/events-*"))[0]
    kept = events.read_bytes()
    events.unlink()
    events.mkdir()
    assert called(sent, "payments", "poll").returncode == 78
    events.rmdir()
    events.write_bytes(kept)
    assert called(sent, "payments", "poll").returncode == 0
    assert [e["event"] for e in sent.events()] == ["sent", "paid"]


def test_status_of_every_outcome_is_done(sent: World) -> None:
    sent.sandbox.person.pay(ours(sent))
    assert {outcome.status for outcome in sent.poll().outcomes} == {Status.DONE}


def test_the_shops_own_words_stand_in_the_list(sent: World) -> None:
    sent.set_profile(payments={"paid_status": "completed", "cancelled_status": "void"})
    sent.sandbox.person.pay(ours(sent))
    sent.poll()
    assert sent.status()["1001"]["status"] == "completed"


def test_a_second_document_with_our_reference_is_an_error_that_names_both(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    world.poll()
    world.sandbox.state.invoices[1] = dict(world.sandbox.state.invoices[1])
    world.drop(an_invoice("2"))
    world.push()
    twin = dict(world.sandbox.state.invoices[2]) | {"api_reference": "bexsync:main:invoice:1"}
    world.sandbox.state.invoices[2] = twin
    with world.workspace() as workspace:
        workspace.store.links.forget("invoice", "2")
    world.clock.forward(days=1)
    (outcome,) = [o for o in world.poll().outcomes if o.code]
    assert (outcome.shop_id, outcome.reason) == ("1", "bexio has it twice: RE-00001 and RE-00002.")


def test_a_bexio_that_suddenly_shows_nothing_is_not_believed(world: World) -> None:
    world.drop(*(an_invoice(str(n)) for n in range(8)))
    world.push()
    for number in range(1, 9):
        world.sandbox.person.delete(number)
    refused = called(world, "payments", "poll")
    assert refused.returncode == 78
    assert "bexio no longer shows 8 of 8 open invoices; nothing was told to the shop." in refused.stderr
    assert {event["event"] for event in world.events()} == {"sent"}
    assert called(world, "payments", "poll", "--confirm", "8").returncode == 0
    assert [event["event"] for event in world.events()].count("deleted") == 8
