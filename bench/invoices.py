"""A thousand invoices of two hundred known customers, then nothing to do; and what one invoice costs the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.history import PROFILE, History, invoice, make
from bench.rows import Row, at_most
from bench.stage import Measured, Stage, stage

CUSTOMERS = 200
INVOICES = 1000
FEW = 100
SPEED = 15  # minutes of the rate limits pass in four seconds
COUNTED = Path(__file__).with_name("counted.py")


def measure() -> Iterator[Row]:
    """Requests per invoice, refusals, memory, idle runs, commits."""
    with stage(PROFILE) as place:
        make(place, History(CUSTOMERS, open=CUSTOMERS, customers=CUSTOMERS))
        place.serve(speed=SPEED)
        _, few = _push(place, "few", range(1000, 1000 + FEW))
        requests, many = _push(place, "many", range(10_000, 10_000 + INVOICES))
        what = f"requests per invoice ({INVOICES} of {CUSTOMERS} known customers)"
        yield at_most(what, requests / INVOICES, 2.1, None, "{:.3f}")
        what = f"memory for {INVOICES} against {FEW} ({many.megabytes:.0f} MB)"
        yield at_most(what, many.memory / few.memory, 1.6, None, "{:.2f} x")
        yield Row("own time per invoice", f"{many.own / INVOICES * 1000:.1f} ms")
        yield at_most("requests of an idle push", len(place.counted("invoices", "push")[0]), 0)
        place.run("payments", "poll")
        pages = (CUSTOMERS + FEW + INVOICES) // 500 + 1
        idle = len(place.counted("payments", "poll")[0])
        yield at_most("requests of an idle poll, one per 500 open invoices", idle, pages)
        yield at_most("answers 429", place.refused(), 0)
        yield from _durable(place)


def _push(place: Stage, name: str, numbers: range) -> tuple[int, Measured]:
    place.drop(name, (invoice(number, number % CUSTOMERS + 1) for number in numbers))
    requests, measured = place.counted("invoices", "push")
    return len(requests), measured


def _durable(place: Stage) -> Iterator[Row]:
    place.serve()  # the books of the request limit are written less often where its minutes pass faster
    idle = counted(place, "invoices", "push")
    place.drop("durable", (invoice(number, number % CUSTOMERS + 1) for number in range(20_000, 20_000 + FEW)))
    pushed = counted(place, "invoices", "push")
    commits, files = pushed["commits"] / FEW, pushed["files"] / FEW
    what = f"fsyncs per invoice ({commits:.1f} of commits, {files:.1f} of files; counted by SQLite's trace)"
    yield at_most(what, commits + files, 6, None, "{:.1f}")
    yield at_most("commits of an idle push", idle["commits"], 3)


def counted(place: Stage, *command: str) -> dict[str, int]:
    """Runs the program and returns its `commits`, the `files` that it made durable, and the `modules` it loaded."""
    target = place.folder / "counts.json"
    whole = [sys.executable, str(COUNTED), str(target), *place.arguments(*command)[1:]]
    subprocess.run(whole, env=place.environment, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, int] = json.loads(target.read_text())
    return found
