"""Time as something that can be handed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from bexsync.errors import StoppedBySignal

_SLICE = 0.25  # seconds, between two looks for a signal


class Clock(Protocol):
    """What bexsync knows of time."""

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring."""
        ...

    def sleep(self, seconds: float) -> None:
        """Lets this many seconds pass."""
        ...


class SystemClock:
    """The time of this computer; a sleep ends early where `stopping` says that a signal came."""

    def __init__(self) -> None:
        self.stopping: Callable[[], bool] = lambda: False

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets this many seconds pass; raises StoppedBySignal."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopping():
                raise StoppedBySignal
            time.sleep(min(left, _SLICE))
