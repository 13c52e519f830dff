"""Which stock the shop's product should have, given its item: only in that direction, since the ledger takes none."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from bexsync.config.profile import ProductsSection, Profile
from bexsync.errors import RecordProblem
from bexsync.money import plain
from bexsync.ports.documents import Item
from bexsync.ports.shop import StockChange
from bexsync.records import Product


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
            f"{ledger} has {plain(number)} of {code}, which is below zero; the shop's stock stays as it is.",
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
            f"{ledger} has {plain(number)} of {code}, which is not whole; the shop's stock stays as it is.",
            f'Correct the stock in {ledger}, or say [products] fractional_stock = "down" (or "keep").',
            code="fractional_stock",
            field="stock",
        )
    return number.to_integral_value(ROUND_FLOOR) if section.fractional_stock == "down" else number


def stock_change(record: Product, wanted: Decimal, told: Mapping[str, str]) -> StockChange | None:
    """What the shop is to be told; None where it says so already, or was told and has not taken it over yet."""
    if record.type != "physical" or not record.track_stock or record.stock == wanted:
        return None
    if (told.get("stock"), told.get("stock_before")) == (plain(wanted), said(record.stock)):
        return None
    return StockChange(record.shop_id, record.sku or "", wanted, record.stock)


def said(stock: Decimal | None) -> str:
    """What the shop says of its stock, as text."""
    return "" if stock is None else plain(stock)
