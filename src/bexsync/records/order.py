"""Orders of a shop, with their payments, refunds and shipments."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from bexsync.records.base import (
    Amount,
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
)
from bexsync.records.customer import Address, Customer, LanguageCode
from bexsync.records.invoice import CurrencyCode, Line, TaxSum

OrderLineType = Literal["product", "service", "shipping", "fee", "discount", "gift_card", "tip", "text"]
FinancialStatus = Literal["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"]
FulfillmentStatus = Literal["unfulfilled", "partial", "fulfilled"]


class OrderLine(Line):
    """One line of an order; `virtual` goods are not shipped."""

    type: OrderLineType = "product"  # type: ignore[assignment]
    virtual: bool = False


class Transaction(Record):
    """One transaction of a payment service; only a successful sale or capture is money that came in."""

    shop_id: ShopId
    kind: Literal["sale", "authorization", "capture", "refund", "void"] = "sale"
    status: Literal["success", "pending", "failed", "error"] = "success"
    paid_at: Moment | None = None
    amount: Amount
    currency: CurrencyCode
    payment_method: OptionalText = None
    gateway: OptionalText = None
    transaction_id: OptionalText = None
    parent_id: ShopId | None = None
    fee: Amount | None = None


class RefundLine(Record):
    """What of one line is given back."""

    line_id: ShopId
    quantity: Factor | None = None
    amount: Amount | None = None


class Refund(Record):
    """Money that goes back to the customer; without lines it is shared over the order's rates."""

    shop_id: ShopId
    amount: Amount
    currency: CurrencyCode
    refunded_at: Moment
    reason: OptionalLines = None
    lines: tuple[RefundLine, ...] = ()


class ShippedLine(Record):
    """How much of one line a shipment holds."""

    line_id: ShopId
    quantity: Factor


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
    status: Text
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
