"""Which waits a signal may cut short, so that a slow answer does not keep the program from stopping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_waits: list[bool] = []


class CutOff(KeyboardInterrupt):
    """A wait was cut short; what was under way has an unknown outcome, as after a kill."""


@contextmanager
def may_be_cut_off() -> Iterator[None]:
    """Mark a wait of the main thread, such as for an answer, in which `CutOff` may be raised at any point."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _waits.append(True)
    try:
        yield
    finally:
        _waits.pop()


def is_waiting() -> bool:
    """Whether the main thread is in such a wait."""
    return bool(_waits)
