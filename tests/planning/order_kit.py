"""Orders and settings for the tests of their planning."""

from __future__ import annotations

from typing import Any

from bexsync.config.profile import OrdersSection
from bexsync.records import Customer
from bexsync.records.order import Order

CUSTOMER: dict[str, Any] = {
    "shop_id": "c1",
    "first_name": "Anna",
    "last_name": "Keller",
    "email": "anna@example.ch",
    "billing_address": {"street": "Hauptstrasse 1", "postal_code": "8001", "city": "Zürich", "country_code": "CH"},
}


def a_line(**fields: Any) -> dict[str, Any]:
    """One table for 100 francs with the usual VAT."""
    return {"line_id": "l1", "name": "Tisch", "unit_price": "100.00", "tax_rate": "8.1", **fields}


def an_order(**fields: Any) -> Order:
    """An order of one line, gross."""
    usual: dict[str, Any] = {
        "shop_id": "1001",
        "order_number": "A-1001",
        "status": "processing",
        "ordered_at": "2026-11-20T10:00:00+01:00",
        "updated_at": "2026-11-20T10:05:00+01:00",
        "currency": "CHF",
        "prices_include_tax": True,
        "customer": CUSTOMER,
        "lines": [a_line()],
        "total": "100.00",
    }
    return Order.model_validate(usual | fields)


def a_customer(**fields: Any) -> Customer:
    """The usual customer."""
    return Customer.model_validate(CUSTOMER | fields)


def settings(**fields: Any) -> OrdersSection:
    """The settings of orders, switched on."""
    return OrdersSection.model_validate({"enabled": True, "start_date": "2026-01-01", **fields})
