"""Runs every measurement and prints one table; exits with 1 when a target is missed."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench import invoices, startup


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    target: str
    met: bool | None


def main() -> int:
    """All measurements."""
    rows = [Row(*row) for measure in (startup.measure, invoices.measure) for row in measure()]
    table = Table(box=None, header_style="bold")
    for name in ("what", "measured", "target", ""):
        table.add_column(name, justify="right" if name in ("measured", "target") else "left")
    for row in rows:
        table.add_row(row.what, row.measured, row.target, "" if row.met is None else "ok" if row.met else "MISSED")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
