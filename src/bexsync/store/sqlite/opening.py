"""Opening the state of one company for one site."""

from __future__ import annotations

from pathlib import Path

from bexsync.store.folder import refuse_network
from bexsync.store.sqlite.budget import SqliteBudget
from bexsync.store.sqlite.database import open_database
from bexsync.store.store import Store, pin_company


def open_store(path: Path, site: str, company: str) -> Store:
    """The state at `path`; raises StateProblem when it belongs to another company or another host."""
    refuse_network(path.parent)
    database = open_database(path)
    try:
        pin_company(database, str(path), company)
    except BaseException:
        database.close()
        raise
    return Store(database, site, SqliteBudget(path.with_suffix(".limits")))
