"""How often a push waits for the disk, and that no request leaves before its own claim is on it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest
from bench.counted import Counts

from bexio_sandbox.requests import Request
from bexsync.hooks import observed_by
from world import World, an_invoice

MOST_PER_INVOICE = 5.5


@pytest.fixture
def known(world: World) -> World:
    """Master data and the contact are known."""
    world.drop(an_invoice("0"), name="warm-up.json")
    world.push()
    return world


def writes_of_a_push(world: World, numbers: range, patch: pytest.MonkeyPatch) -> int:
    counts = Counts()
    patch.setattr(sqlite3, "connect", counts.connected)
    patch.setattr(os, "fsync", counts.synced)
    world.drop(*(an_invoice(str(number)) for number in numbers), name=f"{numbers.start}.json")
    before = counts.files
    world.push()
    return counts.commits + counts.files - before


def test_an_invoice_that_is_booked_and_mailed_takes_six_at_most(known: World, monkeypatch: pytest.MonkeyPatch) -> None:
    few = writes_of_a_push(known, range(100, 110), monkeypatch)
    many = writes_of_a_push(known, range(200, 230), monkeypatch)
    assert len(known.sandbox.mails) == 41
    assert (many - few) / 20 <= MOST_PER_INVOICE


def test_every_request_leaves_after_its_own_claim_is_on_the_disk(known: World) -> None:
    """Seen by another connection, when the request arrives: one step is being sent, and it is that of the request."""
    sent: list[tuple[str, list[tuple[str, str]]]] = []
    (state,) = known.folder.glob("state/bexio-*.db")

    def look(request: Request) -> None:
        if request.method != "GET" and "search" not in request.path:
            with closing(sqlite3.connect(state)) as database:
                rows = database.execute("SELECT kind, subject_id FROM intents WHERE state = 'sending'").fetchall()
            sent.append((request.path.rpartition("/")[2], rows))

    known.sandbox.hooks.before.append(look)
    known.drop(an_invoice("1"), an_invoice("2"), name="two.json")
    known.push()
    assert [rows for _, rows in sent] == [
        [("invoice", "1")],
        [("send", "1")],
        [("invoice", "2")],
        [("send", "2")],
    ]
    assert [path for path, _ in sent] == ["kb_invoice", "send"] * 2


def test_an_answer_and_the_next_claim_are_one_commit(known: World) -> None:
    (state,) = known.folder.glob("state/bexio-*.db")
    seen: list[set[tuple[str, str]]] = []

    def look(point: str, **_: str) -> None:
        if point == "commit:after":
            with closing(sqlite3.connect(state)) as database:
                rows = database.execute("SELECT kind, state FROM intents WHERE subject_id = '1'")
                seen.append(set(rows))

    known.drop(an_invoice("1"), name="one.json")
    with observed_by(look):
        known.push()
    stages = [one for number, one in enumerate(seen) if one and one != seen[number - 1]]
    assert stages == [
        {("invoice", "sending")},
        {("invoice", "done"), ("send", "sending")},
        {("invoice", "done"), ("send", "done")},
        {("invoice", "done"), ("send", "done"), ("event", "sending")},
        {("invoice", "done"), ("send", "done"), ("event", "done")},
    ]
