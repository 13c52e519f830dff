"""Runs the measurements and prints one table; exits with 1 when a target is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from bench import invoices, products, startup
from bench.stage import Line


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    target: str
    met: bool | None


def main() -> int:
    """The measurements that were asked for, all of them where none was named."""
    asking = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ("startup", "invoices", "products")
    asking.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all if none is named")
    asking.add_argument("--quick", action="store_true", help=f"{products.QUICK} products, not {products.PRODUCTS}")
    given = asking.parse_args()
    measures: Mapping[str, Callable[[], Iterator[Line]]] = {
        "startup": startup.measure,
        "invoices": invoices.measure,
        "products": partial(products.measure, quick=given.quick),
    }
    unknown = sorted({*given.names} - {*measures})
    if unknown:
        asking.error(f"there is no measurement {', '.join(unknown)}; there are {', '.join(names)}")
    rows = [Row(*line) for name in given.names or names for line in measures[name]()]
    table = Table(box=None, header_style="bold")
    for name in ("what", "measured", "target", ""):
        table.add_column(name, justify="right" if name in ("measured", "target") else "left")
    for row in rows:
        table.add_row(row.what, row.measured, row.target, "" if row.met is None else "ok" if row.met else "MISSED")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
