"""What is not booked, and why, is said to whoever reads, and to nobody else."""

from __future__ import annotations

import json
import os

import pytest
from test_output import on_terminal, plain

from bexsync.http.clock import SystemClock
from bexsync.ports.shop import LeftoverState
from bexsync.shops.folder.durable import tame_name
from bexsync.shops.folder.inbox import left_behind
from bexsync.shops.folder.layout import Layout
from front_door import called
from world import World, an_invoice

PASSING, NAMED, WRONG = LeftoverState


@pytest.fixture
def clocked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The front door goes by the world's clock."""
    monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
    return world


def test_why_invoices_are_ignored(world: World) -> None:
    world.set_profile(invoices={"start_date": "2026-11-20"})
    old = [an_invoice(f"2026-{n}", invoice_date="2026-11-02") for n in range(140, 147)]
    world.drop(an_invoice("2026-0147", source_number="R 147"), an_invoice("d", status="draft"), *old)
    seen = called(world, "invoices", "push", "-n").stdout
    assert "1 ignored: its status in the shop is draft: d\n" in seen
    before = "dated before start_date 2026-11-20"
    assert f"8 ignored: {before}: 2026-140, 2026-141, 2026-142, 2026-143, 2026-144 and 3 more\n" in seen
    code, text = on_terminal(world, "invoices", "push", columns=200)
    assert (code, f"8 ignored: {before}: 2026-140" in plain(text)) == (0, True)
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


def test_a_file_that_is_too_young(clocked: World) -> None:
    clocked.set_profile(shop={"quiet_seconds": 5.0})
    path = clocked.drop(an_invoice())
    clocked.date(path, seconds_ago=3)
    said = (
        "in/drop.json is still being written: it was last changed 3 s ago. "
        "It is taken once nobody has written to it for 5 s; run again in a moment."
    )
    assert called(clocked, "invoices", "push").stdout == ""
    assert said in called(clocked, "invoices", "push", "-v").stdout
    assert said in called(clocked, "invoices", "push", "--dry-run").stdout
    assert said in called(clocked, "links", "adopt").stdout
    assert json.loads(called(clocked, "invoices", "push", "--json").stdout)["data"]["remarks"] == [said]
    clocked.date(path, seconds_ago=60)
    assert said not in called(clocked, "invoices", "push", "-v").stdout
    assert len(clocked.invoices()) == 1


# files in in/ that are not read


@pytest.mark.parametrize(
    ("name", "age", "message", "state"),
    [
        ("Rechnungen.ods", 60, "is not read: bexsync reads no ODS file", WRONG),
        ("Rechnungen.xls", 60, "is not read: bexsync reads no XLS file", WRONG),
        ("R-1.PDF", 60, "is not read: bexsync reads no PDF file", WRONG),
        ("export.zip", 60, "is not read: bexsync reads no ZIP file", WRONG),
        ("export.json.gz", 60, "is not read: bexsync reads no GZ file", WRONG),
        ("notes.txt", 60, "is not read: bexsync reads no TXT file", WRONG),
        ("export", 60, "is not read: its name does not end in what it is", WRONG),
        ("a\x1b[2J.pdf", 60, "is not read: bexsync reads no PDF file", WRONG),
        ("README.txt", 60, "is not read: bexsync reads no TXT file", NAMED),
        ("Liesmich", 60, "is not read: its name does not end in what it is", NAMED),
        ("~$Rechnungen.xlsx", 60, "says that a spreadsheet or document is open in an office program", NAMED),
        ("a.csv~", 60, "is the backup copy of an editor, and is not read", NAMED),
        ("a.json.part", 40, "is an unfinished file, last changed 40 s ago", PASSING),
        ("a.csv.crdownload", 600, "is an unfinished file, last changed 10 min ago", PASSING),
        ("a.json.tmp", 3 * 86_400, "is an unfinished file, last changed 3 days ago", WRONG),
        ("a.json", 3, "is still being written: it was last changed 3 s ago", PASSING),
        ("A.JSON", 60, "", None),
        (".a.json", 60, "", None),
        (".DS_Store", 60, "", None),
        (".~lock.a.csv#", 60, "", None),
        ("Thumbs.db", 60, "", None),
        ("desktop.ini", 60, "", None),
    ],
)
def test_every_file_that_is_not_read_is_named(
    world: World, name: str, age: float, message: str, state: LeftoverState | None
) -> None:
    world.date(world.drop_bytes(b"{}", name), seconds_ago=age)
    left = left_behind(Layout(world.shop), now=world.clock.now().timestamp(), quiet_seconds=5.0)
    source = f"in/{tame_name(name)}"
    assert [(one.source, one.message, one.state) for one in left] == (
        [(source, f"{source} {message}", state)] if state else []
    )
    assert all(one.hint and one.sentence.isprintable() for one in left)


