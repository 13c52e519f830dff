"""Copies of the state, whatever a person calls them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bexsync.store.sqlite.upkeep import SqliteUpkeep
from world import World


@pytest.mark.parametrize("name", ["copy?.db", "copy#1.db", "100%25 copy.db", "Kopie für März.db"])
def test_a_copy_may_be_called_anything(world: World, name: str) -> None:
    world.push()
    (state,) = (world.folder / "state").glob("bexio-*.db")
    target = world.folder / name
    upkeep = SqliteUpkeep(state, state.stem.removeprefix("bexio-"))
    upkeep.backup(target)
    kept = upkeep.restore(target, datetime(2026, 11, 20, tzinfo=UTC))
    assert isinstance(kept, Path)
    assert kept.exists()
