"""The fields of products, one by one: what each side says, whose word stands, and the stock that the shop is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from bexsync.characters import lines_of_text
from bexsync.config.profile import FieldOwner, ProductsSection, Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import EXACT, HUNDRED, decimal_text, product, rounded
from bexsync.ports.documents import Item
from bexsync.ports.shop import StockChange
from bexsync.ports.steps import to_wire
from bexsync.records import Product
from bexsync.records.html_text import one_line, plain_text, readable

# What is compared and written in either direction. Stock to the shop has rules of its own, below.
FIELDS = ("title", "description", "weight", "price")
# What goes to the ledger only: the stock where the shop is master of it, and the tax where it is master of the price.
STOCK, TAX = "stock", "tax"
GRAM = Decimal(1)
_GRAMS = {
    "g": GRAM,
    "kg": Decimal(1000),
    "mg": Decimal("0.001"),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says of a field, how that reads on the other side, and what is remembered; "" says nothing."""

    value: str
    for_other: str
    mark: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides said when they were last compared, and who was master then."""

    shop: str
    ledger: str
    master: str

    def as_json(self) -> dict[str, str]:
        """As the link keeps it."""
        return {"shop": self.shop, "ledger": self.ledger, "by": self.master}


class Direction(StrEnum):
    """Where a field is to be written."""

    NOWHERE = "nowhere"
    LEDGER = "ledger"
    SHOP = "shop"


class Remark(StrEnum):
    """Why a person should know of a write: somebody's change is lost by it."""

    NONE = ""
    FIRST = "they differed when they first met"
    BOTH = "changed on both sides"
    OVERWRITTEN = "changed on the other side only"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which way one field goes: `old` is what stands there now, `new` what is to stand there."""

    field: str
    master: FieldOwner
    direction: Direction = Direction.NOWHERE
    old: str = ""
    new: str = ""
    remark: Remark = Remark.NONE


def decide(field: str, master: FieldOwner, shop: Side, ledger: Side, agreed: Agreed | None) -> Decision:
    """The decision for one field of a product that has its item.

    Whether a side changed is told by its own words alone, so that no rounding and no markup starts an endless exchange.
    """
    is_same = shop.for_other == ledger.value or ledger.for_other == shop.value
    leader, follower = (shop, ledger) if master == "shop" else (ledger, shop)
    if master == "disabled" or is_same or not leader.for_other:
        return Decision(field, master)
    remark = Remark.FIRST
    if agreed is not None and agreed.master == master:
        moved = (shop.mark != agreed.shop, ledger.mark != agreed.ledger)
        leads, follows = moved if master == "shop" else (moved[1], moved[0])
        if not leads and not follows:
            return Decision(field, master)
        remark = (Remark.BOTH if leads else Remark.OVERWRITTEN) if follows else Remark.NONE
    elif not follower.value:
        remark = Remark.NONE
    direction = Direction.LEDGER if master == "shop" else Direction.SHOP
    return Decision(field, master, direction, follower.value, leader.for_other, remark)


def agreed_by(decision: Decision, shop: Side, ledger: Side, before: Agreed | None) -> Agreed | None:
    """What is to be remembered of a field once the decision is carried out."""
    if decision.master == "disabled":
        return before
    written = decision.direction is Direction.LEDGER
    return Agreed(shop.mark, decision.new if written else ledger.mark, decision.master)


def remembered(agreed: Mapping[str, Any]) -> dict[str, Agreed]:
    """The fields that a link remembers."""
    return {
        name: Agreed(str(one.get("shop", "")), str(one.get("ledger", "")), str(one.get("by", "")))
        for name in (*FIELDS, STOCK, TAX)
        if isinstance(one := agreed.get(name), Mapping)
    }


def shop_side(field: str, record: Product, prices: Prices | None) -> Side:
    """What the shop says of a field."""
    if field == "title":
        return Side(record.title, one_line(record.title), record.title)
    if field == "description":
        text = record.description or ""
        return Side(text, plain_text(text), digest(text) if text else "")
    if field == STOCK:
        is_counted = record.type == "physical" and record.track_stock and record.stock is not None and record.stock >= 0
        text = decimal_text(record.stock) if is_counted and record.stock is not None else ""
        return Side(text, text, text)
    if field == "weight":
        if record.weight is None:
            return Side("", "", "")
        grams = product(record.weight, _GRAMS[record.weight_unit])
        return Side(decimal_text(grams), decimal_text(rounded(grams, GRAM)), decimal_text(grams))
    if record.price is None or prices is None:
        return Side("", "", "")
    return Side(decimal_text(record.price), decimal_text(prices.for_ledger(record.price)), decimal_text(record.price))


def ledger_side(field: str, value: str, prices: Prices | None) -> Side:
    """What the ledger says of a field, from the text of its value."""
    if field == "description":
        return Side(value, readable(value), value)
    if field == "price":
        there = decimal_text(prices.for_shop(Decimal(value))) if value and prices is not None else ""
        return Side(value, there, value)
    return Side(value, value, value)


def ledger_values(item: Item) -> dict[str, str]:
    """An item's fields as texts, "" where it says nothing; without what nobody sees, as the shop's texts are read."""
    return {
        "title": " ".join(lines_of_text(item.title).split()),
        "description": lines_of_text(item.description).strip(),
        "weight": "" if item.weight is None else decimal_text(item.weight),
        "price": "" if item.price is None else decimal_text(item.price),
        STOCK: "" if item.stock is None else decimal_text(item.stock),
    }


@dataclass(frozen=True, slots=True)
class Prices:
    """How a product's price reads in the ledger and back: net or gross, by the rate of its tax in percent."""

    shop_gross: bool
    ledger_gross: bool
    rate: Decimal = Decimal(0)

    def for_ledger(self, price: Decimal) -> Decimal:
        """The shop's price as the ledger holds it."""
        return self._as(price, from_gross=self.shop_gross, to_gross=self.ledger_gross)

    def for_shop(self, price: Decimal) -> Decimal:
        """The ledger's price as the shop holds it."""
        return self._as(price, from_gross=self.ledger_gross, to_gross=self.shop_gross)

    def _as(self, price: Decimal, *, from_gross: bool, to_gross: bool) -> Decimal:
        if from_gross == to_gross:
            return price
        factor = EXACT.add(HUNDRED, self.rate)
        if to_gross:
            return rounded(EXACT.divide(product(price, factor), HUNDRED))
        return rounded(EXACT.divide(product(price, HUNDRED), factor))


