"""What a fault can be told: its keys, their values, and what is said about wrong ones."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Check = Callable[[Any], Any]


class FaultError(ValueError):
    """A fault that cannot be; knows the key that is to blame."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f'key "{key}": {reason}')
        self.key = key


class Unfit(ValueError):
    """A value that a key does not take."""


@dataclass(frozen=True)
class Parameter:
    """One key of a fault: how its value is checked, and what holds when nothing was said."""

    check: Check
    default: Any = None
    is_required: bool = False

    def read(self, key: str, value: Any) -> Any:
        """Return the cleaned value."""
        try:
            return self.check(value)
        except Unfit as wrong:
            raise FaultError(key, f"{value!r} does not fit; {wrong}") from None


def one_of(*choices: Any) -> Check:
    """Takes one of these values."""

    def check(value: Any) -> Any:
        if isinstance(value, bool) or value not in choices:
            raise Unfit(advice(value, choices))
        return value

    return check


def whole(least: int) -> Check:
    """Takes a whole number from `least` up."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Unfit(f"write a whole number from {least} up.")
        return value

    return check


def number(least: float | None = None) -> Check:
    """Takes a number."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit("write a number.")
        if not abs(value) <= 10**9 or (least is not None and value < least):
            raise Unfit(f"write a number {'' if least is None else f'from {least} '}up to a thousand million.")
        return value

    return check


def text(value: Any) -> str:
    """Takes a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit('write a text, such as "this".')
    return value


def money(value: Any) -> str:
    """Takes an amount as text."""
    try:
        amount = Decimal(value if isinstance(value, str) else "")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise Unfit('write an amount as text, such as "12.50".')
    return str(value)


def pieces(value: Any) -> str:
    """Takes a number of pieces as text, which may be negative."""
    money(value.removeprefix("-") if isinstance(value, str) else value)
    return str(value)


def id_or_text(value: Any) -> int | str:
    """Takes an id, or a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(whole(1)(value))
    return text(value)


def listing(choices: Iterable[Any]) -> str:
    """Return choices as they would be written."""
    written = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices]
    return " or ".join(filter(None, (", ".join(written[:-1]), written[-1])))


def nearest(written: Any, choices: Iterable[Any]) -> str | None:
    """Return the choice that was probably meant."""
    texts = [choice for choice in choices if isinstance(choice, str)]
    close = difflib.get_close_matches(written, texts, n=1) if isinstance(written, str) else []
    return close[0] if close else None


def advice(written: Any, choices: Iterable[Any]) -> str:
    """Return what to write instead: what was probably meant, else all there is."""
    choices = list(choices)
    meant = nearest(written, choices)
    return f'did you mean "{meant}"?' if meant else f"write {listing(choices)}."
