"""Credit notes that wait for a person to write them in the ledger, and close when the ledger shows the credit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import cast

from bexsync.engine.result import Outcome, Status
from bexsync.jobs.run import Run
from bexsync.planning.credit_list import Closed, close_credits
from bexsync.planning.invoice_link import KIND
from bexsync.planning.reversals import WaitingCredit, credit_amount
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.store import WORKLIST, ErrorRow, Link, RecordState
from bexsync.records import Invoice
from bexsync.store import Store

# In the notes of the original's link: what the ledger had credited when a credit note came, by its shop id.
_BEFORE = "credited_before"


def remember_credit(store: Store, invoice: Invoice, now: datetime) -> None:
    """Store with the original what it is credited now, so that the credit to come can be told from earlier ones."""
    with store.transaction():
        link = store.links.get(KIND, invoice.original_shop_id or "")
        if link is not None and invoice.shop_id not in link.notes.get(_BEFORE, {}):
            _save_before(store, link, {**link.notes.get(_BEFORE, {}), invoice.shop_id: str(_credited(link))}, now)


def originals_of_open_credits(store: Store) -> list[Link]:
    """Return the links of the invoices for which credit notes wait."""
    return [link for link, _ in _waiting(store)]


def close_written_credits(run: Run) -> None:
    """Close the credit notes whose credit the ledger shows, and those whose original was cancelled."""
    ledger = run.workspace.profile.ledger.words.name
    for link, rows in _waiting(run.store):
        reasons = {
            Closed.CANCELLED: f"{link.number} is cancelled in {ledger}",
            Closed.CREDITED: f"{ledger} shows the credit on {link.number}",
        }
        waiting = [_waiting_credit(run.store, link, row) for row in rows]
        is_cancelled = link.state.get("standing") == DocumentStatus.CANCELLED
        found = close_credits(waiting, _credited(link), is_cancelled=is_cancelled)
        for row in rows:
            if row.shop_id in found.closed:
                _close(run, link, row, reasons[found.closed[row.shop_id]])


def _close(run: Run, link: Link, row: ErrorRow, reason: str) -> None:
    store, now = run.store, run.workspace.clock.now()
    with store.transaction():
        store.errors.resolve(row.job, KIND, row.shop_id, now)
        store.records.settle(KIND, row.shop_id, RecordState.DONE, reason, now)
        fresh = store.links.get(KIND, link.shop_id) or link
        amount = _waiting_credit(store, fresh, row).amount or Decimal(0)
        others = {k: v for k, v in fresh.notes.get(_BEFORE, {}).items() if k != row.shop_id}
        # What this one took of the credit is no growth for the others that still wait.
        _save_before(store, fresh, {k: str(Decimal(v) + amount) for k, v in others.items()}, now)
    run.note(Outcome(KIND, "credited", row.shop_id, Status.DONE, reason=reason))


def _waiting(store: Store) -> list[tuple[Link, list[ErrorRow]]]:
    """Return each original that is linked, with its credit notes that wait, oldest first."""
    found: dict[str, tuple[Link, list[ErrorRow]]] = {}
    for row in store.errors.open(include_acknowledged=False):
        if row.code != WORKLIST:
            continue
        record = store.records.get(KIND, row.shop_id)
        original = str(record.canonical().get("original_shop_id") or "") if record else ""
        link = store.links.get(KIND, original) if original else None
        if link is not None:
            found.setdefault(original, (link, []))[1].append(row)
    return list(found.values())


def _waiting_credit(store: Store, link: Link, row: ErrorRow) -> WaitingCredit:
    record = store.records.get(KIND, row.shop_id)
    amount = credit_amount(cast(Invoice, record.record())) if record else None
    before = link.notes.get(_BEFORE, {}).get(row.shop_id)
    return WaitingCredit(row.shop_id, amount, Decimal(before) if before is not None else _credited(link))


def _credited(link: Link) -> Decimal:
    return Decimal(link.state.get("credited") or "0")


def _save_before(store: Store, link: Link, before: Mapping[str, str], now: datetime) -> None:
    store.links.save(replace(link, notes={**link.notes, _BEFORE: dict(before)}), now)
