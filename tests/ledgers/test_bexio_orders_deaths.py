"""A run of an order that dies at any boundary: whatever was begun is finished once by the runs after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from orders_kit import Desk, a_desk, all_parts, statuses, whole_order

from bexsync.hooks import observed_by
from bexsync.ports.wanted import TakeBack
from bexsync.ports.wanted_orders import InvoiceFromOrder, OrderWant, PlaceOrder
from world import World, a_world

TWO = (("Tisch", "2", "100"), ("Buch", "3", "20"))  # 281.06
SLICES = 8


class Killed(BaseException):
    """Not an Exception, so that nothing on the way can think of handling it."""


class Reaper:
    """Lets a run live until its nth boundary."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0

    def __call__(self, point: str, **facts: str) -> None:
        self.seen += 1
        if self.seen >= self.at:
            raise Killed(f"{self.seen}: {point} {facts}")


Wants = Callable[[Desk], tuple[OrderWant, ...]]


def first_time(desk: Desk) -> tuple[OrderWant, ...]:
    return whole_order(desk.document(*TWO), paid="281.05")


def made_anew(desk: Desk) -> tuple[OrderWant, ...]:
    """As planning wants it: what was done is known from the link and the journal."""
    document = desk.document(("Tisch", "1", "100"))
    order = desk.known("order")
    wants: list[OrderWant] = []
    if order.fingerprint == document.fingerprint or order.revision:
        place = PlaceOrder(document, revision=order.revision)
    else:
        wants.append(TakeBack(desk.known("order_invoice"), is_draft=True))
        place = PlaceOrder(document, replaces=order)
    return (*wants, place, InvoiceFromOrder(document, all_parts(document)))


def nothing_before(desk: Desk) -> None:
    """But that an earlier mail showed what a mail does."""
    desk.run.ledger.master()
    desk.run.store.facts.learn("mail_gives_link", True, desk.world.clock.now())


def an_order_with_a_draft(desk: Desk) -> None:
    before = desk.document(*TWO)
    desk.apply(PlaceOrder(before), InvoiceFromOrder(before, all_parts(before)))


def one_run(world: World, wants: Wants, reaper: Reaper | None = None) -> list[tuple[str, str]]:
    with a_desk(world) as desk:
        if reaper is None:
            desk.settle()
            return statuses(desk.apply(*wants(desk)))
        with observed_by(reaper), suppress(Killed):
            desk.apply(*wants(desk))
        return []


def judge_first(world: World) -> None:
    (order,), (delivery,), (invoice,) = world.sandbox.orders(), world.sandbox.deliveries(), world.sandbox.invoices()
    (payment,) = world.sandbox.payments()
    assert len(world.sandbox.mails) == 1
    assert (order["kb_item_status_id"], delivery["kb_item_status_id"], invoice["kb_item_status_id"]) == (6, 18, 9)
    assert Decimal(payment["value"]) == Decimal(invoice["total"]) == Decimal("281.05")


def judge_anew(world: World) -> None:
    (order,), (invoice,) = world.sandbox.orders(), world.sandbox.invoices()
    assert Decimal(order["total"]) == Decimal(invoice["total"]) == Decimal("108.10")


SCENES: dict[str, tuple[Callable[[Desk], None], Wants, Callable[[World], None]]] = {
    "first time": (nothing_before, first_time, judge_first),
    "made anew": (an_order_with_a_draft, made_anew, judge_anew),
}


def fresh(folder: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Desk], None]) -> Iterator[World]:
    with a_world(folder, monkeypatch) as world:
        with a_desk(world) as desk:
            prepare(desk)
        yield world


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("scene", SCENES)
def test_death_at_every_boundary(scene: str, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, wants, judge = SCENES[scene]
    counted = Reaper(10**9)
    for world in fresh(tmp_path / "count", monkeypatch, prepare):
        one_run(world, wants, counted)
        judge(world)
    assert counted.seen > 40
    for at in range(1 + part, counted.seen + 1, SLICES):
        for world in fresh(tmp_path / str(at), monkeypatch, prepare):
            one_run(world, wants, Reaper(at))
            world.clock.forward(seconds=30)
            ended = one_run(world, wants)
            assert {status for _, status in ended} == {"done"}, at
            judge(world)
            writes = world.writes()
            one_run(world, wants)
            assert world.writes() == writes, at
