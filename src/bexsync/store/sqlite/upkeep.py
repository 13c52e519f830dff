"""Looking after the file: copies of it, and putting a copy in its place."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bexsync.errors import ConfigurationProblem, StateProblem
from bexsync.store.sqlite.database import SqliteDatabase, open_database, translated
from bexsync.store.sqlite.migrations import MIGRATIONS


@dataclass(frozen=True)
class SqliteUpkeep:
    """The state of one company as a file."""

    path: Path
    company: str

    def open(self) -> SqliteDatabase:
        """The state, with this program's schema, for which every lock must be free; raises Busy where a run goes on."""
        return open_database(self.path)

    def copy_for(self, now: datetime) -> Path:
        """Where a copy goes when nobody names a place."""
        return self.path.parent / "backups" / f"{self.path.stem}-{now:%Y%m%d-%H%M%S}.db"

    def backup(self, target: Path) -> None:
        """Writes a whole, consistent copy of the state to a file of its own, readable by its owner only."""
        if target.exists():
            raise ConfigurationProblem(
                f"{target} exists already.", "Name another file; bexsync never overwrites a copy."
            )
        with closing(self.open()) as database:
            _copy(database.connection, target)

    def check_copy(self, source: Path) -> None:
        """Raises ConfigurationProblem where the file is no whole copy of this company's state."""
        if not source.is_file():
            raise ConfigurationProblem(f"There is no file {source}.", "Name a file that `bexsync state backup` wrote.")
        try:
            with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
                whole = copy.execute("PRAGMA quick_check").fetchone()[0] == "ok"
                version = int(copy.execute("PRAGMA user_version").fetchone()[0])
                row = copy.execute("SELECT value FROM meta WHERE key = 'company'").fetchone()
        except sqlite3.Error as problem:
            raise StateProblem(f"{source} is no state of bexsync ({problem}).", "Name another copy.") from problem
        if not whole or not version or row is None:
            raise StateProblem(f"{source} is damaged.", "Name another copy.")
        if version > len(MIGRATIONS):
            raise StateProblem(f"{source} was written by a newer bexsync.", "Update bexsync first.")
        if row[0] != self.company:
            raise StateProblem(
                f'{source} is the state of the company "{row[0]}", this one is "{self.company}".',
                "Name a copy of this company.",
            )

    def restore(self, source: Path, now: datetime) -> Path:
        """Puts a copy in the place of the state, which is itself kept beside it; the file where it is kept.

        Whatever happened since the copy is found in the ledger again: documents by their reference, how they stand
        by asking, and nothing that is issued is mailed.
        """
        path = self.path
        self.check_copy(source)
        kept = path.with_name(f"{path.name}.before-restore-{now:%Y%m%d-%H%M%S}")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".bexsync-restore-") as folder:
            copy = Path(folder) / "copy.db"
            with (
                translated(source),
                closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as given,
            ):
                _copy(given, copy)
            with closing(open_database(copy)) as restored, closing(open_database(path)) as database:
                # An older copy has this program's schema by now, so that no other program ever meets it half way.
                _copy(database.connection, kept)
                restored.connection.backup(database.connection)
        return kept

    def old_copies(self, before: datetime) -> list[Path]:
        """The copies of the state that were written before a moment: backups, and what restoring and upgrading kept."""
        path = self.path
        found = [
            *(path.parent / "backups").glob(f"{path.stem}-*.db"),
            *path.parent.glob(f"{path.name}.before-restore-*"),
            *path.parent.glob(f"{path.name}.v*.bak"),
        ]
        return sorted(file for file in found if file.is_file() and file.stat().st_mtime < before.timestamp())


def _copy(source: sqlite3.Connection, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite opens by name and follows links, so it writes in a folder of its own that nobody else may enter.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bexsync-copy-") as folder:
            unfinished = Path(folder) / "copy.db"
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with translated(target), closing(sqlite3.connect(unfinished)) as copy:
                source.backup(copy)
            unfinished.replace(target)
    except OSError as problem:
        raise ConfigurationProblem(
            f"{target} cannot be written: {problem.strerror}.", "Name another file."
        ) from problem
