"""Runs the measurements and prints one table for each; exits with 1 when a limit is missed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from bench import invoices, orders, products, shares, startup, turns, years
from bench.rows import Row

SHARES = "shares"


def main() -> int:
    """The measurements that were asked for, all of them where none was named."""
    asking = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = (SHARES, "turns", "years", "invoices", "orders", "products", "startup")
    asking.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all if none is named")
    asking.add_argument("--quick", action="store_true", help=f"{SHARES} alone, over one minute instead of two")
    given = asking.parse_args()
    measures: Mapping[str, tuple[str, Callable[[], Iterator[Row]]]] = {
        SHARES: ("Share of bexio's request limit", partial(shares.measure, quick=given.quick)),
        "turns": ("Several runs on one company", turns.measure),
        "years": ("After years", years.measure),
        "invoices": ("Invoices", invoices.measure),
        "orders": ("Orders", orders.measure),
        "products": ("Products", products.measure),
        "startup": ("Start-up", startup.measure),
    }
    unknown = sorted({*given.names} - {*measures})
    if unknown:
        asking.error(f"there is no measurement {', '.join(unknown)}; there are {', '.join(names)}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first measurement", flush=True)
    missed = 0
    for name in given.names or ([SHARES] if given.quick else names):
        title, measure = measures[name]
        missed += _printed(title, measure())
    return int(missed > 0)


def _printed(title: str, rows: Iterable[Row]) -> int:
    """Prints one table, each row as soon as it is measured; returns how many limits were missed."""
    print(f"\n{title}\n{'what':100} {'measured':>14} {'limit':>14} {'wanted':>14}", flush=True)
    missed = 0
    for row in rows:
        missed += row.met is False
        verdict = "" if row.met is None else "ok" if row.met else "MISSED"
        print(f"{row.what:100} {row.measured:>14} {row.limit:>14} {row.wanted:>14}  {verdict}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
