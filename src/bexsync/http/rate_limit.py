"""When a request may leave: within limits that all processes on one company share, and how often it may be repeated."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from bexsync.errors import Unreachable
from bexsync.http.clock import Clock
from bexsync.http.responses import RequestEffect, RequestFailed
from bexsync.ports.ledger_description import RequestLimits
from bexsync.workers import sleep

# Reported resets are whole seconds, rounded up, counted from an answer that took up to SLOW seconds: two
# reports about one window differ by less than this.
CLEARLY_LATER = timedelta(seconds=2)
SLOW = 1.0

# Requests of other processes that are under way while a window begins are in nobody's books.
STRADDLERS = 3

# Writes leave one request of so many; those that wait for the next window are counted as well.
LEFT_TO_READS = 20

LONGEST_RESET = 3600
LIMITED_FOR = 60.0  # seconds for which a wait counts as what sets the pace
_LONGEST_WINDOW = timedelta(seconds=LONGEST_RESET + 60)
SHORTEST_PAUSE = 0.01
GROWING_PATIENCE = (1.0, 4.0, 15.0)

READ_ATTEMPTS = 5
WRITE_ATTEMPTS = 3
READ_SECONDS = 120.0
LIMITED_ATTEMPTS = 3
LONGEST_BACKOFF = 30.0


@dataclass(frozen=True)
class Budget:
    """How many requests are left in the current window; below zero means that one has to wait."""

    limit: int
    remaining: int
    resets_at: datetime


def spent(books: Budget | None, now: datetime) -> Budget | None:
    """The books after one more request; a window that is over, or that a wrong clock dated, is forgotten."""
    if books is None or not now < books.resets_at <= now + _LONGEST_WINDOW:
        return None
    return replace(books, remaining=books.remaining - 1)


def corrected(books: Budget | None, said: Budget) -> Budget:
    """The books after the ledger's word: within one window only ever fewer requests remain, in any order."""
    if books is None or said.resets_at > books.resets_at + CLEARLY_LATER:
        return said
    return Budget(said.limit, min(books.remaining, said.remaining), min(books.resets_at, said.resets_at))


class BudgetBook(Protocol):
    """Where the books are kept: atomic, and shared by every process on one company."""

    def spend(self, bucket: str, now: datetime) -> Budget | None:
        """Stores `spent(books, now)` and returns it; None means that nothing is known of the current window."""
        ...

    def correct(self, bucket: str, *, limit: int, remaining: int, resets_at: datetime) -> None:
        """Stores `corrected(books, Budget(limit, remaining, resets_at))`."""
        ...

    def close(self) -> None:
        """Closes what the books are kept in."""
        ...


class MemoryBudget:
    """Books of one process, gone when it ends."""

    def __init__(self) -> None:
        self._books: dict[str, Budget] = {}
        self._lock = threading.Lock()

    def spend(self, bucket: str, now: datetime) -> Budget | None:
        """Takes one request from the current window."""
        with self._lock:
            books = spent(self._books.get(bucket), now)
            if books is None:
                self._books.pop(bucket, None)
            else:
                self._books[bucket] = books
            return books

    def correct(self, bucket: str, *, limit: int, remaining: int, resets_at: datetime) -> None:
        """Takes over what the ledger said."""
        with self._lock:
            self._books[bucket] = corrected(self._books.get(bucket), Budget(limit, remaining, resets_at))

    def close(self) -> None:
        """Nothing is open."""


