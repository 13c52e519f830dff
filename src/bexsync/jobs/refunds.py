"""Refunds of orders that a person credits in the ledger: noted with what to credit, closed by what the ledger shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bexsync.engine.result import Outcome, Status
from bexsync.errors import RecordProblem
from bexsync.jobs.order_choice import SYNC
from bexsync.jobs.run import Run
from bexsync.money import decimal_text, format_amount
from bexsync.planning.booked_sums import BookedSum, DocumentSums
from bexsync.planning.contacts import Contacts
from bexsync.planning.credit_list import Closed, close_credits
from bexsync.planning.order_link import INVOICE_KIND, KIND
from bexsync.planning.order_writing import OrderWriter
from bexsync.planning.refunds import RefundAmounts, divide_refund
from bexsync.planning.reversals import WaitingCredit
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.steps import Subject
from bexsync.ports.store import WORKLIST, Link
from bexsync.records import Customer, Order, Refund
from bexsync.store import Store

REFUND = "refund"
# In the notes of the link of an order's invoice: its refunds by their ids.
_NOTES = "refunds"
_ENDED = (DocumentStatus.CANCELLED, DocumentStatus.DELETED)


@dataclass(frozen=True)
class RefundNote:
    """One refund as it is remembered: what its invoice was credited `before` it came, and why it is `closed`."""

    order_id: str
    refund_id: str
    amount: Decimal
    before: Decimal
    closed: str
    facts: Mapping[str, Any]
    link: Link

    @property
    def key(self) -> str:
        """The name that its entry in the list has."""
        return f"{self.order_id}/{self.refund_id}"


def refunds_of(link: Link) -> Iterator[RefundNote]:
    """The refunds that are remembered with the link of an order's invoice, oldest first."""
    for refund_id, facts in link.notes.get(_NOTES, {}).items():
        before, closed = Decimal(facts["before"]), str(facts.get("closed", ""))
        yield RefundNote(link.shop_id, refund_id, Decimal(facts["amount"]), before, closed, facts, link)


def note_refunds(run: Run, writer: OrderWriter, order: Order, customer: Customer | None) -> None:
    """Put the refunds of an invoiced order on the list, each once."""
    link = run.store.links.get(INVOICE_KIND, order.shop_id)
    if link is None or link.state.get("standing") in _ENDED or run.dry:
        return
    known = link.notes.get(_NOTES, {})
    for refund in order.refunds:
        if refund.shop_id not in known and refund.amount > 0:
            _note(run, writer, order, customer, refund)


def _note(run: Run, writer: OrderWriter, order: Order, customer: Customer | None, refund: Refund) -> None:
    store, now = run.store, run.workspace.clock.now()
    link = store.links.get(INVOICE_KIND, order.shop_id)
    if link is None:
        return
    divided = _divided(run, writer, order, customer, refund)
    amounts = divided if isinstance(divided, RefundAmounts) else None
    facts = {
        "amount": decimal_text(refund.amount),
        "currency": refund.currency,
        "refunded_at": refund.refunded_at.isoformat(),
        "reason": refund.reason or "",
        "before": link.state.get("credited") or "0",
        "parts": [_part(part) for part in amounts.parts] if amounts else [],
        "shared": bool(amounts and amounts.is_shared),
    }
    notes = {**link.notes, _NOTES: {**link.notes.get(_NOTES, {}), refund.shop_id: facts}}
    said = _split(amounts) if amounts else str(divided)
    problem = RecordProblem(
        f"Refund {refund.shop_id} of order {order.name} of {format_amount(refund.amount)} "
        f"{refund.currency} ({said}) has to "
        f"be credited on {link.number} in {run.ledger_name} by hand; {run.ledger_name} offers no interface for it.",
        f"Write the credit note there: {link.url} It is closed as soon as {run.ledger_name} shows the credit, or with "
        f"`bexsync orders refunds close {order.shop_id}/{refund.shop_id}`.",
        code=WORKLIST,
    )
    with store.transaction():
        store.links.save(replace(link, notes=notes), now)
        run.note_problem(Subject(REFUND, f"{order.shop_id}/{refund.shop_id}"), REFUND, problem, link.number)


