"""How long a plan will take: at the speed of the last long run of the job, else as fast as the ledger allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from bexsync.jobs.run import Run
from bexsync.ports.store import RunRow

_LONG = 300  # requests; a shorter run is mostly its beginning
_LOOKED_AT = 50


@dataclass(frozen=True)
class Speed:
    """Requests a minute, and whether that is what a run of the job was seen to reach."""

    requests_a_minute: float
    is_measured: bool

    def of(self, requests: int) -> dict[str, Any]:
        """What a plan says of its duration."""
        return {
            "seconds": ceil(60 * requests / self.requests_a_minute),
            "requests_a_minute": round(self.requests_a_minute),
            "speed_is_measured": self.is_measured,
        }


def speed_of(run: Run, bucket: str = "default") -> Speed:
    """The speed at which this run's plan would go."""
    allowed = run.workspace.profile.ledger.description.limits.a_minute(bucket)
    newest = run.store.runs.newest(run.job, _LOOKED_AT)
    measured = next((speed for row in newest if (speed := _reached(row)) is not None), None)
    return Speed(allowed, is_measured=False) if measured is None else Speed(min(measured, allowed), is_measured=True)


def _reached(row: RunRow) -> float | None:
    """Requests a minute of a long run, None for others."""
    if row.ended_at is None or row.requests < _LONG:
        return None
    seconds = (datetime.fromisoformat(row.ended_at) - datetime.fromisoformat(row.started_at)).total_seconds()
    return 60 * row.requests / seconds if seconds > 0 else None
