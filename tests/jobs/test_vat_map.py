"""`bexsync vat map` as a person, a script and cron see it, from the shop's lists to the invoice that goes through."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.admin.vat_map import MapFile, survey
from bexsync.engine.result import Status
from bexsync.errors import ConfigurationProblem, TryLater
from bexsync.planning.vat_wants import Origin
from bexsync.vat import VatMap, VatRow
from front_door import called
from jobs.test_connection_command import on_terminal
from world import World, a_world, an_invoice

SHOP = (
    {"name": "Normalsatz", "rate": "8.1", "tax_class": "standard", "country_code": "CH", "valid_from": "2024-01-01"},
    {"name": "Bücher", "rate": "2.6", "tax_class": "Bücher & Zeitschriften"},
    {"name": "Versand", "rate": "8.1", "use": "shipping"},
    {"name": "Zuschlag", "rate": "8.1", "use": "fee"},
)
EXPORT = {"name": "Export", "rate": "0", "tax_class": "export", "country_code": "DE"}


def lists(world: World, *rates: dict[str, str]) -> None:
    """The shop's own tax list."""
    folder = world.shop / "catalog"
    folder.mkdir(exist_ok=True)
    file = folder / "taxes.json"
    file.write_text(json.dumps([{"schema": "bexsync/1", "kind": "tax_rate", **r} for r in rates]))
    world.date(file)


def file(world: World) -> Path:
    return world.profile_path.with_suffix(".vat.toml")


