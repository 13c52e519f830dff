"""The list of credits that a person writes in the ledger: refunds of orders, and credit notes of the shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from bexsync.errors import UsageProblem
from bexsync.jobs.invoice_choice import PUSH
from bexsync.jobs.order_choice import SYNC
from bexsync.jobs.payments import POLL
from bexsync.jobs.refunds import REFUND, RefundNote, close_refund, refunds_of
from bexsync.money import format_amount
from bexsync.planning.credit_list import Closed
from bexsync.planning.invoice_link import KIND as INVOICE
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.planning.reversals import credit_amount
from bexsync.ports.store import WORKLIST, ErrorRow, Locks, RecordState
from bexsync.records import Invoice
from bexsync.store import Store

CREDIT_NOTE = "credit_note"
_OPEN = "open"


@dataclass(frozen=True)
class ListedCredit:
    """One credit; `of` is the order or invoice it belongs to, `number` and `url` are those of the ledger's invoice.

    `parts` say what to credit per account and tax; `shared` says that they are shares, and not what the shop named.
    """

    id: str
    kind: str
    of: str
    amount: str = ""
    currency: str = ""
    date: str = ""
    reason: str = ""
    parts: tuple[Mapping[str, str], ...] = ()
    shared: bool = False
    number: str = ""
    url: str = ""
    state: str = _OPEN
    message: str = ""


class CreditAdmin:
    """The credits of one site, and closing those that somebody has dealt with."""

    def __init__(self, store: Store, locks: Locks, now: datetime) -> None:
        self._store = store
        self._locks = locks
        self._now = now

    @property
    def site(self) -> str:
        """Whose credits these are."""
        return self._store.site

    def __enter__(self) -> CreditAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def credits(self, *, include_closed: bool) -> list[ListedCredit]:
        """The credits that wait, with `include_closed` also those that are done, by day."""
        found = [*self._refunds(include_closed), *self._credit_notes()]
        return sorted(found, key=lambda one: (one.date, one.id))

    def _refunds(self, include_closed: bool) -> Iterator[ListedCredit]:
        waiting = self._waiting(REFUND)
        for link in self._store.links.all(INVOICE_KIND):
            for note in refunds_of(link):
                error = waiting.get(note.key)
                if error is not None or include_closed:
                    yield _refund(note, error)

    def _credit_notes(self) -> Iterator[ListedCredit]:
        for shop_id, error in self._waiting(INVOICE).items():
            row = self._store.records.get(INVOICE, shop_id)
            if row is None:
                continue
            note = cast(Invoice, row.record())
            original = self._store.links.get(INVOICE, note.original_shop_id or "")
            amount = credit_amount(note)
            yield ListedCredit(
                shop_id,
                CREDIT_NOTE,
                note.original_shop_id or "",
                amount=format_amount(amount) if amount is not None else "",
                currency=note.currency,
                date=note.invoice_date.isoformat(),
                number=original.number if original else "",
                url=original.url if original else "",
                message=error.message,
            )

    def _waiting(self, kind: str) -> dict[str, ErrorRow]:
        rows = self._store.errors.open(include_acknowledged=False)
        return {row.shop_id: row for row in rows if (row.kind, row.code) == (kind, WORKLIST)}

    def close(self, names: Sequence[str]) -> list[ListedCredit]:
        """Close these credits, by the id of the refund or credit note; raises UsageProblem where none waits.

        Raises Busy while a job runs that may close them itself.
        """
        with self._locks.job(POLL), self._locks.job(SYNC), self._locks.job(PUSH):
            waiting = self.credits(include_closed=False)
            chosen = [self._named(name, waiting) for name in names]
            for one in chosen:
                self._close(one)
        return chosen

    def _named(self, name: str, waiting: Sequence[ListedCredit]) -> ListedCredit:
        found = [one for one in waiting if name in (one.id, f"{one.of}/{one.id}")]
        if len(found) == 1:
            return found[0]
        if not found:
            raise UsageProblem(f'No credit "{name}" waits.', "`bexsync orders refunds` lists those that do.")
        names = " or ".join(f"{one.of}/{one.id}" for one in found)
        raise UsageProblem(f'"{name}" means {len(found)} credits.', f"Say {names}.")

    def _close(self, one: ListedCredit) -> None:
        store = self._store
        if one.kind == CREDIT_NOTE:
            with store.transaction():
                store.errors.resolve(PUSH, INVOICE, one.id, self._now)
                store.records.settle(INVOICE, one.id, RecordState.DONE, "closed by a person", self._now)
            return
        link = store.links.get(INVOICE_KIND, one.of)
        for note in refunds_of(link) if link is not None else ():
            if note.refund_id == one.id:
                close_refund(store, note, Closed.BY_PERSON, self._now)


def _refund(note: RefundNote, error: ErrorRow | None) -> ListedCredit:
    facts = note.facts
    return ListedCredit(
        note.refund_id,
        REFUND,
        note.order_id,
        amount=format_amount(note.amount),
        currency=str(facts.get("currency", "")),
        date=str(facts.get("refunded_at", ""))[:10],
        reason=str(facts.get("reason", "")),
        parts=tuple(facts.get("parts", ())),
        shared=bool(facts.get("shared")),
        number=note.link.number,
        url=note.link.url,
        state=_OPEN if error is not None else note.closed or Closed.BY_PERSON.value,
        message=error.message if error is not None else "",
    )
