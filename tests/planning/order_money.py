"""Orders whose money was worked out by hand, with the working, to be held against plans and against books.

`sums` says per account and tax code what must be booked: net, VAT, with VAT. Of net prices the net amount and the VAT
are rounded by themselves, of gross prices the VAT is what of the gross amount is 8.1/108.1 or 2.6/102.6. `books` is the
ledger's total, to its coin (0.05 in CHF unless `coin` says otherwise). Halves are rounded up. Of payments, `booked` are
the amounts that are booked, `open` is what the books show after them, `above` what was paid too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOON = "2026-11-05T12:00:00+01:00"
N, R = "8.1", "2.6"  # the two rates of the table


@dataclass(frozen=True)
class Case:
    """One order, what it must come to, and why."""

    name: str
    working: str
    lines: list[dict[str, Any]]
    total: str
    sums: Mapping[str, tuple[str, str, str]]
    books: str
    order: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    vat_map: tuple[tuple[str, str], ...] = ()
    coin: str = "0.05"
    day: str = "2026-11-02"
    booked: tuple[str, ...] | None = None
    open: str = ""
    above: str = "0"

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to invoice."""
        return self.total == "0.00"


def goods(price: str, rate: str | None = N, quantity: str = "1", **more: Any) -> dict[str, Any]:
    """A line that is sold on the usual account."""
    line = {"name": "Ware", "unit_price": price, "quantity": quantity, "tax_rate": rate, **more}
    return {name: value for name, value in line.items() if value is not None}


def shipping(price: str, rate: str | None = N, account: str | None = "3600", **more: Any) -> dict[str, Any]:
    """Postage, on an account of its own."""
    return goods(price, rate, type="shipping", name="Versand", revenue_account=account, **more)


def fee(price: str, rate: str | None = None, **more: Any) -> dict[str, Any]:
    """A fee of a payment method."""
    return goods(price, rate, type="fee", name="Zuschlag", **more)


def card(price: str) -> dict[str, Any]:
    """A gift card that is sold, or taken in payment where it is negative."""
    return goods(price, None, type="gift_card", name="Gutschein")


def tip(price: str, rate: str | None = None) -> dict[str, Any]:
    """A tip."""
    return goods(price, rate, type="tip", name="Trinkgeld")


def off(**how: Any) -> dict[str, Any]:
    """A discount over the whole order."""
    return {"type": "discount", "name": "Aktion", **how}