def rows(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(file(world).read_text(), parse_float=Decimal)["tax"]
    return found


def vat(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return called(world, "vat", "map", *arguments)


def a_line(**fields: Any) -> dict[str, Any]:
    return {"line_id": "1", "name": "Sache", "quantity": "1", "unit_price": "100"} | fields


# writing


def test_what_the_shop_lists_is_mapped_and_what_it_sells_goes_through(world: World) -> None:
    lists(world, *SHOP)
    world.drop(an_invoice("1", lines=[a_line(tax_class="Bücher & Zeitschriften")], total="102.60"))
    assert [o.code for o in world.push().outcomes] == ["tax_unmapped"]
    assert vat(world, "--check").returncode == 78
    done = vat(world, "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rows(world) == [
        {"rate": Decimal("8.1"), "code": "UN81"},
        {"rate": Decimal("2.6"), "code": "UR26"},
        {"class": "Bücher & Zeitschriften", "code": "UR26"},
        {"class": "standard", "code": "UN81", "valid_from": date(2024, 1, 1)},
        {"use": "shipping", "code": "UN81"},
        {"use": "fee", "code": "UN81"},
    ]
    text = file(world).read_text()
    assert [line[:1] for line in text.splitlines()[:3]] == ["#", "#", ""]
    assert "Bücher & Zeitschriften" in text
    assert vat(world, "--check", "--verbose").stdout.rstrip().endswith("The VAT map is right.")
    assert world.push().outcomes[0].status is Status.DONE


def test_a_second_time_writes_nothing(world: World) -> None:
    lists(world, *SHOP)
    vat(world, "--yes")
    before = file(world).stat().st_mtime_ns
    again = vat(world, "--yes", "--verbose")
    assert "The map is as it was; nothing was written." in again.stdout
    assert (file(world).stat().st_mtime_ns, file(world).with_name("default.vat.toml.bak").exists()) == (before, False)
    assert vat(world).returncode == 0, "nothing is to be asked, so nobody has to be there"


def test_nothing_is_written_by_a_rehearsal_or_a_check(world: World) -> None:
    lists(world, *SHOP, EXPORT)
    shown = vat(world, "--dry-run")
    assert shown.returncode == 78
    assert 'class = "Bücher & Zeitschriften"\ncode = "UR26"' in shown.stdout
    assert "export,country:DE=CODE" in shown.stderr
    assert vat(world, "--check").returncode == 78
    assert (file(world).exists(), world.writes()) == (False, 0)


def test_what_was_sold_so_far_is_enough_without_a_list(world: World) -> None:
    lines = [a_line(tax_rate="2.6", tax_class="food"), a_line(type="shipping", tax_rate="8.1", line_id="2")]
    world.drop(an_invoice("1", lines=lines, total="210.70"))
    assert world.push().outcomes[0].status is Status.DONE
    said = json.loads(vat(world, "--yes", "--json").stdout)["data"]["entries"]
    met = {(e["class"], e["rate"], e["use"]): e["seen_in"] for e in said}
    assert met["food", "2.6", "sale"] == ["sales"]
    assert met["", "8.1", "shipping"] == ["sales"]


def test_orders_show_their_rates_by_where_they_are_delivered(world: World) -> None:
    lines = [
        {"name": "Tisch", "unit_price": "100", "tax_class": "export", "tax_rate": "0"},
        {"type": "shipping", "name": "Versand", "unit_price": "10"},
        {"type": "gift_card", "name": "Gutschein", "unit_price": "50"},
    ]
    order = {
        "shop_id": "9001",
        "status": "processing",
        "ordered_at": "2026-11-02T10:00:00+01:00",
        "updated_at": "2026-11-02T10:00:00+01:00",
        "currency": "CHF",
        "customer": {"last_name": "Keller", "billing_address": {"country_code": "CH"}},
        "shipping_address": {"country_code": "DE"},
        "lines": lines,
        "total": "160",
    }
    world.drop(order, kind="order")
    world.push()
    said = json.loads(vat(world, "--yes", "--json").stdout)["data"]["entries"]
    seen = {(one["class"], one["rate"], one["country"], one["use"]) for one in said if "open sales" in one["seen_in"]}
    assert seen == {("export", "0", "DE", "sale"), ("", "", "", "shipping")}


def test_products_show_their_rates_where_they_are_synchronised(world: World) -> None:
    (world.shop / "catalog").mkdir()
    product = {
        "schema": "bexsync/1",
        "kind": "product",
        "shop_id": "7",
        "sku": "A",
        "title": "A",
        "tax_class": "reduced",
    }
    (world.shop / "catalog" / "products.json").write_text(json.dumps([product | {"tax_rate": "2.6"}]))
    for enabled, classes in ((False, set()), (True, {"reduced"})):
        world.set_profile(products={"enabled": enabled})
        said = json.loads(vat(world, "--dry-run", "--json").stdout)["data"]["entries"]
        assert {e["class"] for e in said} - {""} == classes


def test_the_map_before_is_kept_and_lost_comments_are_told(world: World) -> None:
    before = '# von Hand, für Käthi\n[[tax]]\nclass = "Bücher" # die aus Papier\ncode = "UR26"\n\n[own]\nkey = "x#y"\n'
    file(world).write_text(before)
    file(world).chmod(0o640)
    done = vat(world, "--yes")
    backup = file(world).with_name("default.vat.toml.bak")
    assert (done.returncode, done.stderr) == (
        0, f"vat map: The comments in {file(world)} are gone; {backup} still has them.\n",
    )  # fmt: skip
    assert backup.read_text() == before
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file(world), backup)] == [0o640, 0o640]
    assert rows(world)[0] == {"class": "Bücher", "code": "UR26"}
    assert tomllib.loads(file(world).read_text())["own"] == {"key": "x#y"}
    assert vat(world, "--set", "books=UR26", "--yes").stderr == "", "the lines of the program itself are no loss"


def test_a_linked_map_stays_a_link(world: World) -> None:
    elsewhere = world.folder / "maps" / "main.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text('[[tax]]\nrate = 2.6\ncode = "UR26"\n')
    file(world).symlink_to(elsewhere)
    assert vat(world, "--yes").returncode == 0
    assert file(world).is_symlink()
    assert 'code = "UN81"' in elsewhere.read_text()


