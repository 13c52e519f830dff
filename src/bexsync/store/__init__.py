"""The state: one database per ledger company, its rows carry the site."""

from bexsync.store.store import Store, open_store

__all__ = ["Store", "open_store"]
