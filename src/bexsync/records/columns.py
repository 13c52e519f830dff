"""Records as tables: which column is which field; invoices and orders have one row per line, others one per record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Sort = Literal["id", "text", "amount", "percent", "day", "moment", "whole", "yes_no", "word", "mark"]


@dataclass(frozen=True)
class Column:
    """A column by its standard name, what sort of cell it holds, and where that stands in the record.

    A mark is anything that is not empty, no, or nought; what it says of an invoice stands nowhere in the record. A word
    means one of `choices`, where there are any.
    """

    name: str
    sort: Sort
    path: tuple[str, ...]
    of_line: bool = False
    choices: tuple[str, ...] = ()


def _fields(sort: Sort, *names: str, below: tuple[str, ...] = (), prefix: str = "") -> tuple[Column, ...]:
    return tuple(Column(prefix + name, sort, (*below, name)) for name in names)


def _of_line(sort: Sort, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, sort, (name,), of_line=True) for name in names)


def _renamed(sort: Sort, name: str, *path: str) -> tuple[Column, ...]:
    return (Column(name, sort, path),)


def _line_renamed(sort: Sort, name: str, field: str) -> tuple[Column, ...]:
    return (Column(name, sort, (field,), of_line=True),)


_ADDRESS = ("customer", "billing_address")
_CONTACT = ("invoice_contact",)
_SHIPPING = ("shipping_address",)
_CUSTOMER_COLUMNS = (
    *_renamed("id", "customer_id", "customer", "shop_id"),
    *_renamed("word", "customer_kind", "customer", "kind"),
    *_fields("id", "customer_number", below=("customer",)),
    *_fields("text", "company_name", "salutation", "first_name", "last_name", "email", below=("customer",)),
    *_fields("id", "phone", "vat_number", below=("customer",)),
    *_fields("text", "address_line1", "address_line2", "street", below=_ADDRESS),
    *_fields("id", "house_number", "postal_code", below=_ADDRESS),
    *_fields("text", "city", "region", below=_ADDRESS),
    *_fields("word", "country_code", below=_ADDRESS),
)
_LINE_COLUMNS = (
    *_of_line("id", "sku"),
    *_line_renamed("text", "item", "name"),
    *_of_line("text", "description"),
    *_of_line("amount", "quantity"),
    *_of_line("text", "unit"),
    *_of_line("amount", "unit_price"),
    *_line_renamed("amount", "unit_price_gross", "unit_price"),
    *_of_line("percent", "discount_percent"),
    *_of_line("amount", "discount_amount", "line_total", "line_tax"),
    *_of_line("percent", "tax_rate"),
    *_of_line("text", "tax_class", "tax_code"),
    *_of_line("id", "revenue_account"),
    *_of_line("day", "period_from", "period_to"),
)

COLUMNS: tuple[Column, ...] = (
    *_renamed("id", "number", "source_number"),
    *_fields("id", "shop_id"),
    *_fields("word", "document_type", "status"),
    *_fields("mark", "cancelled", "refunded", "paid"),
    *_renamed("moment", "paid_moment", "paid_at"),
    *_fields("amount", "open_amount"),
    *_fields("id", "original_shop_id"),
    *_fields("day", "invoice_date", "due_date"),
    *_fields("whole", "payment_terms_days"),
    *_fields("text", "payment_method", "currency"),
    *_fields("yes_no", "prices_include_tax"),
    *_fields("word", "language"),
    *_fields("text", "title", "header_text", "footer_text", "contract_reference"),
    *_renamed("id", "project_number", "project", "number"),
    *_renamed("text", "project_name", "project", "name"),
    *_fields("yes_no", "auto_send", "leave_as_draft"),
    *_fields("amount", "total", "total_net", "total_tax", "total_rounding"),
    *_CUSTOMER_COLUMNS,
    *_fields("text", "salutation", "first_name", "last_name", "email", below=_CONTACT, prefix="contact_"),
    *_fields("id", "phone", below=_CONTACT, prefix="contact_"),
    *_fields("text", "to", "subject", "text", below=("email",), prefix="mail_"),
    *_renamed("yes_no", "mail_attach_pdf", "email", "attach_pdf"),
    *_of_line("id", "line_id"),
    *_line_renamed("word", "line_type", "type"),
    *_LINE_COLUMNS,
)
BY_NAME = {column.name: column for column in COLUMNS}
FINANCIAL_STATUSES = ("pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided")
FULFILLMENT_STATUSES = ("unfulfilled", "partial", "fulfilled")
ORDER_LINE_TYPES = ("product", "service", "shipping", "fee", "discount", "gift_card", "tip", "text")
ORDER_COLUMNS: tuple[Column, ...] = (
    *_fields("id", "order_number", "shop_id"),
    *_renamed("text", "order_status", "status"),
    Column("financial_status", "word", ("financial_status",), choices=FINANCIAL_STATUSES),
    Column("fulfillment_status", "word", ("fulfillment_status",), choices=FULFILLMENT_STATUSES),
    *_fields("moment", "ordered_at", "updated_at", "paid_at", "cancelled_at", "completed_at"),
    *_fields("text", "site"),
    *_fields("yes_no", "is_test"),
    *_fields("mark", "refunded"),
    *_fields("text", "currency"),
    *_fields("yes_no", "prices_include_tax"),
    *_fields("word", "language"),
    *_fields("text", "payment_method", "payment_method_title"),
    *_fields("id", "transaction_id", "purchase_order_number"),
    *_fields("text", "customer_note"),
    *_fields("amount", "total", "total_net", "total_tax", "total_discount", "total_rounding", "total_outstanding"),
    *_CUSTOMER_COLUMNS,
    *_fields("text", "company", "first_name", "last_name", below=_SHIPPING, prefix="shipping_"),
    *_fields("text", "address_line1", "address_line2", "street", below=_SHIPPING, prefix="shipping_"),
    *_fields("id", "house_number", "postal_code", below=_SHIPPING, prefix="shipping_"),
    *_fields("text", "city", "region", below=_SHIPPING, prefix="shipping_"),
    *_fields("word", "country_code", below=_SHIPPING, prefix="shipping_"),
    *_of_line("id", "line_id"),
    Column("line_type", "word", ("type",), of_line=True, choices=ORDER_LINE_TYPES),
    *_of_line("yes_no", "virtual"),
    *_LINE_COLUMNS,
)
ORDERS_BY_NAME = {column.name: column for column in ORDER_COLUMNS}
# What the profile may translate a word of the shop to, where not everything may stand in the record.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "document_type": ("invoice", "credit_note", "cancellation"),
    "status": ("draft", "approved", "sent", "paid", "cancelled"),
    "customer_kind": ("company", "person"),
    "line_type": ("product", "service", "shipping", "fee", "discount", "text", "subtotal"),
    "financial_status": FINANCIAL_STATUSES,
    "fulfillment_status": FULFILLMENT_STATUSES,
}
# In the profile a word of lines may be meant for invoices or for orders.
CHOICES_IN_PROFILE = {**CHOICES, "line_type": (*CHOICES["line_type"], "gift_card", "tip")}

PRODUCT_COLUMNS: tuple[Column, ...] = (
    *_fields("id", "shop_id", "parent_id", "sku", "gtin"),
    *_fields("text", "title", "description"),
    *_fields("word", "type"),
    *_fields("text", "unit"),
    *_fields("amount", "price"),
    *_renamed("amount", "price_net", "price"),
    *_renamed("amount", "price_gross", "price"),
    *_fields("text", "currency"),
    *_fields("yes_no", "prices_include_tax"),
    *_fields("word", "tax_status"),
    *_fields("text", "tax_class"),
    *_fields("percent", "tax_rate"),
    *_fields("word", "tax_country"),
    *_fields("id", "revenue_account"),
    *_fields("amount", "weight"),
    *_renamed("amount", "weight_grams", "weight"),
    *_renamed("amount", "weight_pounds", "weight"),
    *_renamed("amount", "weight_ounces", "weight"),
    *_fields("word", "weight_unit"),
    *_fields("amount", "stock"),
    *_fields("yes_no", "track_stock", "active"),
    *_fields("text", "url"),
)
STOCK_COLUMNS: tuple[Column, ...] = (*_fields("id", "shop_id", "sku"), *_fields("amount", "stock"))
TAX_COLUMNS: tuple[Column, ...] = (
    *_fields("id", "shop_id"),
    *_fields("text", "name"),
    *_fields("percent", "rate"),
    *_fields("text", "tax_class"),
    *_fields("word", "country_code", "use"),
    *_fields("day", "valid_from"),
)
LIST_COLUMNS = {"product": PRODUCT_COLUMNS, "stock_level": STOCK_COLUMNS, "tax_rate": TAX_COLUMNS}
NAMES = frozenset(BY_NAME).union(
    ORDERS_BY_NAME, (column.name for columns in LIST_COLUMNS.values() for column in columns)
)
