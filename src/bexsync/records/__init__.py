"""Canonical records: frozen values that every shop speaks and every planner reads."""

from bexsync.records.base import Reading, Record
from bexsync.records.customer import Address, Customer, Person
from bexsync.records.invoice import Email, Invoice, Line, Project, TimeEntry
from bexsync.records.product import Product, StockLevel, TaxRate
from bexsync.records.reading import KINDS, Malformed, read_record

__all__ = [
    "KINDS",
    "Address",
    "Customer",
    "Email",
    "Invoice",
    "Line",
    "Malformed",
    "Person",
    "Product",
    "Project",
    "Reading",
    "Record",
    "StockLevel",
    "TaxRate",
    "TimeEntry",
    "read_record",
]
