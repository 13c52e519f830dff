"""Everything a job works with, wired together by `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bexsync.config.profile import Profile
from bexsync.http.clock import Clock, SystemClock
from bexsync.http.responses import RequestEffect
from bexsync.ports.ledger import Ledger
from bexsync.ports.shop import Catalog, Shop
from bexsync.ports.store import Locks
from bexsync.store import Store
from bexsync.store.kept import Kept
from bexsync.vat import VatMap

Progress = Callable[[str, int, int], None]


@dataclass
class Workspace:
    """One profile at work: `make_ledger` builds the ledger on a store, and on a hook for requests about to leave.

    `catalog` is the products side of the shop, None where it has none; `scopes` are those that the token says it has.
    """

    profile: Profile
    vat_map: VatMap
    store: Store
    kept: Kept
    shop: Shop
    clock: Clock
    locks: Locks
    make_ledger: Callable[[Store, Callable[[RequestEffect], None]], Ledger]
    stopping: Callable[[], bool] = lambda: False
    progress: Progress = lambda _what, _done, _all: None
    close: Callable[[], None] = lambda: None
    warning: Callable[[], str] = lambda: ""
    scopes: Callable[[], frozenset[str]] = frozenset
    catalog: Catalog | None = None

    def stop_when(self, asked: Callable[[], bool]) -> None:
        """Stop at the next step, and in a wait for the clock or a lock, once `asked` says so."""
        self.stopping = asked
        self.locks.stopping = asked
        if isinstance(self.clock, SystemClock):
            self.clock.stopping = asked
