"""What is not booked, and why, is said to whoever reads, and to nobody else."""

from __future__ import annotations

import json

from test_output import on_terminal, plain

from front_door import called
from world import World, an_invoice


def test_why_invoices_are_ignored(world: World) -> None:
    world.set_profile(invoices={"start_date": "2026-11-20"})
    old = [an_invoice(f"2026-{n}", invoice_date="2026-11-02") for n in range(140, 147)]
    world.drop(an_invoice("2026-0147", source_number="R 147"), an_invoice("d", status="draft"), *old)
    seen = called(world, "invoices", "push", "-n").stdout
    assert "1 ignored: its status in the shop is draft: d\n" in seen
    before = "dated before start_date 2026-11-20"
    assert f"8 ignored: {before}: 2026-0147, 2026-140, 2026-141, 2026-142, 2026-143 and 3 more\n" in seen
    code, text = on_terminal(world, "invoices", "push", columns=200)
    assert (code, f"8 ignored: {before}: 2026-0147" in plain(text)) == (0, True)
    assert world.status()["2026-0147"]["error"] == before
    listed = json.loads(called(world, "invoices", "list", "--json").stdout)["data"]["invoices"]
    assert {row["error"] for row in listed if row["status"] == "ignored"} == {before, "its status in the shop is draft"}
    for name in ("2026-0147", "R 147"):
        shown = called(world, "links", "show", name)
        assert shown.stdout == f"2026-0147 is in no document; its record is ignored: {before}.\n"
    story = json.loads(called(world, "links", "show", "d", "--json").stdout)["data"]
    assert (story["link"], story["reason"]) == (None, "its status in the shop is draft")


def test_cron_is_told_once_of_what_is_ignored_and_verbose_too(world: World) -> None:
    world.drop(an_invoice(status="draft"))
    first, second = (called(world, "invoices", "push") for _ in range(2))
    said = "invoices push: 1 ignored: its status in the shop is draft: 1001\n"
    assert (first.returncode, first.stdout, first.stderr) == (0, "", said)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    world.drop(an_invoice("2", status="draft"), name="2.json")
    assert "1 ignored: its status in the shop is draft: 2" in called(world, "invoices", "push", "-v").stdout


def test_the_story_of_an_invoice_that_is_blocked_and_of_one_in_bexio(world: World) -> None:
    world.drop(an_invoice("blocked", currency="XXX"), an_invoice("sent"))
    world.push()
    shown = called(world, "links", "show", "blocked").stdout
    assert shown.startswith("blocked is in no document; its record is open: bexio has no currency XXX.")
    assert "the customer has a link to it: yes" in called(world, "links", "show", "sent").stdout
    assert called(world, "links", "show", "nope").returncode == 2


def test_a_file_that_is_too_young(world: World) -> None:
    world.set_profile(shop={"quiet_seconds": 5.0})
    said = "1 file in in/ is still being written or younger than 5 s; run again in a moment."
    path = world.drop(an_invoice())
    assert called(world, "invoices", "push").stdout == ""
    assert said in called(world, "invoices", "push", "-v").stdout
    assert said in called(world, "invoices", "push", "--dry-run").stdout
    assert said in called(world, "links", "adopt").stdout
    assert json.loads(called(world, "invoices", "push", "--json").stdout)["data"]["remarks"] == [said]
    world.date(path, seconds_ago=60)
    assert said not in called(world, "invoices", "push", "-v").stdout
    assert len(world.invoices()) == 1