def _divided(
    run: Run, writer: OrderWriter, order: Order, customer: Customer | None, refund: Refund
) -> RefundAmounts | RecordProblem:
    is_direct = run.store.links.get(KIND, order.shop_id) is None
    try:
        if customer is None:
            return RecordProblem("its customer is not known", "")
        document = writer.invoice(order, customer, Contacts(), direct=is_direct, paid=False)
        return divide_refund(refund, order, DocumentSums(document, writer.documents.master))
    except RecordProblem as problem:
        return problem


def _part(part: BookedSum) -> dict[str, str]:
    return {
        "account": part.account,
        "tax_code": part.tax_code,
        "rate": decimal_text(part.rate),
        "net": format_amount(part.net),
        "vat": format_amount(part.vat),
        "total": format_amount(part.total),
    }


def _split(amounts: RefundAmounts) -> str:
    parts = ", ".join(
        f"{format_amount(part.total)} at {decimal_text(part.rate)} % on account {part.account}, "
        f"{format_amount(part.vat)} of it VAT"
        for part in amounts.parts
    )
    return f"{parts}; shared in proportion, since the shop names no lines" if amounts.is_shared else parts


# closing


def links_with_open_refunds(store: Store) -> list[Link]:
    """The links of the invoices on which refunds wait."""
    orders = {row.shop_id.partition("/")[0] for row in store.errors.open() if row.kind == REFUND}
    found = (store.links.get(INVOICE_KIND, shop_id) for shop_id in sorted(orders))
    return [link for link in found if link is not None]


def close_credited_refunds(run: Run) -> None:
    """Close the refunds whose credit the ledger shows, and those whose invoice was cancelled."""
    ledger = run.ledger_name
    for link in links_with_open_refunds(run.store):
        waiting = [note for note in refunds_of(link) if not note.closed]
        credits_ = [WaitingCredit(note.refund_id, note.amount, note.before) for note in waiting]
        is_cancelled = link.state.get("standing") in _ENDED
        found = close_credits(credits_, Decimal(link.state.get("credited") or 0), is_cancelled=is_cancelled)
        reasons = {
            Closed.CANCELLED: f"{link.number} no longer counts in {ledger}",
            Closed.CREDITED: f"{ledger} shows the credit on {link.number}",
        }
        with run.store.transaction():
            for note in waiting:
                if note.refund_id in found.closed:
                    close_refund(run.store, note, found.closed[note.refund_id], run.workspace.clock.now())
                    reason = reasons[found.closed[note.refund_id]]
                    run.note(Outcome(REFUND, "credited", note.key, Status.DONE, reason=reason))
            _save_before(run, link, found.before)


def close_refund(store: Store, note: RefundNote, closed: Closed, now: datetime) -> None:
    """Take a refund off the list, and remember why it is done."""
    with store.transaction():
        _change(store, note.link, {note.refund_id: {"closed": closed.value, "closed_at": now.isoformat()}}, now)
        store.errors.resolve(SYNC, REFUND, note.key, now)


def _save_before(run: Run, link: Link, before: Mapping[str, Decimal]) -> None:
    changes = {refund_id: {"before": decimal_text(amount)} for refund_id, amount in before.items()}
    _change(run.store, link, changes, run.workspace.clock.now())


def _change(store: Store, link: Link, changes: Mapping[str, Mapping[str, str]], now: datetime) -> None:
    with store.transaction():
        fresh = store.links.get(link.kind, link.shop_id) or link
        known = fresh.notes.get(_NOTES, {})
        after = {refund_id: {**facts, **changes.get(refund_id, {})} for refund_id, facts in known.items()}
        if after != known:
            store.links.save(replace(fresh, notes={**fresh.notes, _NOTES: after}), now)
