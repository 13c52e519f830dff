"""A glimpse of the state that opens nothing, changes nothing and waits for nobody: for the shell, and for checks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bexsync.auth.companies import CompanyBook

_PATIENCE_SECONDS = 0.1
_MOST = 200


class StateReader:
    """What the state says of one profile at this moment; everything may raise OSError, sqlite3.Error, StateProblem."""

    def __init__(self, profile_file: Path, folder: Path) -> None:
        self._profile = str(profile_file.resolve())
        self.company = CompanyBook(folder).pinned(self._profile) or ""
        # A ledger's name has no hyphen, a company's id may have some.
        named = (path for path in folder.glob("*.db") if path.stem.partition("-")[2] == self.company)
        self._path = next(named, None) if self.company else None

    def site(self) -> str:
        """The site this profile has used until now, "" before its first run."""
        return next((site for (site,) in self._rows("SELECT site FROM sites WHERE profile = ?")), "")

    def others_with_site(self, site: str) -> list[str]:
        """The files of other profiles that use this site for the same company."""
        return [profile for (profile,) in self._rows("SELECT profile FROM sites WHERE site = ? AND profile <> ?", site)]

    def linked_ids(self, prefix: str) -> list[tuple[str, str]]:
        """The shop's ids of linked invoices with their numbers, the latest first."""
        return self._rows(
            "SELECT shop_id, number FROM links JOIN link_documents ON link = id AND role = 'main' "
            "WHERE kind = 'invoice' AND substr(shop_id, 1, ?) = ? "
            "AND site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY linked_at DESC",
            len(prefix),
            prefix,
        )

    def linked_numbers(self, prefix: str) -> list[tuple[str, str]]:
        """The numbers of linked invoices with the shop's ids, the latest first."""
        return self._rows(
            "SELECT number, shop_id FROM links JOIN link_documents ON link = id AND role = 'main' "
            "WHERE kind = 'invoice' AND substr(number, 1, ?) = ? "
            "AND site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY linked_at DESC",
            len(prefix),
            prefix,
        )

    def invoice_ids(self, prefix: str) -> list[tuple[str, str]]:
        """The shop's ids of all invoices it handed over with their state, the latest first."""
        return self._ids("invoice", prefix)

    def order_ids(self, prefix: str) -> list[tuple[str, str]]:
        """The shop's ids of all orders it handed over with their state, the latest first."""
        return self._ids("order", prefix)

    def order_statuses(self) -> list[str]:
        """The statuses that orders have in the shop."""
        rows = self._rows(
            "SELECT DISTINCT json_extract(body, '$.status') FROM records WHERE kind = 'order' "
            "AND site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY 1"
        )
        return [status for (status,) in rows]

    def _ids(self, kind: str, prefix: str) -> list[tuple[str, str]]:
        return self._rows(
            "SELECT shop_id, state FROM records WHERE kind = ? AND substr(shop_id, 1, ?) = ? "
            "AND site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY taken_at DESC",
            kind,
            len(prefix),
            prefix,
        )

    def jobs(self) -> list[str]:
        """The jobs that have run."""
        return [
            job
            for (job,) in self._rows(
                "SELECT DISTINCT job FROM runs WHERE site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY job"
            )
        ]

    def open_errors(self) -> list[tuple[int, str, str]]:
        """The numbers of open errors, which record they are about, and their sentences."""
        return self._rows(
            "SELECT id, shop_id, message FROM errors WHERE resolved_at IS NULL "
            "AND site IN (SELECT site FROM sites WHERE profile = ?) ORDER BY id"
        )

    def _rows(self, sql: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]  # a row has any shape
        if self._path is None or not self._path.is_file():
            return []
        with _reading(self._path) as connection:
            return connection.execute(sql, (*values, self._profile)).fetchmany(_MOST)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A reader that leaves no files of its own behind where nobody else is at work."""
    log = path.with_name(f"{path.name}-wal")
    manner = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    address = f"{path.absolute().as_uri()}?{manner}"
    with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_SECONDS)) as connection:
        yield connection
