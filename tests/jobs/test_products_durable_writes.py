"""How often runs over products and stock wait for the disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

import pytest
from bench.counted import Counts

from bexsync.engine.result import Result
from world import World, a_product

FEW, MANY = 10, 40


@pytest.fixture
def shop(world: World) -> World:
    """Master data and one product are known."""
    world.set_profile(products={"enabled": True, "title": "ledger"})
    world.list_products(a_product())
    world.sync_products()
    return world


def commits_per_product(patch: pytest.MonkeyPatch, run: Callable[[int], Result]) -> float:
    """Of those that many products take and a few do not."""
    counts = Counts()
    patch.setattr(sqlite3, "connect", counts.connected)
    patch.setattr(os, "fsync", counts.synced)
    taken = []
    for count in (FEW, MANY):
        before = counts.commits
        run(count)
        taken.append(counts.commits - before)
    return (taken[1] - taken[0]) / (MANY - FEW)


def many(count: int, **changes: str) -> list[dict[str, str]]:
    """The product that is known, and so many others."""
    others = [a_product(f"{count}-{number}", **changes) for number in range(count)]
    return [a_product(), *others]


def test_a_new_item_takes_its_claim_and_its_answer(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(count: int) -> Result:
        shop.list_products(*many(FEW), *(many(MANY)[1:] if count == MANY else ()))
        return shop.sync_products(confirm=1000)

    assert commits_per_product(monkeypatch, create) <= 2.0


def test_what_is_written_to_both_sides_takes_hardly_more(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.list_products(*many(FEW), *many(MANY)[1:])
    shop.sync_products(confirm=1000)
    for product in (*many(FEW)[1:], *many(MANY)[1:]):
        shop.sandbox.person.edit_item(shop.items()[product["sku"]]["id"], intern_name=f"{product['title']} von Hand")

    def change(count: int) -> Result:
        shop.list_products(*many(count, price="200"))
        result = shop.sync_products(confirm=1000)
        assert result.counts["done"] == count
        return result

    assert commits_per_product(monkeypatch, change) <= 2.1


def test_what_is_wrong_with_many_is_noted_in_one(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(count: int) -> Result:
        shop.list_products(*many(count, tax_rate="7.5"))
        result = shop.sync_products()
        assert result.counts["blocked"] == count
        return result

    # The second run also notes, in one commit, that the errors of the first are over.
    assert commits_per_product(monkeypatch, refuse) <= 0.1