class RateLimiter:
    """Lets requests go as fast as the ledger's own headers allow, and no faster."""

    def __init__(self, book: BudgetBook, clock: Clock, *, limits: RequestLimits, max_wait: float = 90.0) -> None:
        self._book = book
        self._clock = clock
        self._limits = limits
        self._max_wait = max_wait
        self._assumed = MemoryBudget()
        self._named: set[str] = set()
        self._waited_at: float | None = None

    def before(self, bucket: str, effect: RequestEffect = RequestEffect.READ) -> float:
        """Waits until a request of this bucket may go, and returns the seconds that took.

        Writes leave some of each window to reads, so that a poll beside a long push need not wait for the next one.
        """
        waited = 0.0
        for pause in self.pauses(bucket, effect):
            sleep(self._clock, pause)
            waited += pause
            self._waited_at = self._clock.monotonic()
        return waited

    @property
    def was_limited(self) -> bool:
        """Whether a request had to wait within the last minute."""
        return self._waited_at is not None and self._clock.monotonic() - self._waited_at < LIMITED_FOR

    def pauses(self, bucket: str, effect: RequestEffect = RequestEffect.READ) -> Iterator[float]:
        """The waits before one request, each to be slept before the next is asked for."""
        while (pause := self._pause(bucket, effect)) > 0:
            if pause > self._max_wait:
                raise Unreachable(
                    f"The ledger's request limit is used up for another {pause:.0f} seconds.",
                    "The next run goes on from here.",
                )
            yield pause

    def after(self, bucket: str, headers: Mapping[str, str], *, took: float = 0.0) -> None:
        """Corrects the books by an answer's headers; `took` is how long the answer took, in seconds."""
        said = self._said(headers)
        if said is None:
            return
        self._named.add(bucket)
        limit, remaining, reset = said
        # A slow answer, or one from a window about to end, may speak of a window that is over by now. Whoever
        # gets only slow answers cannot exceed the limit anyway.
        if took > SLOW or reset <= took + 1:
            return
        resets_at = self._clock.now() + timedelta(seconds=reset)
        self._book.correct(bucket, limit=limit, remaining=remaining, resets_at=resets_at)

    def close_bucket(self, bucket: str, headers: Mapping[str, str]) -> None:
        """After a 429 nobody's request of this bucket leaves until its window is over."""
        pause = self.pause_after_limit(headers, 0)
        if pause is not None:
            limit = self._limits.buckets.get(bucket, self._limits.buckets["default"])
            self._book.correct(
                bucket, limit=limit, remaining=-1, resets_at=self._clock.now() + timedelta(seconds=pause)
            )

    def pause_after_limit(self, headers: Mapping[str, str], already: int) -> float | None:
        """Seconds to wait after a 429 that follows `already` others, or None when that would take too long."""
        known = [seconds for seconds in (_reset(headers), self.retry_after(headers)) if seconds is not None]
        wait = max(known) if known else self._to_next_minute()
        # The first reset reported after a 429 may be off, so that each further wait is longer.
        wait += GROWING_PATIENCE[min(already, len(GROWING_PATIENCE) - 1)]
        return wait if wait <= self._max_wait else None

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """What `Retry-After` asks for in seconds, whether it names seconds or a moment."""
        text = headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return float(text)
        moment = http_date(text)
        if moment is None:
            return None
        # The ledger's own clock is the one it counts by.
        reference = http_date(headers.get("date", "")) or self._clock.now()
        return max(0.0, (moment - reference).total_seconds())

    def _pause(self, bucket: str, effect: RequestEffect) -> float:
        now = self._clock.now()
        books = self._book.spend(bucket, now)
        if books is None or books.resets_at <= now:
            if bucket in self._named:
                return 0.0  # a new window has begun, and its first answer will tell
            books = self._assume(bucket, now)
        if books.remaining >= _kept_back(books.limit, effect):
            return 0.0
        return max(SHORTEST_PAUSE, (books.resets_at - now).total_seconds())

    def _assume(self, bucket: str, now: datetime) -> Budget:
        """What holds until the ledger names its limit: the documented one, counted by this process alone."""
        books = self._assumed.spend(bucket, now)
        if books is None:
            limit = self._limits.buckets.get(bucket, self._limits.buckets["default"])
            books = Budget(limit, limit - 1, now + timedelta(seconds=self._limits.window_seconds))
            self._assumed.correct(bucket, limit=limit, remaining=limit - 1, resets_at=books.resets_at)
        return books

    def _to_next_minute(self) -> float:
        return 60.0 - self._clock.now().timestamp() % 60.0

    def _said(self, headers: Mapping[str, str]) -> tuple[int, int, int] | None:
        limit = _number(headers, "limit")
        remaining = _number(headers, "remaining")
        reset = _reset(headers)
        if limit is None or remaining is None or reset is None or limit < 1 or remaining > limit:
            return None
        return limit, remaining, reset


def _kept_back(limit: int, effect: RequestEffect) -> int:
    """How many requests of a window are not used."""
    for_reads = limit // LEFT_TO_READS if effect is RequestEffect.WRITE else 0
    return min(limit - 1, for_reads + min(STRADDLERS, limit // 20))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    for spelling in (f"ratelimit-{name}", f"x-ratelimit-{name}", f"x-ratelimit-{name}-minute"):
        text = headers.get(spelling, "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
    return None


def _reset(headers: Mapping[str, str]) -> int | None:
    seconds = _number(headers, "reset")
    return seconds if seconds is not None and seconds <= LONGEST_RESET else None


def http_date(text: str) -> datetime | None:
    """The moment that a header names, None where it names none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RetryPolicy:
    """The patience with one request: counts its setbacks and knows the next pause."""

    def __init__(
        self,
        effect: RequestEffect,
        clock: Clock,
        rate_limiter: RateLimiter,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._effect = effect
        self._clock = clock
        self._rate_limiter = rate_limiter
        self._randomness = randomness
        self._since = clock.monotonic()
        self._failed = 0
        self._limited = 0
        self.pause = 0.0

    def excuse(self, seconds: float) -> None:
        """Leaves time out of account that was spent waiting for the request limit."""
        self._since += seconds

    def lasts(self, problem: BaseException) -> bool:
        """Takes note of a setback, sets `pause`, and says whether another attempt makes sense."""
        if not isinstance(problem, RequestFailed) or not problem.again:
            return False
        if problem.limited:
            return self._after_limit(problem)
        if problem.maybe_done and self._effect is RequestEffect.WRITE:
            return False
        return self._after_failure(problem)

    def _after_limit(self, failure: RequestFailed) -> bool:
        pause = self._rate_limiter.pause_after_limit(failure.headers, self._limited)
        self._limited += 1
        if pause is None or self._limited > LIMITED_ATTEMPTS:
            return False
        self.pause = pause
        self.excuse(pause)
        return True

    def _after_failure(self, failure: RequestFailed) -> bool:
        backoff = min(LONGEST_BACKOFF, 2.0**self._failed) * (0.5 + self._randomness() / 2)
        self.pause = max(backoff, self._rate_limiter.retry_after(failure.headers) or 0.0)
        self._failed += 1
        if self._failed >= (READ_ATTEMPTS if self._effect is RequestEffect.READ else WRITE_ATTEMPTS):
            return False
        return self._clock.monotonic() - self._since + self.pause <= READ_SECONDS
