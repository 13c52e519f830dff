"""Time as something that can be handed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


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
    """The time of this computer."""

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets this many seconds pass."""
        time.sleep(max(0.0, seconds))
