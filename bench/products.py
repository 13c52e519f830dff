"""A hundred thousand products and their items: linked, unchanged, a thousand prices and a thousand stocks changed.

The items are as bexsync creates them, with an address in their remarks. Where no item has any, bexsync does not find
out whether an edit may name only what changes: then each takes two requests.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bench.rows import Row, at_least, at_most
from bench.stage import Measured, Profile, Stage, stage

PRODUCTS = 100_000
CHANGED = 1000
SPEED = 4  # a minute of the rate limits passes in fifteen seconds
PAGE = 2000
SEEDED = 2  # items that every sandbox holds
OWN_SECONDS = 10.0
MEGABYTES = 200
PROFILE: Profile = {"products": {"enabled": True, "weight": "shop"}}
SORTS = 1000  # so many different prices, weights and descriptions
UN81, RATE = 17, Decimal("8.1")


def measure() -> Iterator[Row]:
    """Requests, own time and memory of products sync and stock pull."""
    pages = (PRODUCTS + SEEDED) // PAGE + 1
    with stage(PROFILE) as place:
        place.serve(speed=SPEED)
        place.act("load_items", *(_items(sort, PRODUCTS // SORTS) for sort in range(SORTS)))
        _list(place, PRODUCTS)
        _, linked = place.counted("products", "sync")
        yield at_least(f"{PRODUCTS} products: linked", _told(place, "products"), PRODUCTS)
        yield from _effort("  linking", linked, limited=False)
        for command in ("products sync", "stock pull"):
            requests, idle = place.counted(*command.split())
            yield at_most(f"{command}, nothing changed: requests (pages)", len(requests), pages)
            yield from _effort("  nothing changed", idle, limited=True)
        _list(place, PRODUCTS, changed_prices=CHANGED)
        requests, changed = place.counted("products", "sync")
        writes = sum(request["method"] in ("PUT", "POST") for request in requests)
        yield at_most(f"products sync, {CHANGED} prices changed: writes", writes, CHANGED)
        yield from _effort(f"  {CHANGED} changed", changed, limited=False)
        _sell(place)
        requests, pulled = place.counted("stock", "pull")
        yield at_least(f"stock pull, {CHANGED} changed: told to the shop", _told(place, "stock"), CHANGED)
        yield at_most(f"  {CHANGED} changed: requests (pages)", len(requests), pages)
        yield from _effort(f"  {CHANGED} changed", pulled, limited=True)
        yield at_most("answers 429", place.refused(), 0)


def _effort(what: str, run: Measured, *, limited: bool) -> Iterator[Row]:
    own = f"{what}: own time ({run.wall:.1f} s with the sandbox's)"
    if not limited:
        yield Row(own, f"{run.own:.1f} s")
        yield Row(f"{what}: memory", f"{run.megabytes:.0f} MB")
        return
    yield at_most(own, run.own, OWN_SECONDS, None, "{:.1f} s")
    yield at_most(f"{what}: memory", run.megabytes, MEGABYTES, None, "{:.0f} MB")


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
