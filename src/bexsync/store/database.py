"""The file of the state: where it may lie, how it is opened, and its transactions."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bexsync.errors import StateProblem, TryLater
from bexsync.files import unusable
from bexsync.hooks import notify
from bexsync.records.quoting import printable
from bexsync.store.locks import Locks
from bexsync.store.migrations import MIGRATIONS, Migration

BUSY_MILLISECONDS = 30_000
# A copy, the write-ahead log of the rebuild, and the file that holds old and new tables for a moment.
_SPACE_FOR_UPGRADE = 3
MOUNTS = Path("/proc/self/mountinfo")
NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "lustre", "fuse.sshfs", "fuse.rclone"}
    | {"fuse.glusterfs", "fuse.davfs", "davfs", "fuse.s3fs"}
)


class Database:
    """A connection in which every change is an explicit, immediate, fully synchronous transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.connection = connection
        self.path = path
        connection.row_factory = sqlite3.Row

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; raises TryLater on a full disk or a lock that stays, with nothing changed."""
        with translated(self.path):
            if self.connection.in_transaction:
                yield self.connection
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
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

    def close(self) -> None:
        """Closes the connection; the write-ahead log is folded back by SQLite."""
        self.connection.close()


def open_database(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Database:
    """The database at `path`, created or upgraded as needed; raises StateProblem or TryLater with one sentence."""
    with translated(path):
        _private_file(path)
        database = Database(_connect(path), path)
        try:
            _refuse_foreign(database)
            _upgrade(database, migrations, path)
        except BaseException:
            database.close()
            raise
    return database


def in_memory_copy(database: Database) -> Database:
    """An independent copy that is forgotten when closed, for rehearsals."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    copy.execute("PRAGMA foreign_keys = ON")
    database.connection.backup(copy)
    return Database(copy, None)


def _upgrade(database: Database, migrations: Sequence[Migration], path: Path) -> None:
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
    with Locks(path.parent / "locks", company["value"] if company else "", "").everything():
        version = _version(database)
        if version < newest:  # no other process was faster
            _require_space(path)
            _keep_copy(database, path.with_name(f"{path.name}.v{version}.bak"))
            _migrate(database, migrations)
            with suppress(sqlite3.OperationalError):  # a file that stays large is harmless
                database.connection.execute("VACUUM")
                database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(database: Database, migrations: Sequence[Migration]) -> None:
    """Every migration that is due, one transaction each."""
    for number in range(_version(database), len(migrations)):
        with database.transaction() as db:
            if _version(database) != number:
                continue  # another process was faster
            migrations[number](db)
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


def _version(database: Database) -> int:
    return int(database.connection.execute("PRAGMA user_version").fetchone()[0])


def _keep_copy(database: Database, target: Path) -> None:
    _private_file(target)
    copy = sqlite3.connect(target)
    try:
        database.connection.backup(copy)
    finally:
        copy.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MILLISECONDS / 1000)
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


def _refuse_foreign(database: Database) -> None:
    """A database of some other program must not be filled with our tables."""
    tables = {row["name"] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and ("meta" not in tables or not _version(database)):
        raise StateProblem(
            f"{database.path} is the database of another program.",
            "Move it away, or set BEXSYNC_STATE_DIR to a folder of bexsync's own.",
        )


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
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


def _damaged(path: Path | None, problem: Exception) -> StateProblem:
    said = printable(str(problem).partition(" with text ")[0])
    return StateProblem(
        f"The state {path} is damaged ({said}).",
        "Move it away and restore a copy. Without one bexsync starts empty and finds its invoices in the ledger again.",
    )


def this_host() -> str:
    """What tells this computer from another that shares the folder; containers name themselves by BEXSYNC_HOST."""
    return os.environ.get("BEXSYNC_HOST") or socket.gethostname()


def this_process() -> str:
    """Who owns an intent that is under way."""
    return f"{this_host()}:{os.getpid()}"


def refuse_network(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises StateProblem when the folder lies on a network file system; says nothing where that cannot be known."""
    kind = file_system_of(folder, mounts)
    if kind in NETWORKED:
        raise StateProblem(
            f"The state folder {folder} lies on a network file system ({kind}), where a database can be damaged.",
            "Set BEXSYNC_STATE_DIR to a folder on this computer's own disk.",
            code="network_file_system",
        )


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system a folder lies on, "" where it cannot be known (mountinfo: proc(5))."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    best, kind = "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not rest:
            continue
        point = _unescaped(parts[4])
        inside = place == point or place.startswith(f"{point.rstrip('/')}/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
