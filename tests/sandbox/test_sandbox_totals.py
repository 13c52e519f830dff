"""bexio's arithmetic, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bexio_sandbox.state.totals import Discount, Line, Manner, document_totals, line_total

CHF, EUR = Decimal("0.05"), Decimal("0.01")
NET, GROSS = True, False


def lines(*pairs: str) -> list[Line]:
    """Reads lines like "100 @ 8.1" or "100 @ -" for no VAT."""
    read = []
    for pair in pairs:
        total, _, rate = pair.partition(" @ ")
        read.append(Line(Decimal(total), None if rate == "-" else Decimal(rate)))
    return read


def per_cent(value: str) -> Discount:
    return Discount(True, Decimal(value))


def amount(value: str) -> Discount:
    return Discount(False, Decimal(value))


CASES = [
    # bexio's own sample: 17.80 x 7.7 % = 1.3706; 17.80 + 1.3706 = 19.1706, nearest 0.05 is 19.15: -0.0206
    ("net", NET, CHF, lines("17.80 @ 7.7"), [], "17.80", "17.80", {"7.7": "1.3706"}, "19.15", "-0.02"),
    # a live test: 108.10 holds 108.10 x 8.1 / 108.1 = 8.10
    ("gross", GROSS, CHF, lines("108.10 @ 8.1"), [], "108.10", "108.10", {"8.1": "8.1"}, "108.10", "0"),
    # 100 x 8.1 % = 8.10; 50 x 2.6 % = 1.30; 150 + 9.40
    (
        "net, two rates",
        NET,
        CHF,
        lines("100 @ 8.1", "50 @ 2.6"),
        [],
        "150",
        "150",
        {"8.1": "8.1", "2.6": "1.3"},
        "159.40",
        "0",
    ),
    # two lines of one rate are taxed together: (0.33 + 0.33) x 8.1 % = 0.05346 -> 0.0535, not 2 x 0.0267
    # 0.66 + 0.0535 = 0.7135, nearest 0.05 is 0.70: -0.0135
    ("per rate", NET, CHF, lines("0.33 @ 8.1", "0.33 @ 8.1"), [], "0.66", "0.66", {"8.1": "0.0535"}, "0.70", "-0.01"),
    # 100 holds 100 x 8.1 / 108.1 = 7.4931; 50 holds 50 x 2.6 / 102.6 = 1.2671
    (
        "gross, two rates",
        GROSS,
        CHF,
        lines("100 @ 8.1", "50 @ 2.6"),
        [],
        "150",
        "150",
        {"8.1": "7.4931", "2.6": "1.2671"},
        "150",
        "0",
    ),
    # 10 % off 200: both bases shrink to 90 each: 90 x 8.1 % = 7.29; 90 x 2.6 % = 2.34; 180 + 9.63 = 189.63 -> 189.65
    (
        "percentage over two rates",
        NET,
        CHF,
        lines("100 @ 8.1", "100 @ 2.6"),
        [per_cent("10")],
        "200",
        "180",
        {"8.1": "7.29", "2.6": "2.34"},
        "189.65",
        "0.02",
    ),
    # 30 off 400, in proportion 300 : 100, so 22.50 and 7.50: 277.50 x 8.1 % = 22.4775; 92.50 x 2.6 % = 2.4050
    # 370 + 24.8825 = 394.8825 -> 394.90: 0.0175
    (
        "amount over two rates",
        NET,
        CHF,
        lines("300 @ 8.1", "100 @ 2.6"),
        [amount("30")],
        "400",
        "370",
        {"8.1": "22.4775", "2.6": "2.405"},
        "394.90",
        "0.02",
    ),
    # 10 % of 100 leaves 90, then 5 off leaves 85: 85 x 8.1 % = 6.885; 91.885 -> 91.90: 0.015 -> 0.02
    (
        "discounts in turn",
        NET,
        CHF,
        lines("100 @ 8.1"),
        [per_cent("10"), amount("5")],
        "100",
        "85",
        {"8.1": "6.885"},
        "91.90",
        "0.02",
    ),
    # gross with a discount: 108.10 less 10 % = 97.29, holds 97.29 x 8.1 / 108.1 = 7.29; 97.29 -> 97.30
    (
        "gross, discount",
        GROSS,
        CHF,
        lines("108.10 @ 8.1"),
        [per_cent("10")],
        "108.10",
        "97.29",
        {"8.1": "7.29"},
        "97.30",
        "0.01",
    ),
    # euros round to the cent: 17.80 + 17.80 x 19 % = 21.182 -> 21.18: -0.002 -> 0
    ("euro", NET, EUR, lines("17.80 @ 19"), [], "17.80", "17.80", {"19": "3.382"}, "21.18", "0"),
    # a returned article: 100 - 20 = 80, 80 x 8.1 % = 6.48; 86.48 -> 86.50
    ("negative line", NET, CHF, lines("100 @ 8.1", "-20 @ 8.1"), [], "80", "80", {"8.1": "6.48"}, "86.50", "0.02"),
    # a document below zero: -17.80 - 1.3706 = -19.1706 -> -19.15: 0.0206
    ("negative total", NET, CHF, lines("-17.80 @ 7.7"), [], "-17.80", "-17.80", {"7.7": "-1.3706"}, "-19.15", "0.02"),
    # a tie goes away from zero: 0.025 -> 0.05
    ("tie up", NET, CHF, lines("0.025 @ -"), [], "0.025", "0.025", {}, "0.05", "0.03"),
    ("tie down", NET, CHF, lines("-0.025 @ -"), [], "-0.025", "-0.025", {}, "-0.05", "-0.03"),
    ("cent tie", NET, EUR, lines("0.005 @ -"), [], "0.005", "0.005", {}, "0.01", "0.01"),
    # half a ten-thousandth of VAT goes up: 0.000625 x 8 % = 0.00005 -> 0.0001
    ("tax tie", NET, EUR, lines("0.000625 @ 8"), [], "0.000625", "0.000625", {"8": "0.0001"}, "0", "0"),
    # lines without VAT and with 0 % bear none, and are not listed
    ("no VAT on a line", NET, CHF, lines("10 @ -", "20 @ 0"), [], "30", "30", {}, "30", "0"),
    ("nothing", NET, CHF, [], [], "0", "0", {}, "0", "0"),
    ("all off", NET, CHF, lines("50 @ 8.1"), [per_cent("100")], "50", "0", {"8.1": "0"}, "0", "0"),
    # lines that cancel out keep their bases: 10 x 8.1 % = 0.81; -10 x 2.6 % = -0.26; 0.55
    (
        "sum of zero",
        NET,
        CHF,
        lines("10 @ 8.1", "-10 @ 2.6"),
        [],
        "0",
        "0",
        {"8.1": "0.81", "2.6": "-0.26"},
        "0.55",
        "0",
    ),
]


@pytest.mark.parametrize(
    ("is_net", "factor", "positions", "discounts", "gross", "net", "taxes", "total", "difference"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_document_adds_up(is_net, factor, positions, discounts, gross, net, taxes, total, difference):
    totals = document_totals(positions, discounts, Manner(0, is_net, factor))
    assert (totals.gross, totals.net, totals.total) == (Decimal(gross), Decimal(net), Decimal(total))
    assert {tax.percentage: tax.value for tax in totals.taxes} == {
        Decimal(rate): Decimal(value) for rate, value in taxes.items()
    }
    assert totals.rounding_difference == Decimal(difference)


@pytest.mark.parametrize("mwst_type", [1, 2, 3])
@pytest.mark.parametrize(
    ("answer", "net", "total", "difference"),
    [
        # an old sample: 24.29 without VAT shows 24.30 as total and as net, and no difference
        ("absorbed", "24.30", "24.30", "0"),
        ("shown", "24.29", "24.30", "0.01"),
        ("none", "24.29", "24.29", "0"),
    ],
)
def test_without_vat(mwst_type, answer, net, total, difference):
    manner = Manner(mwst_type, True, CHF, rounding_without_vat=answer)
    totals = document_totals(lines("24.29 @ 8.1"), [], manner)
    assert totals.gross == Decimal("24.29")
    assert (totals.net, totals.total) == (Decimal(net), Decimal(total))
    assert totals.rounding_difference == Decimal(difference)
    assert totals.taxes == ()


def test_gross_prices_may_be_shown_without_their_tax():
    # 108.10 less 10 % = 97.29, which holds 7.29: 90 net; before the discount 108.10 holds 8.10: 100
    manner = Manner(0, False, CHF, gross_net_totals="without_tax")
    totals = document_totals(lines("108.10 @ 8.1"), [per_cent("10")], manner)
    assert (totals.gross, totals.net, totals.total) == (Decimal(100), Decimal(90), Decimal("97.30"))


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "rounding", "total"),
    [
        # 3 x 9.99 = 29.97
        ("3", "9.99", "0", "none", "29.97"),
        # 1.5 x 17.80 = 26.70 less 12.5 % = 23.3625
        ("1.5", "17.80", "12.5", "none", "23.3625"),
        ("1.5", "17.80", "12.5", "cent", "23.36"),
        # 0.333333 x 0.03 keeps all its decimals
        ("0.333333", "0.03", "0", "none", "0.00999999"),
        ("2", "-4.50", "0", "none", "-9.00"),
        ("1", "80", "100", "none", "0"),
    ],
)
def test_a_line_after_its_own_discount(quantity, price, discount, rounding, total):
    assert line_total(Decimal(quantity), Decimal(price), Decimal(discount), rounding) == Decimal(total)


def test_the_documents_hold_these_sums(bexio):
    number = bexio.create(bexio.line("17.80", discount_in_percent="50"), currency_id=1)
    shown = bexio.show(number)
    # 8.90 x 8.1 % = 0.7209; 9.6209 -> 9.60: -0.0209
    assert shown["total_gross"] == "8.900000"
    assert shown["total_taxes"] == "0.7209"
    assert shown["taxs"] == [{"percentage": "8.10", "value": "0.7209"}]
    assert shown["total"] == "9.600000"
    assert shown["total_remaining_payments"] == "9.6000"
    assert shown["total_rounding_difference"] == -0.02
