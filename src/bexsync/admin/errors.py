"""What a person does with errors: look, acknowledge, retry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType

from bexsync.errors import UsageProblem
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.planning.order_link import KIND as ORDER
from bexsync.planning.products import KIND as PRODUCT
from bexsync.ports.store import ErrorRow, RecordState
from bexsync.store import Store


class ErrorAdmin:
    """The open errors of one site."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now

    @property
    def site(self) -> str:
        """Whose errors these are."""
        return self._store.site

    def __enter__(self) -> ErrorAdmin:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._store.close()

    def open_errors(self, *, include_acknowledged: bool) -> list[ErrorRow]:
        """Open errors, oldest first."""
        return self._store.errors.open(include_acknowledged=include_acknowledged)

    def places(self, rows: Iterable[ErrorRow]) -> dict[int, str]:
        """Where the shop's side of each error stands: the file and the location in it, as far as they are known."""
        found = {}
        for row in rows:
            record = self._store.records.get(row.kind, row.shop_id)
            if record is not None:
                found[row.id] = f"{record.source}, {record.location}" if record.location else record.source
        return found

    def pick(self, names: Iterable[str]) -> list[ErrorRow]:
        """Return the open errors with these numbers or of these records, or with `all` every one.

        A record is named by its shop id or its number, in the shop or the ledger. Raises UsageProblem for a name that
        is none, or that means one error as a number and another as a record.
        """
        rows = self._store.errors.open()
        picked: dict[int, ErrorRow] = {}
        for name in names:
            if name == "all":
                return rows
            picked |= {row.id: row for row in self._named(name, rows)}
        return list(picked.values())

    def _named(self, name: str, rows: Sequence[ErrorRow]) -> list[ErrorRow]:
        kind, colon, rest = name.partition(":")
        if colon and kind == "error":
            numbered, named = [row for row in rows if str(row.id) == rest], []
        elif colon and kind in {row.kind for row in rows}:
            numbered, named = [], self._of_record(rest, [row for row in rows if row.kind == kind])
        else:
            numbered, named = [row for row in rows if str(row.id) == name], self._of_record(name, rows)
        if not numbered and not named:
            raise UsageProblem(f"There is no open error {name}.", "`bexsync errors list --all` shows them.")
        if numbered and named and numbered != named:
            own, other = numbered[0], named[0]
            raise UsageProblem(
                f"{name} is the number of the error of {own.kind} {own.shop_id}, and {other.kind} {name} has an error "
                f"as well ({other.id}).",
                f"Say `error:{name}` for the former or `{other.kind}:{name}` for the latter.",
            )
        return numbered or named

    def _of_record(self, name: str, rows: Sequence[ErrorRow]) -> list[ErrorRow]:
        by_id = [row for row in rows if row.shop_id == name]
        return by_id or [row for row in rows if name in self._numbers(row)]

    def _numbers(self, row: ErrorRow) -> set[str]:
        """The numbers of a record in the shop and in the ledger."""
        record = self._store.records.get(row.kind, row.shop_id)
        kinds = (row.kind, INVOICE_KIND) if row.kind == ORDER else (row.kind,)
        links = (self._store.links.get(kind, row.shop_id) for kind in kinds)
        said = record.canonical() if record else {}
        in_shop = (said.get("source_number"), said.get("order_number"))
        return {str(number) for number in (*in_shop, *(link.number for link in links if link)) if number}

    def acknowledge(self, names: Iterable[str]) -> list[ErrorRow]:
        """A person has dealt with them: their records rest until their content changes."""
        rows = self.pick(names)
        with self._store.transaction():
            for row in rows:
                self._store.errors.acknowledge(row.id, self._now)
                record = self._store.records.get(row.kind, row.shop_id)
                if record is not None and record.state is RecordState.OPEN:
                    self._store.records.settle(row.kind, row.shop_id, RecordState.GIVEN_UP, row.message, self._now)
        return rows

    def retry(self, names: Iterable[str]) -> list[ErrorRow]:
        """The next run tries them again, whatever the ledger said before; raises UsageProblem where nothing can."""
        rows = [row for row in self.pick(names) if self._can_be_tried(row)]
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
