"""What an answer showed a moment ago, so that it need not be asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bexsync.http.clock import Clock

_SECONDS = 1.0  # in which nobody is expected to have changed it


class JustShown:
    """Objects by their path, each for a second; what is older is forgotten, and so is all where a clock was set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown: dict[str, tuple[Mapping[str, Any], float, float]] = {}

    def keep(self, path: str, row: Mapping[str, Any]) -> None:
        """Keeps an object that an answer shows as a whole."""
        self._forget_old()
        self._shown[path] = (row, *self._now())

    def get(self, path: str) -> Mapping[str, Any] | None:
        """An object as it was shown within the last second."""
        self._forget_old()
        found = self._shown.get(path)
        return found[0] if found else None

    def forget(self, path: str) -> None:
        """What was shown is no longer so."""
        self._shown.pop(path, None)

    def _forget_old(self) -> None:
        by_the_wall, passed = self._now()
        self._shown = {
            path: (row, at, ticked)
            for path, (row, at, ticked) in self._shown.items()
            if abs(by_the_wall - at) <= _SECONDS and 0 <= passed - ticked <= _SECONDS
        }

    def _now(self) -> tuple[float, float]:
        return self._clock.now().timestamp(), self._clock.monotonic()
