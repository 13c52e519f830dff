"""A hundred thousand products and their items: linked, unchanged, a thousand prices and a thousand stocks changed.

The items are as bexsync creates them, with an address in their remarks. Where no item has any, bexsync does not find
out whether an edit may name only what changes: then each takes two requests, and writes fill half of the limit.
"""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bench.stage import Line, Measured, Profile, Stage, stage

PRODUCTS = 100_000
QUICK = 10_000
CHANGED = 1000
SPEED = 4  # a minute of the rate limits passes in fifteen seconds
WINDOW = 60 / SPEED
PER_WINDOW = 400  # requests to items that bexio takes per minute
PAGE = 2000
SEEDED = 2  # items that every sandbox holds
OWN_SECONDS = 10.0
MEGABYTES = 200
PROFILE: Profile = {"products": {"enabled": True, "weight": "shop"}}
SORTS = 1000  # so many different prices, weights and descriptions
UN81, RATE = 17, Decimal("8.1")


def measure(*, quick: bool = False) -> Iterator[Line]:
    """Requests, own time and memory of products sync and stock pull, and how much of the rate limit they use."""
    count = QUICK if quick else PRODUCTS
    pages = (count + SEEDED) // PAGE + 1
    with stage(PROFILE, speed=SPEED) as place:
        place.act("load_items", *(_items(sort, count // SORTS) for sort in range(SORTS)))
        _list(place, count)
        _, linked = _counted(place, "products", "sync")
        told = _told(place, "products")
        yield f"{count} products: linked", str(told), str(count), told == count
        yield from _effort("  linking", linked, limited=False)
        for command in ("products sync", "stock pull"):
            requests, idle = _counted(place, *command.split())
            yield f"{command}, nothing changed: requests (pages)", str(requests), str(pages), requests == pages
            yield from _effort("  nothing changed", idle, limited=True)
        _list(place, count, changed_prices=CHANGED)
        yield from _changed_prices(place)
        _sell(place)
        requests, pulled = _counted(place, "stock", "pull")
        told = _told(place, "stock")
        yield f"stock pull, {CHANGED} changed: told to the shop", str(told), str(CHANGED), told == CHANGED
        yield f"  {CHANGED} changed: requests (pages)", str(requests), str(pages), requests == pages
        yield from _effort(f"  {CHANGED} changed", pulled, limited=True)
        refused = place.requests()["statuses"].get("429", 0)
        yield "answers 429", str(refused), "0", refused == 0


def _changed_prices(place: Stage) -> Iterator[Line]:
    before = place.requests()["writes"]
    with _watched(place) as seen:
        changed = place.run("products", "sync")
    writes = place.requests()["writes"] - before
    yield f"products sync, {CHANGED} prices changed: writes", str(writes), str(CHANGED), writes == CHANGED
    used = _used(seen, before, before + CHANGED)
    shown = "no whole window" if used is None else f"{used:.1%}"
    yield f"  writes, of the item limit ({changed.wall:.0f} s)", shown, "90 %", used is not None and used >= 0.9
    yield from _effort(f"  {CHANGED} changed", changed, limited=False)


def _effort(what: str, measured: Measured, *, limited: bool) -> Iterator[Line]:
    own = measured.own
    target, met = (f"{OWN_SECONDS:g} s", own < OWN_SECONDS) if limited else ("", None)
    yield f"{what}: own time ({measured.wall:.1f} s with bexio's)", f"{own:.1f} s", target, met
    memory = measured.megabytes
    target, met = (f"{MEGABYTES} MB", memory < MEGABYTES) if limited else ("", None)
    yield f"{what}: memory", f"{memory:.0f} MB", target, met


def _items(sort: int, count: int) -> dict[str, Any]:
    """Items that differ in their names alone, as they are loaded into the sandbox."""
    return {
        "count": count,
        "first": sort * count + 1,
        "sale_price": f"{_price(sort)}",
        "tax_income_id": UN81,
        "weight": 1000 + sort,
        "remarks": f"https://shop.example.ch/{sort}",
        "intern_description": f"Aus Holz<br/><br/>Höhe &amp; Breite {sort} mm",
        "is_stock": True,
        "stock_nr": 5,
    }


def _price(sort: int) -> Decimal:
    return Decimal(sort * 37 + 1000) / 100


def _list(place: Stage, count: int, *, changed_prices: int = 0) -> None:
    """The shop's list; the products with other prices than bexio has stand in its end."""
    with (place.shop / "catalog" / "products.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("shop_id", "sku", "title", "description", "price_gross", "tax_rate", "weight", "stock", "url"))
        for number in range(1, count + 1):
            sort = (number - 1) // (count // SORTS)
            gross = _price(sort) * (100 + RATE) / 100 + (number > count - changed_prices)
            rows.writerow(
                (
                    *(number, f"ITEM-{number:06}", f"Item {number}"),
                    f"<p>Aus <b>Holz</b></p><p>Höhe &amp; Breite {sort} mm</p>",
                    *(gross.quantize(Decimal("0.01"), ROUND_HALF_UP), RATE, Decimal(1000 + sort) / 1000, 5),
                    f"https://shop.example.ch/{number}",
                )
            )


def _told(place: Stage, name: str) -> int:
    """How many products the shop was told of."""
    with (place.shop / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _sell(place: Stage) -> None:
    """Somebody books pieces out, of items that lie far apart."""
    place.act("book_stock", *({"item_id": SEEDED + number, "amount": -1} for number in range(1, 5 * CHANGED, 5)))


def _counted(place: Stage, *command: str) -> tuple[int, Measured]:
    before = place.requests()["count"]
    measured = place.run(*command)
    return place.requests()["count"] - before, measured


@contextmanager
def _watched(place: Stage) -> Iterator[list[int]]:
    """How many writes there were at the end of each window of the rate limits."""
    seen: list[int] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(WINDOW - time.time() % WINDOW):
            seen.append(place.requests()["writes"])

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def _used(seen: list[int], first: int, last: int) -> float | None:
    """The part of the limit that went into writes, in the windows that lie wholly between the first and the last."""
    within = [writes for writes in seen if first < writes < last]
    return (within[-1] - within[0]) / (PER_WINDOW * (len(within) - 1)) if len(within) > 1 else None
