"""The profile that is in force: every key with its value, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bexsync.config.loading import load_profile
from bexsync.config.problems import KeyLines, overriding_variable


@dataclass(frozen=True)
class Setting:
    """One key; it is the default where neither a `variable` nor a `line` of the file says it."""

    key: tuple[str, ...]
    value: Any
    variable: str = ""
    line: int = 0


def settings_in_force(profile_file: Path) -> list[Setting]:
    """All keys in the order of config.example.toml; raises ProfileProblem."""
    lines = KeyLines(profile_file)
    profile, found = load_profile(profile_file), []
    defaults = dict(_flat(type(profile)().model_dump()))
    for key, value in _flat(profile.model_dump()):
        variable = overriding_variable(key)
        is_said = lines.names(key) or defaults.get(key) != value
        found.append(Setting(key, value, variable, lines.line_of(key) if is_said and not variable else 0))
    return found


def _flat(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The keys of a table before those of the tables in it, as TOML needs it."""
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield (*above, name), value
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*above, name))
