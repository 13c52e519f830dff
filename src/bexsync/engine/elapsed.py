"""How long ago a request left, by the clock of the computer that nobody sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bexsync.http.clock import Clock

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def stamp(clock: Clock) -> str:
    """The moment by that clock, and which start of the computer it counts from."""
    return f"{clock.monotonic():.3f}@{_this_boot()}"


def least_seconds_since(stamped: str, clock: Clock) -> float | None:
    """How many seconds passed at least since a stamp: since the computer's start, where that came later.

    None where there is no stamp, as in the rows of an older version.
    """
    seconds, at, boot = stamped.partition("@")
    try:
        then, now = float(seconds), clock.monotonic()
    except ValueError:
        return None
    if not at:
        return None
    return now - then if boot == _this_boot() and then <= now else now


@cache
def _this_boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
