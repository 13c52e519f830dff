"""An order as the source of its documents: what DocumentPlanner writes for the order, and for its invoice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.money import format_amount
from bexsync.planning.document_header import SHORT, check_address_lengths, check_length
from bexsync.records import Address, Invoice, Order, OrderLine

_ZURICH = ZoneInfo("Europe/Zurich")
# What a field of an invoice is called in an order.
_FIELDS = {
    "invoice_date": "ordered_at",
    "source_number": "order_number",
    "contract_reference with project": "purchase_order_number",
}


class OrderDocument(Invoice):
    """An order in the form of an invoice; its lines keep what only orders have."""

    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1)]  # type: ignore[assignment]
    shipping_address: Address | None = None


class Due(Enum):
    """What an order comes to: something, nothing because vouchers paid all of it, or less than nothing."""

    AMOUNT = "amount"
    NOTHING = "nothing"


def zurich_day(moment: datetime) -> date:
    """The day that the moment falls on in Zurich."""
    return moment.astimezone(_ZURICH).date()


def due_of(order: Order) -> Due:
    """Whether anything is to be invoiced; an order below zero raises RecordProblem.

    An order of 0.00 gets neither invoice, payment nor mail.
    """
    if order.total < 0:
        raise RecordProblem(
            f"The total is {format_amount(order.total)} {order.currency}; nothing below zero is booked.",
            "Correct its lines in the shop. Money that goes back is a refund of the order.",
            code="total_not_positive",
            field="total",
        )
    return Due.AMOUNT if order.total else Due.NOTHING


def invoice_of(order: Order, profile: Profile, ledger: str) -> OrderDocument:
    """The order as the source of its documents; raises RecordProblem where it cannot be one."""
    due_of(order)
    _check_lengths(order, profile, ledger)
    return OrderDocument(
        shop_id=order.shop_id,
        source_number=order.order_number,
        title=title_of(order, profile),
        contract_reference=order.purchase_order_number,
        invoice_date=zurich_day(order.ordered_at),
        payment_method=order.payment_method,
        currency=order.currency,
        prices_include_tax=order.prices_include_tax,
        language=order.language,
        customer=order.customer,
        customer_id=order.customer_id,
        billing_address=order.billing_address,
        shipping_address=order.shipping_address,
        # The shop's ids of lines are no words for a customer.
        lines=tuple(_line(line) for line in order.lines),
        total_net=order.total_net,
        total_tax=order.total_tax,
        total_rounding=order.total_rounding,
        total=order.total,
        taxes=order.taxes,
    )


def title_of(order: Order, profile: Profile) -> str:
    """The title of its documents, which holds the order's number."""
    return profile.orders.title.replace("{number}", order.name)


def in_terms_of_orders(problem: RecordProblem) -> RecordProblem:
    """The problem of an order's document, with the order's names of fields."""
    ours = _FIELDS.get(problem.field)
    if ours is not None:
        for text in ("message", "hint"):
            setattr(problem, text, getattr(problem, text).replace(problem.field, ours))
        problem.field = ours
    return problem


def _line(line: OrderLine) -> OrderLine:
    changed: dict[str, object] = {"line_id": None}
    if line.name is None and line.description is None:
        changed["name"] = line.sku or line.product_shop_id or line.line_id
    if line.type == "gift_card" and line.tax_rate is None and line.tax_code is None:
        changed["tax_rate"] = Decimal(0)
    return line.model_copy(update=changed)


def _check_lengths(order: Order, profile: Profile, ledger: str) -> None:
    for field, value in _short_fields(order, profile):
        check_length(field, value, SHORT, ledger)
    check_address_lengths("shipping_address", order.shipping_address, ledger)
    if order.customer is not None:
        check_address_lengths("customer.shipping_address", order.customer.shipping_address, ledger)


def _short_fields(order: Order, profile: Profile) -> Iterator[tuple[str, str | None]]:
    yield "order_number", title_of(order, profile)
    yield "purchase_order_number", order.purchase_order_number
