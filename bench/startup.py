"""Start-up as a multiple of a bare interpreter: processor time, measured in turns so that noise hits all alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

from bench.history import PROFILE, History, make
from bench.invoices import counted
from bench.rows import Row, at_most
from bench.stage import BEXSYNC, measured, stage

ROUNDS = 9
COMMANDS = {
    "bexsync --version": ([BEXSYNC, "--version"], 2.5),
    "bexsync --help": ([BEXSYNC, "--help"], 9.5),
    "bexsync invoices push --help": ([BEXSYNC, "invoices", "push", "--help"], 10.0),
}
IDLE, WANTED_IDLE = 40.0, 25.0
MODULES = 420


def measure() -> Iterator[Row]:
    """The fastest of several starts, relative to `python -c pass`; an idle push, and how many modules it loads."""
    with stage(PROFILE) as place:
        make(place, History(10))
        place.serve()
        place.run("invoices", "push")
        commands = {name: command for name, (command, _) in COMMANDS.items()}
        commands |= {"python": [sys.executable, "-c", "pass"], "idle": place.arguments("invoices", "push")}
        best = _fastest(commands, place.environment)
        for name, (_, limit) in COMMANDS.items():
            yield at_most(f"start of {name}", best[name] / best["python"], limit, None, "{:.1f} x python")
        what = f"idle push ({best['idle'] * 1000:.0f} ms)"
        yield at_most(what, best["idle"] / best["python"], IDLE, WANTED_IDLE, "{:.1f} x python")
        bare = int(subprocess.check_output([sys.executable, "-c", "import sys; print(len(sys.modules))"]))
        modules = counted(place, "invoices", "push")["modules"]
        yield at_most(f"modules loaded by an idle push (bare python {bare})", modules, MODULES)


def _fastest(commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            best[name] = min(best.get(name, 99.0), measured(command, environment).own)
    return best
