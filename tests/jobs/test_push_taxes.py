"""Which tax a line gets: by its code, the VAT map, its rate, or the default; and what is never guessed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.jobs.lifecycle import RunEnded
from world import World, a_world, an_invoice


def line(**fields: Any) -> dict[str, Any]:
    return {"line_id": "1", "name": "Sache", "quantity": "1", "unit_price": "100"} | fields


def a_line_invoice(total: str, lines: list[dict[str, Any]] | dict[str, Any], **fields: Any) -> dict[str, Any]:
    lines = lines if isinstance(lines, list) else [lines]
    return an_invoice("1", lines=lines, total=total, **fields)


def codes(world: World) -> list[str]:
    """The tax codes of the positions of the only invoice."""
    by_id = {row["id"]: row["code"] for row in world.sandbox.state.taxes.values()}
    (invoice,) = world.invoices()
    return [by_id[p["tax_id"]] for p in invoice["positions"] if p.get("tax_id")]


def vat_map(world: World, *rows: str) -> None:
    text = "\n".join(f"[[tax]]\n{row}" for row in rows)
    world.profile_path.with_suffix(".vat.toml").write_text(text)


MAPS = {
    "by rate": ['code = "U00"\nrate = 0', 'code = "UN81"\nrate = 8.1'],
    "by class": ['code = "UR26"\nclass = "food"'],
    "by use": ['code = "UR26"\nuse = "shipping"'],
    "abroad": ['code = "ULA"\nrate = 0\ncountry = "DE"', 'code = "U00"\nrate = 0'],
    "class before rate": ['code = "UN81"\nclass = "standard"\nrate = 8.1', 'code = "UX81"\nrate = 8.1'],
    "later is better": [
        'code = "UR26"\nclass = "x"\nvalid_from = 2024-01-01',
        'code = "UN81"\nclass = "x"\nvalid_from = 2026-01-01',
        'code = "U00"\nclass = "x"\nvalid_from = 2027-01-01',
    ],
}


@pytest.mark.parametrize(
    ("fields", "rows", "total", "code"),
    [
        ({"tax_rate": "8.1"}, None, "108.10", "UN81"),
        ({"tax_rate": "2.60"}, None, "102.60", "UR26"),
        ({"tax_code": "UR26"}, None, "102.60", "UR26"),
        ({"tax_code": "UR26", "tax_rate": "2.6"}, None, "102.60", "UR26"),
        ({"tax_code": "U00", "tax_rate": "0"}, None, "100", "U00"),  # a code says why it is 0
        ({}, None, "108.10", "UN81"),  # the year's default
        ({"tax_rate": "0"}, "by rate", "100", "U00"),
        ({"tax_class": "food"}, "by class", "102.60", "UR26"),
        ({"type": "shipping", "name": "Versand"}, "by use", "102.60", "UR26"),
        ({"type": "product"}, "by use", "108.10", "UN81"),
        ({"tax_rate": "0"}, "abroad", "100", "U00"),  # the customer is in CH
        ({"tax_class": "standard", "tax_rate": "8.1"}, "class before rate", "108.10", "UN81"),
        ({"tax_class": "x"}, "later is better", "108.10", "UN81"),
        ({"tax_class": "x", "period_to": "2025-06-30"}, "later is better", "102.60", "UR26"),
        ({"tax_class": "x", "tax_code": "U00"}, "later is better", "100", "U00"),  # the line's own code wins
    ],
)
def test_a_tax_is_chosen(world: World, fields: dict[str, str], rows: str | None, total: str, code: str) -> None:
    world.sandbox.person.set_tax_active("U00", True)
    if rows:
        vat_map(world, *MAPS[rows])
    world.drop(a_line_invoice(total, line(**fields)))
    result = world.push()
    assert [(o.status, o.reason) for o in result.outcomes] == [(Status.DONE, "")]
    assert codes(world) == [code]
    assert Decimal(world.invoices()[0]["total"]) == Decimal(total)


@pytest.mark.parametrize(
    ("fields", "rows", "code", "said"),
    [
        ({"tax_rate": "0"}, None, "tax_unmapped", "exempt, foreign and reverse-charge sales are never guessed"),
        ({"tax_rate": "7.7"}, None, "tax_unmapped", "no active sales tax of 7.7 %"),
        ({"tax_rate": "3.8"}, None, "tax_unmapped", "no active sales tax of 3.8 %"),  # US38 is not active
        ({"tax_code": "US38"}, None, "tax_unusable", "US38 is not active"),
        ({"tax_code": "NOPE"}, None, "unknown_tax", 'no tax code "NOPE"'),
        ({"tax_code": "VM81"}, None, "tax_unusable", "VM81 is not a tax for sales"),
        ({"tax_code": "UR26", "tax_rate": "8.1"}, None, "tax_rate_differs", "8.1 % VAT in the shop, UR26 has 2.6 %"),
        ({"tax_class": "books"}, "by class", "tax_unmapped", 'The tax class "books" is not mapped.'),
        ({"tax_rate": "2.6"}, "by rate", None, ""),  # not in the map: its rate decides
        ({"tax_rate": "8.1", "period_to": "2023-06-30"}, None, "tax_unmapped", "valid on 2023-06-30"),
        ({"tax_code": "UN81", "period_to": "2023-06-30"}, None, "tax_unusable", "UN81 is not valid on 2023-06-30"),
    ],
)
def test_what_is_in_doubt_is_blocked(
    world: World, fields: dict[str, str], rows: str | None, code: str | None, said: str
) -> None:
    if rows:
        vat_map(world, *MAPS[rows])
    world.drop(a_line_invoice("102.60", line(**fields)))
    (outcome,) = world.push().outcomes
    if code is None:
        assert outcome.status is Status.DONE
        return
    assert (outcome.status, outcome.code) == (Status.BLOCKED, code)
    assert said in outcome.reason
    assert outcome.hint
    assert len(world.sandbox.contacts()) == 2, "a blocked invoice leaves no contact behind"


def test_valid_from_in_the_map_overrules_the_month_in_bexio(world: World) -> None:
    """bexio lets the rates of 2024 begin in July 2023; a map that says so knows better."""
    vat_map(world, 'code = "UN81"\nrate = 8.1\nvalid_from = 2023-01-01')
    world.drop(a_line_invoice("108.10", line(tax_rate="8.1", period_to="2023-06-30")))
    assert world.push().outcomes[0].status is Status.DONE


def test_valid_from_in_the_map_overrules_a_month_in_bexio_that_is_too_early(world: World) -> None:
    """8.1 % begins in July 2023 in bexio and in January 2024 in law; the rate alone would not know."""
    vat_map(world, 'code = "UN81"\nrate = 8.1\nvalid_from = 2024-01-01')
    world.drop(
        a_line_invoice("108.10", line(tax_rate="8.1", period_to="2023-12-31")),
        {**a_line_invoice("108.10", line(tax_rate="8.1", period_to="2024-01-01")), "shop_id": "2"},
    )
    early, late = world.push().outcomes
    assert (early.status, early.code, late.status) == (Status.BLOCKED, "tax_unmapped", Status.DONE)
    assert "8.1 % VAT on 2023-12-31, but the VAT map lets UN81 begin later" in early.reason


def test_valid_from_in_the_map_never_outlives_the_end_in_bexio(world: World) -> None:
    world.sandbox.person.end_tax("UN81", "2026-10")
    vat_map(world, 'code = "UN81"\nrate = 8.1\nvalid_from = 2024-01-01')
    world.drop(a_line_invoice("108.10", line(tax_rate="8.1")))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "tax_unusable")
    assert "UN81 is not valid on 2026-11-02" in outcome.reason


def test_a_row_for_shipping_outranks_one_for_the_rate(world: World) -> None:
    """Whoever names a tax for shipping means shipping, whatever the rows' order."""
    world.sandbox.person.add_tax("UX81", "8.1")
    vat_map(world, 'code = "UN81"\nrate = 8.1', 'code = "UX81"\nuse = "shipping"')
    world.drop(a_line_invoice("108.10", line(type="shipping", name="Versand", tax_rate="8.1")))
    assert world.push().outcomes[0].status is Status.DONE
    assert codes(world) == ["UX81"]


