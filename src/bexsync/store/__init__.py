"""The state: one database per ledger company, its rows carry the site."""

from bexsync.store.errors import WORKLIST, ErrorRow
from bexsync.store.intents import Intent, IntentState
from bexsync.store.links import Link
from bexsync.store.records import RecordRow, RecordState
from bexsync.store.runs import RunRow
from bexsync.store.store import Store, open_store

__all__ = [
    "WORKLIST",
    "ErrorRow",
    "Intent",
    "IntentState",
    "Link",
    "RecordRow",
    "RecordState",
    "RunRow",
    "Store",
    "open_store",
]
