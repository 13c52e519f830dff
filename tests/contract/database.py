"""What every database of the state has to do: inherit these classes in a test module and override the fixtures.

`opened` opens the same state once more, as another process would.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from bexsync.ports.store import Database

Opened = Callable[[], Database]
_MOVE = "INSERT INTO cursors VALUES ('main', ?, ?) ON CONFLICT (site, name) DO UPDATE SET value = excluded.value"
_COUNT = "INSERT INTO mentions VALUES ('main', 'a job', ?, '')"


def move(database: Database, name: str, value: str) -> None:
    with database.transaction() as db:
        db.execute(_MOVE, (name, value))


def where(database: Database, name: str) -> str | None:
    row = database.row("SELECT value FROM cursors WHERE name = ?", name)
    return row["value"] if row else None


class RehearsalContract:
    """A rehearsal may do everything, leaves nothing behind, and is in nobody's way."""

    @pytest.fixture
    def opened(self) -> Opened:
        raise NotImplementedError

    def test_it_shows_what_it_writes_and_leaves_nothing_behind(self, opened: Opened) -> None:
        real = opened()
        move(real, "here", "1")
        with real.rehearsal() as rehearsal:
            move(rehearsal, "here", "2")
            move(rehearsal, "new", "3")
            assert (where(rehearsal, "here"), where(rehearsal, "new")) == ("2", "3")
            assert (where(real, "here"), where(real, "new")) == ("1", None)
        assert (where(opened(), "here"), where(real, "new")) == ("1", None)
        with real.rehearsal() as another:
            assert where(another, "here") == "1"

    def test_what_it_takes_back_is_as_before(self, opened: Opened) -> None:
        real = opened()
        move(real, "here", "1")
        with real.rehearsal() as rehearsal:
            with suppress(RuntimeError), rehearsal.transaction() as db:
                db.execute("DELETE FROM cursors")
                raise RuntimeError
            assert where(rehearsal, "here") == "1"
            move(rehearsal, "here", "2")
            assert where(rehearsal, "here") == "2"

    def test_it_shows_what_others_commit_in_tables_that_it_has_not_written(self, opened: Opened) -> None:
        real, other = opened(), opened()
        with real.rehearsal() as rehearsal:
            move(other, "theirs", "1")
            assert where(rehearsal, "theirs") == "1"

    def test_a_table_that_it_has_written_stays_as_it_was_then(self, opened: Opened) -> None:
        real, other = opened(), opened()
        move(other, "theirs", "1")
        with real.rehearsal() as rehearsal:
            move(rehearsal, "own", "1")
            move(other, "theirs", "2")
            assert (where(rehearsal, "theirs"), where(rehearsal, "own")) == ("1", "1")
            assert where(real, "theirs") == "2"

    def test_others_write_while_it_goes_on(self, opened: Opened) -> None:
        """Also in the middle of its own transaction, and without waiting for it."""
        real, other = opened(), opened()
        with real.rehearsal() as rehearsal:
            move(rehearsal, "own", "1")
            with rehearsal.transaction() as db:
                db.execute(_COUNT, ("before",))
                move(other, "theirs", "1")
                move(real, "theirs", "2")
                db.execute(_COUNT, ("after",))
            assert len(rehearsal.rows("SELECT key FROM mentions")) == 2
        assert where(opened(), "theirs") == "2"
        assert opened().rows("SELECT key FROM mentions") == []

    def test_it_goes_on_while_others_write(self, opened: Opened) -> None:
        """It waits for nobody who is in the middle of a transaction."""
        real, other = opened(), opened()
        with real.rehearsal() as rehearsal, other.transaction() as db:
            db.execute(_MOVE, ("theirs", "1"))
            move(rehearsal, "own", "1")
            assert (where(rehearsal, "own"), where(rehearsal, "theirs")) == ("1", None)

    def test_it_writes_while_it_streams_other_tables(self, opened: Opened) -> None:
        real = opened()
        for number in range(3):
            move(real, f"cursor {number}", str(number))
        with real.rehearsal() as rehearsal:
            for row in rehearsal.stream("SELECT name FROM cursors"):
                with rehearsal.transaction() as db:
                    db.execute(_COUNT, (row["name"],))
            assert len(rehearsal.rows("SELECT key FROM mentions")) == 3
