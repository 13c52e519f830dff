"""The file of the state: how it is opened and upgraded, and its transactions."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bexsync.errors import StateProblem, TryLater
from bexsync.files import unusable
from bexsync.hooks import notify
from bexsync.ports.store import Transaction
from bexsync.records.quoting import printable
from bexsync.store.sqlite.locks import FileLocks, is_held, locks_folder
from bexsync.store.sqlite.migrations import MIGRATIONS, Migration
from bexsync.store.sqlite.rehearsal import CopyOnWrite

BUSY_SECONDS = 30.0
# A copy, the write-ahead log of the rebuild, and the file that holds old and new tables for a moment.
_SPACE_FOR_UPGRADE = 3


class SqliteDatabase:
    """A connection in which every change is an explicit, immediate, fully synchronous transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path, writer: Transaction | None = None) -> None:
        self.connection = connection
        self._writer = writer or connection
        self.path = path
        connection.row_factory = sqlite3.Row

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing; raises TryLater on a full disk or a lock that stays, with nothing changed."""
        with translated(self.path):
            if self.connection.in_transaction:
                yield self._writer
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                notify("commit:before")
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            notify("commit:after")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a question."""
        with translated(self.path):
            return self.connection.execute(sql, values).fetchall()

    def stream(self, sql: str, *values: object) -> Iterator[sqlite3.Row]:
        """The rows of a question one by one; the tables asked must not be written meanwhile."""
        with translated(self.path):
            yield from self.connection.execute(sql, values)

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a question, if any."""
        with translated(self.path):
            found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
            return found

    def is_held(self, lock: str) -> bool:
        """Whether a process still holds the lock of a run; "" is the lock of no run."""
        return is_held(locks_folder(self.path), lock)

    @contextmanager
    def rehearsal(self) -> Iterator[SqliteDatabase]:
        """A connection that cannot write the file; what it writes goes to a temporary database."""
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA temp_store = FILE")  # a copy may be large
            connection.execute("PRAGMA foreign_keys = ON")
            yield SqliteDatabase(connection, self.path, CopyOnWrite(connection))
        finally:
            connection.close()

    def compact(self) -> None:
        """Gives the space of what was deleted back to the disk."""
        with translated(self.path):
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes the connection; the write-ahead log is folded back by SQLite."""
        self.connection.close()


def open_database(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> SqliteDatabase:
    """The database at `path`, created or upgraded as needed; raises StateProblem or TryLater with one sentence."""
    with translated(path):
        _private_file(path)
        database = SqliteDatabase(_connect(path), path)
        try:
            _refuse_foreign(database)
            _upgrade(database, migrations, path)
        except BaseException:
            database.close()
            raise
    return database


def _upgrade(database: SqliteDatabase, migrations: Sequence[Migration], path: Path) -> None:
    """Brings the schema to the version of the last migration; an existing state while no run is going on."""
    version, newest = _version(database), len(migrations)
    if version > newest:
        raise StateProblem(
            f"The state {path} was written by a newer bexsync (schema {version}, this one knows {newest}).",
            "Update bexsync, or restore a copy of the state from before.",
        )
    if version == newest:
        return
    if not version:
        _migrate(database, migrations)
        return
    company = database.row("SELECT value FROM meta WHERE key = 'company'")
    with FileLocks(locks_folder(path), company["value"] if company else "", "").everything():
        version = _version(database)
        if version < newest:  # no other process was faster
            _require_space(path)
            _keep_copy(database, path.with_name(f"{path.name}.v{version}.bak"))
            _migrate(database, migrations)
            with suppress(TryLater):  # a file that stays large is harmless
                database.compact()


def _migrate(database: SqliteDatabase, migrations: Sequence[Migration]) -> None:
    """Every migration that is due, one transaction each."""
    for number in range(_version(database), len(migrations)):
        with database.transaction() as db:
            if _version(database) != number:
                continue  # another process was faster
            migrations[number](database.connection)
            db.execute(f"PRAGMA user_version = {number + 1}")


def _require_space(path: Path) -> None:
    """Raises TryLater where the disk has too little room for rebuilding the tables."""
    log = path.with_name(f"{path.name}-wal")
    needed = _SPACE_FOR_UPGRADE * (path.stat().st_size + (log.stat().st_size if log.exists() else 0))
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise TryLater(
            f"The state {path} must be brought to this version, which takes {needed // 1_000_000 + 1} MB of space; "
            f"{free // 1_000_000} MB are free.",
            "Free some space; nothing was changed.",
            code="disk",
        )


def _version(database: SqliteDatabase) -> int:
    return int(database.connection.execute("PRAGMA user_version").fetchone()[0])


def _keep_copy(database: SqliteDatabase, target: Path) -> None:
    _private_file(target)
    copy = sqlite3.connect(target)
    try:
        database.connection.backup(copy)
    finally:
        copy.close()


def _connect(path: Path) -> sqlite3.Connection:
    # Several threads use it, one at a time.
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _private_file(path: Path) -> None:
    """Sees to it that the file is there and nobody else's to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)
        elif path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as problem:
        raise unusable(problem.filename or path, problem) from problem


def _refuse_foreign(database: SqliteDatabase) -> None:
    """A database of some other program must not be filled with our tables."""
    tables = {row["name"] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and ("meta" not in tables or not _version(database)):
        raise StateProblem(
            f"{database.path} is the database of another program.",
            "Move it away, or set BEXSYNC_STATE_DIR to a folder of bexsync's own.",
        )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as sentences: corrupt and unwritable want a person, full and locked want time."""
    try:
        yield
    except sqlite3.OperationalError as problem:
        text = str(problem)
        if "disk is full" in text or "disk I/O" in text:
            raise TryLater(
                f"The state {path} could not be written ({text}).",
                "Free some space; nothing was lost.",
                code="disk",
            ) from problem
        if "locked" in text or "busy" in text:
            raise TryLater(f"The state {path} is locked by another process.", "Try again.", code="busy") from problem
        if "readonly" in text or "unable to open" in text:
            raise StateProblem(
                f"The state {path} cannot be written ({text}).",
                "Give this user the right to write it and its folder.",
            ) from problem
        if "syntax error" in text:
            raise
        raise _damaged(path, problem) from problem
    except sqlite3.DatabaseError as problem:
        if isinstance(problem, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            raise
        raise _damaged(path, problem) from problem
    except UnicodeDecodeError as problem:  # SQLite quotes what is damaged
        raise _damaged(path, problem) from problem


def _damaged(path: Path, problem: Exception) -> StateProblem:
    said = printable(str(problem).partition(" with text ")[0])
    return StateProblem(
        f"The state {path} is damaged ({said}).",
        "Move it away and restore a copy. Without one bexsync starts empty and finds its invoices in the ledger again.",
    )
