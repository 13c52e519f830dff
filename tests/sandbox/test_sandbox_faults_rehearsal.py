"""The real client under faults, as docs/rehearsing.md tells it; judged in the books."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bexio_sandbox import Fault
from bexsync.errors import Exit
from bexsync.jobs.lifecycle import RunEnded
from world import TOKEN, World, an_invoice

CONTACT = {"method": "POST", "path": "/2.0/contact"}
CREATE = {"method": "POST", "path": "/2.0/kb_invoice"}
SEND = {"method": "POST", "path": "/2.0/kb_invoice/{id}/send"}
PLACES = pytest.mark.parametrize(
    "place",
    [
        pytest.param(CONTACT, id="contact", marks=pytest.mark.long),
        pytest.param(CREATE, id="create"),
        pytest.param(SEND, id="send", marks=pytest.mark.long),
    ],
)
TIMEOUT = 0.5


@pytest.fixture
def world(world: World) -> World:
    world.set_profile(engine={"timeout_seconds": TIMEOUT, "settle_seconds": 2.0})
    return world


def push_under(world: World, *faults: Fault) -> None:
    """Pushes one invoice while the faults strike, then twice more in peace."""
    world.drop(an_invoice())
    world.sandbox.faults.plan(faults)
    world.push()
    for _ in range(2):
        world.clock.forward(minutes=5)
        world.push()
    assert {fired.fault.name for fired in world.sandbox.faults.fired} == {fault.name for fault in faults}
    assert [fired.problem for fired in world.sandbox.faults.fired if fired.problem] == []


def once(world: World) -> None:
    """Says that the customer, the invoice and the mail exist once."""
    assert [contact["mail"] for contact in world.sandbox.contacts()].count("anna.keller@example.ch") == 1
    assert world.invoice("1001")["kb_item_status_id"] == 8
    assert len(world.invoices()) == len(world.sandbox.mails) == 1


@PLACES
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("drop_before", {}),
        ("drop_after", {}),
        ("error_before", {"status": 503}),
        ("error_after", {}),
        ("html_502", {}),
        ("html_after", {}),
        ("truncated", {}),
        ("truncated", {"content_length": "none"}),
        ("too_many", {}),
        ("too_many", {"headers": "retry_after"}),
        ("too_many", {"headers": "none"}),
        ("too_many", {"headers": "nonsense"}),
        ("clock_jump", {"seconds": -86400}),
        ("clock_jump", {"seconds": 86400}),
    ],
)
def test_everything_once(world, place, name, told):
    push_under(world, Fault(name, **place, **told))
    once(world)


@PLACES
def test_an_answer_that_drips_too_slowly(world, place):
    push_under(world, Fault("drip", **place, bytes_per_second=1))
    once(world)


@PLACES
def test_a_late_commit_within_the_settle_time(world, place, monkeypatch):
    sleep = world.clock.sleep

    def sleep_while_it_commits(seconds: float) -> None:
        world.sandbox.faults.finish_late_work()
        sleep(seconds)

    monkeypatch.setattr(world.clock, "sleep", sleep_while_it_commits)
    push_under(world, Fault("late_commit", **place, seconds=3600))
    once(world)


@pytest.mark.parametrize("place", [CONTACT, CREATE], ids=["contact", "create"])
@pytest.mark.parametrize(
    "search", [Fault("doubled_search", repeat=0), Fault("lagging_search", repeat=0, seconds=1)], ids=["doubled", "lag"]
)
def test_a_lost_answer_and_a_bad_search(world, place, search):
    push_under(world, Fault("drop_after", **place), search)
    once(world)


@pytest.mark.parametrize("name", ["token_expired", "token_revoked"])
@pytest.mark.parametrize("place", [CREATE, SEND], ids=["create", "send"])
def test_a_token_that_ends_in_mid_run(world, name, place):
    world.drop(an_invoice())
    world.sandbox.faults.plan([Fault(name, **place)])
    with pytest.raises(RunEnded) as ended:
        world.push()
    assert ended.value.problem.exit_code is Exit.LOGIN
    world.sandbox.create_token(token=TOKEN)
    world.push()
    once(world)


def test_half_an_invoice_is_never_mailed(world):
    lines = [
        {"line_id": str(n), "name": "Beratung", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"}
        for n in range(4)
    ]
    world.drop(an_invoice(lines=lines, total="432.40"))
    world.sandbox.faults.plan([Fault("half_create")])
    world.push()
    invoice = world.invoice("1001")
    is_whole = Decimal(invoice["total"]) == Decimal("432.40")
    assert len(world.invoices()) == 1
    assert len(world.sandbox.mails) == (1 if is_whole else 0)
    assert invoice["kb_item_status_id"] == (8 if is_whole else 7)


def test_a_server_that_stays_down_is_tried_again_later(world):
    world.drop(an_invoice())
    world.push()
    world.sandbox.person.pay(1)
    world.sandbox.faults.plan([Fault("error_before", status=503, repeat=0)])
    with pytest.raises(RunEnded) as ended:
        world.poll()
    assert ended.value.problem.exit_code is Exit.TRY_LATER
    world.sandbox.faults.clear()
    world.poll()
    assert [event["event"] for event in world.events()] == ["sent", "paid"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("pay", "paid"),
        ("pay_part", "partly_paid"),
        ("credit", "credited"),
        ("cancel", "cancelled"),
        ("delete", "deleted"),
        ("edit_price", "changed_in_ledger"),
    ],
)
def test_what_a_person_does_between_two_polls_is_told_once(world, action, event, when):
    world.drop(an_invoice())
    world.push()
    world.sandbox.faults.plan([Fault("person", "POST", "*/kb_invoice/search", action=action, when=when)])
    for _ in range(3):
        world.clock.forward(minutes=5)
        world.poll()
    assert [event["event"] for event in world.events()] == ["sent", event]


@pytest.mark.parametrize("action", ["archive_contact", "merge_contacts"])
def test_a_contact_that_goes_away_while_its_invoice_is_created(world, action):
    push_under(world, Fault("person", **CREATE, action=action, target=3))
    assert len(world.invoices()) == len(world.sandbox.mails) == 1


@pytest.mark.parametrize("action", ["edit_title", "archive_contact", "merge_contacts"])
def test_a_person_between_create_and_send(world, action):
    push_under(world, Fault("person", **SEND, action=action, target="this invoice"))
    assert len(world.invoices()) == len(world.sandbox.mails) == 1


def test_an_invoice_deleted_between_create_and_send_is_not_made_again(world):
    push_under(world, Fault("person", **SEND, action="delete", target="this invoice"))
    assert world.invoices() == world.sandbox.mails == []
