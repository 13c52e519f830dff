"""Products, their stock, and the shop's tax rates: lists that a shop shows as a whole."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bexsync.records.base import (
    Amount,
    CleanLine,
    CurrencyCode,
    Day,
    Metadata,
    OptionalCode,
    OptionalLines,
    OptionalText,
    Record,
    ShopId,
    refuse_unprinted,
)
from bexsync.records.customer import CountryCode

Sku = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(refuse_unprinted)
]
WeightUnit = Literal["g", "kg", "mg", "lb", "oz"]


class Product(Record):
    """One sellable variant; `price` is net or gross as it says, else as the profile says; no `weight` is unknown.

    `description` may be HTML. `stock` is what the shop can still sell.
    """

    shop_id: ShopId
    parent_id: ShopId | None = None
    sku: Sku | None = None
    gtin: OptionalCode = None
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), CleanLine]
    description: OptionalLines = None
    type: Literal["physical", "service"] = "physical"
    unit: OptionalText = None
    price: Annotated[Amount, Field(ge=0)] | None = None
    currency: CurrencyCode | None = None
    prices_include_tax: bool | None = None
    tax_class: OptionalText = None
    tax_rate: Annotated[Amount, Field(ge=0, le=100)] | None = None
    tax_country: CountryCode | None = None
    revenue_account: OptionalCode = None
    weight: Annotated[Amount, Field(ge=0)] | None = None
    weight_unit: WeightUnit = "kg"
    stock: Amount | None = None
    track_stock: bool = True
    active: bool = True
    url: OptionalText = None
    metadata: Metadata = Field(default_factory=dict)


class StockLevel(Record):
    """What the shop can still sell of a product, where it lists that apart from its products."""

    shop_id: ShopId | None = None
    sku: Sku | None = None
    stock: Amount

    @model_validator(mode="after")
    def _names_a_product(self) -> Self:
        if self.shop_id is None and self.sku is None:
            raise ValueError("names no product: give shop_id or sku")
        return self


class TaxRate(Record):
    """One of the shop's tax rates, in percent, and what it is for."""

    shop_id: ShopId | None = None
    name: OptionalText = None
    rate: Annotated[Amount, Field(ge=0, le=100)]
    tax_class: OptionalText = None
    country_code: CountryCode | None = None
    use: Literal["sale", "shipping", "fee"] = "sale"
    valid_from: Day | None = None
