"""Reads single values of bexio's answers and believes none of them: what is not as it always was is not understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.errors import BexsyncError, Defect, LedgerAnswer, Unanswered, Unreachable
from bexsync.records.quoting import named, shown

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


def number(row: Row, key: str) -> int:
    """A whole number from 0 on, also where it is written as text."""
    value = _there(row, key)
    try:
        return number_of(value)
    except ValueError:
        raise _wrong(key, value) from None


def record_id(row: Row) -> int:
    """The id of a row."""
    found = number(row, "id")
    if not found:
        raise _wrong("id", found)
    return found


def optional_number(row: Row, key: str) -> int | None:
    """A whole number, None where there is none."""
    return None if row.get(key) is None else number(row, key)


def text(row: Row, key: str) -> str:
    """A text that must be there."""
    value = _there(row, key)
    if not isinstance(value, str):
        raise _wrong(key, value)
    return value


def optional_text(row: Row, key: str) -> str:
    """A text, "" for null; the key itself must be there."""
    return "" if _there(row, key) is None else text(row, key)


def spare_text(row: Row, key: str) -> str:
    """A text that may be missing altogether."""
    return optional_text(row, key) if key in row else ""


def amount(row: Row, key: str) -> Decimal:
    """A decimal number of a size that money has, as text or as a number."""
    value = _there(row, key)
    try:
        return amount_of(value)
    except ValueError:
        raise _wrong(key, value) from None


def flag(row: Row, key: str) -> bool:
    """Yes or no."""
    value = _there(row, key)
    try:
        return flag_of(value)
    except ValueError:
        raise _wrong(key, value) from None


def day(row: Row, key: str) -> date:
    """A day as 2026-11-20."""
    try:
        return date.fromisoformat(text(row, key)[:10])
    except NotUnderstood:
        raise
    except ValueError:
        raise _wrong(key, row[key]) from None


def _there(row: Row, key: str) -> Any:
    try:
        return row[key]
    except KeyError:
        raise NotUnderstood(f"`{key}` is missing") from None


def _wrong(key: str, value: Any) -> NotUnderstood:
    return NotUnderstood(f"`{key}` is {shown(value)}")
