"""The shop's status list: written only when something in it changed, whatever ends a run, and bounded."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.errors import Exit
from bexsync.hooks import observed_by
from bexsync.ports.shop import StatusRow
from bexsync.shops.folder.shop import FolderShop
from front_door import called
from world import World, an_invoice, an_order

UNTOUCHED = "nobody has written here"


@pytest.fixture
def booked(world: World) -> World:
    world.drop(an_invoice("1"), an_invoice("2"), name="two.json")
    world.push()
    return world


def status_list(world: World) -> Path:
    return world.shop / "out" / "status.csv"


def leaves_it_alone(world: World, run: Callable[[], object]) -> bool:
    """Whether a run neither writes the list, nor compares it with what it would write; then the list is as before."""
    before = status_list(world).read_bytes()
    status_list(world).write_text(UNTOUCHED)
    run()
    if status_list(world).read_text() != UNTOUCHED:
        return False
    status_list(world).write_bytes(before)
    return True


def statements(monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> list[str]:
    """What a run asks its databases."""
    asked: list[str] = []
    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(asked.append)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", connected)
        run()
    return asked


def test_an_idle_run_neither_reads_nor_writes_it(booked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves_it_alone(booked, booked.push)
    assert leaves_it_alone(booked, booked.poll)
    few = statements(monkeypatch, booked.push)
    booked.drop(*(an_invoice(f"{number}") for number in range(100, 120)), name="many.json")
    booked.push()
    many = statements(monkeypatch, booked.push)
    assert sum("status_lists" in sql for sql in many) == 1
    assert len(many) == len(few)


def test_what_stays_wrong_does_not_write_it_again_in_every_run(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"), an_invoice("2"), name="two.json")
    assert world.push().exit_code is Exit.SOME_FAILED
    assert world.status()["1"]["status"] == "blocked"
    assert leaves_it_alone(world, world.push)


def test_a_list_that_is_missing_is_written_again(booked: World) -> None:
    before = status_list(booked).read_bytes()
    for run in (booked.push, booked.poll):
        status_list(booked).unlink()
        run()
        assert status_list(booked).read_bytes() == before


def pay(world: World) -> None:
    world.sandbox.person.pay(world.invoice("1")["id"], Decimal("108.10"))
    world.poll()


def block(world: World) -> None:
    world.drop(an_invoice("3", currency="XXX"), name="blocked.json")
    world.push()


def correct(world: World) -> None:
    block(world)
    world.drop(an_invoice("3"), name="corrected.json")
    world.push()


def forget(world: World) -> None:
    assert called(world, "links", "forget", "1", "--yes").returncode == 0
    world.poll()


def rename_paid(world: World) -> None:
    pay(world)
    world.set_profile(payments={"paid_status": "bezahlt"})
    world.poll()


def ignore(world: World) -> None:
    world.drop(an_invoice("4", invoice_date="2025-11-02"), name="early.json")
    world.push()


def order(world: World) -> None:
    world.set_profile(
        orders={"enabled": True, "start_date": "2026-01-01", "actions": {"processing": ["contact", "invoice"]}}
    )
    world.drop(an_order("5"), kind="order", name="order.json")
    world.sync()


CHANGES: dict[Callable[[World], None], tuple[str, str]] = {
    pay: ("1", "paid"),
    block: ("3", "blocked"),
    correct: ("3", "sent"),
    rename_paid: ("1", "bezahlt"),
    ignore: ("4", "ignored"),
    order: ("5", "draft"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_change_is_shown_after_the_run_that_met_it(booked: World, change: Callable[[World], None]) -> None:
    change(booked)
    shop_id, status = CHANGES[change]
    assert booked.status()[shop_id]["status"] == status
    assert leaves_it_alone(booked, booked.poll)


def test_what_a_person_forgot_is_shown_by_the_next_run(booked: World) -> None:
    forget(booked)
    assert booked.status()["1"] != booked.status()["2"]


@pytest.mark.parametrize("point", ["commit:after", "file:before"])
def test_a_run_that_ends_before_it_is_written_leaves_that_to_the_next(booked: World, point: str) -> None:
    """Interrupted when the payment is in the state, and when the list is about to take its place."""
    booked.sandbox.person.pay(booked.invoice("1")["id"], Decimal("108.10"))

    def interrupt(at: str, **facts: str) -> None:
        is_in_the_state = point == "commit:after" and paid_in_the_state(booked)
        if at == point and (is_in_the_state or facts.get("file") == "status.csv"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed_by(interrupt):
        booked.poll()
    assert paid_in_the_state(booked)
    assert booked.status()["1"]["status"] == "sent"
    booked.poll()
    assert booked.status()["1"]["status"] == "paid"


def paid_in_the_state(world: World) -> bool:
    (path,) = (world.folder / "state").glob("bexio-*.db")
    with sqlite3.connect(path) as db:
        return bool(db.execute("SELECT 1 FROM links WHERE json_extract(state, '$.standing') = 'paid'").fetchone())


def test_a_kill_while_it_is_written_leaves_it_to_the_next_run(booked: World) -> None:
    booked.sandbox.person.pay(booked.invoice("1")["id"], Decimal("108.10"))

    def kill(point: str, **facts: str) -> None:
        if point == "file:before" and facts.get("file") == "status.csv":
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        with observed_by(kill):
            booked.poll()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    booked.poll()
    assert booked.status()["1"]["status"] == "paid"


def test_what_changes_while_it_is_written_is_written_by_the_next_run(
    booked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another job of the same site settles a payment after the rows were read."""
    publish = FolderShop.publish

    def slowly(shop: FolderShop, rows: Any) -> None:
        read: list[StatusRow] = list(rows)
        monkeypatch.setattr(FolderShop, "publish", publish)
        with booked.workspace() as other:
            link = other.store.links.get("invoice", "1")
            assert link is not None
            other.store.links.forget("invoice", "1")
        publish(shop, read)

    monkeypatch.setattr(FolderShop, "publish", slowly)
    block(booked)
    assert booked.status()["1"]["status"] == "sent"
    booked.push()
    assert booked.status()["1"]["status"] == "done"


