"""Keeps a shop and a ledger telling the same story."""

__version__ = "0.1.0"
