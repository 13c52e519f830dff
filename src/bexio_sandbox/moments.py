"""Times as bexio writes them: local Swiss time without offset in 2.0, ISO with offset in 3.0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ZURICH = ZoneInfo("Europe/Zurich")


def real_time() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Clock:
    """A clock that can be put forward and back."""

    def __init__(self, source: Callable[[], datetime]) -> None:
        self._source = source
        self._offset = timedelta()

    def __call__(self) -> datetime:
        return self._source() + self._offset

    def jump(self, seconds: float) -> None:
        """Puts the clock forward, or back."""
        self._offset += timedelta(seconds=seconds)


def local_stamp(moment: datetime) -> str:
    """Return a moment as the API version 2.0 shows it."""
    return moment.astimezone(ZURICH).strftime("%Y-%m-%d %H:%M:%S")


def offset_stamp(moment: datetime) -> str:
    """Return a moment as the API version 3.0 shows it."""
    return moment.astimezone(ZURICH).isoformat(timespec="seconds")


def local_date(moment: datetime) -> date:
    """Return the calendar day of a moment in Switzerland."""
    return moment.astimezone(ZURICH).date()
