"""The gap between the shop's total and what bexio books: closed by a rounding line, said, or held as a draft."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from world import World, a_world, an_invoice


def per_line(price: str, pieces: int, *, rate: str = "8.1") -> list[dict[str, Any]]:
    return [{"name": f"Teil {n}", "unit_price": price, "tax_rate": rate} for n in range(pieces)]


def without_vat_activated(world: World) -> None:
    """The accountant activates the code without VAT, as bexio has it."""
    world.sandbox.person.set_tax_active("U00", True)


@pytest.fixture
def rounding_world(world: World) -> World:
    without_vat_activated(world)
    world.set_profile(invoices={"rounding_account": "6945"})
    return world


# 120 x 0.55: VAT of a line is 0.04455, so a shop that rounds by line has 120 x 0.59 = 70.80; exact are 71.346.
VAT_PER_LINE = {"lines": per_line("0.55", 120), "total": "70.80", "total_net": "66.00", "total_tax": "4.80"}


@pytest.mark.parametrize("currency", ["CHF", "EUR"])
@pytest.mark.parametrize(
    ("fields", "gap"),
    [
        (VAT_PER_LINE, "-0.55"),
        # 20 x 0.57: 0.04617 a line is 0.05, so 12.40; exact are 12.3234
        ({"lines": per_line("0.57", 20), "total": "12.40", "total_net": "11.40", "total_tax": "1.00"}, "0.08"),
        # the same with a line taken back: 19 x 0.62 - 0.62; exact 18 x 0.57 x 1.081 = 11.09106
        ({"lines": [*per_line("0.57", 19), *per_line("-0.57", 1)], "total": "11.16"}, "0.07"),
        # gross: five lines of 1.005 are 1.01 each in the shop, and 5.025 together
        ({"lines": per_line("1.005", 5), "total": "5.05", "prices_include_tax": True}, "0.02"),
        # the shop's cashier rounds 15.32 to 15.30, and says so
        ({"lines": per_line("15.32", 1), "total": "15.30", "total_rounding": "-0.02", "prices_include_tax": True},
         "-0.02"),
    ],
)  # fmt: skip
def test_what_the_shops_way_of_rounding_leaves_over_is_a_line_without_vat(
    rounding_world: World, currency: str, fields: dict[str, Any], gap: str
) -> None:
    world = rounding_world
    if currency == "EUR":
        world.set_profile(ledger={"currency": "EUR"})
    world.drop(an_invoice(currency=currency, **fields))
    result = world.push()
    assert [(o.status, o.code) for o in result.outcomes] == [(Status.DONE, "")]
    invoice = world.invoice("1001")
    step = Decimal("0.05") if currency == "CHF" else Decimal("0.01")
    assert abs(Decimal(invoice["total"]) - Decimal(fields["total"])) <= step / 2
    line = invoice["positions"][-1]
    accounts = {row["id"]: row["account_no"] for row in world.sandbox.state.tables["accounts"].values()}
    assert (line["text"], Decimal(line["unit_price"]), accounts[line["account_id"]]) == (
        "Rundung",
        Decimal(gap),
        "6945",
    )
    assert line["tax_value"] in ("0.00", "0")
    assert len(world.sandbox.mails) == 1


def test_without_an_account_a_large_gap_stays_a_draft_until_there_is_one(world: World) -> None:
    # 20 x 0.59 = 11.80 with VAT by line; exact are 11.891
    world.drop(an_invoice(lines=per_line("0.55", 20), total="11.80"))
    assert "stays a draft, 0.10 from the shop's total" in world.push(dry_run=True).outcomes[0].reason
    result = world.push()
    (outcome,) = result.outcomes
    assert (outcome.status, result.exit_code) == (Status.HELD, Exit.SOME_FAILED)
    assert "bexio comes to 11.90, the shop's total is 11.80 (0.10 apart" in outcome.reason
    assert "rounding_account" in outcome.reason
    assert (world.invoice("1001")["kb_item_status_id"], world.sandbox.mails) == (7, [])
    writes = world.writes()
    assert world.push().outcomes[0].status is Status.HELD
    assert world.writes() == writes
    without_vat_activated(world)
    world.set_profile(invoices={"rounding_account": "6945"})
    world.clock.forward(days=2)
    assert world.push().outcomes[0].status is Status.DONE
    assert Decimal(world.invoice("1001")["total"]) == Decimal("11.80")
    assert len(world.sandbox.mails) == 1


def test_what_has_a_rounding_line_is_found_again_when_the_profile_no_longer_asks_for_one(rounding_world: World) -> None:
    world = rounding_world
    lines = [{"name": f"a{n}", "quantity": "1", "unit_price": "1.45", "tax_rate": "8.1"} for n in range(20)]
    world.drop(an_invoice("1", lines=lines, total="31.40"))
    assert world.push().totals["CHF"]["invoiced"] == Decimal("31.40")
    for file in (world.folder / "state").glob("bexio-*.db*"):
        file.unlink()
    world.set_profile(invoices={"rounding_account": None})
    world.drop(an_invoice("1", lines=lines, total="31.40"))
    result = world.push()
    assert (result.exit_code, [o.number for o in result.outcomes]) == (Exit.OK, ["RE-00001"])
    assert len(world.sandbox.mails) == 1


def test_without_an_account_a_gap_of_five_rappen_is_said(world: World) -> None:
    # 3 x 10.06 with VAT by line: 3 x 10.87 = 32.61; exact are 32.62458, and bexio's 5 Rappen make 32.60 of it
    world.drop(an_invoice(lines=per_line("10.06", 3), total="32.61", total_net="30.18", total_tax="2.43"))
    (outcome,) = world.push().outcomes
    assert outcome.reason == "32.61 in the shop, 32.60 in bexio, -0.01 by rounding"
    assert len(world.sandbox.mails) == 1


def test_where_no_code_without_vat_is_active_the_profile_names_one(world: World) -> None:
    world.set_profile(invoices={"rounding_account": "6945"})
    world.drop(an_invoice(**VAT_PER_LINE))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "tax_unmapped")
    assert "rounding_tax" in outcome.hint
    world.set_profile(invoices={"rounding_tax": "UN81"})
    assert world.push().outcomes[0].status is Status.DONE
    assert Decimal(world.invoice("1001")["total"]) == Decimal("70.80")


@pytest.mark.parametrize(("account", "said"), [("9", "does not exist"), ("1020", "is no active income or expense")])
def test_a_rounding_account_that_bexio_does_not_have(world: World, account: str, said: str) -> None:
    world.set_profile(invoices={"rounding_account": account})
    world.drop(an_invoice(**VAT_PER_LINE))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "unknown_account")
    assert said in outcome.reason
    assert world.writes() == 0


def test_a_rounding_that_is_none_is_refused(rounding_world: World) -> None:
    rounding_world.drop(an_invoice(total="98.10", total_rounding="-10"))
    (outcome,) = rounding_world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "total_mismatch")
    assert "total_rounding -10.00 CHF is more than rounding explains" in outcome.reason


def test_where_bexio_takes_no_negative_price_a_large_gap_stays_a_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"negative_unit_price": "refused"}) as world:
        world.set_profile(invoices={"rounding_account": "6945"})
        without_vat_activated(world)
        world.drop(an_invoice(**VAT_PER_LINE))
        (outcome,) = world.push().outcomes
        assert outcome.status is Status.HELD
        assert world.sandbox.mails == []


BOOK = {"name": "Buch", "quantity": "2", "unit_price": "26"}


@pytest.mark.parametrize(
    "fields",
    [
        # 52.00 with 2.6 % would be 1.32, with the default tax it is 3.90
        {"total_tax": "1.32"},
        {"total_net": "50.68"},
        {"total_net": "50.68", "total_tax": "1.32"},
        {"lines": [BOOK | {"line_tax": "1.32"}]},
        {"lines": [BOOK | {"tax_rate": "8.1", "line_tax": "1.3200000001"}]},
        {"taxes": [{"rate": "2.6", "tax": "1.32"}]},
        {"taxes": [{"rate": "8.1", "net": "50.68"}]},
        {"lines": [BOOK, {"type": "discount", "discount_amount": "2", "tax_rate": "8.1"}], "total": "50",
         "total_tax": "1.27"},
    ],
)  # fmt: skip
def test_stated_vat_is_compared_in_gross_documents_too(world: World, fields: dict[str, Any]) -> None:
    world.drop(an_invoice(**{"lines": [BOOK], "total": "52.00", "prices_include_tax": True, **fields}))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "vat_mismatch")
    assert outcome.hint
    assert world.writes() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"total_tax": "3.90", "total_net": "48.10"},
        {"total_tax": "3.8963922294", "total_net": "48.1036077706", "total": "52.0000000001"},
        {"lines": [BOOK | {"line_tax": "3.90"}]},
        # net and VAT of single pieces: 24.05 + 1.95
        {"lines": [BOOK, BOOK], "total": "104", "total_tax": "7.80", "total_net": "96.20"},
        {"taxes": [{"rate": "8.1", "net": "48.10", "tax": "3.90"}]},
        # the VAT of a line before or after the discount over all of them
        {"lines": [BOOK | {"line_tax": "3.90"}, {"type": "discount", "discount_percent": "10"}], "total": "46.80",
         "total_tax": "3.51"},
        {"lines": [BOOK | {"line_tax": "3.51"}, {"type": "discount", "discount_percent": "10"}], "total": "46.80"},
        {"total": "49.96", "prices_include_tax": False, "lines": [BOOK | {"unit_price": "23.11"}], "total_tax": "3.74"},
    ],
)  # fmt: skip
def test_stated_vat_that_agrees(world: World, fields: dict[str, Any]) -> None:
    world.drop(an_invoice(**{"lines": [BOOK], "total": "52.00", "prices_include_tax": True, **fields}))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.DONE, "")


def test_test_connection_looks_at_the_rounding_account(world: World) -> None:
    world.set_profile(invoices={"rounding_account": "6945"})
    said = {check.name: check for check in world.try_connection(trial=False).checks}
    assert "Activate the one without VAT (U00)" in said["rounding account"].hint
    without_vat_activated(world)
    said = {check.name: check for check in world.try_connection(trial=False).checks}
    assert (said["rounding account"].value, said["rounding account"].sentence) == (
        "6945 Rundungsdifferenzen",
        "With U00.",
    )
