"""Two files of one run that disagree about an invoice, and numbers that begin anew each year."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from world import World, an_invoice

HEADER = "Rechnungsnummer;Datum;Währung;Firma;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Total;Notiz"
ROW = "C-1;04.11.2026;CHF;Muster AG;a@muster.example.ch;Ware;1;100.00;8.1;108.10;x"
CHANGED = ROW.replace("Ware;1", "Ware;2").replace("108.10", "216.20")
OTHER = ROW.replace("C-1", "C-2")


def table(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in (HEADER, *rows)).encode()


def codes(result: Any) -> dict[str, str]:
    return {o.shop_id: o.code or o.status.value for o in result.outcomes}


def test_two_files_that_disagree_are_a_question(world: World) -> None:
    world.drop_bytes(table(ROW, OTHER), "a.csv")
    world.drop_bytes(table(ROW), "a (1).csv")
    world.drop_bytes(table(CHANGED), "b.csv")
    result = world.push()
    assert codes(result) == {"C-1": "two_files", "C-2": "done"}
    [reason] = [o.reason for o in result.outcomes if o.code]
    assert reason.startswith("invoice C-1 stands in two files of one run with different content: ")
    assert reason.endswith(" and b.csv; nothing was done for it.")
    assert len(world.invoices()) == 1
    assert {path.name for path in (world.shop / "failed").glob("*.csv")} >= {"b.csv"}
    assert codes(world.push()) == {}
    world.drop_bytes(table(CHANGED), "right.csv")
    assert codes(world.push()) == {"C-1": "done"}
    assert Decimal(world.invoice("C-1")["total"]) == Decimal("216.20")


def test_the_same_file_twice_is_once(world: World) -> None:
    world.drop_bytes(table(ROW), "a.csv")
    world.drop_bytes(table(ROW), "a (1).csv")
    assert codes(world.push()) == {"C-1": "done"}
    assert len(world.invoices()) == 1


def test_a_later_record_of_a_shop_that_says_when_counts(world: World) -> None:
    world.drop(an_invoice("C-1", updated_at="2026-11-04T10:00:00Z", title="alt"), name="a.json")
    world.drop(an_invoice("C-1", updated_at="2026-11-04T11:00:00Z", title="neu"), name="b.json")
    assert codes(world.push()) == {"C-1": "done"}
    assert world.invoice("C-1")["title"] == "neu"


def test_a_corrected_file_replaces_one_that_still_waits(world: World) -> None:
    world.drop_bytes(table(ROW.replace("a@muster.example.ch", "")), "a.csv")
    world.push()
    world.drop_bytes(table(CHANGED), "b.csv")
    assert codes(world.push()) == {"C-1": "done"}
    assert Decimal(world.invoice("C-1")["total"]) == Decimal("216.20")


def test_columns_that_are_not_known_are_named_once_by_the_run_that_takes_the_file(world: World) -> None:
    world.drop_bytes(table(ROW.replace("a@muster.example.ch", "")), "a.csv")
    sentence = (
        "a.csv: the column `Notiz` is not known and not read; name under [shop.csv] in the profile what counts "
        "(columns) and what means nothing (ignore)."
    )
    assert list(world.push().mentions.values()) == [sentence]
    assert world.push().mentions == {}
    world.set_profile(shop={"csv": {"ignore": ["Notiz"]}})
    world.drop_bytes(table(OTHER), "b.csv")
    assert world.push().mentions == {}


def test_numbers_that_begin_anew_each_year(world: World) -> None:
    world.drop_bytes(table(ROW.replace("C-1", "1")), "2026.csv")
    world.push()
    next_year = ROW.replace("C-1", "1").replace("04.11.2026", "04.01.2027").replace("Muster", "Beta")
    more = next_year.replace("04.01.2027", "").replace("Ware", "Porto").replace("108.10", "")
    world.drop_bytes(table(next_year.replace("108.10", "216.20"), more), "2027.csv")
    [outcome] = world.push().outcomes
    assert outcome.code == "changed_after_booking"
    assert "yearly_since = 2027 under [shop.csv]" in outcome.hint
    assert "correct the invoice in bexio" not in outcome.hint
    world.set_profile(shop={"csv": {"yearly_since": 2027}})
    world.drop_bytes(table(ROW.replace("C-1", "1"), next_year.replace("108.10", "216.20"), more), "all.csv")
    assert codes(world.push())["2027/1"] == "done"
    assert len(world.invoices()) == 2
