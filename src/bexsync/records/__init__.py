"""Canonical records: frozen values that every shop speaks and every planner reads."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bexsync.records.base import Reading, Record
    from bexsync.records.customer import Address, Customer, Person
    from bexsync.records.invoice import Email, Invoice, InvoiceLine, Line, Project, TimeEntry
    from bexsync.records.order import Fulfillment, Order, OrderLine, Refund
    from bexsync.records.payment import Transaction
    from bexsync.records.product import Product, StockLevel, TaxRate
    from bexsync.records.reading import KINDS, Malformed, read_record
else:
    # Models take long to make, and whoever only quotes a text or runs without news needs none of them.
    _MODULES = {
        "base": ("Reading", "Record"),
        "customer": ("Address", "Customer", "Person"),
        "invoice": ("Email", "Invoice", "InvoiceLine", "Line", "Project", "TimeEntry"),
        "order": ("Fulfillment", "Order", "OrderLine", "Refund"),
        "payment": ("Transaction",),
        "product": ("Product", "StockLevel", "TaxRate"),
        "reading": ("KINDS", "Malformed", "read_record"),
    }

    def __getattr__(name: str) -> object:
        for module, names in _MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "KINDS",
    "Address",
    "Customer",
    "Email",
    "Fulfillment",
    "Invoice",
    "InvoiceLine",
    "Line",
    "Malformed",
    "Order",
    "OrderLine",
    "Person",
    "Product",
    "Project",
    "Reading",
    "Record",
    "Refund",
    "StockLevel",
    "TaxRate",
    "TimeEntry",
    "Transaction",
    "read_record",
]
