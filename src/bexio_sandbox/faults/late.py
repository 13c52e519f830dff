"""Work that happens when nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Job:
    work: Callable[[], Any]
    hurry: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    is_forgotten: bool = False

    def run(self, seconds: float) -> None:
        self.hurry.wait(seconds)
        try:
            if not self.is_forgotten:
                self.work()
        finally:
            self.done.set()


class LateWork:
    """The work that is still to be done."""

    def __init__(self) -> None:
        self._jobs: list[_Job] = []

    def schedule(self, seconds: float, work: Callable[[], Any]) -> threading.Event:
        """Does the work after some real seconds in a thread of its own, and returns the event of its end."""
        job = _Job(work)
        self._jobs = [job, *(other for other in self._jobs if not other.done.is_set())]
        threading.Thread(target=job.run, args=(seconds,), name="late work", daemon=True).start()
        return job.done

    def finish(self) -> None:
        """Does now whatever is still to be done, and returns when it is done."""
        for job in self._jobs:
            job.hurry.set()
        for job in self._jobs:
            job.done.wait()

    def forget(self) -> None:
        """Gives up whatever is still to be done, as a server does that dies."""
        for job in self._jobs:
            job.is_forgotten = True
        self.finish()
