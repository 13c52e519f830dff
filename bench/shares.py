"""How much of bexio's request limit each job uses while every answer takes as long as a real one's.

A run is ended after whole minutes in which it was at work all the time. What counts are the requests that the sandbox
itself lists in these minutes: they are its windows, since with latency its clock has no other speed.
"""

from __future__ import annotations

import csv
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

from bench import orders
from bench.history import PROFILE, TODAY, History, invoice, make
from bench.rows import Row, at_least, at_most
from bench.stage import Profile, Stage, stage

LATENCIES = (0.2, 0.5)
WINDOW = 60
LIMITS = {"default": 1000, "items": 400}
WANTED = 0.9
CUSTOMERS = 200
# A run reads and plans before it is at full speed; fewer requests than these are of that time.
UNDER_WAY = 30
# So many windows' worth of work is there: up to one before the windows that are measured, and two of these.
_FULL = 3.2
_AT_ONCE = 2  # a job at full speed and its sandbox take most of a core
_PRODUCTS: Profile = {
    **PROFILE,
    "products": {"enabled": True, "weight": "shop", "creates": 20_000, "changes": 20_000},
}


@dataclass(frozen=True)
class Job:
    """A job that has more to do than two windows take, and the share that today's program reaches at each latency."""

    what: str
    command: str
    bucket: str
    prepare: Callable[[Stage], None]
    reached: tuple[float, float]
    profile: Profile


def measure(*, quick: bool = False) -> Iterator[Row]:
    """The share of every job at both latencies, then how long the first push of a day takes for one invoice."""
    measures: list[Callable[[], list[Row]]] = []
    for column, latency in enumerate(LATENCIES):
        measures += [_share(job, latency, job.reached[column], windows=1 if quick else 2) for job in JOBS]
        measures.append(_first_push(latency))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for rows in pool.map(lambda measure: measure(), measures):
            yield from rows


def _share(job: Job, latency: float, reached: float, *, windows: int) -> Callable[[], list[Row]]:
    def measured() -> list[Row]:
        with stage(job.profile) as place:
            job.prepare(place)
            place.serve(latency=latency)
            run = place.begin(*job.command.split())
            first = next_window(place, run)
            end = first + windows * WINDOW
            is_whole = lasts(run, end)
            asked = place.requests()
            within = sum(first <= one["at"] < end and one["bucket"] == job.bucket for one in asked)
            refused = sum(one["status"] == 429 for one in asked)
        share = within / (windows * LIMITS[job.bucket])
        what = f"{job.what}, answers after {latency} s"
        if not is_whole:
            return [Row(what, "ended before its time", f"{reached:.0%}", f"{WANTED:.0%}", met=False)]
        rows = [at_least(what, share, reached, WANTED, "{:.1%}")]
        return rows if not refused else [*rows, at_most("  answers 429", refused, 0)]

    return measured


