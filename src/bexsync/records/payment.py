"""Transactions of payments, of orders and of invoices that the shop was paid for."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import ValidationInfo, field_validator

from bexsync.records.base import Amount, CurrencyCode, Moment, OptionalText, Record, ShopId

TransactionKind = Literal["sale", "authorization", "capture", "refund", "void"]
TransactionStatus = Literal["success", "pending", "failed", "error"]


class Transaction(Record):
    """One transaction of a payment service; only a successful sale or capture is money that came in."""

    shop_id: ShopId
    kind: TransactionKind = "sale"
    status: TransactionStatus = "success"
    paid_at: Moment | None = None
    amount: Amount
    currency: CurrencyCode
    payment_method: OptionalText = None
    gateway: OptionalText = None
    transaction_id: OptionalText = None
    parent_id: ShopId | None = None
    fee: Amount | None = None

    @field_validator("amount")
    @classmethod
    def _goes_one_way(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        """Money that goes back is a refund and not a payment below nought."""
        if value < 0 and info.data.get("kind") in ("sale", "capture"):
            raise ValueError('is below 0, and money that goes back is of the kind "refund"')
        return value

    @property
    def is_money(self) -> bool:
        """Whether money came in by it."""
        return self.status == "success" and self.kind in ("sale", "capture")
