"""Of an order only the newest version counts, by the shop's own clock; one of another site is none of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.engine.result import Result
from bexsync.jobs.order_versions import Version, version_of
from bexsync.ports.store import RecordRow, RecordState
from bexsync.records import Order, read_record
from world import World


def an_order(shop_id: str | int = "5001", at: str | None = "2026-11-04T10:00:00Z", **fields: Any) -> dict[str, Any]:
    order = {
        "shop_id": shop_id,
        "status": "processing",
        "ordered_at": "2026-11-04T09:00:00Z",
        "updated_at": at,
        "currency": "CHF",
        "lines": [{"name": "Tasse", "unit_price": "24.50"}],
        "total": "24.50",
        **fields,
    }
    return {key: value for key, value in order.items() if value is not None}


def lines(*orders: dict[str, Any]) -> bytes:
    return "".join(json.dumps({"schema": "bexsync/1", "kind": "order", **order}) + "\n" for order in orders).encode()


def taken_in(world: World, *orders: dict[str, Any], name: str) -> Result:
    world.drop(*orders, name=name, kind="order")
    return world.push()


def row(world: World, shop_id: str = "5001") -> RecordRow:
    with world.workspace() as workspace:
        found = workspace.store.records.get("order", shop_id)
    assert found is not None
    return found


def status(world: World, shop_id: str = "5001") -> str:
    return str(row(world, shop_id).canonical()["status"])


def codes(result: Result) -> list[str]:
    return [outcome.code for outcome in result.outcomes if outcome.kind in ("order", "file")]


def settle(world: World, state: RecordState = RecordState.DONE) -> None:
    with world.workspace() as workspace:
        workspace.store.records.settle("order", "5001", state, "", world.clock.now())


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_the_newest_version_counts_in_whatever_order_they_come(world: World, order: tuple[str, str]) -> None:
    versions = {
        "old": an_order(at="2026-11-04T11:30:00+01:00", status="pending"),
        "new": an_order(at="2026-11-04T11:00:00Z", status="completed"),
    }
    taken_in(world, versions[order[0]], name="a.json")
    result = taken_in(world, versions[order[1]], name="b.json")
    assert status(world) == "completed"
    assert codes(result) == []
    named = [sentence for key, sentence in result.mentions.items() if key == "older order 5001"]
    assert named == (
        [
            "b.json, record 1: order 5001 as it was at 2026-11-04 10:30:00 UTC is left alone, "
            "since the one of 2026-11-04 11:00:00 UTC is known."
        ]
        if order == ("new", "old")
        else []
    )


def test_versions_in_one_file_are_told_apart_by_their_moments(world: World) -> None:
    versions = [an_order(at=f"2026-11-04T1{hour}:00:00Z", status=f"s{hour}") for hour in (1, 3, 2)]
    assert codes(taken_in(world, *versions, name="a.json")) == []
    assert status(world) == "s3"


@given(st.permutations([*range(1, 6)]))
def test_in_any_order_the_newest_version_is_kept(hours: list[int]) -> None:
    kept: RecordRow | None = None
    for hour in hours:
        order = read_record("order", an_order(at=f"2026-11-04T{hour:02}:00:00+02:00", status=f"s{hour}"))
        assert isinstance(order, Order)
        if version_of(order, kept) is Version.NEW:
            body = json.dumps(order.canonical())
            kept = RecordRow("order", "5001", order.fingerprint(), body, "", "", RecordState.OPEN, "", "")
    assert kept is not None
    assert kept.canonical()["status"] == "s5"


def test_a_newer_version_opens_the_order_again_and_the_same_does_not(world: World) -> None:
    taken_in(world, an_order(), name="a.json")
    settle(world)
    taken_in(world, an_order(), name="b.json")
    assert row(world).state is RecordState.DONE
    taken_in(world, an_order(at="2026-11-04T11:00:00Z", status="completed"), name="c.json")
    assert row(world).state is RecordState.OPEN
    assert status(world) == "completed"


def test_a_newer_version_in_an_older_file_counts(world: World) -> None:
    """Files stay in work/ while an order is open, and may be added to there."""
    world.drop_bytes(lines(an_order(), an_order("5002")), "a.ndjson")
    world.push()
    taken_in(world, an_order(at="2026-11-04T11:00:00Z", status="second"), name="b.json")
    claimed = world.shop / "work" / "a.ndjson"
    claimed.write_bytes(claimed.read_bytes() + lines(an_order(at="2026-11-04T12:00:00Z", status="third")))
    world.date(claimed, seconds_ago=60)
    world.push()
    assert status(world) == "third"


def test_the_same_moment_with_different_content_stops_the_order(world: World) -> None:
    taken_in(world, an_order(), name="a.json")
    result = taken_in(world, an_order(at="2026-11-04T11:00:00+01:00", status="completed"), name="b.json")
    [outcome] = [outcome for outcome in result.outcomes if outcome.kind == "order"]
    assert outcome.code == "two_versions"
    assert outcome.reason == (
        "order 5001 came twice: b.json, record 1 has it with the same updated_at, 2026-11-04 10:00:00 UTC, "
        "and different content; nothing more is done for it."
    )
    assert row(world).state is RecordState.GIVEN_UP
    assert {path.name for path in (world.shop / "failed").glob("*.json")} >= {"a.json", "b.json"}
    taken_in(world, an_order(at="2026-11-04T12:00:00Z", status="saved again"), name="c.json")
    assert row(world).state is RecordState.OPEN
    assert status(world) == "saved again"


def test_a_still_newer_version_settles_which_of_two_was_right(world: World) -> None:
    versions = [an_order(status="one"), an_order(status="two")]
    assert codes(taken_in(world, *versions, name="a.json")) == ["two_versions"]
    settled = [*versions, an_order(at="2026-11-04T12:00:00Z", status="three")]
    assert codes(taken_in(world, *settled, name="b.json")) == []
    assert (status(world), row(world).state) == ("three", RecordState.OPEN)
    with world.workspace() as workspace:
        assert [error.code for error in workspace.store.errors.open() if error.kind == "order"] == []


def test_orders_that_nothing_is_done_for_are_named(world: World) -> None:
    assert "set enabled = true under [orders]" in taken_in(world, an_order(), name="a.json").mentions["orders"]
    world.set_profile(orders={"enabled": True})
    assert "orders" not in taken_in(world, an_order("5002"), name="b.json").mentions


def test_a_version_that_does_not_say_when_it_was_written_stops_the_order(world: World) -> None:
    taken_in(world, an_order(), name="a.json")
    result = taken_in(world, an_order(at=None, status="completed"), name="b.json")
    assert codes(result) == ["two_versions"]
    assert status(world) == "processing"


def test_without_any_moments_the_later_file_counts(world: World) -> None:
    taken_in(world, an_order(at=None), name="a.json")
    taken_in(world, an_order(at=None, status="completed"), name="b.json")
    assert status(world) == "completed"
    world.push()
    assert status(world) == "completed"


def test_two_new_files_without_moments_that_disagree_are_a_question(world: World) -> None:
    world.drop(an_order(at=None), name="a.json", kind="order")
    assert codes(taken_in(world, an_order(at=None, status="completed"), name="b.json")) == ["two_files"]


def test_a_version_that_cannot_be_read_stops_the_order_in_its_file(world: World) -> None:
    broken = an_order(at="2026-11-04T12:00:00Z", total="viel")
    assert codes(taken_in(world, an_order(), broken, name="a.json")) == ["unreadable"]
    assert row(world).state is RecordState.GIVEN_UP
    taken_in(world, an_order(at="2026-11-04T13:00:00Z"), name="b.json")
    assert row(world).state is RecordState.OPEN


def test_an_order_of_another_site_is_never_a_version_of_ours(world: World) -> None:
    taken_in(world, an_order(site="main"), name="a.json")
    result = taken_in(world, an_order(site="shop-b", at="2026-11-05T10:00:00Z", status="completed"), name="b.json")
    [outcome] = [outcome for outcome in result.outcomes if outcome.kind == "file"]
    assert outcome.code == "other_site"
    assert outcome.reason == ('b.json, record 1: order 5001 is of the site "shop-b", and this profile\'s is "main".')
    assert status(world) == "processing"
    assert (world.shop / "failed" / "b.json").exists()


def test_neighbouring_large_ids_are_two_orders(world: World) -> None:
    taken_in(world, an_order(9007199254740993, status="odd"), an_order(9007199254740992, status="even"), name="a.json")
    assert status(world, "9007199254740993") == "odd"
    assert status(world, "9007199254740992") == "even"