def test_two_sites_of_one_company_do_not_clear_each_others_note(
    booked: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "second"
    (folder / "shop" / "in").mkdir(parents=True)
    second = World(folder, booked.sandbox, booked.url, booked.clock, folder / "second.toml")
    second._write_profile({**booked.profile, "shop": {**booked.profile["shop"], "site": "second"}})
    second.drop(an_invoice("1"), name="theirs.json")
    second.push()
    with booked.workspace() as workspace:
        workspace.store.links.forget("invoice", "1")
    assert leaves_it_alone(second, second.push)
    booked.push()
    assert booked.status()["1"]["status"] == "done"


def test_what_is_closed_leaves_it_after_some_months_and_what_is_open_stays(booked: World) -> None:
    pay(booked)
    booked.drop(an_invoice("3", currency="XXX"), name="blocked.json")
    booked.push()
    assert set(booked.status()) == {"1", "2", "3"}
    booked.clock.forward(days=400)
    booked.drop(an_invoice("4", invoice_date="2027-12-20"), name="new.json")
    booked.push()
    assert set(booked.status()) == {"2", "3", "4"}
    booked.set_profile(shop={"status_months": 24})
    booked.push()
    assert set(booked.status()) == {"1", "2", "3", "4"}


def test_a_restored_copy_writes_it_again(booked: World, tmp_path: Path) -> None:
    assert called(booked, "state", "backup", str(tmp_path / "copy.db")).returncode == 0
    pay(booked)
    assert called(booked, "state", "restore", str(tmp_path / "copy.db"), "--yes").returncode == 0
    status_list(booked).write_text(UNTOUCHED)
    booked.poll()
    assert booked.status()["1"]["status"] == "paid"


def test_its_rows_are_read_while_it_is_written(booked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop gets an iterator, and a list of many rows is compared and written in parts."""
    publish, given = FolderShop.publish, []

    def noted(shop: FolderShop, rows: Any) -> None:
        given.append(iter(rows) is rows)
        publish(shop, rows)

    monkeypatch.setattr(FolderShop, "publish", noted)
    block(booked)
    assert given == [True]


def test_a_shop_that_cannot_be_written_is_told_and_written_later(booked: World) -> None:
    booked.sandbox.person.pay(booked.invoice("1")["id"], Decimal("108.10"))

    def fail(point: str, **facts: str) -> None:
        if point == "file:before" and facts.get("file") == "status.csv":
            raise OSError(28, "No space left on device")

    with observed_by(fail):
        assert booked.poll().exit_code is Exit.TRY_LATER
    assert booked.poll().exit_code is Exit.OK
    assert booked.status()["1"]["status"] == "paid"
