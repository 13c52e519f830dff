"""How a stranger's values stand in our sentences: short, and unable to steer a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 60


def printable(text: str) -> str:
    """The text cut to a glance, with everything that does not print replaced."""
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in short)


def shown(value: Any) -> str:
    """A JSON value as a sentence quotes it."""
    if isinstance(value, str):
        return f'"{printable(value)}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a very long number"
    return named(value) if value is None or isinstance(value, Mapping | list | tuple) else printable(str(value))


def named(value: Any) -> str:
    """What sort of JSON value it is."""
    if isinstance(value, Mapping):
        return "an object"
    names = {list: "a list", tuple: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
