"""Orders made at random: what is booked per rate is what a second, simpler arithmetic comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from order_books import a_profile, an_order, books, planned

from bexsync.money import rounded
from bexsync.planning.booked_sums import DocumentSums
from bexsync.planning.order_deliveries import shipments
from bexsync.records import Order

D = Decimal
CENT = D("0.01")
RATES = {"UN81": Fraction(81, 1000), "UR26": Fraction(26, 1000), "U00": Fraction(0)}
PROFILE = a_profile(orders={"tip_account": "3600", "tip_tax": "U00"})


@dataclass(frozen=True)
class Drawn:
    """A random order, as the shop has it."""

    goods: list[tuple[int, Decimal, str]]
    shipping: Decimal | None
    tip: Decimal | None
    cards: list[Decimal]
    discount: Decimal | None
    gross: bool

    @property
    def lines(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = [
            {"name": "Ware", "quantity": str(quantity), "unit_price": str(price), "tax_code": code}
            for quantity, price, code in self.goods
        ]
        if self.shipping is not None:
            lines.append({"type": "shipping", "name": "Versand", "unit_price": str(self.shipping), "tax_code": "UN81"})
        if self.tip is not None:
            lines.append({"type": "tip", "name": "Trinkgeld", "unit_price": str(self.tip)})
        lines += [{"type": "gift_card", "name": "Gutschein", "unit_price": str(price)} for price in self.cards]
        if self.discount is not None:
            lines.append({"type": "discount", "name": "Aktion", "discount_amount": str(self.discount)})
        return lines

    @property
    def by_code(self) -> dict[str, Decimal]:
        """What each tax code comes to in the sense of the prices, the discount shared by largest remainder."""
        sums: dict[str, Decimal] = {}
        for quantity, price, code in self.goods:
            sums[code] = sums.get(code, D(0)) + quantity * price
        if self.shipping is not None:
            sums["UN81"] = sums.get("UN81", D(0)) + self.shipping
        if self.discount is not None:
            for code, part in largest_remainder(self.discount, sums).items():
                sums[code] -= part
        untaxed = (self.tip or D(0)) + sum(self.cards, D(0))
        return sums | {"U00": untaxed} if self.tip is not None or self.cards else sums

    @property
    def total(self) -> Decimal:
        if self.gross:
            return sum(self.by_code.values(), D(0))
        exact = sum(Fraction(amount) * (1 + RATES[code]) for code, amount in self.by_code.items())
        return to_cents(Fraction(exact))

    @property
    def order(self) -> Order:
        return an_order(*self.lines, total=str(self.total), prices_include_tax=self.gross)


def to_cents(value: Fraction) -> Decimal:
    """Halves away from zero."""
    cents = abs(value) * 100
    whole = cents.numerator // cents.denominator
    whole += (cents - whole) * 2 >= 1
    return (D(whole) / 100).copy_sign(D(1 if value >= 0 else -1))


def largest_remainder(amount: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Cents by share, those left over to the largest remainders, the first of equals."""
    whole = Fraction(sum(weights.values(), D(0)))
    exact = {code: Fraction(amount) * Fraction(weight) / whole for code, weight in weights.items()}
    parts = {code: Fraction(int(value * 100), 100) for code, value in exact.items()}
    left = int((Fraction(amount) - sum(parts.values())) * 100)
    for code in sorted(exact, key=lambda code: parts[code] - exact[code])[:left]:
        parts[code] += Fraction(1, 100)
    return {code: D(part.numerator) / D(part.denominator) for code, part in parts.items()}


prices = st.decimals("0.05", "400", places=2)
drawn_orders = st.builds(
    Drawn,
    goods=st.lists(st.tuples(st.integers(1, 12), prices, st.sampled_from(["UN81", "UR26"])), min_size=1, max_size=12),
    shipping=st.none() | prices,
    tip=st.none() | prices,
    cards=st.lists(prices | prices.map(lambda price: -price), max_size=2),
    discount=st.none() | st.decimals("0.01", "40", places=2),
    gross=st.booleans(),
)


@given(drawn_orders)
def test_each_rate_is_booked_to_the_rappen(drawn: Drawn) -> None:
    assume(drawn.total > 0)
    assume(drawn.discount is None or drawn.discount < sum(q * p for q, p, _ in drawn.goods))
    document = planned(drawn.order, PROFILE, coin="0.01")
    found: dict[str, Decimal] = {}
    vat: dict[str, Decimal] = {}
    for one in DocumentSums(document, books(coin="0.01")).booked:
        found[one.tax_code] = found.get(one.tax_code, D(0)) + (one.total if drawn.gross else one.net)
        vat[one.tax_code] = vat.get(one.tax_code, D(0)) + one.vat
    assert {code: amount for code, amount in found.items() if amount} == {
        code: amount for code, amount in drawn.by_code.items() if amount
    }
    for code, amount in drawn.by_code.items():
        rate = RATES[code]
        exact = Fraction(amount) * (rate / (1 + rate) if drawn.gross else rate)
        accounts = sum(one.tax_code == code for one in DocumentSums(document, books()).booked)
        assert abs(vat.get(code, D(0)) - to_cents(exact)) <= CENT * (accounts - 1 if accounts else 0)
    assert rounded(document.total) == drawn.total


@given(drawn_orders)
def test_net_prices_come_to_the_same_total_as_gross_ones(drawn: Drawn) -> None:
    assume(drawn.gross and drawn.total > 0)
    assume(drawn.discount is None or drawn.discount < sum(q * p for q, p, _ in drawn.goods))
    document = planned(drawn.order, PROFILE, coin="0.01", gross_prices=False)
    assert document.header.prices == "net"
    assert rounded(document.total) == drawn.total


@given(drawn_orders)
def test_all_goods_are_delivered_once(drawn: Drawn) -> None:
    assume(drawn.total > 0)
    assume(drawn.discount is None or drawn.discount < sum(q * p for q, p, _ in drawn.goods))
    order = drawn.order
    (shipment,) = shipments(order, planned(order, PROFILE, coin="0.01"))
    assert [D(part.quantity or 0) for part in shipment.parts] == [quantity for quantity, _, _ in drawn.goods]
