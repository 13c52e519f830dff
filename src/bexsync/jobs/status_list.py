"""The shop's status list: where each record stands that is open, or has changed in the last months."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bexsync.config.profile import Profile
from bexsync.jobs.run import Run
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND as INVOICE
from bexsync.planning.order_link import INVOICE_KIND as ORDER_INVOICE
from bexsync.planning.order_link import KIND as ORDER
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.shop import StatusRow, WriteBack
from bexsync.ports.store import RecordState
from bexsync.store import Store
from bexsync.store.status_list import ListedRecord

_LONGEST_MONTH = timedelta(days=31)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
# Number and standing of an order are those of its invoice, once it has one.
_DOCUMENTS = {INVOICE: INVOICE, ORDER: ORDER_INVOICE}


def publish_status_list(run: Run) -> None:
    """Write the list again where something in it has changed, or where the shop has none."""
    workspace, status_list = run.workspace, run.store.status_list
    if WriteBack.STATUS_LIST not in workspace.shop.capabilities.write_backs:
        return
    settings = _settings(workspace.profile)
    if status_list.is_current(settings) and workspace.shop.has_status_list():
        return
    # An older list that is written later would stay.
    with workspace.locks.publishing():
        status_list.begin()
        workspace.shop.publish(_rows(run))
        status_list.end(settings)


def _settings(profile: Profile) -> str:
    """What decides on the list besides the state."""
    columns = [field.name for field in fields(StatusRow)]
    names = (profile.payments.paid_status, profile.payments.cancelled_status)
    return json.dumps([*columns, *names, profile.shop.location, profile.shop.status_months])


def _rows(run: Run) -> Iterator[StatusRow]:
    profile = run.workspace.profile
    since = run.workspace.clock.now() - profile.shop.status_months * _LONGEST_MONTH
    for kind in _DOCUMENTS:
        yield from status_rows(run.store, profile, kind, since)


def status_rows(store: Store, profile: Profile, kind: str, since: datetime = _EVER) -> Iterator[StatusRow]:
    """Where the records of a kind stand, in the order of their ids: those that are open or have changed since then."""
    problems = {error.shop_id: error.message for error in store.errors.open() if error.kind == kind}
    # What the shop calls them; of an order only its events say so.
    names: Mapping[str, str] = {
        DocumentStatus.PAID: profile.payments.paid_status,
        DocumentStatus.CANCELLED: profile.payments.cancelled_status,
    }
    for record in store.status_list.rows(kind, _DOCUMENTS[kind], since):
        problem = problems.get(record.shop_id, "")
        if record.is_linked:
            yield _linked(kind, record, problem, names if kind == INVOICE else {})
        else:
            yield _unlinked(kind, record, problem)


def _linked(kind: str, record: ListedRecord, problem: str, names: Mapping[str, str]) -> StatusRow:
    is_sent = record.standing == DocumentStatus.ISSUED and record.is_shared
    received = Decimal(record.received)
    return StatusRow(
        record.shop_id,
        number=record.number,
        status="sent" if is_sent else names.get(record.standing, record.standing),
        url=record.url,
        paid_amount=format_amount(received) if received else "",
        paid_date=record.paid_date,
        error=problem,
        kind=kind,
    )


def _unlinked(kind: str, record: ListedRecord, problem: str) -> StatusRow:
    says_why = record.state in (RecordState.IGNORED, RecordState.OPEN)
    return StatusRow(
        record.shop_id,
        # Of one kind only so many errors are kept; the record itself says why it is open.
        status=unlinked_status(record.state, problem or record.reason),
        error=problem or (record.reason if says_why else ""),
        kind=kind,
    )


def unlinked_status(state: RecordState | None, problem: str) -> str:
    """How a record without a document stands."""
    return "blocked" if state is None or (state is RecordState.OPEN and problem) else state.value
