"""Many bad records are few causes, and neither mail nor state nor a note in failed/ grows with their number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bexsync.errors import Exit, TooManyErrors
from constants import set_constant
from front_door import called
from world import World, an_invoice


def without_mail(shop_id: str) -> dict[str, Any]:
    customer = {k: v for k, v in an_invoice()["customer"].items() if k != "email"}
    return an_invoice(shop_id, customer=customer)


def test_26_customers_without_mail_are_one_cause(world: World) -> None:
    world.drop(*(without_mail(f"{n:02}") for n in range(26)))
    for _ in range(2):
        assert world.push().exit_code is Exit.SOME_FAILED


def test_what_the_ledger_lacks_is_a_cause_each(world: World) -> None:
    world.set_profile(errors={"stop_after": 1})
    world.drop(an_invoice("1", currency="XXX"), an_invoice("2", currency="XXX"))
    world.push()
    world.push()
    world.drop(an_invoice("3", currency="YYY"), name="2.json")
    world.push()
    with pytest.raises(TooManyErrors, match="2 different causes"):
        world.push()


@pytest.fixture
def few(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Of one kind thirty are kept."""
    set_constant(monkeypatch, "MOST_KEPT", 30)
    return world


def test_many_bad_lines_are_capped_everywhere_and_counted(few: World) -> None:
    few.drop_bytes(b'{"schema": "bexsync/1", "kind": "invoice"}\n' * 100, "bad.ndjson")
    failed = called(few, "invoices", "push")
    lines = failed.stderr.splitlines()
    assert (failed.returncode, len(lines)) == (1, 22)
    assert lines[-2] == "invoices push: 80 more records of this kind (unreadable) are not listed here."
    assert lines[-1] == "invoices push: 100 failed. `bexsync errors list` shows what is open."
    reasons = (few.shop / "failed" / "bad.ndjson.error.txt").read_text()
    assert reasons.count("- line ") == 30
    assert "- 70 more could not be read and are not listed here." in reasons
    with few.workspace() as workspace:
        assert len(workspace.store.errors.open()) == 30
    few.drop_bytes(b'{"schema": "bexsync/1", "kind": "invoice"}\n' * 100, "bad.ndjson")
    data = json.loads(called(few, "invoices", "push", "--json").stdout)
    assert (len(data["errors"]), data["data"]["not_listed"]) == (30, {"unreadable": 70})
    assert data["data"]["counts"] == {"failed": 100}


def test_blocked_records_beyond_the_cap_are_open_and_booked_once_mended(few: World) -> None:
    few.drop(*(without_mail(f"{n:02}") for n in range(40)))
    assert few.push().counts == {"blocked": 40}
    assert {row["status"] for row in few.status().values()} == {"blocked"}
    assert all(row["error"] for row in few.status().values())
    few.set_profile(invoices={"finish": "draft"})
    assert few.push().counts == {"done": 40}
