"""Several requests are really under way at once, and those that must not be are not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Fault, Request
from bexsync.engine.apply import FIRST_IN_FLIGHT
from bexsync.engine.result import Status
from bexsync.errors import Exit
from crash.turns import several_in_flight
from jobs.orders_kit import a_recent_order, paid, settings
from world import World, a_world, an_invoice

IN_FLIGHT = 8
DAYS = ("2026-11-02", "2026-11-03", "2026-11-04")


@contextmanager
def under_way(world: World, path: str, seen: Callable[[int], None]) -> Iterator[None]:
    """Tells how many POST requests to a path are under way as one more arrives."""
    lock, now = threading.Lock(), [0]

    def arrives(request: Request) -> None:
        if request.method == "POST" and request.path.endswith(path):
            with lock:
                now[0] += 1
            seen(now[0])

    def ends(request: Request) -> None:
        if request.method == "POST" and request.path.endswith(path):
            with lock:
                now[0] -= 1

    world.sandbox.hooks.before.append(arrives)
    world.sandbox.hooks.after_commit.append(ends)
    yield
    world.sandbox.hooks.before.remove(arrives)
    world.sandbox.hooks.after_commit.remove(ends)


def test_creates_of_one_day_are_under_way_at_once(world: World) -> None:
    world.drop(an_invoice("0"))
    world.push()  # the contact is known
    world.set_profile(engine={"in_flight": IN_FLIGHT})
    world.drop(*(an_invoice(str(number)) for number in range(1, FIRST_IN_FLIGHT + 1)))
    together = threading.Barrier(FIRST_IN_FLIGHT, timeout=30)
    with under_way(world, "/kb_invoice", lambda _: together.wait()):
        assert world.push().exit_code is Exit.OK
    assert len(world.sandbox.mails) == FIRST_IN_FLIGHT + 1


def test_a_mail_is_alone_until_one_was_taken(world: World) -> None:
    """Nobody says whether a mail issues a draft before one did; the others follow beside each other."""
    world.drop(an_invoice("0"), name="known.json")
    world.set_profile(invoices={"finish": "draft"})
    world.push()
    world.set_profile(invoices={"finish": "send"}, engine={"in_flight": IN_FLIGHT})
    world.drop(*(an_invoice(str(number)) for number in range(1, 6)))
    at_once: list[int] = []
    left = [threading.Barrier(2, timeout=30)] * 2  # the second and the third meet

    def seen(now: int) -> None:
        at_once.append(now)
        if len(at_once) > 1 and left:
            left.pop().wait()

    with under_way(world, "/send", seen):
        assert world.push().exit_code is Exit.OK
    assert at_once[0] == 1
    assert max(at_once) > 1
    assert len(world.sandbox.mails) == 5


@pytest.mark.parametrize("order", ["day", "strict", "any"])
def test_numbers_follow_the_days(world: World, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set_profile(engine={"number_order": order}, invoices={"finish": "draft"})
    records = [an_invoice(f"{day[-2:]}-{n}", invoice_date=day) for n in (1, 2, 10) for day in reversed(DAYS)]
    world.drop(*records)
    with several_in_flight(world, 4, monkeypatch):
        assert world.push().exit_code is Exit.OK
    made = [str(row["api_reference"]).rpartition(":")[2] for row in sorted(world.invoices(), key=lambda row: row["id"])]
    days = [name[:2] for name in made]
    assert (days == sorted(days)) == (order != "any")
    if order == "strict":
        assert made == [f"{day[-2:]}-{n}" for day in DAYS for n in (1, 2, 10)]


@pytest.mark.parametrize(
    "trouble",
    [
        Fault("error_before", "POST", "/2.0/kb_invoice", status=500),
        Fault("drop_after", "POST", "/2.0/kb_invoice"),
    ],
    ids=["failed", "unanswered"],
)
def test_a_create_that_fails_holds_nobody(world: World, trouble: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is numbered after it goes on in the same run."""
    world.drop(*(an_invoice(day, invoice_date=day) for day in DAYS))
    world.sandbox.faults.plan([trouble])
    with several_in_flight(world, 1, monkeypatch):
        result = world.push()
    done = {outcome.shop_id for outcome in result.outcomes if outcome.status is Status.DONE}
    assert done >= set(DAYS[1:])


@pytest.mark.parametrize("seed", range(4))
def test_deliveries_of_one_contact_are_told_apart(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve orders of one customer, all alike: each gets its own delivery, invoice, payment and mail."""
    with a_world(tmp_path, monkeypatch) as world:
        world.set_profile(orders=settings())
        orders = (a_recent_order(str(n), status="completed", payments=[paid(shop_id=f"p{n}")]) for n in range(1, 7))
        world.drop(*orders, kind="order")
        with several_in_flight(world, seed, monkeypatch):
            assert world.sync().exit_code is Exit.OK
        references = Counter(str(row["api_reference"]) for row in world.invoices())
        assert references == Counter(f"bexsync:main:order:{n}" for n in range(1, 7))
        assert len(list(world.sandbox.orders())) == len(list(world.sandbox.deliveries())) == 6
        money: list[Any] = [one["value"] for row in world.invoices() for one in world.sandbox.payments(row["id"])]
        assert [Decimal(value) for value in money] == [Decimal("108.10")] * 6
        assert len(world.sandbox.mails) == len({mail.invoice_id for mail in world.sandbox.mails}) == 6


def test_the_next_day_s_numbers_do_not_wait_for_the_mails_of_this_one(world: World) -> None:
    world.drop(an_invoice("0"))
    world.push()
    world.set_profile(engine={"in_flight": IN_FLIGHT})
    world.drop(*(an_invoice(day, invoice_date=day) for day in DAYS))
    created = threading.Semaphore(0)

    def arrives(request: Request) -> None:
        if request.path.endswith("/kb_invoice") and request.method == "POST":
            created.release()
        elif request.path.endswith("/send") and len(world.sandbox.mails) == 1:
            # The first of these mails is under way until every invoice has its number.
            assert all(created.acquire(timeout=30) for _ in DAYS)

    world.sandbox.hooks.before.append(arrives)
    assert world.push().exit_code is Exit.OK
    assert len(world.sandbox.mails) == 1 + len(DAYS)