@pytest.mark.parametrize(
    "fields", [{"tax_rate": "0"}, {"tax_rate": "7.7"}, {"tax_class": "books"}, {"tax_rate": "8.1"}]
)
def test_whatever_is_not_mapped_names_the_command_that_maps_it(world: World, fields: dict[str, str]) -> None:
    world.sandbox.person.add_tax("UX81", "8.1")
    vat_map(world, 'code = "UR26"\nclass = "food"')
    world.drop(a_line_invoice("100", line(**fields)))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "tax_unmapped")
    assert "`bexsync vat map`" in outcome.hint


def test_two_codes_with_one_rate_are_blocked_until_mapped(world: World) -> None:
    world.sandbox.person.add_tax("UX81", "8.1")
    world.drop(a_line_invoice("108.10", line(tax_rate="8.1")))
    (outcome,) = world.push().outcomes
    assert outcome.status is Status.BLOCKED
    assert "UN81 and UX81 both have 8.1 %" in outcome.reason
    vat_map(world, 'code = "UX81"\nrate = 8.1')
    assert world.push().outcomes[0].status is Status.DONE
    assert codes(world) == ["UX81"]


def test_a_tax_switched_off_in_bexio_meanwhile_is_noticed_in_the_same_run(world: World) -> None:
    """Master data is a day old at most; a refusal that names one of its fields drops it at once."""
    world.drop(an_invoice("0"))
    world.push()
    world.sandbox.person.set_tax_active("UN81", False)
    world.sandbox.person.add_tax("UN81B", "8.1")
    world.drop(an_invoice("1"))
    assert world.push().outcomes[0].status is Status.DONE
    by_id = {row["id"]: row["code"] for row in world.sandbox.state.taxes.values()}
    assert by_id[world.invoice("1")["positions"][0]["tax_id"]] == "UN81B"