def master_of(field: str, section: ProductsSection) -> FieldOwner:
    """Who is master of a field."""
    found: FieldOwner = getattr(section, field)
    return found


def enabled(section: ProductsSection) -> tuple[str, ...]:
    """The fields that are synchronised with the ledger."""
    own = tuple(field for field in FIELDS if master_of(field, section) != "disabled")
    return (*own, STOCK) if section.stock == "shop" else own


def digest(*values: object) -> str:
    """Sixteen signs that change with the values."""
    return hashlib.blake2b(repr(values).encode("utf-8", "replace"), digest_size=8).hexdigest()


def mark_of_product(record: Product, rules: str, fields: tuple[str, ...]) -> str:
    """Changes when anything does that decides about a product, the rules included."""
    stock = (record.stock, record.track_stock) if STOCK in fields else ()
    return digest(
        *(rules, record.sku, record.title, record.description, record.price, record.currency),
        *(record.prices_include_tax, record.tax_class, record.tax_rate, record.tax_country, record.weight),
        *(record.weight_unit, *stock),
    )


def mark_of_item(
    code: str,
    values: Mapping[str, str],
    currency_id: LedgerId | None,
    tax_id: LedgerId | None,
    fields: tuple[str, ...],
) -> str:
    """Changes when anything does that decides about an item; only what is synchronised counts."""
    return digest(code, to_wire(currency_id), to_wire(tax_id), fields, *(values.get(field, "") for field in fields))


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as far as it matters here: asked for just now, or remembered where it has not changed."""

    ledger_id: LedgerId
    code: str
    values: Mapping[str, str]
    currency_id: LedgerId | None
    tax_id: LedgerId | None

    @classmethod
    def seen(cls, item: Item) -> KnownItem:
        """As the ledger shows it."""
        return cls(item.ledger_id, item.code, ledger_values(item), item.currency_id, item.tax_id)

    @classmethod
    def recalled(cls, ledger_id: LedgerId, agreed: Mapping[str, Any]) -> KnownItem:
        """As the link remembers it."""
        of_item: Mapping[str, Any] = agreed.get("item", {})
        values = {name: one.ledger for name, one in remembered(agreed).items()}
        currency_id, tax_id = (LedgerId.known(of_item.get(name)) for name in ("currency_id", "tax_id"))
        return cls(ledger_id, str(of_item.get("code", "")), values, currency_id, tax_id)

    def mark(self, fields: tuple[str, ...]) -> str:
        """Changes when the item does."""
        return mark_of_item(self.code, self.values, self.currency_id, self.tax_id, fields)


def item_note(item: KnownItem) -> dict[str, Any]:
    """What the link keeps of an item beside its fields."""
    return {"item": to_wire({"code": item.code, "currency_id": item.currency_id, "tax_id": item.tax_id})}


def not_pulled(profile: Profile) -> str:
    """Why nothing is pulled, "" where the ledger is master of the stock."""
    if profile.products.stock == "shop":
        return (
            'The profile says [products] stock = "shop": `bexsync products sync` writes it for as long as nothing was '
            f"booked on the item ({profile.ledger.words.name} has no interface for stock movements). Nothing is pulled."
        )
    if profile.products.stock == "disabled":
        return 'The profile says [products] stock = "disabled"; nothing is pulled.'
    return ""


def number_of(item: Item, section: ProductsSection) -> Decimal | None:
    """The number that counts; None where the ledger does not track it."""
    return item.available if section.stock_number == "available" else item.stock


def wanted_stock(number: Decimal, code: str, section: ProductsSection, ledger: str) -> Decimal:
    """The number as the shop takes it; raises RecordProblem where the profile wants a person to look."""
    if number < 0 and section.negative_stock == "error":
        raise RecordProblem(
            f"{ledger} has {decimal_text(number)} of {code}, which is below zero; the shop's stock stays as it is.",
            f'Correct the stock in {ledger}, or say [products] negative_stock = "zero" (or "keep").',
            code="negative_stock",
            field="stock",
        )
    if number < 0 and section.negative_stock == "zero":
        number = Decimal(0)
    if number == number.to_integral_value():
        return number
    if section.fractional_stock == "error":
        raise RecordProblem(
            f"{ledger} has {decimal_text(number)} of {code}, which is not whole; the shop's stock stays as it is.",
            f'Correct the stock in {ledger}, or say [products] fractional_stock = "down" (or "keep").',
            code="fractional_stock",
            field="stock",
        )
    return number.to_integral_value(ROUND_FLOOR) if section.fractional_stock == "down" else number


def stock_change(record: Product, wanted: Decimal, told: Mapping[str, str]) -> StockChange | None:
    """What the shop is to be told; None where it says so already, or was told and has not taken it over yet."""
    if record.type != "physical" or not record.track_stock or record.stock == wanted:
        return None
    if (told.get("stock"), told.get("stock_before")) == (decimal_text(wanted), said(record.stock)):
        return None
    return StockChange(record.shop_id, record.sku or "", wanted, record.stock)


def said(stock: Decimal | None) -> str:
    """What the shop says of its stock, as text."""
    return "" if stock is None else decimal_text(stock)
