"""Faults as a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w

from bexio_sandbox.faults.fault import WHERE, Fault
from bexio_sandbox.faults.kinds import KINDS
from bexio_sandbox.faults.parameters import FaultError, listing, nearest


class FaultsFileError(ValueError):
    """A file of faults that cannot be used, as one sentence that says what to do."""


def read(path: Path) -> list[Fault]:
    """Return the faults of a file."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as problem:
        raise FaultsFileError(f"{path} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise FaultsFileError(f"{path} is no text in UTF-8; save it as such.") from None


def parse(content: str, name: str = "faults") -> list[Fault]:
    """Return the faults of a TOML text; `name` is what errors call it."""
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as problem:
        raise FaultsFileError(f"{name} is no TOML: {problem}; correct that line.") from None
    stray = next((key for key in document if key != "fault"), None)
    if stray is not None:
        raise FaultsFileError(f'{name}, key "{stray}": it stands outside of the faults; begin each with [[fault]].')
    tables = document.get("fault", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise FaultsFileError(f"{name}: a fault begins with [[fault]] in double brackets; write it so.")
    return [_fault(table, f"{name}, fault {position}") for position, table in enumerate(tables, 1)]


def as_toml(faults: Iterable[Fault]) -> str:
    """Return faults as the text of a file."""
    return tomli_w.dumps({"fault": [_table(fault) for fault in faults]})


def _fault(table: dict[str, Any], place: str) -> Fault:
    try:
        if "name" not in table:
            meant = next((key for key in table if nearest(key, ["name"])), None)
            hint = f'rename "{meant}"' if meant else f"write {listing(KINDS)}"
            raise FaultError("name", f"it is missing; {hint}.")
        return Fault(**table)
    except FaultError as wrong:
        raise FaultsFileError(f"{place}, {wrong}") from None


def _table(fault: Fault) -> dict[str, Any]:
    where = {key: getattr(fault, key) for key in WHERE}
    told = {key: value for key, value in where.items() if value != WHERE[key].default}
    return {"name": fault.name, **told, **fault.parameters}
