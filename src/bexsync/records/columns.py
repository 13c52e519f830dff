"""Invoices as a table: which column stands for which field, one row per line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sort = Literal["id", "text", "amount", "percent", "day", "whole", "yes_no", "word"]


@dataclass(frozen=True)
class Column:
    """A column by its standard name, what sort of cell it holds, and where that stands in the record."""

    name: str
    sort: Sort
    path: tuple[str, ...]
    of_line: bool = False


def _of_invoice(sort: Sort, *names: str, below: tuple[str, ...] = (), prefix: str = "") -> tuple[Column, ...]:
    return tuple(Column(prefix + name, sort, (*below, name)) for name in names)


def _of_line(sort: Sort, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, sort, (name,), of_line=True) for name in names)


def _renamed(sort: Sort, name: str, *path: str) -> tuple[Column, ...]:
    return (Column(name, sort, path),)


def _line_renamed(sort: Sort, name: str, field: str) -> tuple[Column, ...]:
    return (Column(name, sort, (field,), of_line=True),)


_ADDRESS = ("customer", "billing_address")
_CONTACT = ("invoice_contact",)

COLUMNS: tuple[Column, ...] = (
    *_renamed("id", "number", "source_number"),
    *_of_invoice("id", "shop_id"),
    *_of_invoice("word", "document_type", "status"),
    *_of_invoice("id", "original_shop_id"),
    *_of_invoice("day", "invoice_date", "due_date"),
    *_of_invoice("whole", "payment_terms_days"),
    *_of_invoice("text", "payment_method", "currency"),
    *_of_invoice("yes_no", "prices_include_tax"),
    *_of_invoice("word", "language"),
    *_of_invoice("text", "title", "header_text", "footer_text", "contract_reference"),
    *_renamed("id", "project_number", "project", "number"),
    *_renamed("text", "project_name", "project", "name"),
    *_of_invoice("yes_no", "auto_send", "leave_as_draft"),
    *_of_invoice("amount", "total", "total_net", "total_tax"),
    *_renamed("id", "customer_id", "customer", "shop_id"),
    *_renamed("word", "customer_kind", "customer", "kind"),
    *_of_invoice("id", "customer_number", below=("customer",)),
    *_of_invoice("text", "company_name", "salutation", "first_name", "last_name", "email", below=("customer",)),
    *_of_invoice("id", "phone", "vat_number", below=("customer",)),
    *_of_invoice("text", "address_line1", "address_line2", "street", below=_ADDRESS),
    *_of_invoice("id", "house_number", "postal_code", below=_ADDRESS),
    *_of_invoice("text", "city", "region", below=_ADDRESS),
    *_of_invoice("word", "country_code", below=_ADDRESS),
    *_of_invoice("text", "salutation", "first_name", "last_name", "email", below=_CONTACT, prefix="contact_"),
    *_of_invoice("id", "phone", below=_CONTACT, prefix="contact_"),
    *_of_invoice("text", "to", "subject", "text", below=("email",), prefix="mail_"),
    *_renamed("yes_no", "mail_attach_pdf", "email", "attach_pdf"),
    *_of_line("id", "line_id"),
    *_line_renamed("word", "line_type", "type"),
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
BY_NAME = {column.name: column for column in COLUMNS}