def test_what_somebody_changes_meanwhile_is_not_overwritten(world: World) -> None:
    found = MapFile(file(world))
    file(world).write_text('[[tax]]\nrate = 8.1\ncode = "UN81"\n')
    with pytest.raises(TryLater, match="Meanwhile somebody has changed"):
        found.save("")
    assert "UN81" in file(world).read_text()


def test_a_folder_that_cannot_be_written(world: World) -> None:
    file(world).write_text('[[tax]]\nrate = 8.1\ncode = "UN81"\n')
    file(world).with_name("default.vat.toml.bak").mkdir()
    done = vat(world, "--yes")
    assert done.returncode == 78
    assert f"The VAT map {file(world)} cannot be written." in done.stderr
    assert "copy what --dry-run shows" in done.stderr
    assert rows(world) == [{"rate": Decimal("8.1"), "code": "UN81"}]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read(world: World) -> None:
    world.folder.chmod(0o500)
    try:
        with pytest.raises(ConfigurationProblem, match="cannot be written"):
            MapFile(file(world)).save("")
    finally:
        world.folder.chmod(0o700)


# orders and usage


def test_orders_are_taken_and_the_rest_is_proposed(world: World) -> None:
    lists(world, *SHOP, EXPORT)
    world.sandbox.person.add_tax("UX81", "8.1")
    done = vat(world, "--yes", "--set", "rate:8.1=un81", "--set", "shipping=UX81", "--set", "export,country:DE=ULA")
    assert (done.returncode, done.stderr) == (0, "")
    found = {(r.get("class"), r.get("use"), str(r.get("rate", ""))): r["code"] for r in rows(world)}
    assert found[None, None, "8.1"] == "UN81"
    assert (found[None, "shipping", ""], found["export", None, ""]) == ("UX81", "ULA")
    assert found["standard", None, ""] == "UN81", "the row for the rate has decided which of the two"


@pytest.mark.parametrize(
    ("orders", "code", "words"),
    [
        (["rate:8.1=UN82"], 78, 'bexio has no tax code "UN82". The nearest active sales taxes are UN81 (8.1 %)'),
        (["standard=UR26"], 78, "standard has 8.1 % in the shop, but UR26 has 2.6 % in bexio."),
        (["rate:8.1=UR26"], 78, "rate:8.1 has 8.1 % in the shop, but UR26 has 2.6 % in bexio."),
        (["standard=US38"], 78, "the tax code US38 is not active in bexio."),
        (["standard"], 2, "Write it like standard=UN81"),
        (["rate:8.1=UN81", "rate:8.10=UR26"], 2, "maps rate:8.1 to UN81 and to UR26"),
    ],
)
def test_orders_that_are_refused(world: World, orders: list[str], code: int, words: str) -> None:
    lists(world, *SHOP)
    done = vat(world, "--yes", *(word for order in orders for word in ("--set", order)))
    assert (done.returncode, file(world).exists()) == (code, False)
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_terminal_nobody_is_asked(world: World) -> None:
    lists(world, *SHOP)
    done = vat(world)
    assert (done.returncode, file(world).exists()) == (2, False)
    assert 'The class "standard" (8.1 %)' in done.stderr
    assert "--yes takes what is proposed" in done.stderr
    orders = ("rate:8.1=UN81", "rate:2.6=UR26", "standard=UN81", "class:Bücher & Zeitschriften=UR26", "shipping=UN81")
    done = vat(world, *(word for order in (*orders, "fee=UN81") for word in ("--set", order)))
    assert (done.returncode, done.stderr, len(rows(world))) == (0, "", 6)


def test_a_check_takes_no_orders(world: World) -> None:
    for more in (("--yes",), ("--dry-run",), ("--set", "standard=UN81")):
        assert vat(world, "--check", *more).returncode == 2
    assert not world.sandbox.requests


def test_a_profile_that_is_switched_off(world: World) -> None:
    world.profile_path.write_text(f"enabled = false\n{world.profile_path.read_text()}")
    assert (vat(world, "--check").returncode, len(world.sandbox.requests)) == (0, 0)


