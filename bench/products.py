"""A hundred thousand products and their items: linked, unchanged, a thousand prices and a thousand stocks changed."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.stage import Line, Measured, Stage, stage

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
PROFILE = {"products": {"enabled": True, "weight": "shop"}}
_ITEM = {
    "sale_price": "100",
    "tax_income_id": 17,  # UN81
    "weight": 1500,
    "intern_description": "Aus Holz<br/><br/>Höhe &amp; Breite nach Mass",
    "is_stock": True,
    "stock_nr": 5,
}
_HEADERS = ("shop_id", "sku", "title", "description", "price_gross", "tax_rate", "weight", "stock", "url")


def measure(*, quick: bool = False) -> Iterator[Line]:
    """Requests, own time and memory of products sync and stock pull, and how much of the rate limit they use."""
    count = QUICK if quick else PRODUCTS
    pages = (count + SEEDED) // PAGE + 1
    with stage(PROFILE, speed=SPEED) as place:
        place.act("load_items", {"count": count, **_ITEM})
        _list(place, count)
        requests, linked = _counted(place, "products", "sync")
        told = len((place.shop / "out" / "products.csv").read_text(encoding="utf-8").splitlines()) - 1
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
        told = len((place.shop / "out" / "stock.csv").read_text(encoding="utf-8").splitlines()) - 1
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
    yield f"{what}: memory", f"{memory:.0f} MB", f"{MEGABYTES} MB", memory < MEGABYTES


def _list(place: Stage, count: int, *, changed_prices: int = 0) -> None:
    """The shop's list; the products with changed prices stand in its end."""
    with (place.shop / "catalog" / "products.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_HEADERS)
        for number in range(1, count + 1):
            price = "216.20" if number > count - changed_prices else "108.10"
            rows.writerow(
                (
                    *(f"{number}", f"ITEM-{number:06}", f"Item {number}"),
                    "<p>Aus <b>Holz</b></p><p>Höhe &amp; Breite nach Mass</p>",
                    *(price, "8.1", "1.5", "5", f"https://shop.example.ch/{number}"),
                )
            )


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
