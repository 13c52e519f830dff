"""Canonical records: frozen values that every shop speaks and every planner reads."""

from bexsync.records.base import Reading, Record
from bexsync.records.customer import Address, Customer, Person
from bexsync.records.invoice import Email, Invoice, InvoiceLine, Line, Project, TimeEntry
from bexsync.records.order import Fulfillment, Order, OrderLine, Refund
from bexsync.records.payment import Transaction
from bexsync.records.product import Product, StockLevel, TaxRate
from bexsync.records.reading import KINDS, Malformed, read_record

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
