"""test-connection looks at the accounts and taxes that orders are booked on."""

from __future__ import annotations

import pytest

from bexsync.planning.checks import Verdict
from world import World

NAMES = ("gift card account", "tip account", "tip tax", "rounding of orders")


def said(world: World, **orders: object) -> dict[str, tuple[Verdict, str]]:
    world.set_profile(orders={"enabled": True, **orders})
    checks = world.try_connection(trial=False).checks
    return {one.name: (one.status, f"{one.value} | {one.sentence} {one.hint}") for one in checks if one.name in NAMES}


def test_what_bexio_has(world: World) -> None:
    world.sandbox.person.set_tax_active("U00", True)
    found = said(world, gift_card_account="2030", tip_account="3600", tip_tax="U00", rounding_account="6945")
    assert {name: (verdict, text.partition(" | ")[0]) for name, (verdict, text) in found.items()} == {
        "gift card account": (Verdict.OK, "2030 Erhaltene Anzahlungen"),
        "tip account": (Verdict.OK, "3600 Übrige Erlöse (Versand, Gebühren)"),
        "tip tax": (Verdict.OK, "U00, 0 %"),
        "rounding of orders": (Verdict.OK, "6945 Rundungsdifferenzen, U00"),
    }
    assert said(world, enabled=False) == {}


@pytest.mark.parametrize(
    ("setting", "value", "name", "sentence"),
    [
        ("gift_card_account", "2031", "gift card account", "2031 does not exist"),
        ("gift_card_account", "6945", "gift card account", "no active liability or income account"),
        ("gift_card_account", "2030", "gift card account", "no active sales tax of 0 % for gift cards"),
        ("tip_account", "2030", "tip account", "not an active income account"),
        ("tip_tax", "XX", "tip tax", 'no tax code "XX"'),
        ("tip_tax", "U00", "tip tax", "U00 is not active"),
        ("rounding_account", "1", "rounding of orders", "[orders] rounding_account"),
        ("rounding_account", "6945", "rounding of orders", "[orders] rounding_tax"),
    ],
)
def test_what_it_has_not(world: World, setting: str, value: str, name: str, sentence: str) -> None:
    (verdict, text) = said(world, **{setting: value})[name]
    assert (verdict, sentence in text) == (Verdict.WRONG, True), text
