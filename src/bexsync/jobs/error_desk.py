"""What a person does with errors: look, acknowledge, retry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType

from bexsync.errors import UsageProblem
from bexsync.planning.products import KIND as PRODUCT
from bexsync.store import ErrorRow, RecordState, Store


class ErrorDesk:
    """The open errors of one site."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now

    @property
    def site(self) -> str:
        """Whose errors these are."""
        return self._store.site

    def __enter__(self) -> ErrorDesk:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._store.close()

    def open_errors(self, *, include_acknowledged: bool) -> list[ErrorRow]:
        """Open errors, oldest first."""
        return self._store.errors.open(include_acknowledged=include_acknowledged)

    def places(self, rows: Iterable[ErrorRow]) -> dict[int, str]:
        """Where the shop's side of each error stands: the file and the place in it, as far as they are known."""
        found = {}
        for row in rows:
            record = self._store.records.get(row.kind, row.shop_id)
            if record is not None:
                found[row.id] = f"{record.origin}, {record.place}" if record.place else record.origin
        return found

    def pick(self, numbers: Iterable[str]) -> list[ErrorRow]:
        """The errors with these numbers, or all open ones; raises UsageProblem for a number that is none."""
        rows = {str(row.id): row for row in self._store.errors.open()}
        picked = []
        for number in numbers:
            if number == "all":
                return list(rows.values())
            if number not in rows:
                raise UsageProblem(f"There is no open error {number}.", "`bexsync errors list --all` shows them.")
            picked.append(rows[number])
        return picked

    def acknowledge(self, numbers: Iterable[str]) -> list[ErrorRow]:
        """A person has dealt with them: their records rest until their content changes."""
        rows = self.pick(numbers)
        with self._store.transaction():
            for row in rows:
                self._store.errors.acknowledge(row.id, self._now)
                record = self._store.records.get(row.kind, row.shop_id)
                if record is not None and record.state is RecordState.OPEN:
                    self._store.records.settle(row.kind, row.shop_id, RecordState.GIVEN_UP, row.message, self._now)
        return rows

    def retry(self, numbers: Iterable[str]) -> list[ErrorRow]:
        """The next run tries them again, whatever the ledger said before; raises UsageProblem where nothing can."""
        rows = [row for row in self.pick(numbers) if self._can_be_tried(row)]
        if not rows:
            raise UsageProblem(
                "There is nothing to try again: bexsync has no record that could be read.",
                "Correct the file and drop it into in/ again, then `bexsync errors ack` this error.",
            )
        with self._store.transaction():
            for row in rows:
                self._store.errors.unacknowledge(row.id)
                self._store.intents.forget_rejections(row.kind, row.shop_id, self._now)
                if row.kind != PRODUCT:
                    self._store.records.settle(row.kind, row.shop_id, RecordState.OPEN, "", self._now)
        return rows

    def _can_be_tried(self, row: ErrorRow) -> bool:
        """Products are not kept here: each run reads them anew."""
        is_product = row.kind == PRODUCT and row.code != "unreadable"
        return is_product or self._store.records.get(row.kind, row.shop_id) is not None
