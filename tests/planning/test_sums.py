"""Do the lines give the shop's total? Worked by hand; each comment shows the working."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bexsync.errors import RecordProblem
from bexsync.planning.amounts import WAYS, Sum, check_shop_total, exact_net, exact_total, rounded_totals, tolerance

D = Decimal
CENT, FIVE = D("0.01"), D("0.05")


def sums(*rows: tuple[str, str]) -> list[Sum]:
    return [Sum(D(amount), D(rate)) for amount, rate in rows]


# Three lines of 1.11 at 8.1 %: tax 0.08991 a line, 0.26973 together.
THREE = sums(("1.11", "8.1"), ("1.11", "8.1"), ("1.11", "8.1"))
# 10.05 at 8.1 %: 0.81405; 4.35 at 2.6 %: 0.1131; together 0.92715.
MIXED = sums(("10.05", "8.1"), ("4.35", "2.6"))


@pytest.mark.parametrize(
    ("lines", "gross", "way", "to", "totals"),
    [
        # line: 3 x (1.11 + 0.09) = 3.60
        (THREE, False, "line", CENT, {"3.60"}),
        # rate: 3.33 + round(0.26973) = 3.33 + 0.27 = 3.60
        (THREE, False, "rate", CENT, {"3.60"}),
        # document: round(3.33 + 0.26973) = round(3.59973) = 3.60
        (THREE, False, "document", CENT, {"3.60"}),
        # six lines of 0.55 at 8.1 %: 0.04455 a line is 0.04; 6 x 0.59 = 3.54
        (sums(*[("0.55", "8.1")] * 6), False, "line", CENT, {"3.54"}),
        # together 3.30 + 0.2673 = 3.5673
        (sums(*[("0.55", "8.1")] * 6), False, "rate", CENT, {"3.57"}),
        (sums(*[("0.55", "8.1")] * 6), False, "document", CENT, {"3.57"}),
        # rates apart: 14.40 + 0.81 + 0.11 = 15.32; as one: 14.40 + 0.92715 = 15.32715
        (MIXED, False, "rate", CENT, {"15.32"}),
        (MIXED, False, "document", CENT, {"15.33"}),
        # to 5 Rappen: 15.32 -> 15.30, 15.32715 -> 15.35 (halfway is 15.325)
        (MIXED, False, "rate", FIVE, {"15.30"}),
        (MIXED, False, "document", FIVE, {"15.35"}),
        # gross amounts are sums already, whatever the rates
        (sums(("108.10", "8.1"), ("51.30", "2.6")), True, "line", CENT, {"159.40"}),
        # hours of 1/3: 33.333333 + 66.666667 = 100; rounded lines 33.33 + 66.67 = 100; x 1.081
        (sums(("33.333333", "8.1"), ("66.666667", "8.1")), False, "document", CENT, {"108.10"}),
        # two half cents: exact 0.01 x 1.081 = 0.01081; as cents 0.02 x 1.081 = 0.02162
        (sums(("0.005", "8.1"), ("0.005", "8.1")), False, "document", CENT, {"0.01", "0.02"}),
    ],
)
def test_the_three_ways_of_rounding(lines: list[Sum], gross: bool, way: str, to: Decimal, totals: set[str]) -> None:
    found = rounded_totals(lines, gross=gross, to=to, ways=[way])  # type: ignore[list-item]
    assert found == {way: {D(t) for t in totals}}


def check(
    lines: list[Sum], *, gross: bool = False, to: Decimal = CENT, ways: tuple[str, ...] = WAYS, **stated: str
) -> None:
    check_shop_total(
        lines,
        gross=gross,
        stated=D(stated["total"]) if "total" in stated else None,
        stated_net=D(stated["net"]) if "net" in stated else None,
        stated_tax=D(stated["tax"]) if "tax" in stated else None,
        ways=ways,  # type: ignore[arg-type]
        to=to,
        currency="CHF",
    )


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (MIXED, {"total": "15.32"}),
        (MIXED, {"total": "15.33"}),
        (MIXED, {"total": "15.33", "ways": ("document",)}),
        (MIXED, {"total": "15.35", "to": FIVE}),
        (MIXED, {"total": "15.33", "net": "14.40", "tax": "0.93"}),
        (MIXED, {"total": "15.35", "net": "14.40", "tax": "0.93", "to": FIVE}),  # 0.02 is the rounding
        (MIXED, {"net": "14.40"}),
        # 108.10 / 1.081 + 51.30 / 1.026 = 100 + 50
        (sums(("108.10", "8.1"), ("51.30", "2.6")), {"gross": True, "net": "150"}),
        # three of 9.95: 9.95 / 1.081 = 9.20444, 3 x 9.20 = 27.60; together 27.61332
        (sums(*[("9.95", "8.1")] * 3), {"gross": True, "net": "27.60"}),
        (sums(*[("9.95", "8.1")] * 3), {"gross": True, "net": "27.61"}),
        # with a total, what a shop calls the net of gross prices is its own affair
        (sums(("108.10", "8.1")), {"gross": True, "total": "108.10", "net": "100"}),
    ],
)
def test_totals_that_agree(lines: list[Sum], options: dict[str, object]) -> None:
    check(lines, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (MIXED, {"total": "15.34"}, "The lines add up to 15.33 CHF, the total says 15.34 (0.01 apart)."),
        (MIXED, {"total": "15.32", "ways": ("document",)}, "add up to 15.33 CHF, the total says 15.32 (-0.01 apart)"),
        (MIXED, {"total": "15.33", "net": "14.41"}, "the total_net says 14.41"),
        (MIXED, {"total": "15.33", "net": "14.40", "tax": "0.94"}, "do not add up to the total 15.33 CHF"),
        (sums(("108.10", "8.1")), {"gross": True, "net": "108.10"}, "add up to 100.00 CHF, the total_net says 108.10"),
    ],
)
def test_totals_that_do_not(lines: list[Sum], options: dict[str, object], said: str) -> None:
    with pytest.raises(RecordProblem) as caught:
        check(lines, **options)  # type: ignore[arg-type]
    assert said in caught.value.message
    assert caught.value.code == "total_mismatch"


def test_a_shop_that_seems_to_round_to_5_rappen_is_told_the_setting() -> None:
    with pytest.raises(RecordProblem) as caught:
        check(MIXED, total="15.35")
    assert 'round_to = "0.05"' in caught.value.hint


def test_exact_sums_and_how_far_bexio_may_be_from_them() -> None:
    assert exact_total(MIXED, gross=False) == D("15.32715")
    assert exact_net(sums(("108.10", "8.1"), ("51.30", "2.6")), gross=True) == 150
    # half of 5 Rappen, and a tax kept at four decimals for each of two rates
    assert tolerance(FIVE, MIXED) == D("0.0251")
