"""Values of the state that nobody can have written: a disk lost bytes in the middle of a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from bexsync.errors import StateProblem

T = TypeVar("T")


def unharmed(read: Callable[[str], T], text: str) -> T:
    """What `read` makes of a stored text; raises StateProblem where it can make nothing of it."""
    try:
        return read(text)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as problem:
        raise StateProblem(
            "The state is damaged: a value in it cannot be read.",
            "Move it away and restore a copy. Without one bexsync starts empty and finds its invoices in bexio again.",
        ) from problem


def unpacked(text: str) -> dict[str, Any]:
    """An object that was stored as JSON."""
    return unharmed(_object, text)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found
