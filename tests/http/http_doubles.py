"""Doubles for the tests of bexsync.http: a clock turned by hand, and a client on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bexsync.http.client import Client
from bexsync.http.rate_limit import BudgetBook, MemoryBudget, RateLimiter
from bexsync.ledgers.bexio import DESCRIPTION

CANARY = "canary-3f9a7c51d2e8b604"
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


class ManualClock:
    """Time passes only when someone sleeps or turns the clock; `slept` tells how long each sleep was."""

    def __init__(self, start: datetime = NOON) -> None:
        self.start = start
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.seconds += seconds


def client_on(clock: ManualClock, base_url: str = "https://ledger.test", book: BudgetBook | None = None, **more):
    """A client with a canary as its token and no randomness in its pauses."""
    more.setdefault("token", lambda: CANARY)
    rate_limiter = RateLimiter(book or MemoryBudget(), clock, limits=DESCRIPTION.limits)
    return Client(base_url, ledger=DESCRIPTION, rate_limiter=rate_limiter, clock=clock, randomness=lambda: 1.0, **more)
