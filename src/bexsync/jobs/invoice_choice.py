"""Which invoices of the shop a push looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from bexsync.jobs.run import Run
from bexsync.planning.invoice_link import KIND, is_money_stated, no_longer_valid
from bexsync.planning.plan import place_of
from bexsync.planning.reversals import is_cancellation
from bexsync.ports.store import RecordRow, RecordState

if TYPE_CHECKING:
    from bexsync.records import Invoice

PUSH = "invoices push"


@dataclass(frozen=True)
class PushOptions:
    """What a person may narrow a push to."""

    ids: tuple[str, ...] = ()
    since: date | None = None
    limit: int | None = None
    confirm: int | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class ChosenInvoice:
    """An invoice to look at; `may_be_booked` says that the ledger may have it, or is to get it.

    `paid_as` is the number by which somebody may have booked it already, where the shop hands it over as paid.
    """

    shop_id: str
    names: tuple[str, ...]
    may_be_booked: bool
    day: date
    currency: str
    paid_as: str = ""


def choose(run: Run, options: PushOptions, start: date) -> list[ChosenInvoice]:
    """Return what to look at, by day and number, as their numbers in the ledger are to follow each other.

    The records themselves are read again one by one, so that memory does not grow.
    """
    chosen, skip = [], run.workspace.profile.invoices.skip
    _take_up_again(run, start)
    for row in run.store.records.in_state(KIND, RecordState.OPEN):
        invoice = cast("Invoice", row.record())
        if options.ids and not {row.shop_id, invoice.source_number} & set(options.ids):
            continue
        if options.since and invoice.invoice_date < options.since:
            continue
        names = (row.shop_id, invoice.source_number or "")
        # One that was cancelled or settled since may have been booked by a state that was lost.
        booked = invoice.status != "draft" and invoice.document_type == "invoice"
        is_paid = invoice.status == "paid" and is_money_stated(invoice) and "paid" not in skip
        paid_as = (invoice.source_number or row.shop_id) if is_paid else ""
        chosen.append(ChosenInvoice(row.shop_id, names, booked, invoice.invoice_date, invoice.currency, paid_as))
    chosen_names = {name for one in chosen for name in one.names}
    run.note_ids_left_out(KIND, "push", options.ids, chosen_names, invoice_called)
    return sorted(chosen, key=lambda one: (one.day, place_of(one.names[1] or one.shop_id)))


def _take_up_again(run: Run, start: date) -> None:
    """Records that an earlier start date or skip list left alone are open again once these have changed."""
    reasons = run.store.records.ignored_reasons(KIND)
    if reasons:
        gone = no_longer_valid(reasons, start, run.workspace.profile.invoices.skip)
        run.store.records.reopen_ignored(KIND, gone)


def reopen_cancelled(run: Run) -> None:
    """What a document of this run cancels is decided on again, also where it was booked long ago."""
    records, now = run.store.records, run.workspace.clock.now()
    for row in records.open_referring(KIND):
        document = cast("Invoice", row.record())
        if document.original_shop_id and document.status != "draft" and is_cancellation(document):
            original = invoice_called(run, document.original_shop_id)
            if original is not None and original.state is RecordState.DONE and original.shop_id != row.shop_id:
                records.settle(KIND, original.shop_id, RecordState.OPEN, "", now)


def invoice_called(run: Run, name: str) -> RecordRow | None:
    """A record by the shop's id, the shop's number, or its number in the ledger."""
    records, links = run.store.records, run.store.links
    by_id = records.get(KIND, name)
    if by_id is not None:
        return by_id
    numbered = links.ids_numbered(KIND, name)
    if numbered:
        return records.get(KIND, numbered[0])
    return next(iter(records.numbered(KIND, name)), None)
