"""The seam where a crash test may watch, or end, a run at the points that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Observer(Protocol):
    """Is told the point a run has reached and what identifies it."""

    def __call__(self, point: str, **facts: str) -> Any: ...


_current: Observer | None = None


def notify(point: str, **facts: str) -> None:
    """Tells the current observer, if there is one, that a run has reached a point."""
    if _current is not None:
        _current(point, **facts)


def set_observer(observer: Observer | None) -> Observer | None:
    """Makes this the current observer and returns the one before."""
    global _current
    before, _current = _current, observer
    return before


@contextmanager
def observed_by(observer: Callable[..., Any]) -> Iterator[None]:
    """Lets an observer watch until the block ends."""
    before = set_observer(observer)
    try:
        yield
    finally:
        set_observer(before)
