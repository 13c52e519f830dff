"""What the tables promise: sources, errors, lists of many thousands."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.jobs.status_list import status_rows
from bexsync.ports.shop import IncomingRecord
from bexsync.ports.store import Attempt, Intent, IntentState, Link, LinkedDocument, RecordState
from bexsync.records import read_record
from bexsync.store import Store
from bexsync.store.pruning import prune
from bexsync.store.sqlite.database import open_database
from bexsync.store.sqlite.opening import open_store
from world import an_invoice

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PUSH = "invoices push"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "bexio-1.db", "main", "1")
    yield opened
    opened.close()


def take(store: Store, shop_id: str, source: str, *, now: datetime = NOW, **changes: Any) -> None:
    value = json.loads(json.dumps(an_invoice(shop_id, **changes)), parse_float=Decimal)
    store.records.take(IncomingRecord("invoice", read_record("invoice", value), source, "record 1"), shop_id, now)


def title(store: Store, shop_id: str = "1") -> str:
    row = store.records.get("invoice", shop_id)
    assert row is not None
    return str(row.canonical().get("title"))


def test_older_content_never_replaces_newer(store: Store) -> None:
    """Files that stay in work/ are read again with every run, in any order."""
    take(store, "1", "monday.json", title="old")
    take(store, "1", "tuesday.json", title="new")
    take(store, "1", "monday.json", title="old")
    assert title(store) == "new"
    take(store, "1", "tuesday.json", title="new")
    assert title(store) == "new"


def test_a_name_that_was_put_away_is_new_when_it_comes_again(store: Store) -> None:
    take(store, "1", "export.json", title="monday")
    take(store, "1", "other.json", title="tuesday")
    store.records.forget_sources(["export.json"])
    take(store, "1", "export.json", title="wednesday")
    assert title(store) == "wednesday"


def test_new_content_opens_a_record_and_the_same_does_not(store: Store) -> None:
    take(store, "1", "a.json")
    store.records.settle("invoice", "1", RecordState.DONE, "", NOW)
    take(store, "1", "b.json")
    assert [row.shop_id for row in store.records.in_state("invoice", RecordState.OPEN)] == []
    take(store, "1", "c.json", title="changed")
    assert [row.shop_id for row in store.records.in_state("invoice", RecordState.OPEN)] == ["1"]


def note(store: Store, shop_id: str = "1", cause: str = "currency:XXX", *, minutes: int = 0, job: str = PUSH) -> None:
    store.errors.note(
        job, "invoice", shop_id, "unknown_currency", cause, f"No {cause}.", "", "", NOW + timedelta(minutes=minutes)
    )


def test_the_same_cause_counts_and_keeps_its_beginning(store: Store) -> None:
    note(store)
    note(store, minutes=5)
    (row,) = store.errors.open()
    assert (row.times, row.first_at[11:16], row.last_at[11:16]) == (2, "09:00", "09:05")


def test_another_cause_replaces_the_one_before(store: Store) -> None:
    note(store)
    note(store, cause="total", minutes=5)
    (row,) = store.errors.open()
    assert (row.cause, row.times, row.first_at[11:16]) == ("total", 1, "09:05")


def test_resolved_is_gone_and_begins_anew(store: Store) -> None:
    note(store)
    note(store, minutes=5)
    store.errors.resolve(PUSH, "invoice", "1", NOW)
    assert store.errors.open() == []
    note(store, minutes=9)
    assert [row.times for row in store.errors.open()] == [1]


def test_an_acknowledged_error_that_happens_again_is_news(store: Store) -> None:
    note(store)
    (row,) = store.errors.open()
    store.errors.acknowledge(row.id, NOW)
    assert store.errors.open(include_acknowledged=False) == []
    assert store.errors.unacknowledged_causes(PUSH) == 0
    note(store, minutes=5)
    assert [row.times for row in store.errors.open(include_acknowledged=False)] == [2]


def test_causes_are_counted_once_however_many_records_share_them(store: Store) -> None:
    for number in range(30):
        note(store, str(number))
    note(store, "x", cause="total")
    note(store, "y", cause="mail", job="payments poll")
    assert store.errors.unacknowledged_causes(PUSH) == 2
    assert store.errors.unacknowledged_causes("payments poll") == 1


def test_another_site_has_errors_and_records_of_its_own(store: Store, tmp_path: Path) -> None:
    note(store)
    take(store, "1", "a.json")
    other = open_store(tmp_path / "bexio-1.db", "other", "1")
    assert other.errors.open() == []
    assert other.records.get("invoice", "1") is None
    other.close()


def test_what_the_shop_was_told_is_one_event_and_leaves_the_rest_as_it_is(store: Store) -> None:
    for number, shop_id in ((1, "de"), (2, "fr")):
        told = {"url": "https://x/0"} if number == 1 else {}
        link = Link("product", shop_id, "item", LedgerId(number), f"A-{number}", "https://x", state={"url": "https://x/1"},
                    reported=told, agreed={"title": {"shop": "Tisch"}}, notes={"stock": "5"}, events=3)  # fmt: skip
        store.links.save(link, NOW)
    before = store.links.get("product", "de")
    assert before is not None
    assert store.links.unreported_ids("product") == ["de", "fr"]
    store.links.report(before, NOW + timedelta(hours=1))
    assert store.links.unreported_ids("product") == ["fr"]
    after = store.links.get("product", "de")
    assert after == replace(before, reported=before.state, events=4, checked_at="2026-11-20T10:00:00.000000Z")


@pytest.mark.long
def test_the_status_list_of_20_000_invoices_is_made_in_a_blink(store: Store) -> None:
    """It is made with every run, also an idle one."""
    body = an_invoice()
    state = {"standing": "issued", "shared": "yes", "total": "108.1", "received": "0", "number": "RE-1"}
    take(store, "0", "a.json")
    with store.transaction():
        for number in range(20_000):
            store.links.save(
                Link("invoice", str(number), "invoice", LedgerId(number + 1), f"RE-{number}", f"https://x/{number}",
                     agreed=body, state=state, reported=state, is_open=False),
                NOW,
            )  # fmt: skip
            if number % 100 == 0:
                note(store, str(number), cause=f"cause {number}")
    began = time.process_time()
    rows = list(status_rows(store, Profile(), "invoice"))
    took = time.process_time() - began
    assert len(rows) == 20_000
    assert sum(bool(row.error) for row in rows) == 200
    assert took < 1.5


# what is kept once, and what is found by an index


def a_link(shop_id: str, ledger_id: int, **more: Any) -> Link:
    return Link("invoice", shop_id, "invoice", LedgerId(ledger_id), f"RE-{ledger_id}", f"https://x/{ledger_id}", **more)


def canonical(store: Store, shop_id: str = "1") -> Mapping[str, Any]:
    row = store.records.get("invoice", shop_id)
    assert row is not None
    return row.canonical()


def raw(store: Store, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.links._db.rows(sql, *values)]


def agreed_title(store: Store) -> str:
    link = store.links.get("invoice", "1")
    assert link is not None
    return str(link.agreed["title"])


def test_what_was_agreed_on_is_kept_once_and_outlives_new_content_and_the_record(store: Store) -> None:
    take(store, "1", "a.json", title="agreed")
    store.links.save(a_link("1", 7, agreed=canonical(store)), NOW)
    assert raw(store, "SELECT agreed FROM links") == [(None,)]
    assert agreed_title(store) == "agreed"
    take(store, "1", "b.json", title="new")
    assert (agreed_title(store), title(store)) == ("agreed", "new")
    store.links.save(a_link("1", 7, agreed=canonical(store)), NOW)
    assert raw(store, "SELECT agreed FROM links") == [(None,)]
    store.records.forget("invoice", "1")
    assert agreed_title(store) == "new"


def test_what_was_reported_is_kept_once(store: Store) -> None:
    store.links.save(a_link("1", 7, state={"standing": "draft"}, reported={"standing": "draft"}), NOW)
    store.links.save(a_link("2", 8, state={"standing": "draft"}), NOW)
    assert raw(store, "SELECT reported FROM links ORDER BY id") == [(None,), ("{}",)]
    assert [link.reported for link in store.links.all("invoice")] == [{"standing": "draft"}, {}]
    assert store.links.unreported_ids("invoice") == ["2"]


def test_links_come_in_the_order_of_their_documents(store: Store) -> None:
    for shop_id, ledger_id in (("c", 100), ("a", 20), ("b", 3)):
        store.links.save(a_link(shop_id, ledger_id), NOW)
    assert [link.shop_id for link in store.links.all("invoice")] == ["b", "a", "c"]


def test_a_link_may_hold_several_documents_and_each_belongs_to_one(store: Store, tmp_path: Path) -> None:
    order = LinkedDocument("order", "order", LedgerId(5), "AU-5", "https://x/order/5")
    deliveries = tuple(LinkedDocument("delivery", "delivery", LedgerId(number)) for number in (9, 10))
    store.links.save(a_link("1", 7, documents=(*deliveries, order)), NOW)
    store.links.save(a_link("2", 8), NOW)
    link = store.links.get("invoice", "1")
    assert link is not None
    assert link.documents == (*deliveries, order)
    assert store.links.owner_of("order", LedgerId(5)) == store.links.owner_of("invoice", LedgerId(7)) == ("main", "1")
    assert store.links.owner_of("order", LedgerId(7)) is None
    store.links.save(replace(link, documents=(order,)), NOW)
    assert store.links.owner_of("delivery", LedgerId(9)) is None
    assert len(list(store.links.all("invoice"))) == 2
    (second,) = raw(store, "SELECT id FROM links WHERE shop_id = '2'")
    stolen = "INSERT INTO link_documents VALUES (?, 'order', 'order', '5', '', '')"
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store.links._db.connection.execute(stolen, second)
    store.links.forget("invoice", "1")
    assert store.links.owner_of("order", LedgerId(5)) is None
    assert raw(store, "SELECT count(*) FROM link_documents") == [(1,)]


def test_several_customers_may_share_a_contact(store: Store) -> None:
    for customer in ("anna", "beat"):
        store.links.save(Link("customer", customer, "contact", LedgerId(4), "", "", is_open=False), NOW)
    assert sorted(store.links.marks("customer")) == [("anna", "4", ""), ("beat", "4", "")]
    assert store.links.owner_of("contact", LedgerId(4)) is None


def an_intent(key: str, state: IntentState, kind: str = "invoice") -> Intent:
    return Intent(
        "main", kind, key, state, "hash", {"text": "secret"}, {"total": "1"}, "invoice", "1", "main", PUSH,
        attempt=1, owner="here", sent_at=NOW, not_before=NOW, result={"number": "RE-1"},
        link={"ledger_kind": "invoice"},
    )  # fmt: skip


def test_a_done_step_keeps_what_it_came_to_and_nothing_of_what_was_sent(store: Store) -> None:
    for state in IntentState:
        store.intents.save(an_intent(state.value, state), NOW)
    for state in IntentState:
        kept = store.intents.get("main", "invoice", state.value)
        whole = an_intent(state.value, state)
        if state is IntentState.DONE:
            whole = replace(whole, payload={}, expect={}, link={}, owner="", not_before=None)
        assert kept == whole


def attempt(outcome: str, minutes: int = 0, reason: str = "") -> Attempt:
    return Attempt("main", "invoice", "k", NOW + timedelta(minutes=minutes), 3, outcome, reason, "hash")


def test_attempts_are_only_added(store: Store) -> None:
    store.attempts.add(attempt("in_doubt", reason="x" * 300))
    store.attempts.add(attempt("done", minutes=5))
    store.attempts.add(replace(attempt("done"), key="other"))
    assert store.attempts.of("main", "invoice", "k") == [
        attempt("in_doubt", reason="x" * 200),
        attempt("done", minutes=5),
    ]
    with pytest.raises(sqlite3.IntegrityError, match="attempts are only added"), store.transaction():
        store.links._db.connection.execute("UPDATE attempts SET outcome = 'done'")


def test_attempts_outlive_what_is_forgotten_and_go_with_what_is_pruned(store: Store, tmp_path: Path) -> None:
    store.intents.save(an_intent("k", IntentState.DONE), NOW)
    store.attempts.add(attempt("done"))
    store.intents.forget("invoice", "1", NOW + timedelta(days=1))
    assert store.intents.get("main", "invoice", "k") is None
    assert [(one.outcome, one.run) for one in store.attempts.of("main", "invoice", "k")] == [
        ("done", 3),
        ("forgotten", None),
    ]
    store.attempts.add(attempt("done", minutes=3 * 24 * 60))
    with closing(open_database(tmp_path / "bexio-1.db")) as database:
        prune(database, keep=timedelta(days=2), now=NOW + timedelta(days=3))
    assert [one.outcome for one in store.attempts.of("main", "invoice", "k")] == ["forgotten", "done"]


def test_pruned_orders_keep_their_figures_and_lose_their_people(store: Store, tmp_path: Path) -> None:
    order = {
        "shop_id": "5", "status": "completed", "ordered_at": "2026-11-20T09:00:00Z", "currency": "CHF", "total": "9",
        "updated_at": "2026-11-20T09:00:00Z", "purchase_order_number": "PO-7", "customer_note": "bitte klingeln",
        "customer": {"email": "anna@example.ch"}, "billing_address": {"city": "Bern"},
        "shipping_address": {"city": "Thun"}, "lines": [{"line_id": "1", "name": "Tasse", "unit_price": "9"}],
        "refunds": [
            {"shop_id": "r", "amount": "9", "currency": "CHF", "refunded_at": "2026-11-20T09:00:00Z", "reason": "alt"}
        ],
        "fulfillments": [{"shop_id": "f", "shipped_at": "2026-11-20T09:00:00Z", "tracking": "99.00.1"}],
    }  # fmt: skip
    store.records.take(IncomingRecord("order", read_record("order", order), "a.json", "record 1"), "5", NOW)
    store.records.settle("order", "5", RecordState.DONE, "", NOW)
    with closing(open_database(tmp_path / "bexio-1.db")) as database:
        assert prune(database, keep=timedelta(days=2), now=NOW + timedelta(days=3)).records == 1
    row = store.records.get("order", "5")
    assert row is not None
    assert row.fingerprint == read_record("order", order).fingerprint()
    kept = json.dumps(row.canonical())
    assert [
        word for word in ("anna", "Bern", "Thun", "Tasse", "PO-7", "klingeln", "alt", "99.00") if word in kept
    ] == []
    assert row.canonical()["updated_at"] == "2026-11-20T09:00:00Z"
    assert row.record()


def asked(store: Store, call: Callable[[], object]) -> str:
    """How SQLite finds the rows of the questions of a call."""
    found: list[str] = []
    connection = store.links._db.connection
    connection.set_trace_callback(found.append)
    call()
    connection.set_trace_callback(None)
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in found if "SELECT" in sql]
    return "\n".join(row["detail"] for plan in plans for row in plan)


@pytest.mark.parametrize(
    ("index", "call"),
    [
        ("unsettled_intents", lambda store: store.intents.unsettled()),
        ("unsettled_intents", lambda store: store.intents.under_way("contact")),
        ("intents_of_subject", lambda store: store.intents.of_subject("invoice", "1")),
        ("open_links", lambda store: store.links.open_ids("invoice")),
        ("paid_links", lambda store: store.links.paid_since("invoice", NOW.date())),
        ("sqlite_autoindex_links_1", lambda store: store.links.some("invoice", ["1", "2"])),
        ("one_link_per_document", lambda store: store.links.of_documents("invoice", "invoice", [LedgerId(1)])),
        ("documents_by_number", lambda store: store.links.ids_numbered("invoice", "RE-1")),
        ("own_links", lambda store: store.links.newest_present("invoice")),
        ("adopted_links", lambda store: store.links.newest_present("invoice")),
        ("unreported_links", lambda store: store.links.unreported("invoice")),
        ("unreported_links", lambda store: store.links.unreported_ids("invoice")),
        ("one_link_per_document", lambda store: store.links.owner_of("invoice", LedgerId(1))),
        ("records_by_state", lambda store: list(store.records.in_state("invoice", RecordState.OPEN))),
        ("records_by_state", lambda store: store.records.open_referring("invoice")),
        ("records_by_original", lambda store: store.records.referring("invoice", "1")),
        ("records_by_number", lambda store: store.records.numbered("invoice", "2026-1")),
        ("records_by_day", lambda store: list(store.records.dated("invoice", ["2026-11-20"]))),
        ("records_by_origin", lambda store: store.records.from_source("monday.json")),
        ("ignored_records", lambda store: store.records.ignored_reasons("invoice")),
        ("runs_of_job", lambda store: store.runs.newest(PUSH, 1)),
        ("one_open_error", lambda store: store.errors.open()),
        ("contacts_by_mail", lambda store: store.contacts.by_mail("anna@example.ch")),
        ("contacts_by_second_mail", lambda store: store.contacts.by_mail("anna@example.ch")),
        ("contacts_by_name", lambda store: store.contacts.by_name("Keller", "Anna", "8640")),
        ("contacts_by_number", lambda store: store.contacts.number_is_free(7)),
        ("attempts", lambda store: store.attempts.of("main", "invoice", "k")),
    ],
)
def test_every_question_that_runs_ask_uses_its_index(store: Store, index: str, call: Callable[[Store], object]) -> None:
    plan = asked(store, lambda: call(store))
    assert index in plan
    # A list of values that the question itself brings along is no table.
    assert "SCAN" not in plan.replace("SCAN json_each", "")
