"""How often, and after which pauses, a request may be tried again."""

from __future__ import annotations

import random
from collections.abc import Callable

from bexsync.http.clock import Clock
from bexsync.http.rate_limit import RateLimiter
from bexsync.http.responses import RequestEffect, RequestFailed

READ_ATTEMPTS = 5
WRITE_ATTEMPTS = 3
READ_SECONDS = 120.0
LIMITED_ATTEMPTS = 3
LONGEST_BACKOFF = 30.0


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
        self._pacer = rate_limiter
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
        pause = self._pacer.retry_policy(failure.headers, self._limited)
        self._limited += 1
        if pause is None or self._limited > LIMITED_ATTEMPTS:
            return False
        self.pause = pause
        self.excuse(pause)
        return True

    def _after_failure(self, failure: RequestFailed) -> bool:
        backoff = min(LONGEST_BACKOFF, 2.0**self._failed) * (0.5 + self._randomness() / 2)
        self.pause = max(backoff, self._pacer.retry_after(failure.headers) or 0.0)
        self._failed += 1
        if self._failed >= (READ_ATTEMPTS if self._effect is RequestEffect.READ else WRITE_ATTEMPTS):
            return False
        return self._clock.monotonic() - self._since + self.pause <= READ_SECONDS