def test_a_map_that_cannot_be_read_is_one_sentence(world: World) -> None:
    file(world).write_text("[[tax]]\nrate = 300\n")
    done = vat(world, "--yes")
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)
    assert "code is missing" in done.stderr


# checking


def checked(world: World) -> tuple[int, list[str]]:
    done = vat(world, "--check")
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_cron_hears_nothing_while_all_is_well(world: World) -> None:
    assert checked(world) == (0, [])
    lists(world, *SHOP)
    vat(world, "--yes")
    assert checked(world) == (0, [])


def test_cron_hears_of_everything_that_happens_in_bexio(world: World) -> None:
    lists(world, *SHOP)
    vat(world, "--yes")
    person = world.sandbox.person

    person.add_tax("UN85", "8.5", start="2027-01")
    code, (said,) = checked(world)
    assert (code, said) == (
        78, "vat map: UN85 has 8.5 % in bexio, a rate that the VAT map does not know. "
        "`bexsync vat map --set rate:8.5=UN85` takes it in; or switch it off in bexio.",
    )  # fmt: skip
    person.set_tax_active("UN85", False)

    person.add_tax("UX26", "2.6")
    assert checked(world) == (0, []), "the map has decided which of the two"

    person.end_tax("UN81", "2026-12")
    code, lines = checked(world)
    assert (code, len(lines)) == (0, 4)
    assert "The rate 8.1 % ends in bexio on 2026-12-31." in lines[0]
    assert all("its tax ends in bexio on 2026-12-31, and none is mapped after it" in line for line in lines[1:])
    assert called(world, "vat", "map", "--check", "--quiet").stderr == ""

    person.end_tax("UN81", "2026-10")
    code, lines = checked(world)
    assert (code, len(lines)) == (78, 4)
    assert all("UN81 is not valid on 2026-11-20 in bexio. Map what comes after it" in line for line in lines)

    person.end_tax("UN81", None)
    person.set_tax_active("UR26", False)
    code, lines = checked(world)
    assert code == 78
    assert [("UR26 is not active in bexio. Activate it" in line) for line in lines] == [True, True]


def test_two_codes_with_one_rate_are_ambiguous_until_mapped(world: World) -> None:
    world.sandbox.person.add_tax("UX81", "8.1")
    code, (said,) = checked(world)
    assert code == 78
    assert "UN81 and UX81 both have 8.1 %" in said
    order = re.findall(r"`bexsync (vat map --set \S+)CODE`", said)[0] + "UX81"
    assert called(world, *shlex.split(order), "--yes").returncode == 0
    assert checked(world) == (0, [])


@pytest.mark.parametrize(
    "line", [{"tax_rate": "0"}, {"tax_class": "exempt, Bücher"}, {"tax_class": "export", "tax_rate": "0"}]
)
def test_what_a_check_advises_lets_the_invoice_through(world: World, line: dict[str, str]) -> None:
    world.drop(an_invoice("1", lines=[a_line(**line)], total="100"))
    assert world.push().outcomes[0].status is Status.BLOCKED
    code, lines = checked(world)
    assert code == 78
    order = re.findall(r"`bexsync (vat map --set .*)CODE`", lines[0])[0] + "ULA"
    assert called(world, *shlex.split(order), "--yes").returncode == 0
    assert checked(world) == (0, [])
    assert world.push().outcomes[0].status is Status.DONE


def test_a_row_of_the_list_that_cannot_be_read_is_told(world: World) -> None:
    lists(world, {"name": "x", "rate": "eight"}, *SHOP)
    done = vat(world, "--yes")
    assert "taxes.json" in done.stderr
    assert len(rows(world)) == 6


def test_what_time_mends_is_said_only_when_it_does_not(world: World) -> None:
    lists(world, *SHOP)
    world.set_profile(shop={"quiet_seconds": 3600})  # the shop may still be writing
    done = [vat(world, "--check") for _ in range(3)]
    assert [(d.returncode, bool(d.stderr)) for d in done] == [(75, False), (75, False), (75, True)]
    world.set_profile(shop={"quiet_seconds": 0})
    vat(world, "--yes")
    assert checked(world) == (0, [])
    world.set_profile(shop={"quiet_seconds": 3600})
    assert checked(world) == (75, []), "it is counted from the beginning"


