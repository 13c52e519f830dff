"""Taking in: stores what is new at the shop, and has the sources put away whose records have been dealt with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from bexsync.engine.result import MOST_KEPT, Outcome, Status
from bexsync.jobs.order_versions import OrderVersions, moment_in
from bexsync.jobs.run import Run
from bexsync.ports.shop import (
    ImportNote,
    Incoming,
    IncomingRecord,
    InvalidInput,
    Leftover,
    LeftoverState,
    SourceReport,
    SourceState,
)
from bexsync.ports.steps import Subject
from bexsync.ports.store import RecordState
from bexsync.records.quoting import printable

if TYPE_CHECKING:
    from bexsync.records import Order

_CURSOR = "shop:changes"
_UNREADABLE = "unreadable"
_TWO_FILES = "stands in two files of one run with different content"
_ORDERS_OFF = (
    "The shop hands over orders, which are kept but not carried over: "
    "set enabled = true under [orders] in the profile, or let the shop leave them away."
)
_MOST_SHOWN = 10
_NOT_READ = "not_read"


def take_in(run: Run) -> Importer:
    """Store everything that is new at the shop, each batch together with its cursor.

    All jobs of a site share the shop's cursor and files, so only one takes in at a time and the others wait.
    """
    shop, store, importer = run.workspace.shop, run.store, Importer(run)
    with nullcontext() if run.dry else run.workspace.locks.taking_in():
        cursor = store.cursors.get(_CURSOR) or ""
        for batch in shop.changes(cursor, claim=not run.dry):
            with store.transaction():
                for item in batch.items:
                    importer.take(item)
                if batch.cursor != cursor:
                    store.cursors.move(_CURSOR, batch.cursor)
            cursor = batch.cursor
            if not run.dry:
                shop.acknowledge(cursor)
        _name_leftovers(run, shop.left_behind())
    return importer


@dataclass
class _Source:
    """What a run has found in one source; `sentences` say what in it is no record."""

    is_new: bool
    sentences: list[str] = field(default_factory=list)
    unlisted: int = 0
    understood: str = ""


class Importer:
    """What one run has taken in: its sources, and what in them was no record."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sources: dict[str, _Source] = {}
        self._valid: set[tuple[str, str, str]] = set()
        self._invalid: dict[Subject, str] = {}
        self._contradictions = _Contradictions(run)
        self._orders = OrderVersions(run, self._refuse)

    def take(self, item: Incoming) -> None:
        """Keep a record in the state; what cannot be read becomes an error."""
        source = self._sources.get(item.source)
        if source is None:
            source = _Source(is_new=not self._run.store.records.has_source(item.source))
            self._sources[item.source] = source
        if isinstance(item, ImportNote):
            self._take_note(source, item)
        elif isinstance(item, InvalidInput):
            self._take_invalid(item)
        else:
            self._take_record(source, item)

    def _take_note(self, source: _Source, note: ImportNote) -> None:
        source.understood = note.message
        if source.is_new and (unknown := note.facts.get("unknown_columns")):
            self._run.mention(f"{note.source}: columns", _unknown_columns(note.source, unknown))
        if source.is_new and (paid := note.facts.get("paid")):
            ledger = self._run.workspace.profile.ledger.words.name
            self._run.mention(f"{note.source}: paid", _paid(note.source, note.facts["paid_column"], paid, ledger))
        self._run.result.data.setdefault("files", {})[note.source] = {"understood": note.message, **note.facts}

    def _take_invalid(self, item: InvalidInput) -> None:
        if (item.source, item.kind, item.shop_id) in self._valid:
            # One source has two versions of one record, and which is right cannot be known: neither is booked.
            if item.kind == "order":
                self._orders.give_up(item.shop_id, f"{item.source} has another version of it that cannot be read.")
            else:
                self._run.store.records.forget(item.kind, item.shop_id)
        self._refuse(item, _UNREADABLE)

    def _refuse(self, item: InvalidInput, code: str) -> None:
        source = self._sources[item.source]
        if len(source.sentences) < MOST_KEPT:
            source.sentences.append(f"{item.location}: {item.message}" if item.location else item.message)
        else:
            source.unlisted += 1
        where = ", ".join(part for part in (item.source, item.location) if part)
        subject = Subject(item.kind or "file", item.shop_id or where)
        self._invalid[subject] = item.source
        self._run.note(
            Outcome(
                subject.kind, "read", subject.shop_id, Status.FAILED,
                reason=_sentence(f"{where}: {item.message}"), hint=item.hint, code=code, subject=where,
            )
        )  # fmt: skip

    def _take_record(self, source: _Source, item: IncomingRecord) -> None:
        shop_id = str(getattr(item.record, "shop_id", None) or "")
        now = self._run.workspace.clock.now()
        if item.cleaned:
            self._mention_cleaned(item, shop_id)
        order = cast("Order", item.record) if item.kind == "order" else None
        is_dated = order is not None and order.updated_at is not None
        if order is not None and not self._orders.counts(item, order, is_new_source=source.is_new):
            return
        if item.kind == "order" and not self._run.workspace.profile.orders.enabled:
            self._run.mention("orders", _ORDERS_OFF)
        is_told_by_files = item.kind in ("invoice", "order") and not is_dated
        if is_told_by_files and source.is_new and self._contradictions.is_refused(item, shop_id):
            return
        state = self._run.store.records.take(item, shop_id, now, is_newest=is_dated)
        if state is RecordState.IGNORED:
            known = Outcome(item.kind, "read", shop_id, Status.IGNORED, code="left_alone_before")
            self._run.outcomes.setdefault(Subject(item.kind, shop_id), known)
        self._valid.add((item.source, item.kind, shop_id))
        # Where orders are carried over, a customer alone gets a contact as well.
        if item.kind == "customer" and not self._run.workspace.profile.orders.enabled:
            self._run.store.records.settle("customer", shop_id, RecordState.DONE, "", now)

    def _mention_cleaned(self, item: IncomingRecord, shop_id: str) -> None:
        """Say once what was removed from a record, not again whenever its file is read."""
        known = self._run.store.records.get(item.kind, shop_id)
        if known is None or known.fingerprint != item.record.fingerprint():
            fields = ", ".join(f"`{name}`" for name in item.cleaned)
            where = ", ".join(part for part in (item.source, item.location) if part)
            self._run.mention(
                f"cleaned {item.kind} {shop_id}",
                f"{where}: control or invisible characters were removed from {fields} of {item.kind} {shop_id}.",
            )

    def archive(self) -> None:
        """Have the sources put away whose records have all been dealt with; a shop without sources has none."""
        shop, store = self._run.workspace.shop, self._run.store
        if not shop.capabilities.has_sources:
            return
        reports = [self._report(name, source) for name, source in self._sources.items()]
        for name, source in self._sources.items():
            if not source.sentences:  # a corrected file of the same name
                store.errors.resolve_place(self._run.job, name, self._run.workspace.clock.now())
        finished = [report for report in reports if report.state is not SourceState.OPEN]
        if finished:
            added_to = shop.archive(finished)
            store.records.forget_sources([r.source for r in finished if r.source not in added_to])
            self._run.result.remarks.extend(
                f"{name} was written to after it had been read; the next run reads what was added." for name in added_to
            )
            self._mark_passing({report.source for report in finished})

    def _report(self, name: str, source: _Source) -> SourceReport:
        rows = self._run.store.records.from_source(name)
        if any(row.state is RecordState.OPEN for row in rows):
            return SourceReport(name, SourceState.OPEN)
        given_up = (
            self._contradictions.by_source[name]
            + self._orders.by_source[name]
            + [
                f"{row.kind} {row.shop_id}: {row.reason}"
                for row in rows
                if row.state is RecordState.GIVEN_UP and _TWO_FILES not in row.reason
            ]
        )
        state = SourceState.GIVEN_UP if source.sentences or given_up else SourceState.DONE
        more = (f"{source.unlisted} more could not be read and are not listed here.",) if source.unlisted else ()
        return SourceReport(name, state, (*source.sentences, *more, *given_up), source.understood)

    def _mark_passing(self, sources: set[str]) -> None:
        """No later run reads these files again, so their errors are reported even if they were reported before."""
        for subject, source in self._invalid.items():
            outcome = self._run.outcomes.get(subject)
            if source in sources and outcome is not None and outcome.code == _UNREADABLE:
                self._run.outcomes[subject] = replace(outcome, passing=True)


