"""What the tables promise: sources, errors, lists of many thousands."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.config.profile import Profile
from bexsync.jobs.reporting import status_rows
from bexsync.ports.shop import IncomingRecord
from bexsync.ports.store import Link, RecordState
from bexsync.records import read_record
from bexsync.store import Store, open_store
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
        link = Link("product", shop_id, "item", number, f"A-{number}", "https://x", state={"url": "https://x/1"},
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
                Link("invoice", str(number), "invoice", number + 1, f"RE-{number}", f"https://x/{number}",
                     agreed=body, state=state, reported=state, is_open=False),
                NOW,
            )  # fmt: skip
            if number % 100 == 0:
                note(store, str(number), cause=f"cause {number}")
    began = time.process_time()
    rows = status_rows(store, Profile())
    took = time.process_time() - began
    assert len(rows) == 20_000
    assert sum(bool(row.error) for row in rows) == 200
    assert took < 1.5
