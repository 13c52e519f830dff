"""The date that a test has, in this process and in those it starts: never the computer's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import time_machine

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_HOOK = str(Path(__file__).parent / "outside")


def for_processes(moment: datetime) -> dict[str, str]:
    """Return the variables that give a Python process this date; time goes on from there."""
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join([_HOOK, *(folder for folder in others if folder not in ("", _HOOK))])
    return {"PYTHONPATH": path, "TESTS_NOW": str(moment.timestamp())}


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Give this process the date; time goes on from there."""
    with time_machine.travel(moment.timestamp(), tick=True):
        yield