class _Contradictions:
    """Records that stand in two new sources of one run with different content, so that neither can be booked."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._contents: dict[Subject, tuple[str, str, str]] = {}
        self._contradicted: set[Subject] = set()
        self.by_source: defaultdict[str, list[str]] = defaultdict(list)

    def is_refused(self, item: IncomingRecord, shop_id: str) -> bool:
        """Whether the content is not to be stored; of records that both carry `updated_at` the later one counts."""
        records, now = self._run.store.records, self._run.workspace.clock.now()
        key, content = Subject(item.kind, shop_id), item.record.fingerprint()
        moment = str(getattr(item.record, "updated_at", None) or "")
        source, before, moment_before = self._contents.setdefault(key, (item.source, content, moment))
        if source == item.source or before == content:
            row = records.get(item.kind, shop_id) if source == item.source else None
            if row is not None and row.state is RecordState.GIVEN_UP and _TWO_FILES in row.reason:
                records.settle(item.kind, shop_id, RecordState.OPEN, "", now)
            return key in self._contradicted
        if moment and moment_before and moment != moment_before:
            if _is_earlier(moment, moment_before):
                return True
            self._contents[key] = (item.source, content, moment)
            return False
        message = f"{item.kind} {shop_id} {_TWO_FILES}: {source} and {item.source}"
        self._contradicted.add(key)
        records.take(item, shop_id, now)
        records.settle(item.kind, shop_id, RecordState.GIVEN_UP, f"{message}.", now)
        for one in (source, item.source):
            self.by_source[one].append(message)
        self._run.note(
            Outcome(
                item.kind, "read", shop_id, Status.FAILED, reason=f"{message}; nothing was done for it.",
                hint="Drop the one that is right into in/ again.", code="two_files", subject=f"{key.kind} {shop_id}",
            )
        )  # fmt: skip
        return True


def _is_earlier(one: str, other: str) -> bool:
    """Whether a shop's `updated_at` is before another; texts that name no offset are compared as they stand."""
    first, second = moment_in(one), moment_in(other)
    return first < second if first and second else one < other