# a company without VAT


def test_a_company_without_vat_needs_no_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch, company="no-vat") as world:
        lists(world, *SHOP)
        silent = vat(world, "--check")
        assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
        said = vat(world, "--yes", "--verbose")
        assert said.returncode == 0
        assert "is not subject to VAT in 2026, so it needs no map." in said.stdout
        assert json.loads(vat(world, "--json").stdout)["data"]["subject_to_vat"] is False
        refused = vat(world, "--set", "standard=UN81", "--yes")
        assert (refused.returncode, file(world).exists()) == (78, False)


# data and terminal


def test_json_tells_all_of_it(world: World) -> None:
    lists(world, *SHOP, EXPORT)
    said = json.loads(vat(world, "--yes", "--json").stdout)
    data = said["data"]
    assert (said["command"], said["exit_code"], said["site"], data["written"]) == ("vat map", 78, "main", True)
    by_class = {entry["class"]: entry for entry in data["entries"] if entry["class"]}
    assert (by_class["standard"]["status"], by_class["standard"]["code"]) == ("new", "UN81")
    assert (by_class["export"]["status"], by_class["export"]["proposal"]) == ("unmapped", "")
    assert {tax["code"] for tax in data["taxes"]} == {"UN81", "UR26", "ULA"}
    assert [(e["code"], e["kind"]) for e in said["errors"]] == [("unmapped", "tax")]
    assert (len(data["rows"]), data["file"], data["backup"]) == (6, str(file(world)), "")


def test_a_conversation(world: World) -> None:
    lists(world, *SHOP, EXPORT)
    world.sandbox.person.add_tax("UX81", "8.1")
    answers = [
        "UR26", "un81",  # 8.1 %: another rate is refused, then a code in any letters
        "",  # 2.6 %
        "",  # Bücher
        "nope", "3",  # export: a stranger, then the third of the list, which has 8.1 or 2.6 %
        "ULA",
        "",  # standard
        "UX81",  # shipping
        "-",  # fee
        "y",
    ]  # fmt: skip
    code, text = on_terminal(world, "vat", "map", typed="".join(f"{a}\n" for a in answers))
    assert code == 0, text
    assert "rate:8.1 has 8.1 % in the shop, but UR26 has 2.6 % in bexio." in text
    assert 'bexio has no sales tax "nope" to choose.' in text
    assert "The rate 2.6 % [UR26]:" in text
    assert 'The class "export" (0 %) in DE [-]:' in text
    found = {r.get("class") or r.get("use") or str(r["rate"]): r["code"] for r in rows(world)}
    assert found == {
        "8.1": "UN81", "2.6": "UR26", "Bücher & Zeitschriften": "UR26", "export": "ULA", "standard": "UN81",
        "shipping": "UX81",
    }  # fmt: skip
    assert f"Written to {file(world)}." in text


def test_where_nothing_is_to_be_asked_the_table_is_all(world: World) -> None:
    vat(world, "--yes", "--set", "shipping=UN81", "--set", "fee=UN81")
    code, text = on_terminal(world, "vat", "map")
    assert (code, text.count("in the shop"), text.count("[")) == (0, 1, 0)
    assert "The map is as it was; nothing was written." in text


def test_whoever_says_no_has_changed_nothing(world: World) -> None:
    lists(world, *SHOP)
    code, text = on_terminal(world, "vat", "map", typed="\n" * 6 + "n\n")
    assert (code, file(world).exists()) == (2, False)
    assert "Nothing was changed." in text


