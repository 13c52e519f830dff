"""Waiting for foreign code that may never come back."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class TooSlow(Exception):
    """The work did not end in time and was left to itself."""


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """What the work returns or raises; raises TooSlow when it takes longer.

    A thread cannot be stopped, so work that hangs goes on hanging; as a daemon it keeps no process from ending.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as failure:  # noqa: BLE001  whatever it is, it is raised again where it is waited for
            failures.append(failure)

    thread = Thread(target=run, name="bexsync-in-time", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise TooSlow
    return results[0]