def _name_leftovers(run: Run, leftovers: Sequence[Leftover]) -> None:
    """Name everything that is not handed over; what needs a person is an error until it is gone."""
    _note_wrong(run, {left.source: left for left in leftovers if left.state is LeftoverState.WRONG})
    for left in leftovers:
        if left.state is LeftoverState.NAMED:
            run.mention(left.source, left.sentence)
        elif left.state is LeftoverState.PASSING and left.sentence not in run.result.remarks:
            run.result.remarks.append(left.sentence)


def _note_wrong(run: Run, wrong: Mapping[str, Leftover]) -> None:
    """Note an error of each that no person has acknowledged, and close the errors of what is gone."""
    errors, now = run.store.errors, run.workspace.clock.now()
    known = {row.shop_id: row for row in errors.open() if (row.job, row.code) == (run.job, _NOT_READ)}
    for source in known.keys() - wrong.keys():
        errors.resolve(run.job, "file", source, now)
    for source, left in wrong.items():
        if source not in known or known[source].acknowledged_at is None:
            run.note(
                Outcome(
                    "file", "read", source, Status.FAILED,
                    reason=f"{left.message}.", hint=left.hint, code=_NOT_READ, subject="in/",
                )
            )  # fmt: skip


def _unknown_columns(source: str, headers: Sequence[str]) -> str:
    shown = ", ".join(f"`{printable(header)}`" for header in headers[:_MOST_SHOWN])
    more = f" and {len(headers) - _MOST_SHOWN} more" if len(headers) > _MOST_SHOWN else ""
    is_one = len(headers) == 1
    what = f"the column {shown} is" if is_one else f"the columns {shown}{more} are"
    return (
        f"{source}: {what} not known and not read; "
        "name under [shop.csv] in the profile what counts (columns) and what means nothing (ignore)."
    )


def _paid(source: str, header: str, shop_ids: Sequence[str], ledger: str) -> str:
    shown = ", ".join(printable(shop_id) for shop_id in shop_ids[:_MOST_SHOWN])
    more = f" and {len(shop_ids) - _MOST_SHOWN} more" if len(shop_ids) > _MOST_SHOWN else ""
    return (
        f"{source}: `{printable(header)}` says that money has been received for {shown}{more}; "
        f"payments are booked only where the shop says their day, so these invoices are open in {ledger}. "
        "To be asked before such an invoice is booked, "
        f'name status = "{printable(header)}" under [shop.csv.columns] in the profile.'
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
