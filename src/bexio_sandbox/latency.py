"""How long every answer takes, so that a client meets the distance to a real bexio."""

from __future__ import annotations

from time import monotonic, sleep


class Latency:
    """Holds answers back until so many seconds have passed since their requests came.

    The work of a request is done when it comes. Only its answer is late, and no lock is held meanwhile, so that other
    requests are served in parallel.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def arrival(self) -> float:
        """Return the moment of a request that has just come, for `hold`."""
        return monotonic() if self._seconds else 0.0

    def hold(self, arrival: float) -> None:
        """Return once the answer to the request that came at `arrival` may leave."""
        if self._seconds and (rest := arrival + self._seconds - monotonic()) > 0:
            sleep(rest)