def paid(*payments: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Successful sales, each by its key and amount."""
    return {
        "payments": [
            {"shop_id": key, "amount": amount, "currency": "CHF", "paid_at": NOON, **more} for key, amount in payments
        ]
    }


GROSS = {"prices_include_tax": True}
EUR = {"currency": "EUR"}
ROUNDING = {"invoices": {"rounding_account": "6945"}}
TIPS = {"orders": {"tip_account": "3600", "tip_tax": "U00"}}

PRICES = [
    Case(
        "net, one line",
        "100 x 8.1 % = 8.10",
        [goods("100")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
    ),
    Case(
        "net, three pieces",
        "3 x 33.35 = 100.05; x 8.1 % = 8.10405; together 108.15405",
        [goods("33.35", quantity="3")],
        "108.15",
        {"3200 UN81": ("100.05", "8.10", "108.15")},
        "108.15",
    ),
    Case(
        "gross, one line",
        "108.10 x 8.1 / 108.1 = 8.10",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        GROSS,
    ),
    Case(
        "gross, three pieces",
        "3 x 9.95 = 29.85; x 8.1 / 108.1 = 241.785 / 108.1 = 2.23668",
        [goods("9.95", quantity="3")],
        "29.85",
        {"3200 UN81": ("27.61", "2.24", "29.85")},
        "29.85",
        GROSS,
    ),
    Case(
        "gross, reduced rate",
        "19.90 x 2.6 / 102.6 = 51.74 / 102.6 = 0.50429",
        [goods("19.90", R)],
        "19.90",
        {"3200 UR26": ("19.40", "0.50", "19.90")},
        "19.90",
        GROSS,
    ),
    Case(
        "net, mixed rates",
        "100 x 8.1 % = 8.10; 50 x 2.6 % = 1.30; 108.10 + 51.30",
        [goods("100"), goods("50", R)],
        "159.40",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3200 UR26": ("50.00", "1.30", "51.30")},
        "159.40",
    ),
    Case(
        "net, mixed rates, VAT stated per rate",
        "as before; the shop names 8.10 and 1.30",
        [goods("100"), goods("50", R)],
        "159.40",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3200 UR26": ("50.00", "1.30", "51.30")},
        "159.40",
        {
            "taxes": [{"rate": N, "net": "100", "tax": "8.10"}, {"rate": R, "net": "50", "tax": "1.30"}],
            "total_net": "150",
            "total_tax": "9.40",
        },
    ),
    Case(
        "gross, mixed rates",
        "49.90 x 8.1 / 108.1 = 404.19 / 108.1 = 3.73904; 12.35 x 2.6 / 102.6 = 32.11 / 102.6 = 0.31296",
        [goods("49.90"), goods("12.35", R)],
        "62.25",
        {"3200 UN81": ("46.16", "3.74", "49.90"), "3200 UR26": ("12.04", "0.31", "12.35")},
        "62.25",
        GROSS,
    ),
    Case(
        "net, with a service abroad",
        "100 x 8.1 % = 8.10; 200 at 0 % by its code",
        [goods("100"), goods("200", None, tax_code="ULA")],
        "308.10",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3200 ULA": ("200.00", "0.00", "200.00")},
        "308.10",
    ),
    Case(
        "net, two accounts at one rate",
        "100 x 8.1 % = 8.10; 40 x 8.1 % = 3.24; 151.34, to 5 Rappen 151.35",
        [goods("100"), goods("40", type="service", revenue_account="3400")],
        "151.34",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3400 UN81": ("40.00", "3.24", "43.24")},
        "151.35",
    ),
    Case(
        "net, something for nothing",
        "10 x 8.1 % = 0.81; 0 x 8.1 % = 0; 10.81, to 5 Rappen 10.80",
        [goods("10"), goods("0")],
        "10.81",
        {"3200 UN81": ("10.00", "0.81", "10.81")},
        "10.80",
    ),
    Case(
        "net, something taken back",
        "100 - 30 = 70; x 8.1 % = 5.67; 75.67, to 5 Rappen 75.65",
        [goods("100"), goods("30", quantity="-1")],
        "75.67",
        {"3200 UN81": ("70.00", "5.67", "75.67")},
        "75.65",
    ),
    Case(
        "gross, a large amount",
        "999999.95 x 8.1 / 108.1 = 8099999.595 / 108.1; 108.1 x 74930 = 8099933, 66.595 / 108.1 = 0.61605; 74930.62",
        [goods("999999.95")],
        "999999.95",
        {"3200 UN81": ("925069.33", "74930.62", "999999.95")},
        "999999.95",
        GROSS,
    ),
]
DISCOUNTS = [
    Case(
        "a fifth off a line",
        "250 x 0.8 = 200; x 8.1 % = 16.20",
        [goods("250", discount_percent="20")],
        "216.20",
        {"3200 UN81": ("200.00", "16.20", "216.20")},
        "216.20",
    ),
    Case(
        "15 % off three pieces",
        "3 x 19.95 = 59.85; x 0.85 = 50.8725; x 8.1 % = 4.1206725; 54.9931725, to 5 Rappen 55.00",
        [goods("19.95", quantity="3", discount_percent="15")],
        "54.99",
        {"3200 UN81": ("50.87", "4.12", "54.99")},
        "55.00",
    ),
    Case(
        "an amount off a line",
        "2 x 45 - 10 = 80; x 8.1 % = 6.48; 86.48, to 5 Rappen 86.50",
        [goods("45", quantity="2", discount_amount="10")],
        "86.48",
        {"3200 UN81": ("80.00", "6.48", "86.48")},
        "86.50",
    ),
    Case(
        "an amount off a gross line",
        "54.05 - 5 = 49.05; x 8.1 / 108.1 = 397.305 / 108.1 = 3.67535",
        [goods("54.05", discount_amount="5")],
        "49.05",
        {"3200 UN81": ("45.37", "3.68", "49.05")},
        "49.05",
        GROSS,
    ),
    Case(
        "all off one line",
        "10 - 100 % = 0; 20 x 2.6 % = 0.52; 20.52, to 5 Rappen 20.50",
        [goods("10", discount_percent="100"), goods("20", R)],
        "20.52",
        {"3200 UN81": ("0.00", "0.00", "0.00"), "3200 UR26": ("20.00", "0.52", "20.52")},
        "20.50",
    ),
    Case(
        "a coupon over two rates",
        "15 over 100 and 50: 10 and 5; 90 x 8.1 % = 7.29; 45 x 2.6 % = 1.17; 143.46, to 5 Rappen 143.45",
        [goods("100"), goods("50", R), off(discount_amount="15")],
        "143.46",
        {"3200 UN81": ("90.00", "7.29", "97.29"), "3200 UR26": ("45.00", "1.17", "46.17")},
        "143.45",
    ),
    Case(
        "a coupon whose last Rappen goes to the first of equals",
        "10 over 50, 50, 50: 3.34, 3.33, 3.33; 46.66 x 8.1 % = 3.77946; 46.67 x 2.6 % = 1.21342; 140.00 + 4.99288",
        [goods("50"), goods("50", R), goods("50", None, tax_code="ULA"), off(discount_amount="10")],
        "144.99",
        {
            "3200 UN81": ("46.66", "3.78", "50.44"),
            "3200 UR26": ("46.67", "1.21", "47.88"),
            "3200 ULA": ("46.67", "0.00", "46.67"),
        },
        "145.00",
    ),
    Case(
        "a coupon in per cent of gross prices",
        "10 % of 159.40 = 15.94; over 108.10 and 51.30: 10.81 and 5.13; 97.29 x 8.1 / 108.1 = 7.29; 46.17 - 45 = 1.17",
        [goods("108.10"), goods("51.30", R), off(discount_percent="10")],
        "143.46",
        {"3200 UN81": ("90.00", "7.29", "97.29"), "3200 UR26": ("45.00", "1.17", "46.17")},
        "143.45",
        GROSS,
    ),
    Case(
        "a coupon with a rate of its own",
        "100 x 8.1 % = 8.10; 50 - 5 = 45, x 2.6 % = 1.17; 154.27, to 5 Rappen 154.25",
        [goods("100"), goods("50", R), off(discount_amount="5", tax_rate=R)],
        "154.27",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3200 UR26": ("45.00", "1.17", "46.17")},
        "154.25",
    ),
    Case(
        "a discount as a negative price",
        "100 - 12 = 88; x 8.1 % = 7.128; 95.128, to 5 Rappen 95.15",
        [goods("100"), off(unit_price="-12")],
        "95.13",
        {"3200 UN81": ("88.00", "7.13", "95.13")},
        "95.15",
    ),
    Case(
        "a discount as a negative total of its line",
        "62.50 - 12.50 = 50; x 8.1 / 108.1 = 405 / 108.1 = 3.74653",
        [goods("62.50"), off(line_total="-12.50")],
        "50.00",
        {"3200 UN81": ("46.25", "3.75", "50.00")},
        "50.00",
        GROSS,
    ),
    Case(
        "two coupons",
        "10 % of 200 = 20, 10 each; 5, 2.50 each; 87.50 x 8.1 % = 7.0875; 87.50 x 2.6 % = 2.275; 184.3625",
        [goods("100"), goods("100", R), off(discount_percent="10"), off(discount_amount="5")],
        "184.36",
        {"3200 UN81": ("87.50", "7.09", "94.59"), "3200 UR26": ("87.50", "2.28", "89.78")},
        "184.35",
    ),
    Case(
        "a coupon over goods and shipping",
        "11 over 100 and 10: 10 and 1; 90 x 8.1 % = 7.29; 9 x 8.1 % = 0.729; 107.019, to 5 Rappen 107.00",
        [goods("100"), shipping("10"), off(discount_amount="11")],
        "107.02",
        {"3200 UN81": ("90.00", "7.29", "97.29"), "3600 UN81": ("9.00", "0.73", "9.73")},
        "107.00",
    ),
    Case(
        "a discount that the order only tells of",
        "the prices are after it: 90 x 8.1 % = 7.29; total_discount 10 changes nothing; 97.29, to 5 Rappen 97.30",
        [goods("90")],
        "97.29",
        {"3200 UN81": ("90.00", "7.29", "97.29")},
        "97.30",
        {"total_discount": "10"},
    ),
]
EXTRAS = [
    Case(
        "shipping at a rate of its own",
        "40 x 2.6 % = 1.04; 9 x 8.1 % = 0.729; 50.769, to 5 Rappen 50.75",
        [goods("40", R), shipping("9")],
        "50.77",
        {"3200 UR26": ("40.00", "1.04", "41.04"), "3600 UN81": ("9.00", "0.73", "9.73")},
        "50.75",
    ),
    Case(
        "shipping by the VAT map, on the usual account",
        "30 + 7.90 = 37.90; x 8.1 % = 3.0699; 40.9699, to 5 Rappen 40.95",
        [goods("30"), shipping("7.90", None, None)],
        "40.97",
        {"3200 UN81": ("37.90", "3.07", "40.97")},
        "40.95",
        vat_map=(("shipping", "UN81"),),
    ),
    Case(
        "shipping, gross",
        "89.10 x 8.1 / 108.1 = 721.71 / 108.1 = 6.67632; 9.90 x 8.1 / 108.1 = 80.19 / 108.1 = 0.74181",
        [goods("89.10"), shipping("9.90")],
        "99.00",
        {"3200 UN81": ("82.42", "6.68", "89.10"), "3600 UN81": ("9.16", "0.74", "9.90")},
        "99.00",
        GROSS,
    ),
    Case(
        "shipping for nothing",
        "54.05 x 8.1 / 108.1 = 4.05",
        [goods("54.05"), shipping("0")],
        "54.05",
        {"3200 UN81": ("50.00", "4.05", "54.05"), "3600 UN81": ("0.00", "0.00", "0.00")},
        "54.05",
        GROSS,
    ),
    Case(
        "a fee by the VAT map",
        "100 + 3.50 = 103.50; x 8.1 % = 8.3835; 111.8835, to 5 Rappen 111.90",
        [goods("100"), fee("3.50")],
        "111.88",
        {"3200 UN81": ("103.50", "8.38", "111.88")},
        "111.90",
        vat_map=(("fee", "UN81"),),
    ),
    Case(
        "a fee with a code of its own",
        "100 x 8.1 % = 8.10; 2 at 0 %",
        [goods("100"), fee("2", tax_code="ULA")],
        "110.10",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3200 ULA": ("2.00", "0.00", "2.00")},
        "110.10",
    ),
    Case(
        "shipping and a fee at the two rates, gross",
        "20.52 - 20 = 0.52; 10.81 - 10 = 0.81; 5.13 - 5 = 0.13",
        [goods("20.52", R), shipping("10.81"), fee("5.13", R)],
        "36.46",
        {"3200 UR26": ("25.00", "0.65", "25.65"), "3600 UN81": ("10.00", "0.81", "10.81")},
        "36.45",
        GROSS,
    ),
    Case(
        "a tip on an account of its own, without VAT",
        "100 x 8.1 % = 8.10; 5 at 0 %",
        [goods("100"), tip("5")],
        "113.10",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "3600 U00": ("5.00", "0.00", "5.00")},
        "113.10",
        profile=TIPS,
    ),
    Case(
        "a tip at a rate of its own",
        "105 x 8.1 % = 8.505; 113.505 is 113.51, to 5 Rappen 113.50",
        [goods("100"), tip("5", N)],
        "113.51",
        {"3200 UN81": ("105.00", "8.51", "113.51")},
        "113.50",
    ),
    Case(
        "a tip bears no discount",
        "10 % of 40 = 4; 36 x 2.6 % = 0.936; + 4; 40.936, to 5 Rappen 40.95",
        [goods("40", R), tip("4"), off(discount_percent="10")],
        "40.94",
        {"3200 UR26": ("36.00", "0.94", "36.94"), "3600 U00": ("4.00", "0.00", "4.00")},
        "40.95",
        profile=TIPS,
    ),
]
GIFT_CARDS = [
    Case(
        "a gift card sold",
        "50 at 0 % on the liability",
        [card("50")],
        "50.00",
        {"2030 U00": ("50.00", "0.00", "50.00")},
        "50.00",
    ),
    Case(
        "a gift card sold with goods",
        "100 x 8.1 % = 8.10; + 50",
        [goods("100"), card("50")],
        "158.10",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "2030 U00": ("50.00", "0.00", "50.00")},
        "158.10",
    ),
    Case(
        "a gift card sold with goods, gross",
        "21.60 x 8.1 / 108.1 = 174.96 / 108.1 = 1.61850; + 100",
        [goods("21.60"), card("100")],
        "121.60",
        {"3200 UN81": ("19.98", "1.62", "21.60"), "2030 U00": ("100.00", "0.00", "100.00")},
        "121.60",
        GROSS,
    ),
    Case(
        "a gift card sold bears no coupon",
        "10 % of 100 = 10; 90 x 8.1 % = 7.29; + 50; 147.29, to 5 Rappen 147.30",
        [goods("100"), card("50"), off(discount_percent="10")],
        "147.29",
        {"3200 UN81": ("90.00", "7.29", "97.29"), "2030 U00": ("50.00", "0.00", "50.00")},
        "147.30",
    ),
    Case(
        "a gift card taken in payment by a line",
        "100 x 8.1 % = 8.10, which the card does not lower; 108.10 - 30",
        [goods("100"), card("-30")],
        "78.10",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "2030 U00": ("-30.00", "0.00", "-30.00")},
        "78.10",
    ),
    Case(
        "a gift card taken in payment by a line, gross, with a coupon",
        "54.05 - 10 % of 54.05 (5.405 is 5.41) = 48.64; x 8.1 / 108.1 = 393.984 / 108.1 = 3.64462; 48.64 - 20 = 28.64",
        [goods("54.05"), card("-20"), off(discount_percent="10")],
        "28.64",
        {"3200 UN81": ("45.00", "3.64", "48.64"), "2030 U00": ("-20.00", "0.00", "-20.00")},
        "28.65",
        GROSS,
    ),
    Case(
        "a gift card taken in payment as a payment",
        "108.10 = 30 by card + 78.10 by bank",
        [goods("100")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {
            "payments": [
                {"shop_id": "a", "amount": "30", "currency": "CHF", "paid_at": NOON, "payment_method": "gift_card"},
                {"shop_id": "b", "amount": "78.10", "currency": "CHF", "paid_at": NOON},
            ]
        },
        booked=("30", "78.1"),
        open="0.00",
    ),
    Case(
        "all paid by gift cards",
        "100 x 8.1 % = 8.10; 108.10 - 108.10 = 0: nothing is invoiced",
        [goods("100"), card("-108.10")],
        "0.00",
        {"3200 UN81": ("100.00", "8.10", "108.10"), "2030 U00": ("-108.10", "0.00", "-108.10")},
        "0.00",
    ),
    Case(
        "one gift card buys another",
        "60 - 25 = 35, all on the liability",
        [card("60"), card("-25")],
        "35.00",
        {"2030 U00": ("35.00", "0.00", "35.00")},
        "35.00",
    ),
]
CURRENCIES = [
    Case(
        "EUR",
        "33.33 x 8.1 % = 2.69973; 36.02973",
        [goods("33.33")],
        "36.03",
        {"3200 UN81": ("33.33", "2.70", "36.03")},
        "36.03",
        EUR,
    ),
    Case(
        "EUR, gross, mixed rates",
        "19.99 x 8.1 / 108.1 = 161.919 / 108.1 = 1.49786; 4.99 x 2.6 / 102.6 = 12.974 / 102.6 = 0.12645",
        [goods("19.99"), goods("4.99", R)],
        "24.98",
        {"3200 UN81": ("18.49", "1.50", "19.99"), "3200 UR26": ("4.86", "0.13", "4.99")},
        "24.98",
        {**EUR, **GROSS},
    ),
    Case(
        "EUR, export",
        "3 x 12.34 = 37.02 at 0 % by its code",
        [goods("12.34", None, "3", tax_code="ULA")],
        "37.02",
        {"3200 ULA": ("37.02", "0.00", "37.02")},
        "37.02",
        EUR,
    ),
    Case(
        "EUR, paid in two parts",
        "100 x 8.1 % = 8.10; 58.10 + 50",
        [goods("100")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**EUR, **paid(("a", "58.10"), ("b", "50"), currency="EUR")},
        booked=("58.1", "50"),
        open="0.00",
    ),
]
ROUNDINGS = [
    Case(
        "1 Rappen",
        "10.05 x 8.1 % = 0.81405; 4.35 x 2.6 % = 0.1131; 14.40 + 0.92715 = 15.32715",
        [goods("10.05"), goods("4.35", R)],
        "15.33",
        {"3200 UN81": ("10.05", "0.81", "10.86"), "3200 UR26": ("4.35", "0.11", "4.46")},
        "15.33",
        coin="0.01",
    ),
    Case(
        "5 Rappen in shop and books",
        "15.32715 to 5 Rappen is 15.35",
        [goods("10.05"), goods("4.35", R)],
        "15.35",
        {"3200 UN81": ("10.05", "0.81", "10.86"), "3200 UR26": ("4.35", "0.11", "4.46")},
        "15.35",
        profile={"shop": {"round_to": "0.05"}},
    ),
    Case(
        "the shop's cashier adds 0.02",
        "15.33 + 0.02 = 15.35, which the books come to by themselves",
        [goods("10.05"), goods("4.35", R)],
        "15.35",
        {"3200 UN81": ("10.05", "0.81", "10.86"), "3200 UR26": ("4.35", "0.11", "4.46")},
        "15.35",
        {"total_rounding": "0.02"},
    ),
    Case(
        "the shop's cashier adds 0.02, on an account",
        "15.35 - 15.33 = 0.02 as a line; 15.32715 + 0.02 = 15.34715",
        [goods("10.05"), goods("4.35", R)],
        "15.35",
        {
            "3200 UN81": ("10.05", "0.81", "10.86"),
            "3200 UR26": ("4.35", "0.11", "4.46"),
            "6945 U00": ("0.02", "0.00", "0.02"),
        },
        "15.35",
        {"total_rounding": "0.02"},
        ROUNDING,
    ),
    Case(
        "the shop's cashier takes 0.02 off, gross",
        "15.32 x 8.1 / 108.1 = 124.092 / 108.1 = 1.14794; 15.30 - 15.32 = -0.02",
        [goods("15.32")],
        "15.30",
        {"3200 UN81": ("14.17", "1.15", "15.32"), "6945 U00": ("-0.02", "0.00", "-0.02")},
        "15.30",
        {**GROSS, "total_rounding": "-0.02"},
        ROUNDING,
    ),
    Case(
        "VAT rounded per line",
        "0.55 x 8.1 % = 0.04455 is 0.04; 6 x 0.59 = 3.54; exact 3.30 x 1.081 = 3.5673 is 3.57; 3.54 - 3.57 = -0.03",
        [goods("0.55")] * 6,
        "3.54",
        {"3200 UN81": ("3.30", "0.27", "3.57"), "6945 U00": ("-0.03", "0.00", "-0.03")},
        "3.54",
        profile=ROUNDING,
        coin="0.01",
    ),
    Case(
        "VAT rounded per line, 20 lines, 5 Rappen",
        "20 x 0.59 = 11.80; 11 x 1.081 = 11.891 is 11.89; 11.80 - 11.89 = -0.09; 11.801",
        [goods("0.55")] * 20,
        "11.80",
        {"3200 UN81": ("11.00", "0.89", "11.89"), "6945 U00": ("-0.09", "0.00", "-0.09")},
        "11.80",
        profile=ROUNDING,
    ),
    Case(
        "VAT rounded per rate",
        "14.40 + 0.81 + 0.11 = 15.32; exact 15.32715 is 15.33; 15.32 - 15.33 = -0.01; 15.31715",
        [goods("10.05"), goods("4.35", R)],
        "15.32",
        {
            "3200 UN81": ("10.05", "0.81", "10.86"),
            "3200 UR26": ("4.35", "0.11", "4.46"),
            "6945 U00": ("-0.01", "0.00", "-0.01"),
        },
        "15.32",
        profile=ROUNDING,
        coin="0.01",
    ),
    Case(
        "a rounding line with VAT, as the orders' own setting says",
        "-0.03 / 1.081 = -0.027752 net, VAT -0.002248: to the Rappen -0.03 and 0.00; 3.5673 - 0.03 = 3.5373",
        [goods("0.55")] * 6,
        "3.54",
        {"3200 UN81": ("3.30", "0.27", "3.57"), "6945 UN81": ("-0.03", "0.00", "-0.03")},
        "3.54",
        profile={"orders": {"rounding_account": "6945", "rounding_tax": "UN81"}},
        coin="0.01",
    ),
    Case(
        "180 lines",
        "180 x 1.05 = 189; x 8.1 % = 15.309; 204.309, to 5 Rappen 204.30",
        [goods("1.05")] * 180,
        "204.31",
        {"3200 UN81": ("189.00", "15.31", "204.31")},
        "204.30",
    ),
    Case(
        "180 lines at two rates with a coupon",
        "1 over 100 and 80 is 0.56 (0.5555) and 0.44; 99.44 x 8.1 % = 8.05464; 79.56 x 2.6 % = 2.06856; 189.1232",
        [*[goods("1")] * 100, *[goods("1", R)] * 80, off(discount_amount="1")],
        "189.12",
        {"3200 UN81": ("99.44", "8.05", "107.49"), "3200 UR26": ("79.56", "2.07", "81.63")},
        "189.10",
    ),
]
FRACTIONS = [
    Case(
        "a third of an hour",
        "0.333333 x 120 = 39.99996; x 8.1 % = 3.23999676; 43.23995676, to 5 Rappen 43.25",
        [goods("120", quantity="0.333333", type="service", unit="h")],
        "43.24",
        {"3200 UN81": ("40.00", "3.24", "43.24")},
        "43.25",
    ),
    Case(
        "seven decimals that round without harm",
        "1000 x 0.1234567 = 123.4567; sent 0.123457: 123.457, both 123.46; x 8.1 % = 10.000017; 133.457017",
        [goods("0.1234567", quantity="1000")],
        "133.46",
        {"3200 UN81": ("123.46", "10.00", "133.46")},
        "133.45",
    ),
    Case(
        "seven decimals that would change the amount",
        "100000 x 0.12345678 = 12345.678, with 0.123457 12345.70: sold once; x 8.1 % = 999.999918; 13345.677918",
        [goods("0.12345678", quantity="100000")],
        "13345.68",
        {"3200 UN81": ("12345.68", "1000.00", "13345.68")},
        "13345.70",
    ),
    Case(
        "seven decimals, gross",
        "4000 x 0.0270251 = 108.1004; with 0.027025 108.10; x 8.1 / 108.1 = 8.10",
        [goods("0.0270251", quantity="4000")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        GROSS,
    ),
    Case(
        "a price from the total of the line",
        "100 / 3 = 33.333333; x 3 = 99.999999; x 8.1 % = 8.09999992; 108.09999892",
        [{"name": "Ware", "quantity": "3", "line_total": "100", "tax_rate": N}],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
    ),
    Case(
        "weights",
        "1.234 x 8.90 = 10.9826; 0.567 x 21.50 = 12.1905; 23.1731 x 2.6 / 102.6 = 60.25006 / 102.6 = 0.58723",
        [goods("8.90", R, "1.234", unit="kg"), goods("21.50", R, "0.567", unit="kg")],
        "23.17",
        {"3200 UR26": ("22.58", "0.59", "23.17")},
        "23.15",
        GROSS,
    ),
]
DAYS = [
    Case(
        "the last hour of the year in London is the new year in Zurich",
        "10 x 8.1 % = 0.81; 23:30 UTC is 00:30 in Zurich",
        [goods("10")],
        "10.81",
        {"3200 UN81": ("10.00", "0.81", "10.81")},
        "10.80",
        {"ordered_at": "2025-12-31T23:30:00Z"},
        day="2026-01-01",
    ),
    Case(
        "half an hour before the new year in Zurich",
        "10 x 8.1 % = 0.81; 22:30 UTC is 23:30 in Zurich",
        [goods("10")],
        "10.81",
        {"3200 UN81": ("10.00", "0.81", "10.81")},
        "10.80",
        {"ordered_at": "2025-12-31T22:30:00Z"},
        day="2025-12-31",
    ),
    Case(
        "the night in which clocks are put back",
        "20 x 2.6 % = 0.52; 22:15 UTC is 00:15 in summer time, two hours ahead",
        [goods("20", R)],
        "20.52",
        {"3200 UR26": ("20.00", "0.52", "20.52")},
        "20.50",
        {"ordered_at": "2026-10-24T22:15:00Z"},
        day="2026-10-25",
    ),
    Case(
        "the evening after clocks were put back",
        "20 x 2.6 % = 0.52; 22:15 UTC is 23:15 in winter time, one hour ahead",
        [goods("20", R)],
        "20.52",
        {"3200 UR26": ("20.00", "0.52", "20.52")},
        "20.50",
        {"ordered_at": "2026-10-25T22:15:00Z"},
        day="2026-10-25",
    ),
]
PAYMENTS = [
    Case(
        "paid at once",
        "108.10 of 108.10",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "108.10"))},
        booked=("108.1",),
        open="0.00",
    ),
    Case(
        "paid without transactions",
        "what remains: 108.10",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, "financial_status": "paid", "paid_at": NOON},
        booked=("108.1",),
        open="0.00",
    ),
    Case(
        "overpaid",
        "120 of 108.10 is 11.90 too much",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "120"))},
        booked=("108.1",),
        open="0.00",
        above="11.9",
    ),
    Case(
        "paid twice",
        "two of 108.10 for one",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "108.10"), ("b", "108.10"))},
        booked=("108.1",),
        open="0.00",
        above="108.1",
    ),
    Case(
        "partly paid",
        "108.10 - 50 = 58.10",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "50"))},
        booked=("50",),
        open="58.10",
    ),
    Case(
        "partly paid, then the rest",
        "50 + 58.10 = 108.10",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "50"), ("b", "58.10"))},
        booked=("50", "58.1"),
        open="0.00",
    ),
    Case(
        "paid to the Rappen where the books round up",
        "100 + 40 at 8.1 % = 151.34, in the books 151.35: one Rappen remains and counts as paid",
        [goods("140")],
        "151.34",
        {"3200 UN81": ("140.00", "11.34", "151.34")},
        "151.35",
        paid(("a", "151.34")),
        booked=("151.34",),
        open="0.01",
    ),
    Case(
        "paid to the Rappen where the books round down",
        "99 x 1.081 = 107.019, paid 107.02, in the books 107.00: two Rappen are nothing above",
        [goods("99")],
        "107.02",
        {"3200 UN81": ("99.00", "8.02", "107.02")},
        "107.00",
        paid(("a", "107.02")),
        booked=("107",),
        open="0.00",
    ),
    Case(
        "only authorised",
        "108.10 is open",
        [goods("108.10")],
        "108.10",
        {"3200 UN81": ("100.00", "8.10", "108.10")},
        "108.10",
        {**GROSS, **paid(("a", "108.10"), kind="authorization")},
        booked=(),
        open="108.10",
    ),
]
CASES = [
    *PRICES,
    *DISCOUNTS,
    *EXTRAS,
    *GIFT_CARDS,
    *CURRENCIES,
    *ROUNDINGS,
    *FRACTIONS,
    *DAYS,
    *PAYMENTS,
]
