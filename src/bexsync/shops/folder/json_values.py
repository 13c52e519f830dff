"""Strict JSON: what is ambiguous or no number is marked where it stands, so that only its record is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bexsync.records.quoting import printable

_DEEPEST = 32
_LONGEST_WHOLE_NUMBER = 60
_SOUND = frozenset((str, int, bool, Decimal, type(None)))


class NotJson(ValueError):
    """A text is no JSON at all; the message says why, `line` and `column` where."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Flaw:
    """Stands in place of a value that JSON readers disagree about."""

    reason: str


class Doubled(dict[str, Any]):
    """An object in which one name occurs twice; it keeps the first of each."""

    name = ""


def parse(text: str) -> Any:
    """The value in a JSON text, numbers exact; raises NotJson."""
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise NotJson(problem.msg, problem.lineno, problem.colno) from problem
    except RecursionError as problem:
        raise NotJson("nested too deeply") from problem


def flaw_in(value: Any) -> str | None:
    """One sentence about the first flaw inside a value, or None."""
    return _flaw(value, "", 0) if _is_flawed(value, 0) else None


def _is_flawed(value: Any, depth: int) -> bool:
    """The same without its sentence, since nearly all values are sound."""
    if depth > _DEEPEST or isinstance(value, (Flaw, Doubled)):
        return True
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if (type(part) not in _SOUND or depth == _DEEPEST) and _is_flawed(part, depth + 1):
            return True
    return False


def _exact(text: str) -> Decimal | Flaw:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Flaw("is a number out of all bounds")


def _whole(text: str) -> int | Flaw:
    return int(text) if len(text) <= _LONGEST_WHOLE_NUMBER else Flaw(f"is a number of {len(text)} digits")


def _no_number(name: str) -> Flaw:
    return Flaw(f"is {name}, which is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    doubled = Doubled(reversed(pairs))
    doubled.name = _first_repeated(name for name, _ in pairs)
    return doubled


def _first_repeated(names: Iterable[str]) -> str:
    known: set[str] = set()
    for name in names:
        if name in known:
            return name
        known.add(name)
    return ""


def _flaw(value: Any, path: str, depth: int) -> str | None:
    if isinstance(value, Flaw):
        return f"field `{path}` {value.reason}"
    if depth > _DEEPEST:
        return f"field `{path}` is nested deeper than {_DEEPEST} levels"
    if isinstance(value, Doubled):
        return f"field `{_below(path, value.name)}` occurs twice in one object, so nobody can say which one counts"
    if isinstance(value, dict):
        parts = ((_below(path, name), part) for name, part in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{number}]", part) for number, part in enumerate(value, 1))
    else:
        return None
    return next((said for where, part in parts if (said := _flaw(part, where, depth + 1))), None)


def _below(path: str, name: str) -> str:
    return f"{path}.{printable(name)}" if path else printable(name)


DECODER = json.JSONDecoder(parse_float=_exact, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_object)
