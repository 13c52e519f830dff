"""One line of a table: what was measured, the limit that has to hold today, and what is wanted in the end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A measured value beside its limit; `met` is None where there is none."""

    what: str
    measured: str
    limit: str = ""
    wanted: str = ""
    met: bool | None = None


def at_most(what: str, value: float, limit: float, wanted: float | None = None, form: str = "{:g}") -> Row:
    """A value that has to stay at or below its limit."""
    return Row(what, form.format(value), form.format(limit), _shown(form, wanted), value <= limit)


def at_least(what: str, value: float, limit: float, wanted: float | None = None, form: str = "{:g}") -> Row:
    """A value that has to reach its limit."""
    return Row(what, form.format(value), form.format(limit), _shown(form, wanted), value >= limit)


def _shown(form: str, wanted: float | None) -> str:
    return "" if wanted is None else form.format(wanted)
