"""Orders of a shop, with their payments, refunds and shipments."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bexsync.records.base import (
    Amount,
    CurrencyCode,
    Factor,
    Metadata,
    Moment,
    OptionalCode,
    OptionalLines,
    OptionalText,
    Record,
    ShopId,
    StatedAmount,
    Text,
    refuse_twice,
)
from bexsync.records.customer import Address, Customer, LanguageCode
from bexsync.records.invoice import Line, TaxSum
from bexsync.records.payment import Transaction
from bexsync.records.quoting import shown

OrderLineType = Literal["product", "service", "shipping", "fee", "discount", "gift_card", "tip", "text"]
FinancialStatus = Literal["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"]
FulfillmentStatus = Literal["unfulfilled", "partial", "fulfilled"]


class OrderLine(Line):
    """One line of an order; `virtual` goods are not shipped."""

    type: OrderLineType = "product"
    virtual: bool = False


class RefundLine(Record):
    """What of one line is given back: so many of it, so much money, or both."""

    line_id: ShopId
    quantity: Annotated[Factor, Field(ge=0)] | None = None
    amount: Annotated[Amount, Field(ge=0)] | None = None


class Refund(Record):
    """Money that goes back to the customer; without lines it is shared over the order's rates."""

    shop_id: ShopId
    amount: Annotated[Amount, Field(ge=0)]
    currency: CurrencyCode
    refunded_at: Moment
    reason: OptionalLines = None
    lines: tuple[RefundLine, ...] = ()


class ShippedLine(Record):
    """How much of one line a shipment holds."""

    line_id: ShopId
    quantity: Annotated[Factor, Field(ge=0)]


class Fulfillment(Record):
    """One shipment; without lines it holds everything that was not shipped before."""

    shop_id: ShopId
    shipped_at: Moment
    tracking: OptionalText = None
    lines: tuple[ShippedLine, ...] = ()


class Order(Record):
    """An order of the shop; amounts are decimals in `currency`, moments name their offset."""

    shop_id: ShopId
    order_number: OptionalCode = None
    site: OptionalText = None
    status: Annotated[Text, Field(min_length=1)]
    financial_status: FinancialStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    is_test: bool = False
    ordered_at: Moment
    updated_at: Moment | None = None
    paid_at: Moment | None = None
    cancelled_at: Moment | None = None
    completed_at: Moment | None = None
    currency: CurrencyCode
    prices_include_tax: bool = False
    language: LanguageCode | None = None
    customer: Customer | None = None
    customer_id: ShopId | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    customer_note: OptionalLines = None
    purchase_order_number: OptionalText = None
    payment_method: OptionalText = None
    payment_method_title: OptionalText = None
    payments: tuple[Transaction, ...] = ()
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1)]
    taxes: tuple[TaxSum, ...] = ()
    refunds: tuple[Refund, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()
    total_net: StatedAmount | None = None
    total_tax: StatedAmount | None = None
    total_discount: StatedAmount | None = None
    total_rounding: StatedAmount | None = None
    total: StatedAmount
    total_outstanding: StatedAmount | None = None
    metadata: Metadata = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The number that people call it by."""
        return self.order_number or self.shop_id

    @property
    def due(self) -> Decimal:
        """What the customer owes in all."""
        return self.total

    @model_validator(mode="after")
    def _names_each_part_once(self) -> Self:
        """Shipments and refunds name lines, and what was done for a part is known by its id: each must be one."""
        lines = [line.line_id for line in self.lines if line.line_id is not None]
        refuse_twice("lines", "line_id", lines)
        refuse_twice("payments", "shop_id", (part.shop_id for part in self.payments))
        refuse_twice("refunds", "shop_id", (part.shop_id for part in self.refunds))
        refuse_twice("fulfillments", "shop_id", (part.shop_id for part in self.fulfillments))
        named = [(f"refunds[{n}]", line.line_id) for n, part in enumerate(self.refunds, 1) for line in part.lines]
        named += [
            (f"fulfillments[{n}]", line.line_id) for n, part in enumerate(self.fulfillments, 1) for line in part.lines
        ]
        for path, line_id in named:
            if line_id not in lines:
                raise ValueError(f"names in `{path}` the line {shown(line_id)}, which it has not")
        return self
