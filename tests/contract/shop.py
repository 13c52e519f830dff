"""What every shop adapter must do; a new one inherits ShopContract, and the contracts of what it is capable of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bexsync.ports.shop import (
    Event,
    Incoming,
    IncomingRecord,
    InvalidInput,
    Shop,
    SourceReport,
    SourceState,
    StatusRow,
    WriteBack,
)

Drop = Callable[..., None]


def an_invoice(shop_id: str = "R-1", **fields: Any) -> dict[str, Any]:
    """The JSON of a small invoice that adds up."""
    return {
        "shop_id": shop_id,
        "invoice_date": "2026-11-20",
        "currency": "CHF",
        "customer": {"company_name": "Muster AG", "email": "rechnung@muster.example.ch"},
        "lines": [{"name": "Beratung", "quantity": "2", "unit_price": "50.00", "tax_rate": "8.1"}],
        "total_net": "100.00",
        "total_tax": "8.10",
        "total": "108.10",
        **fields,
    }


def an_event(event_id: str = "e-1", **fields: Any) -> Event:
    """One thing to tell the shop."""
    return Event(
        event_id=event_id,
        at=fields.pop("at", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        name=fields.pop("name", "issued"),
        kind="invoice",
        shop_id=fields.pop("shop_id", "R-1"),
        data={"number": "RE-00042", "total": "108.10", "currency": "CHF", **fields},
    )


def handed_over(shop: Shop, *, claim: bool = True, since: str = "") -> Iterator[Incoming]:
    """Everything the shop hands over now, one by one."""
    return (item for batch in shop.changes(since, claim=claim) for item in batch.items)


def taken(shop: Shop, *, claim: bool = True, since: str = "") -> list[IncomingRecord]:
    """The records the shop hands over now."""
    return [found for found in handed_over(shop, claim=claim, since=since) if isinstance(found, IncomingRecord)]


def last_cursor(shop: Shop, since: str) -> str:
    """The cursor after everything that the shop hands over now."""
    return [batch.cursor for batch in shop.changes(since, claim=True)][-1]


def unreadable(shop: Shop, *, claim: bool = True) -> list[InvalidInput]:
    """What the shop cannot hand over now."""
    return [found for found in handed_over(shop, claim=claim) if isinstance(found, InvalidInput)]


def ids(intakes: Sequence[IncomingRecord]) -> list[str]:
    """The shop ids of some records."""
    return [intake.record.canonical()["shop_id"] for intake in intakes]


def reports(state: SourceState, found: Sequence[IncomingRecord | InvalidInput], *sentences: str) -> list[SourceReport]:
    """One report per source, all with the same state."""
    return [SourceReport(source, state, sentences) for source in dict.fromkeys(f.source for f in found)]


class ShopContract:
    """Inherit it, name the class Test..., and override the fixtures."""

    @pytest.fixture
    def shop(self) -> Shop:
        """A shop with nothing in it."""
        raise NotImplementedError

    @pytest.fixture
    def drop(self) -> Drop:
        """Puts JSON records into the shop as one source: `drop(record, record, ..., kind="invoice")`."""
        raise NotImplementedError

    @pytest.fixture
    def traces(self) -> Callable[[], object]:
        """Everything the shop keeps, so that two looks can be compared."""
        raise NotImplementedError

    def test_an_empty_shop_hands_over_nothing(self, shop: Shop) -> None:
        assert list(handed_over(shop, claim=True)) == []
        assert list(handed_over(shop, claim=False)) == []

    def test_each_record_is_handed_over_once(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        drop(an_invoice("R-3"))
        assert sorted(ids(taken(shop))) == ["R-1", "R-2", "R-3"]

    def test_a_record_says_where_it_came_from(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        first, second = taken(shop)
        assert first.kind == second.kind == "invoice"
        assert first.source == second.source != ""
        assert first.location != second.location

    def test_equal_content_has_an_equal_fingerprint(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1", total="108.10"))
        drop(an_invoice("R-1", total="108.1"))
        fingerprints = {intake.record.fingerprint() for intake in taken(shop)}
        assert len(fingerprints) == 1

    def test_customers_are_records_too(self, shop: Shop, drop: Drop) -> None:
        drop({"shop_id": "K-1", "company_name": "Muster AG"}, kind="customer")
        assert [intake.kind for intake in taken(shop)] == ["customer"]

    def test_what_is_unreadable_leaves_the_others_alone(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2", total="viel"), an_invoice("R-3"))
        assert ids(taken(shop)) == ["R-1", "R-3"]
        [complaint] = unreadable(shop)
        assert (complaint.kind, complaint.shop_id) == ("invoice", "R-2")
        assert "`total`" in complaint.message
        assert complaint.source
        assert complaint.hint

    def test_a_run_that_stops_early_loses_nothing(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        drop(an_invoice("R-3"))
        next(iter(handed_over(shop, claim=True)))
        assert sorted(ids(taken(shop))) == ["R-1", "R-2", "R-3"]

    def test_looking_changes_nothing(self, shop: Shop, drop: Drop, traces: Callable[[], object]) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2", total="viel"))
        before = traces()
        list(handed_over(shop, claim=False))
        assert traces() == before

    def test_looking_shows_what_taking_would_bring(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"))
        taken(shop)
        drop(an_invoice("R-2"), an_invoice("R-3", total="viel"))
        seen, complaints = ids(taken(shop, claim=False)), len(unreadable(shop, claim=False))
        assert (seen, complaints) == (ids(taken(shop)), len(unreadable(shop)))

    def test_kinds_and_statuses_are_those_it_declares(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"))
        drop({"shop_id": "K-1", "company_name": "Muster AG"}, kind="customer")
        found = taken(shop)
        assert {record.kind for record in found} <= shop.capabilities.changes
        statuses = {getattr(one.record, "status", None) for one in found} - {None}
        assert statuses <= shop.capabilities.statuses

    def test_every_capability_has_its_contract(self, shop: Shop) -> None:
        able, contracts = shop.capabilities, set(type(self).__mro__)
        assert (SourceContract in contracts) is able.has_sources
        assert (EventContract in contracts) is (WriteBack.EVENTS in able.write_backs)
        assert (StatusListContract in contracts) is (WriteBack.STATUS_LIST in able.write_backs)
        assert (CursorContract in contracts) is not able.has_sources
        assert ({WriteBack.STOCK, WriteBack.PRODUCT_FIELDS} <= able.write_backs) is ("product" in able.lists)


class SourceContract:
    """Of a shop that puts a source away when all its records have been dealt with."""

    def test_open_records_are_handed_over_again(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"))
        first = taken(shop)
        assert list(shop.archive(reports(SourceState.OPEN, first))) == []
        drop(an_invoice("R-2"))
        assert ids(taken(shop)) == ["R-1", "R-2"]
        assert taken(shop)[0] == first[0]

    @pytest.mark.parametrize("state", [SourceState.DONE, SourceState.GIVEN_UP])
    def test_settled_records_are_not_handed_over_again(self, shop: Shop, drop: Drop, state: SourceState) -> None:
        drop(an_invoice("R-1"))
        shop.archive(reports(state, taken(shop), "invoice R-1: field `total` is missing"))
        assert list(handed_over(shop, claim=True)) == []

    @pytest.mark.parametrize("state", list(SourceState))
    def test_tidying_twice_is_tidying_once(
        self, shop: Shop, drop: Drop, traces: Callable[[], object], state: SourceState
    ) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2", total="viel"))
        told = reports(state, list(handed_over(shop, claim=True)), "invoice R-2: field `total` must be a number")
        shop.archive(told)
        before = traces()
        shop.archive(told)
        assert traces() == before

    def test_a_source_that_is_gone_is_no_error(self, shop: Shop) -> None:
        shop.archive([SourceReport("gone.json", state) for state in SourceState])
        assert list(handed_over(shop, claim=True)) == []

    def test_tidying_one_origin_leaves_the_others(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"))
        first = taken(shop)
        drop(an_invoice("R-2"))
        taken(shop)
        shop.archive(reports(SourceState.DONE, first))
        assert ids(taken(shop)) == ["R-2"]


class CursorContract:
    """Of a shop that is asked for what has changed since a cursor."""

    def test_nothing_comes_again_after_the_last_cursor(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        cursor = last_cursor(shop, "")
        assert cursor != ""
        assert ids(taken(shop, since=cursor)) == []

    def test_what_was_added_or_changed_comes_after_the_last_cursor(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        cursor = last_cursor(shop, "")
        drop(an_invoice("R-2", title="Zweite Fassung"), an_invoice("R-3"))
        assert ids(taken(shop, since=cursor)) == ["R-2", "R-3"]

    def test_an_earlier_cursor_brings_the_same_again(self, shop: Shop, drop: Drop) -> None:
        drop(an_invoice("R-1"), an_invoice("R-2"))
        first = taken(shop)
        shop.acknowledge(last_cursor(shop, ""))
        assert [found.record.fingerprint() for found in taken(shop)] == [found.record.fingerprint() for found in first]


class EventContract:
    """Of a shop that is told of events."""

    @pytest.fixture
    def delivered(self) -> Callable[[], list[Mapping[str, Any]]]:
        """The events as the shop sees them, each with `event_id`, `event`, `shop_id` and its data."""
        raise NotImplementedError

    def test_an_event_arrives_with_its_data(self, shop: Shop, delivered: Callable[[], list[Mapping[str, Any]]]) -> None:
        shop.deliver(an_event("e-1", url="https://example.com/1"))
        [event] = delivered()
        assert event["event_id"] == "e-1"
        assert event["event"] == "issued"
        assert event["shop_id"] == "R-1"
        assert event["number"] == "RE-00042"
        assert event["url"] == "https://example.com/1"

    def test_a_repeated_event_can_be_told_apart(
        self, shop: Shop, delivered: Callable[[], list[Mapping[str, Any]]]
    ) -> None:
        for event_id in ("e-1", "e-1", "e-2"):
            shop.deliver(an_event(event_id))
        arrived = delivered()
        assert list(dict.fromkeys(event["event_id"] for event in arrived)) == ["e-1", "e-2"]
        repeats = [event for event in arrived if event["event_id"] == "e-1"]
        assert all(event == repeats[0] for event in repeats)


class StatusListContract:
    """Of a shop that takes a status list."""

    @pytest.fixture
    def published(self) -> Callable[[], list[Mapping[str, str]]]:
        """The status list as the shop sees it."""
        raise NotImplementedError

    def test_the_status_list_is_replaced_as_a_whole(
        self, shop: Shop, published: Callable[[], list[Mapping[str, str]]]
    ) -> None:
        shop.publish([StatusRow("R-1", status="sent"), StatusRow("R-2", status="sent")])
        shop.publish([StatusRow("R-2", status="paid", paid_amount="108.10", paid_date="2026-11-20")])
        assert [(row["shop_id"], row["status"], row["paid_amount"]) for row in published()] == [
            ("R-2", "paid", "108.10")
        ]

    def test_publishing_the_same_twice_writes_once(self, shop: Shop, traces: Callable[[], object]) -> None:
        rows = [StatusRow("R-1", "RE-00042", "sent")]
        shop.publish(rows)
        before = traces()
        assert shop.has_status_list()
        shop.publish(iter(rows))
        assert traces() == before
