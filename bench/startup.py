"""Start-up time as a multiple of a bare interpreter, measured in turns so that noise hits all alike."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 9
BEXSYNC = str(Path(sys.executable).with_name("bexsync"))
COMMANDS = {
    "bexsync --version": ([BEXSYNC, "--version"], 2.5),
    "bexsync --help": ([BEXSYNC, "--help"], 8.0),
    "bexsync invoices push --help": ([BEXSYNC, "invoices", "push", "--help"], 8.0),
}


def measure() -> Iterator[tuple[str, str, str, bool | None]]:
    """The fastest of several starts, relative to `python -c pass`."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, command in [("python", [sys.executable, "-c", "pass"]), *((n, c) for n, (c, _) in COMMANDS.items())]:
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            best[name] = min(best.get(name, 99.0), time.perf_counter() - began)
    for name, (_, limit) in COMMANDS.items():
        ratio = best[name] / best["python"]
        yield f"start of {name}", f"{ratio:.1f} x python", f"{limit} x", ratio <= limit
