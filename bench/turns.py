"""What runs on one company cost each other, while every answer takes as long as a real one's."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

from bench.history import PROFILE, History, invoice, make
from bench.rows import Row, at_least, at_most
from bench.shares import CUSTOMERS, UNDER_WAY, WINDOW, lasts, next_window
from bench.stage import Stage, stage

LATENCY = 0.2
OPEN = 500
PUSHED = 1000
# Enough for as many whole windows as a run may take part in, at bexio's limit.
_ENOUGH = 2000
_SITES = ("main", "second")


def measure() -> Iterator[Row]:
    """A poll in the middle of a push, then two pushes of two sites."""
    yield from _poll_beside_a_push()
    yield from _two_pushes()


def _poll_beside_a_push() -> Iterator[Row]:
    """In both cases some of the open invoices have been paid, so that there is news to tell."""
    with stage(PROFILE) as place:
        make(place, History(CUSTOMERS + OPEN, open=OPEN, customers=CUSTOMERS))
        place.serve(latency=LATENCY)
        alone = _poll(place, paid=range(CUSTOMERS + 1, CUSTOMERS + 6))
        place.drop("many", (invoice(n, n % CUSTOMERS + 1) for n in range(1, PUSHED + 1)))
        run = place.begin("invoices", "push")
        _wait_for_requests(place, 4 * UNDER_WAY)
        beside = _poll(place, paid=range(CUSTOMERS + 6, CUSTOMERS + 11))
        goes_on = run.poll() is None
        run.terminate()
        run.communicate(timeout=90)
        refused = place.refused()
    what = f"poll of {OPEN} open in the middle of a push of {PUSHED} ({beside:.1f} s), times its time alone"
    if not goes_on:
        yield Row(what, "the push had ended", met=False)
        return
    yield at_most(what, beside / alone, 3, 3, "{:.1f}")
    yield at_most("  answers 429", refused, 0)


def _poll(place: Stage, paid: range) -> float:
    place.act("pay", *({"invoice_id": number} for number in paid))
    return place.run("payments", "poll").wall


def _wait_for_requests(place: Stage, count: int) -> None:
    wanted = len(place.requests()) + count
    while len(place.requests()) < wanted:
        time.sleep(0.5)


def _two_pushes() -> Iterator[Row]:
    with stage(PROFILE) as place:
        make(place, History(CUSTOMERS, customers=CUSTOMERS))
        place.serve(latency=LATENCY)
        both = (place, place.beside(_SITES[1]))
        for number, site in enumerate(both, 1):
            numbers = range(number * 10_000, number * 10_000 + _ENOUGH)
            site.drop("many", (invoice(n, n % CUSTOMERS + 1) for n in numbers))
        alone = _done_by(place, [place])[_SITES[0]]
        together = _done_by(place, both)
        refused = place.refused()
    total, least = sum(together.values()), min(together[site] for site in _SITES)
    yield at_least("two pushes of two sites, of what one does alone", total / alone, 0.9, 0.9, "{:.0%}")
    yield at_least("  the lesser one, of what both do", least / total, 0.4, 0.4, "{:.0%}")
    yield at_most("  answers 429", refused, 0)


def _done_by(place: Stage, sites: Sequence[Stage]) -> Counter[str]:
    """How many steps each site ended in one whole window in which all of them were at work."""
    runs = [site.begin("invoices", "push") for site in sites]
    _wait_for_requests(place, len(runs) * UNDER_WAY)
    first = next_window(place, runs[0])
    for run in runs:
        if not lasts(run, first + WINDOW):
            raise SystemExit("A push ended before its time.")
    return _steps_done(place, first)


def _steps_done(place: Stage, first: float) -> Counter[str]:
    begin = datetime.fromtimestamp(first, UTC)
    span = [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (begin, begin + timedelta(seconds=WINDOW))]
    with closing(sqlite3.connect(place.state)) as state:
        rows = state.execute(
            """SELECT scope, count(*) FROM attempts WHERE outcome = 'done' AND kind IN ('invoice', 'send')
               AND at >= ? AND at < ? GROUP BY scope""",
            span,
        )
        return Counter(dict(rows.fetchall()))
