"""A folder as a shop: files go in, events and a status list come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from bexsync.ports.shop import (
    Batch,
    Capabilities,
    Event,
    Incoming,
    Leftover,
    Shop,
    ShopOverview,
    SourceReport,
    StatusRow,
    WriteBack,
)
from bexsync.shops.folder.archive import Stamp, archive_file, stamp_of
from bexsync.shops.folder.events import append_event, has_status_list, replace_status_list
from bexsync.shops.folder.inbox import claim, claimed_files, finished_files, left_behind
from bexsync.shops.folder.layout import Layout, Owner, Ownership
from bexsync.shops.folder.problems import explained
from bexsync.shops.folder.settings import CsvSection

_BATCH = 100
_CAPABILITIES = Capabilities(
    changes=frozenset({"invoice", "order", "customer"}),
    lists=frozenset({"product", "stock_level", "tax_rate"}),
    write_backs=frozenset(WriteBack),
    statuses=frozenset({"draft", "approved", "sent", "paid", "cancelled"}),
    has_sources=True,
    compares_stock=True,
)


class FolderShop(Shop):
    """The Shop that every system can be: whatever writes JSON or CSV files sells through it."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime],
        quiet_seconds: float = 5.0,
        csv: CsvSection | None = None,
        currency: str = "",
        owner: Owner | None = None,
    ) -> None:
        self._layout = Layout(path)
        self._ownership = Ownership(self._layout, owner)
        self._now = now
        self._quiet_seconds = quiet_seconds
        self._csv = csv or CsvSection()
        self._currency = currency
        self._read_as: dict[str, Stamp | None] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Files with invoices, orders and customers come in, lists stay where they are, and all can be written back."""
        return _CAPABILITIES

    def changes(self, cursor: str, *, claim: bool) -> Iterator[Batch]:
        """What stands in work/, then what is finished in in/; with `claim` the latter moves to work/ first.

        There is no cursor: what was claimed stays in work/ until it is put away.
        """
        items = self._items(claim=claim)
        while batch := tuple(islice(items, _BATCH)):
            yield Batch(batch, cursor)

    def acknowledge(self, cursor: str) -> None:
        """Nothing to do: a file stays in work/ until all its records have been dealt with."""

    def _items(self, *, claim: bool) -> Iterator[Incoming]:
        with explained(self._layout):
            self._layout.require_root()
            if claim:
                self._ownership.claim()
            else:
                self._ownership.check()
            now = self._now().timestamp()
            for found in claimed_files(self._layout.work, now=now, quiet_seconds=self._quiet_seconds):
                yield from self._read(found.path)
            for path in self._newcomers(is_claiming=claim):
                yield from self._read(path)

    def left_behind(self) -> Sequence[Leftover]:
        """What lies in in/ and is not taken, with the reason."""
        with explained(self._layout):
            return left_behind(self._layout, now=self._now().timestamp(), quiet_seconds=self._quiet_seconds)

    def examine(self) -> ShopOverview:
        """The folder and how many files lie in in/; raises ConfigurationProblem where it cannot be used."""
        with explained(self._layout):
            self._layout.require_open()
            self._ownership.check()
            waiting = finished_files(self._layout.incoming, now=self._now().timestamp(), quiet_seconds=0)
            return ShopOverview(str(self._layout.root), len(waiting))

    def deliver(self, event: Event) -> None:
        """Appends the event to out/events-YYYY-MM.ndjson."""
        with explained(self._layout):
            self._ownership.claim()
            with self._layout.opened(self._layout.out) as out:
                append_event(out, event)

    def publish(self, rows: Iterable[StatusRow]) -> None:
        """Replaces out/status.csv."""
        with explained(self._layout):
            self._ownership.claim()
            with self._layout.locked(self._layout.out) as out:
                replace_status_list(out, rows)

    def has_status_list(self) -> bool:
        """Whether out/status.csv is there; what cannot be looked at is not, since publishing says why."""
        try:
            with self._layout.opened(self._layout.out) as out:
                return has_status_list(out)
        except OSError:
            return False

    def archive(self, reports: Sequence[SourceReport]) -> Sequence[str]:
        """Moves settled files to done/ and given-up ones to failed/, with their reasons beside them.

        A file that was written to since it was read stays in work/, so that the next run reads what was added.
        """
        with explained(self._layout):
            self._ownership.claim()
            return [
                report.source
                for report in reports
                if not archive_file(self._layout, report, self._now(), self._read_as.get(report.source))
            ]

    def _read(self, path: Path) -> Iterator[Incoming]:
        from bexsync.shops.folder.documents import read_file  # most runs find no file, and reading loads much

        self._read_as[path.name] = stamp_of(path)
        return read_file(path, self._csv, self._currency)

    def _newcomers(self, *, is_claiming: bool) -> Iterator[Path]:
        """Each path only when its turn comes, so that a run that stops early leaves the rest in in/."""
        files = finished_files(self._layout.incoming, now=self._now().timestamp(), quiet_seconds=self._quiet_seconds)
        for found in files:
            path = claim(self._layout, found.path) if is_claiming else found.path
            if path is not None:
                yield path
