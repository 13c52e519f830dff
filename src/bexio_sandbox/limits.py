"""bexio's rate limits: requests per company and minute, counted in three buckets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

DEFAULT, ITEMS, SEARCH_AND_PDF = "default", "items", "search"
PER_MINUTE = {DEFAULT: 1000, ITEMS: 400, SEARCH_AND_PDF: 250}


@dataclass(frozen=True)
class Allowance:
    """What is left of a bucket after a request."""

    limit: int
    remaining: int
    reset: int
    is_exceeded: bool

    def headers(self) -> dict[str, str]:
        """Return the headers that every API answer carries."""
        return {
            "x-ratelimit-limit-minute": str(self.limit),
            "x-ratelimit-remaining-minute": str(self.remaining),
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }


class RateLimits:
    """Counts requests in windows that begin with the minutes of a clock, which may run faster."""

    def __init__(self, clock: Callable[[], datetime], speed: float, *, is_enforced: bool) -> None:
        self._clock = clock
        self._window = 60.0 / speed
        self._is_enforced = is_enforced
        self._used: dict[str, tuple[int, int]] = {}

    def take(self, bucket: str) -> Allowance:
        """Counts one request."""
        return self._allowance(bucket, 1)

    def look(self, bucket: str) -> Allowance:
        """Return what is left without counting a request."""
        return self._allowance(bucket, 0)

    def _allowance(self, bucket: str, requests: int) -> Allowance:
        seconds = self._clock().timestamp()
        window = math.floor(seconds / self._window)
        last_window, used = self._used.get(bucket, (window, 0))
        used = (used if last_window == window else 0) + requests
        self._used[bucket] = (window, used)
        limit = PER_MINUTE[bucket]
        reset = math.ceil((window + 1) * self._window - seconds)
        return Allowance(limit, max(limit - used, 0), max(reset, 1), self._is_enforced and used > limit)
