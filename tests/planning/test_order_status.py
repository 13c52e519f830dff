"""Which status the shop's order gets: never backwards, never against a newer one, never what came from bexsync."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.planning.order_link import WrittenStatus, comes_back, digest_beside_status
from bexsync.planning.order_status import Event, LedgerSide, NoChange, ShopSide, StatusChange, status_for_shop
from bexsync.ports.documents import DocumentStatus, OrderStatus
from planning.order_kit import an_order, settings

ALL = {"paid": "completed", "partly_paid": "part", "cancelled": "cancelled", "done": "archived"}
LATER = datetime.fromisoformat("2026-11-25T12:00:00+01:00")
SENT = ShopSide(is_sent=True, handled="processing")
D, O = DocumentStatus, OrderStatus  # noqa: E741


def told(
    ledger: LedgerSide, shop: ShopSide = SENT, named: dict[str, str] | None = None, own_done: bool = False, **order: Any
) -> str:
    """The status that is written, "" where none is."""
    own = settings(status=ALL if named is None else named, own_done=own_done)
    seen = replace(ledger, order_changed_at=LATER, invoice_changed_at=LATER)
    found = status_for_shop(own, an_order(**order), seen, shop)
    return found.status if isinstance(found, StatusChange) else ""


@pytest.mark.parametrize(
    ("ledger", "status"),
    [
        (LedgerSide(), ""),
        (LedgerSide(invoice=D.DRAFT), ""),
        (LedgerSide(invoice=D.ISSUED), ""),
        (LedgerSide(invoice=D.UNPAID), ""),
        (LedgerSide(invoice=D.PARTLY_PAID), "part"),
        (LedgerSide(invoice=D.PAID), "completed"),
        (LedgerSide(invoice=D.CANCELLED), "cancelled"),
        (LedgerSide(invoice=D.CANCELLED, is_own_cancellation=True), ""),
        (LedgerSide(invoice=D.DELETED), ""),
        (LedgerSide(order=O.PENDING), ""),
        (LedgerSide(order=O.PARTIAL), ""),
        (LedgerSide(order=O.CANCELLED), "cancelled"),
        (LedgerSide(order=O.CANCELLED, invoice=D.PAID), "completed"),
        (LedgerSide(order=O.CANCELLED, invoice=D.DELETED), "cancelled"),
        (LedgerSide(order=O.DELETED), ""),
        (LedgerSide(order=O.DONE), "archived"),
        (LedgerSide(order=O.DONE, is_own_end=True), ""),
        (LedgerSide(order=O.DONE, invoice=D.PAID), "archived"),
        (LedgerSide(order=O.DONE, invoice=D.PAID, is_own_end=True), "completed"),
        (LedgerSide(order=O.DONE, invoice=D.CANCELLED, is_own_end=True), "cancelled"),
    ],
)
def test_what_the_ledger_shows_becomes_a_status(ledger: LedgerSide, status: str) -> None:
    assert told(ledger) == status


def test_an_end_that_bexsync_brought_about_is_told_where_that_is_wanted() -> None:
    assert told(LedgerSide(order=O.DONE, is_own_end=True), own_done=True) == "archived"


@pytest.mark.parametrize("key", list(ALL))
def test_an_event_without_a_status_writes_nothing(key: str) -> None:
    every = (LedgerSide(invoice=D.PAID), LedgerSide(invoice=D.PARTLY_PAID), LedgerSide(order=O.DONE))
    for ledger in (*every, LedgerSide(invoice=D.CANCELLED)):
        assert told(ledger, named={}) == ""
        assert told(ledger, named={key: ALL[key]}) in ("", ALL[key])


def test_what_has_no_status_leaves_the_word_to_what_went_before_it() -> None:
    assert told(LedgerSide(order=O.DONE, invoice=D.PAID), named={"paid": "completed"}) == "completed"


def test_only_orders_that_bexsync_sent() -> None:
    assert told(LedgerSide(invoice=D.PAID), ShopSide(is_sent=False, handled="processing")) == ""


OF: dict[Event, LedgerSide] = {
    Event.PARTLY_PAID: LedgerSide(invoice=D.PARTLY_PAID),
    Event.PAID: LedgerSide(invoice=D.PAID),
    Event.DONE: LedgerSide(order=O.DONE),
    Event.CANCELLED: LedgerSide(invoice=D.CANCELLED),
}
FORWARD = {
    (Event.PARTLY_PAID, Event.PAID),
    (Event.PARTLY_PAID, Event.DONE),
    (Event.PAID, Event.DONE),
    (Event.PARTLY_PAID, Event.CANCELLED),
}


@pytest.mark.parametrize("before", list(Event))
@pytest.mark.parametrize("after", list(Event))
def test_never_backwards(before: Event, after: Event) -> None:
    written = WrittenStatus(ALL[before.value], "", before.value)
    shop = replace(SENT, written=written)
    expected = ALL[after.value] if (before, after) in FORWARD else ""
    assert told(OF[after], shop, status=written.status) == expected


def test_a_status_that_two_events_share_is_written_once() -> None:
    both = {"paid": "completed", "done": "completed"}
    shop = replace(SENT, written=WrittenStatus("completed", "", "paid"))
    assert told(OF[Event.DONE], shop, both, status="completed") == ""
    assert told(OF[Event.DONE], shop, both, status="processing") == ""  # somebody set it back in the shop


def test_a_status_that_the_shop_has_already_is_not_written() -> None:
    assert told(OF[Event.PAID], status="completed") == ""


@pytest.mark.parametrize(
    ("status", "updated_at", "written"),
    [
        ("processing", "2026-11-26T10:00:00+01:00", True),  # another change of the order, its status is the one handled
        ("on-hold", "2026-11-24T10:00:00+01:00", True),  # the shop's change came before the payment
        ("on-hold", "2026-11-26T10:00:00+01:00", False),  # and here after it
        ("on-hold", None, False),  # nobody can tell
    ],
)
def test_never_against_a_newer_status(status: str, updated_at: str | None, written: bool) -> None:
    assert bool(told(OF[Event.PAID], status=status, updated_at=updated_at)) is written


def test_a_change_carries_the_status_that_it_expects_and_what_is_to_be_remembered() -> None:
    order = an_order()
    found = status_for_shop(settings(status=ALL), order, replace(OF[Event.PAID], invoice_changed_at=LATER), SENT)
    assert isinstance(found, StatusChange)
    assert (found.expected, found.status, found.event) == ("processing", "completed", Event.PAID)
    assert found.as_written() == WrittenStatus("completed", digest_beside_status(order), "paid")


# our own write-back that comes back

BACK: dict[str, Any] = {
    "status": "completed",
    "updated_at": "2026-11-26T10:00:00+01:00",
    "completed_at": "2026-11-26T10:00:00+01:00",
    "paid_at": "2026-11-26T10:00:00+01:00",
    "financial_status": "paid",
    "total_outstanding": "0",
}


def test_a_write_back_that_comes_back_is_known() -> None:
    written = WrittenStatus("completed", digest_beside_status(an_order()), "paid")
    assert comes_back(an_order(**BACK), written)
    assert not comes_back(an_order(**BACK), None)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "processing"},
        {"total": "90.00"},
        {"purchase_order_number": "B-1"},
        {"payments": [{"shop_id": "t1", "amount": "100", "currency": "CHF"}]},
        {"fulfillments": [{"shop_id": "f1", "shipped_at": "2026-11-26T10:00:00+01:00"}]},
        {"refunds": [{"shop_id": "r1", "amount": "1", "currency": "CHF", "refunded_at": "2026-11-26T10:00:00+01:00"}]},
        {"shipping_address": {"city": "Bern"}},
    ],
)
def test_anything_else_that_changed_makes_it_a_change_of_the_shop(change: dict[str, Any]) -> None:
    written = WrittenStatus("completed", digest_beside_status(an_order()), "paid")
    assert not comes_back(an_order(**BACK | change), written)


ledgers = st.builds(
    LedgerSide,
    order=st.sampled_from([None, *O]),
    invoice=st.sampled_from([None, *D]),
    is_own_end=st.booleans(),
    is_own_cancellation=st.booleans(),
    order_changed_at=st.sampled_from([None, LATER]),
    invoice_changed_at=st.sampled_from([None, LATER]),
)


@given(
    st.lists(ledgers, min_size=1, max_size=8), st.booleans(), st.dictionaries(st.sampled_from(list(ALL)), st.just("x"))
)
def test_whatever_happens_a_status_is_written_once_and_only_forwards(
    history: list[LedgerSide], own_done: bool, shared: dict[str, str]
) -> None:
    own, order, shop = settings(status=ALL | shared, own_done=own_done), an_order(), SENT
    events: list[Event] = []
    statuses: list[str] = []
    for ledger in history:
        found = status_for_shop(own, order, ledger, shop)
        if isinstance(found, NoChange):
            continue
        events.append(found.event)
        statuses.append(found.status)
        shop = replace(shop, written=found.as_written())
        order = order.model_copy(update={"status": found.status})
        assert comes_back(order, shop.written)
        assert isinstance(status_for_shop(own, order, ledger, shop), NoChange)
    assert all(one != other for one, other in pairwise(statuses))
    assert all(pair in FORWARD for pair in pairwise(events))