def test_what_was_sold_many_times_is_one_row(world: World) -> None:
    world.drop(*(an_invoice(str(n)) for n in range(4)), name="many.json")
    world.push()
    with world.workspace() as workspace:
        found = survey(workspace)
    (want,) = [want for want in found.wants if Origin.BOOKED in want.origins]
    assert (want.pattern, found.vat_map) == (VatRow("", rate=Decimal("8.1")), VatMap(()))


def net_tax_rates(world: World, *names: str) -> None:
    """bexio as it is with net tax rates: one sales tax of 8.1 % for each of them, told apart by the name alone."""
    books = world.sandbox.state
    with books.transaction():
        (usual,) = [row for row in books.tables["taxes"].values() if row["code"] == "UN81"]
        books.put("taxes", {**usual, "names": dict.fromkeys(("de", "en"), names[0])})
        for name in names[1:]:
            others = {key: value for key, value in usual.items() if key != "id"}
            books.add("taxes", {**others, "names": dict.fromkeys(("de", "en"), name)})


def test_two_taxes_that_only_their_names_tell_apart(world: World) -> None:
    net_tax_rates(world, "Dienste 6.2 %", "Handel 2.1 %")
    lists(world, SHOP[0], SHOP[2] | {"tax_class": "goods", "use": "sale"})
    world.drop(an_invoice("before"))
    (stopped,) = world.push().outcomes
    assert stopped.code == "tax_unmapped"
    assert "UN81 (Dienste 6.2 %) and UN81 (Handel 2.1 %) both have 8.1 %" in stopped.reason
    refused = vat(world, "--set", "rate:8.1=UN81", "--json")
    assert "UN81 (Dienste 6.2 %) (8.1 %)" in json.loads(refused.stdout)["errors"][0]["hint"]
    mapped = vat(world, "--yes", "--set", "rate:8.1=UN81 (Dienste 6.2 %)", "--set", "goods=handel 2.1 %")
    assert mapped.returncode == 0, mapped.stdout + mapped.stderr
    mapped_to = {
        (r.get("class"), r.get("use")): r["code"] for r in rows(world) if r.get("rate") in (None, Decimal("8.1"))
    }
    assert mapped_to[None, None] == "UN81 (Dienste 6.2 %)"
    assert mapped_to["goods", None] == "UN81 (Handel 2.1 %)"
    world.drop(an_invoice("1", lines=[a_line(tax_rate="8.1"), a_line(tax_class="goods")], total="216.20"))
    done = {o.shop_id: (o.status, o.code) for o in world.push().outcomes}
    assert done == {"before": (Status.DONE, ""), "1": (Status.DONE, "")}
    names = {row["id"]: row["names"]["de"] for row in world.sandbox.state.taxes.values()}
    assert [names[p["tax_id"]] for p in world.invoice("1")["positions"]] == ["Dienste 6.2 %", "Handel 2.1 %"]


@pytest.mark.parametrize("word", ["UN81 (Handel 2.1 %)", "Handel 2.1 %"])
def test_a_line_names_a_net_tax_rate_by_code_and_name(world: World, word: str) -> None:
    net_tax_rates(world, "Dienste 6.2 %", "Handel 2.1 %")
    world.drop(an_invoice("1", lines=[a_line(tax_code=word)]), an_invoice("2", lines=[a_line(tax_code="UN81")]))
    found = {o.shop_id: o for o in world.push().outcomes}
    assert (found["1"].status, found["2"].code) == (Status.DONE, "unknown_tax")
    assert 'bexio has "UN81" more than once' in found["2"].reason
    assert "UN81 (Handel 2.1 %)" in found["2"].hint


def test_taxes_of_one_code_and_one_name_go_by_their_ids(world: World) -> None:
    net_tax_rates(world, "Satz", "Satz")
    (first, second) = sorted(row["id"] for row in world.sandbox.state.taxes.values() if row["code"] == "UN81")
    world.drop(an_invoice("1", lines=[a_line(tax_code=f"UN81 (#{second})")]))
    assert world.push().outcomes[0].status is Status.DONE
    assert world.invoice("1")["positions"][0]["tax_id"] == second != first
