"""Everything a job works with, wired together by `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from bexsync.config.profile import Profile
from bexsync.http.clock import Clock, SystemClock
from bexsync.ports.shop import Catalog, Shop
from bexsync.ports.store import Locks
from bexsync.store import Store
from bexsync.store.kept import Kept
from bexsync.vat import VatMap

if TYPE_CHECKING:  # of a ledger that most runs never open
    from bexsync.http.responses import RequestEffect
    from bexsync.ports.ledger import Ledger


class Progress(Protocol):
    """Is told what is being done, how many are done, of how many, and what sets the pace."""

    def __call__(self, what: str, done: int, of: int, pace_setter: str = "", /) -> None: ...


def _untold(_what: str, _done: int, _of: int, _pace_setter: str = "", /) -> None:
    """Nobody is told."""


class LazyLedger:
    """The ledger of a run, opened when it is first needed: most runs find nothing to do, and opening it takes long."""

    def __init__(self, open_ledger: Callable[[], Ledger]) -> None:
        self._open_ledger = open_ledger
        self._opened: Ledger | None = None

    def __call__(self) -> Ledger:
        """The ledger itself."""
        if self._opened is None:
            self._opened = self._open_ledger()
        return self._opened

    @property
    def requests(self) -> int:
        """How many requests have left."""
        return self._opened.requests if self._opened else 0

    @property
    def learned_facts(self) -> int:
        """How many facts that may change a plan were learned."""
        return self._opened.learned_facts if self._opened else 0


@dataclass
class Workspace:
    """One profile at work: `make_ledger` builds the ledger on a store, and on a hook for requests about to leave.

    `scopes` are those that the token says it has.
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
    progress: Progress = _untold
    close: Callable[[], None] = lambda: None
    warning: Callable[[], str] = lambda: ""
    scopes: Callable[[], frozenset[str]] = frozenset
    open_catalog: Callable[[], Catalog | None] = lambda: None

    @cached_property
    def catalog(self) -> Catalog | None:
        """The products side of the shop, None where it has none."""
        return self.open_catalog()

    def stop_when(self, asked: Callable[[], bool]) -> None:
        """Stop at the next step, and in a wait for the clock or a lock, once `asked` says so."""
        self.stopping = asked
        self.locks.stopping = asked
        if isinstance(self.clock, SystemClock):
            self.clock.stopping = asked
