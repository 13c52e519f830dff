"""The state: one database per ledger company, its rows carry the site."""

from bexsync.store.store import Store

__all__ = ["Store"]
