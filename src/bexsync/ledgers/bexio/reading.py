"""Single values of bexio's answers, and what comes of an answer that is not as it always was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from bexsync.errors import BexsyncError, Defect, LedgerAnswer, Unanswered, Unreachable
from bexsync.records.quoting import named

Row = Mapping[str, Any]

_LARGEST_ID = 2**53
_LARGEST_AMOUNT = Decimal(10) ** 15
_LONGEST_AMOUNT = 60
_FINEST = -20


class NotUnderstood(ValueError):
    """A value is not what it always was; says which and how."""


@contextmanager
def understood(what: str) -> Iterator[None]:
    """A value nobody understands ends the reading of `what` with a sentence."""
    try:
        yield
    except NotUnderstood as problem:
        raise Unreachable(
            f"bexio shows {what} in a way bexsync does not understand: {problem}.",
            "The next run asks again. If it stays so, look at it in bexio and report this line.",
            code="bad_answer",
        ) from None


@contextmanager
def after_the_effect() -> Iterator[None]:
    """The request has been carried out: whatever fails from here on must not look as if it had not."""
    try:
        yield
    except (LedgerAnswer, Defect):
        raise
    except BexsyncError as problem:
        raise Unanswered(problem.message, problem.hint) from problem


def row_of(value: Any) -> Row:
    """An object with keys."""
    if not isinstance(value, Mapping):
        raise NotUnderstood(f"it is {named(value)}")
    return value


def number_of(value: Any) -> int:
    """A whole number from 0 on, also where it is written as text; raises ValueError for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_ID:
        raise ValueError
    return value


def amount_of(value: Any) -> Decimal:
    """A decimal number of a size that money has, as text or as a number; raises ValueError for anything else."""
    if not isinstance(value, str | int | Decimal | float) or isinstance(value, bool):
        raise ValueError
    try:
        written = str(value)
        found = Decimal(written)
    except ArithmeticError:
        raise ValueError from None
    if len(written) > _LONGEST_AMOUNT or not found.is_finite() or found.copy_abs() > _LARGEST_AMOUNT:
        raise ValueError
    return found if found.adjusted() > _FINEST else Decimal(0)


def flag_of(value: Any) -> bool:
    """Yes or no; raises ValueError for anything else."""
    if value not in (True, False) or not isinstance(value, int):
        raise ValueError
    return bool(value)
