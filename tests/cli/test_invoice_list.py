"""`invoices list`: who owes what since when, for a person, a script and a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from test_output import on_terminal, plain

from bexsync.admin.invoice_statuses import SORT_FIELDS, STATUSES, known_status, sort_key
from bexsync.errors import Exit, UsageProblem
from bexsync.http.clock import SystemClock
from bexsync.store.invoice_rows import InvoiceRows
from constants import set_constant
from front_door import called, started
from world import World, an_invoice


@pytest.fixture
def town(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """One invoice of each kind: overdue, open, partly paid, paid, cancelled, waiting, blocked and a draft."""
    monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
    keller = an_invoice()["customer"]
    hotel = {**keller, "kind": "company", "company_name": "=Hotel; Bären", "email": "info@baeren.example.ch"}
    late = an_invoice("late", invoice_date="2026-10-01", due_date="2026-10-31", source_number="R-77")
    late["customer"] = hotel
    world.drop(
        late,
        an_invoice("open"),
        an_invoice("partly"),
        an_invoice("paid", invoice_date="2026-11-05"),
        an_invoice("cancelled"),
        an_invoice("draft", leave_as_draft=True),
        an_invoice("blocked", currency="XXX"),
    )
    world.push()
    ids = {shop_id: world.invoice(shop_id)["id"] for shop_id in ("partly", "paid", "cancelled")}
    world.sandbox.person.pay(ids["partly"], "8.10")
    world.sandbox.person.pay(ids["paid"])
    world.sandbox.person.cancel(ids["cancelled"])
    world.poll()
    return world


def listed(world: World, *arguments: str) -> dict[str, Any]:
    run = called(world, "invoices", "list", "--json", *arguments)
    assert run.returncode == 0, run.stdout
    data: dict[str, Any] = json.loads(run.stdout)["data"]
    return data


def ids(world: World, *arguments: str) -> list[str]:
    return [row["shop_id"] for row in listed(world, *arguments)["invoices"]]


def test_each_invoice_with_customer_amount_days_and_debt(town: World) -> None:
    rows = {row["shop_id"]: row for row in listed(town)["invoices"]}
    late = {key: value for key, value in rows["late"].items() if key not in ("url", "number")}
    assert late == {
        "shop_id": "late", "source_number": "R-77", "customer": "=Hotel; Bären",
        "mail": "info@baeren.example.ch", "currency": "CHF", "amount": "108.10", "date": "2026-10-01",
        "due_date": "2026-10-31", "paid_amount": "", "paid_date": "", "open": "108.10", "status": "sent",
        "overdue": True, "error": "",
    }  # fmt: skip
    figures = {name: (row["paid_amount"], row["open"], row["status"], row["overdue"]) for name, row in rows.items()}
    assert figures["open"] == ("", "108.10", "sent", False)
    assert figures["partly"] == ("8.10", "100.00", "partly_paid", False)
    assert figures["paid"] == ("108.10", "0.00", "paid", False)
    assert figures["cancelled"] == ("", "", "cancelled", False)
    assert figures["draft"] == ("", "", "draft", False)
    assert figures["blocked"][2:] == ("blocked", False)
    assert rows["open"]["due_date"] == "2026-12-02"  # thirty days, as the profile says
    assert rows["open"]["customer"] == "Anna Keller"


def test_the_sums_count_what_is_in_bexio(town: World) -> None:
    data = listed(town)
    assert data["sums"] == {
        "CHF": {"count": 5, "amount": "540.50", "paid": "116.20", "open": "316.20", "overdue": "108.10"}
    }
    assert (data["found"], data["not_counted"]) == (7, 2)
    limited = listed(town, "--unpaid", "--limit", "1")
    assert (len(limited["invoices"]), limited["found"], limited["sums"]["CHF"]["open"]) == (1, 3, "316.20")
    said = called(town, "invoices", "list").stdout
    assert "CHF: 5 invoices in bexio, 540.50; 116.20 paid, 316.20 open, 108.10 of it overdue." in said


def test_what_can_be_asked_for(town: World) -> None:
    assert ids(town, "--unpaid") == ids(town, "--status", "open") == ["late", "open", "partly"]
    assert ids(town, "--overdue") == ids(town, "--unpaid", "--status", "Überfällig") == ["late"]
    assert ids(town, "--since", "2026-11-05") == ["paid"]
    assert ids(town, "--customer", "bären") == ids(town, "--customer", "INFO@") == ["late"]
    assert ids(town, "--status", "Storniert") == ["cancelled"]
    assert ids(town, "--unpaid", "--sort", "open") == ["partly", "late", "open"]
    assert ids(town, "--sort", "-date", "--limit", "1") == ["paid"]
    town.drop(an_invoice("later"), name="later.json")
    assert called(town, "invoices", "push", "--limit", "0").returncode in (0, 1)
    assert ids(town, "--status", "waiting") == ["later"]


def test_the_profile_may_call_it_otherwise(town: World) -> None:
    town.set_profile(payments={"paid_status": "erledigt"})
    assert ids(town, "--status", "paid") == ids(town, "--status", "erledigt") == ["paid"]


@pytest.mark.parametrize(
    ("word", "status"),
    [("unpaid", "open"), ("Offen", "open"), ("bezahlt", "paid"), ("VOID", "cancelled"), ("partly-paid", "partly_paid"),
     ("teilweise bezahlt", "partly_paid"), *((name, name) for name in STATUSES if name != "unpaid")],
)  # fmt: skip
def test_words_people_use(word: str, status: str) -> None:
    assert known_status(word) == status


def test_unknown_words_are_refused_with_the_list(world: World) -> None:
    with pytest.raises(UsageProblem, match='There is no status "nonsense"'):
        known_status("nonsense")
    with pytest.raises(UsageProblem, match="cannot be sorted"):
        sort_key("colour")
    for arguments, said in (
        (("--status", "paied"), "It is one of open, overdue, waiting, blocked"),
        (("--sort", "colour"), "It can by date, due, customer"),
        (("--csv", "--json"), "exclude each other"),
    ):
        world.push()
        run = called(world, "invoices", "list", *arguments)
        assert (run.returncode, said in run.stdout + run.stderr) == (2, True), run


def test_a_table_for_a_spreadsheet_calculates_nothing(town: World) -> None:
    text = called(town, "invoices", "list", "--csv", "--unpaid").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["customer"] for row in rows] == ["'=Hotel; Bären", "Anna Keller", "Anna Keller"]
    assert (rows[0]["open"], rows[0]["overdue"], rows[1]["overdue"]) == ("108.10", "yes", "no")
    assert '"\'=Hotel; Bären"' in text


@pytest.mark.parametrize("columns", [80, pytest.param(60, marks=pytest.mark.slow)])
def test_it_fits_the_terminal(town: World, columns: int) -> None:
    town.drop(an_invoice("RE-2026-" + "9" * 70 + "-17"), name="long.json")
    town.push()
    _, text = on_terminal(town, "invoices", "list", columns=columns)
    lines = plain(text).splitlines()
    assert max(len(line) for line in lines if "http" not in line) <= columns
    heading = lines[0].split()
    assert set(heading) >= {"customer", "amount", "open", "status"}
    assert any("RE-20" in line and "9-17" in line and "…" in line for line in lines) or "id" not in heading
    if columns == 80:
        assert {"date", "due"} & set(heading)


def test_a_push_says_for_whom_and_how_much(world: World) -> None:
    world.drop(an_invoice("RE-2026-" + "9" * 70 + "-17"), an_invoice("b", currency="XXX"))
    run = called(world, "invoices", "push", "-v")
    assert "Anna Keller  CHF 108.10  create and send" in run.stdout
    outcomes = json.loads(called(world, "invoices", "push", "--json").stdout)["data"]["outcomes"]
    assert [(o["customer"], o["amount"], o["currency"]) for o in outcomes] == [("Anna Keller", "108.10", "XXX")]


def test_an_unknown_profile_names_those_that_exist(world: World) -> None:
    profiles = world.folder / "config" / "profiles"
    profiles.mkdir(parents=True)
    for name in ("club.toml", "club.vat.toml", "shop.toml"):
        (profiles / name).touch()
    run = started(world, "--profile", "clbu", "invoices", "push", BEXSYNC_CONFIG_DIR=str(world.folder / "config"))
    assert (run.returncode, "The profiles are club, shop (in " in run.stderr) == (78, True)
    run = started(world, "--profile", "nope.toml", "invoices", "push", BEXSYNC_CONFIG_DIR=str(world.folder / "none"))
    assert "Beside it: default.toml." in run.stderr


@pytest.mark.parametrize("sort", [*SORT_FIELDS, "-date", "-open", "-status"])
def test_a_limit_leaves_the_first_ones_of_the_whole_list(town: World, sort: str) -> None:
    whole = listed(town, "--sort", sort)
    for limit in (0, 1, 3, 99):
        part = listed(town, "--sort", sort, "--limit", f"{limit}")
        assert part["invoices"] == whole["invoices"][:limit]
        assert {**part, "invoices": []} == {**whole, "invoices": []}


def test_only_what_is_shown_is_read_as_a_whole(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    some = InvoiceRows.some
    monkeypatch.setattr(InvoiceRows, "some", lambda self, ids: some(self, [id_ for id_ in ids if not read.append(id_)]))
    assert ids(town, "--sort", "id", "--limit", "2") == read == ["blocked", "cancelled"]


@pytest.mark.parametrize("format_", ["--json", "--csv"])
def test_a_list_that_cannot_be_read_to_its_end_is_not_taken_for_a_whole_one(
    town: World, monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    (path,) = (town.folder / "state").glob("bexio-*.db")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE records SET body = json_set(body, '$.customer', 5) WHERE shop_id = 'open'")
    run = called(town, "invoices", "list", format_, "--sort", "id")
    assert run.returncode == Exit.CONFIGURATION
    if format_ == "--json":
        assert json.loads(run.stdout)["status"] == "error"
    set_constant(monkeypatch, "cli.views._AT_ONCE", 1)  # some of it is printed by then
    run = called(town, "invoices", "list", format_, "--sort", "id")
    assert run.returncode == Exit.CONFIGURATION
    assert "damaged" in run.stderr
    assert run.stdout.count('"bexsync"') <= 1
    if format_ == "--json":
        with pytest.raises(json.JSONDecodeError):
            json.loads(run.stdout)
