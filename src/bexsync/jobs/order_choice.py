"""Which orders and customers of the shop a run of orders sync looks at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from bexsync.config.profile import OrderAction
from bexsync.jobs.run import Run
from bexsync.planning.order_lines import zurich_day
from bexsync.planning.order_link import KIND
from bexsync.planning.plan import place_of
from bexsync.ports.store import RecordRow, RecordState
from bexsync.records import Order

SYNC = "orders sync"
_RULES = "orders:rules"
_TOO_OLD = "ordered before start_date "
_NO_RULE = "its status "


@dataclass(frozen=True)
class SyncOptions:
    """What a person may narrow a run to; `backfill` are actions wanted even for old orders."""

    ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: date | None = None
    limit: int | None = None
    confirm: int | None = None
    backfill: tuple[OrderAction, ...] = ()
    dry_run: bool = False

    @property
    def narrows(self) -> bool:
        """Whether only some orders are looked at."""
        return bool(self.ids or self.statuses or self.since)


@dataclass(frozen=True)
class ChosenOrder:
    """An order to look at."""

    shop_id: str
    number: str
    day: date
    currency: str


def choose(run: Run, options: SyncOptions, start: date) -> list[ChosenOrder]:
    """Return what to look at, by day and number, as their numbers in the ledger are to follow each other.

    The records themselves are read again one by one, so that memory does not grow.
    """
    _take_up_again(run, start)
    chosen, found = [], set()
    for row in _rows(run, options):
        order = cast(Order, row.record())
        day, names = zurich_day(order.ordered_at), {row.shop_id, order.order_number or row.shop_id}
        if (options.ids and not names & set(options.ids)) or (options.since and day < options.since):
            continue
        if options.statuses and order.status not in options.statuses:
            continue
        found |= names
        chosen.append(ChosenOrder(row.shop_id, order.order_number or row.shop_id, day, order.currency))
    run.note_ids_left_out(KIND, "sync", options.ids, found, order_called)
    return sorted(chosen, key=lambda one: (one.day, place_of(one.number)))


def _rows(run: Run, options: SyncOptions) -> Iterator[RecordRow]:
    """Open orders; with a backfill also those that were left behind when they were too old."""
    records = run.store.records
    yield from list(records.in_state(KIND, RecordState.OPEN))
    if options.backfill:
        age = timedelta(days=run.workspace.profile.orders.backfill_after_days)
        limit = zurich_day(run.workspace.clock.now()) - age
        for row in records.in_state(KIND, RecordState.DONE):
            if zurich_day(cast(Order, row.record()).ordered_at) < limit:
                yield row


def _take_up_again(run: Run, start: date) -> None:
    """Orders that an earlier start date, or a profile without a rule, left alone are open again once these changed."""
    records = run.store.records
    reasons = [reason for reason in records.ignored_reasons(KIND) if reason.startswith((_TOO_OLD, _NO_RULE))]
    settings, cursors = run.workspace.profile.orders, run.store.cursors
    rules = json.dumps([settings.model_dump(mode="json", include={"actions", "rules"})], sort_keys=True)
    digest = hashlib.sha256(rules.encode()).hexdigest()[:16]
    has_other_rules = cursors.get(_RULES) not in (None, digest)
    if cursors.get(_RULES) != digest:
        cursors.move(_RULES, digest)
    gone = [
        reason
        for reason in reasons
        if (reason.startswith(_TOO_OLD) and reason != f"{_TOO_OLD}{start}")
        or (reason.startswith(_NO_RULE) and has_other_rules)
    ]
    records.reopen_ignored(KIND, gone)


def is_too_old(reason: str) -> bool:
    """Whether an order is left alone for its day."""
    return reason.startswith(_TOO_OLD)


def order_called(run: Run, name: str) -> RecordRow | None:
    """An order by the shop's id or its number."""
    records = run.store.records
    return records.get(KIND, name) or next(iter(records.numbered(KIND, name)), None)