def test_folders_links_and_pipes_are_named(world: World) -> None:
    incoming = world.shop / "in"
    for name, inner in (("2026-11", "a.csv"), ("old", "letter.pdf")):
        (incoming / name).mkdir()
        (incoming / name / inner).touch()
    (incoming / "link.json").symlink_to(world.profile_path)
    os.mkfifo(incoming / "pipe.json")
    said = {left.source: (left.message, left.state) for left in left_behind(Layout(world.shop), now=0, quiet_seconds=0)}
    assert said == {
        "in/2026-11": (
            "in/2026-11 is a folder with 1 file like those that are read, and bexsync does not look into folders",
            WRONG,
        ),
        "in/old": ("in/old is a folder, and bexsync does not look into folders", NAMED),
        "in/link.json": ("in/link.json is a link, and bexsync follows none there", WRONG),
        "in/pipe.json": ("in/pipe.json is no plain file", WRONG),
    }


def test_a_thousand_files_are_counted(world: World) -> None:
    for number in range(60):
        world.drop_bytes(b"", f"{number:03}.pdf")
    left = left_behind(Layout(world.shop), now=0, quiet_seconds=0)
    assert (len(left), left[-1].message) == (51, "in/ holds 10 more files and folders that are not read")


def test_a_dropped_file_that_is_not_read_is_an_error_until_it_is_gone(clocked: World) -> None:
    clocked.drop_bytes(b"PK", "Rechnungen.ods")
    clocked.drop_bytes(b"", "README.txt")
    clocked.drop(an_invoice())
    first = called(clocked, "invoices", "push")
    said = (
        "in/Rechnungen.ods is not read: bexsync reads no ODS file. "
        "Save it as XLSX or CSV and drop that into in/; take this one away."
    )
    assert (first.returncode, f"invoices push: {said}" in first.stderr) == (1, True)
    assert "in/README.txt is not read" in first.stdout + first.stderr
    assert len(clocked.invoices()) == 1
    again = called(clocked, "invoices", "push")
    assert (again.returncode, again.stdout + again.stderr) == (1, "")
    assert said in " ".join(called(clocked, "invoices", "push", "-n").stderr.split())
    (error,) = json.loads(called(clocked, "errors", "--json").stdout)["data"]["errors"]
    assert (error["kind"], error["shop_id"], error["code"]) == ("file", "in/Rechnungen.ods", "not_read")
    called(clocked, "errors", "ack", str(error["id"]))
    assert called(clocked, "invoices", "push").returncode == 0
    (clocked.shop / "in" / "Rechnungen.ods").unlink()
    assert called(clocked, "invoices", "push").returncode == 0
    assert json.loads(called(clocked, "errors", "--json").stdout)["data"]["errors"] == []


def test_many_files_that_are_not_read_are_one_cause(clocked: World) -> None:
    for number in range(30):
        clocked.drop_bytes(b"", f"{number}.pdf")
    called(clocked, "invoices", "push")
    clocked.drop(an_invoice())
    assert called(clocked, "invoices", "push").returncode == 1
    assert len(clocked.invoices()) == 1


def test_what_was_removed_from_a_record_is_said_once_and_reaches_nobody(clocked: World) -> None:
    customer = {**an_invoice()["customer"], "last_name": "Kel\u202eler\x1b[2J", "email": "mailto:anna@example.ch"}
    clocked.drop(an_invoice("1", customer=customer, title="Rechnung\n\u200bNovember"), an_invoice("2", currency="XXX"))
    said = "drop.json, record 1: control or invisible characters were removed from `title`, `last_name` of invoice 1."
    first = called(clocked, "invoices", "push", "-v")
    assert said in first.stdout
    assert said not in called(clocked, "invoices", "push", "-v").stdout
    (mail,) = clocked.sandbox.mails
    assert mail.to == "anna@example.ch"
    contact = clocked.sandbox.contacts()[-1]
    assert (contact["name_1"], clocked.invoice("1")["title"]) == ("Keller[2J", "Rechnung November")
