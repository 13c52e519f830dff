"""bexio: what it calls things, what it accepts, and how its answers are read."""

from bexsync.ledgers.bexio.ledger import BexioLedger

__all__ = ["BexioLedger"]