def test_the_profile_and_the_account_name_defaults(world: World) -> None:
    world.set_profile(ledger={"tax_code": "UR26"})
    world.drop(a_line_invoice("102.60", line()))
    assert world.push().outcomes[0].status is Status.DONE
    assert codes(world) == ["UR26"]


class TestACompanyNotSubjectToVat:
    @pytest.fixture(params=["absorbed", "shown", "none"])
    def exempt(self, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        behaviours = {"rounding_without_vat": request.param}
        with a_world(tmp_path, monkeypatch, company="no-vat", behaviours=behaviours) as world:
            yield world

    @pytest.mark.parametrize("gross", [True, False])
    @pytest.mark.parametrize("rate", [{}, {"tax_rate": "0"}])
    def test_no_tax_is_sent(self, exempt: World, gross: bool, rate: dict[str, str]) -> None:
        exempt.drop(a_line_invoice("24.29", line(unit_price="24.29", **rate), prices_include_tax=gross))
        assert exempt.push().outcomes[0].status is Status.DONE
        (invoice,) = exempt.invoices()
        assert invoice["mwst_type"] == 2
        assert invoice["positions"][0]["tax_id"] is None
        assert abs(Decimal(invoice["total"]) - Decimal("24.29")) < Decimal("0.025")

    def test_a_rate_is_a_contradiction(self, exempt: World) -> None:
        exempt.drop(a_line_invoice("108.10", line(tax_rate="8.1")))
        (outcome,) = exempt.push().outcomes
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "not_subject_to_vat")


def test_an_invoice_of_a_year_that_bexio_does_not_know(world: World) -> None:
    world.set_profile(invoices={"start_date": "2020-01-01"})
    world.drop(an_invoice("old", invoice_date="2021-03-01"), an_invoice("future", invoice_date="2031-03-01"))
    world.clock.forward(days=1550)  # 2031-02-17, and the year is not open in bexio
    outcomes = {o.shop_id: o for o in world.push().outcomes}
    assert (outcomes["old"].status, outcomes["old"].code) == (Status.BLOCKED, "no_business_year")
    assert outcomes["future"].status is Status.DONE  # bexio opens years late; the last one stands in


def test_a_tax_that_is_switched_on_is_seen_at_once(world: World) -> None:
    """Master data are kept for a day, but not when they are what is in the way."""
    world.sandbox.person.set_tax_active("UR26", False)
    world.drop(a_line_invoice("102.60", line(tax_rate="2.6")))
    assert [o.code for o in world.push().outcomes] == ["tax_unmapped"]
    world.clock.forward(minutes=5)
    world.sandbox.person.set_tax_active("UR26", True)
    result = world.push()
    assert [o.status for o in result.outcomes] == [Status.DONE]
    assert codes(world) == ["UR26"]


def test_numbering_that_is_switched_on_is_seen_at_once(world: World) -> None:
    world.sandbox.person.set_automatic_numbering(False)
    world.drop(an_invoice("1"))
    with pytest.raises(RunEnded, match="does not number invoices"):
        world.push()
    world.sandbox.person.set_automatic_numbering(True)
    assert [o.status for o in world.push().outcomes] == [Status.DONE]


@pytest.mark.parametrize("is_taken", [True, False])
def test_an_account_that_was_renumbered_since_is_never_booked_on(world: World, is_taken: bool) -> None:
    world.drop(an_invoice("1"))
    world.push()
    accounts = world.sandbox.state.tables["accounts"]
    sales = next(row for row in accounts.values() if row["account_no"] == "3200")
    other = next(row for row in accounts.values() if row["account_no"] == "3400")
    sales["account_no"] = "3290"
    if is_taken:
        other["account_no"] = "3200"
    world.clock.forward(minutes=10)
    world.drop(an_invoice("2", invoice_date="2026-11-03"))
    (outcome,) = world.push().outcomes
    if is_taken:
        assert [p["account_id"] for p in world.invoice("2")["positions"]] == [other["id"]]
    else:
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "unknown_account")