def next_window(place: Stage, run: subprocess.Popen[str]) -> float:
    """The beginning of the next minute once a run is at full speed."""
    while run.poll() is None and len(place.requests()) < UNDER_WAY:
        time.sleep(0.5)
    return (time.time() // WINDOW + 1) * WINDOW


def lasts(run: subprocess.Popen[str], end: float) -> bool:
    """Whether a run is still at work at the end of the windows; then it is told to end."""
    try:
        run.wait(max(0.0, end - time.time()))
    except subprocess.TimeoutExpired:
        run.terminate()
        run.communicate(timeout=90)
        return True
    return False


def _first_push(latency: float) -> Callable[[], list[Row]]:
    def measured() -> list[Row]:
        with stage(PROFILE) as place:
            make(place, History(CUSTOMERS, customers=CUSTOMERS))
            _forget_master_data(place)
            place.serve(latency=latency)
            place.drop("one", [invoice(1, 1)])
            asked, run = place.counted("invoices", "push")
        # In answers that come one after the other, so that the same limit holds at every latency.
        rounds = (asked[-1]["at"] - asked[0]["at"]) / latency + 1
        what = f"first push of a day, one invoice, answers after {latency} s: {len(asked)} requests, {run.wall:.1f} s"
        return [at_most(f"{what}; answers in a row", rounds, 32, 7, "{:.1f}")]

    return measured


def _forget_master_data(place: Stage) -> None:
    """Lets what was read of bexio be two days old."""
    with closing(sqlite3.connect(place.state)) as state, state:
        state.execute("UPDATE facts SET learned_at = strftime('%Y-%m-%dT%H:%M:%f000Z', learned_at, '-2 days')")


def _known_contacts(place: Stage, a_day: int = 10_000) -> None:
    """As many invoices of each day, the last of them of today."""
    make(place, History(CUSTOMERS, customers=CUSTOMERS))
    days = (TODAY - timedelta(days=n // a_day) for n in count(1))
    numbers = range(1, int(_FULL * 500))
    place.drop("many", (invoice(n, n % CUSTOMERS + 1, day) for n, day in zip(numbers, days, strict=False)))


def _orders(place: Stage) -> None:
    make(place, History(CUSTOMERS, customers=CUSTOMERS))
    orders.drop(place, range(1, int(_FULL * LIMITS["default"] / 8)), CUSTOMERS)


def _new_contacts(place: Stage) -> None:
    make(place, History(CUSTOMERS, customers=CUSTOMERS))
    place.drop("many", (invoice(n, CUSTOMERS + n) for n in range(1, int(_FULL * 334))))


def _paid_invoices(place: Stage) -> None:
    """Every open invoice has been paid; the next poll, which is not the first of its day, finds out."""
    invoices = int(_FULL * LIMITS["default"])
    make(place, History(invoices, open=invoices, customers=CUSTOMERS), all_paid=True)


def _new_products(place: Stage) -> None:
    place.serve(speed=60)
    _list(place, 1)
    place.run("products", "sync")
    _list(place, int(_FULL * LIMITS["items"]))


def _changed_prices(place: Stage) -> None:
    products = int(_FULL * LIMITS["items"])
    place.serve(speed=60)
    _list(place, products)
    place.run("products", "sync")
    _list(place, products, price="2.15")


def _list(place: Stage, products: int, *, price: str = "1.10") -> None:
    with (place.shop / "catalog" / "products.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("shop_id", "sku", "title", "description", "price_gross", "tax_rate", "weight", "stock", "url"))
        for n in range(1, products + 1):
            rows.writerow(
                (n, f"P-{n:06}", f"Produkt {n}", "Aus Holz", price, "8.1", 1, 5, f"https://shop.example.ch/{n}")
            )


JOBS = (
    Job(
        "invoices push, contacts known, send, 25 a day",
        "invoices push",
        "default",
        partial(_known_contacts, a_day=25),
        (0.9, 0.9),
        PROFILE,
    ),
    Job(
        'the same, number_order = "any"',
        "invoices push",
        "default",
        partial(_known_contacts, a_day=25),
        (0.9, 0.9),
        {**PROFILE, "engine": {"number_order": "any"}},
    ),
    Job("the same, 2 a day", "invoices push", "default", partial(_known_contacts, a_day=2), (0.6, 0.35), PROFILE),
    Job("invoices push with new contacts", "invoices push", "default", _new_contacts, (0.9, 0.9), PROFILE),
    Job(
        "orders sync with every action",
        "orders sync",
        "default",
        _orders,
        (0.9, 0.9),
        orders.profile(orders.EVERYTHING),
    ),
    Job("payments poll with news", "payments poll", "default", _paid_invoices, (0.9, 0.9), PROFILE),
    Job("products sync, creating", "products sync", "items", _new_products, (0.9, 0.9), _PRODUCTS),
    Job("products sync, prices changed", "products sync", "items", _changed_prices, (0.9, 0.9), _PRODUCTS),
)
