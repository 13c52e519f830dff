"""Takes in what the shop has, and puts away the sources whose records have all come to an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from bexsync.engine.result import MOST_KEPT, Outcome, Status
from bexsync.jobs.run import Run
from bexsync.ports.shop import (
    ImportNote,
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

_AT_ONCE = 100
_UNREADABLE = "unreadable"
_TWO_FILES = "stands in two files of one run with different content"
_MOST_SHOWN = 10
_NOT_READ = "not_read"


class Importer:
    """One run's intake: remembers which sources it saw and what in them was no record."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sources: dict[str, list[str]] = {}
        self._understood: dict[str, str] = {}
        self._taken: set[tuple[str, str, str]] = set()
        self._unreadable: dict[Subject, str] = {}
        self._newcomers: set[str] = set()
        self._contents: dict[Subject, tuple[str, str, str]] = {}
        self._contradicted: set[Subject] = set()
        self._disagreements: dict[str, list[str]] = {}
        self._torn: Counter[str] = Counter()

    def take_in(self) -> None:
        """Keeps every record in the state; what cannot be read becomes an error of its place."""
        items = self._run.workspace.shop.take_in(claim=not self._run.dry)
        while batch := list(islice(items, _AT_ONCE)):
            with self._run.store.transaction():
                for item in batch:
                    self._take(item)
        self._name(self._run.workspace.shop.left_behind())

    def _name(self, leftovers: Sequence[Leftover]) -> None:
        """Names everything that is not handed over; what wants a person is an error until it is gone."""
        wrong = [left for left in leftovers if left.state is LeftoverState.WRONG]
        self._note_wrong({left.source: left for left in wrong})
        for left in leftovers:
            if left.state is LeftoverState.NAMED:
                self._run.mention(left.source, left.sentence)
            elif left.state is LeftoverState.PASSING and left.sentence not in self._run.result.remarks:
                self._run.result.remarks.append(left.sentence)

    def _note_wrong(self, wrong: Mapping[str, Leftover]) -> None:
        """Notes an error of each, but of those a person has acknowledged, and closes those of what is gone."""
        errors, now = self._run.store.errors, self._run.workspace.clock.now()
        known = {row.shop_id: row for row in errors.open() if (row.job, row.code) == (self._run.job, _NOT_READ)}
        for source in known.keys() - wrong.keys():
            errors.resolve(self._run.job, "file", source, now)
        for source, left in wrong.items():
            if source not in known or known[source].acknowledged_at is None:
                self._run.note(
                    Outcome(
                        "file", "read", source, Status.FAILED,
                        reason=f"{left.message}.", hint=left.hint, code=_NOT_READ, subject="in/",
                    )
                )  # fmt: skip

    def _take(self, item: IncomingRecord | InvalidInput | ImportNote) -> None:
        if item.source not in self._sources and not self._run.store.records.has_source(item.source):
            self._newcomers.add(item.source)
        sentences = self._sources.setdefault(item.source, [])
        if isinstance(item, ImportNote):
            self._understood[item.source] = item.message
            if item.source in self._newcomers and (unknown := item.facts.get("unknown_columns")):
                self._run.mention(f"{item.source}: columns", _unknown_columns(item.source, unknown))
            if item.source in self._newcomers and (paid := item.facts.get("paid")):
                self._run.mention(f"{item.source}: paid", _paid(item.source, item.facts["paid_column"], paid))
            self._run.result.data.setdefault("files", {})[item.source] = {"understood": item.message, **item.facts}
            return
        if isinstance(item, InvalidInput):
            self._forget_twin(item)
            where = f"{item.source}, {item.location}" if item.location else item.source
            self._torn[item.source] += 1
            if self._torn[item.source] <= MOST_KEPT:
                sentences.append(f"{item.location}: {item.message}" if item.location else item.message)
            subject = Subject(item.kind or "file", item.shop_id or where)
            self._unreadable[subject] = item.source
            self._run.note(
                Outcome(
                    subject.kind,
                    "read",
                    subject.shop_id,
                    Status.FAILED,
                    reason=_sentence(f"{where}: {item.message}"),
                    hint=item.hint,
                    code=_UNREADABLE,
                    subject=where,
                )
            )
            return
        shop_id = str(getattr(item.record, "shop_id", None) or "")
        now = self._run.workspace.clock.now()
        if item.cleaned:
            self._say_cleaned(item, shop_id)
        if item.kind == "invoice" and item.source in self._newcomers and self._contradicts(item, shop_id):
            return
        state = self._run.store.records.take(item, shop_id, now)
        if state is RecordState.IGNORED:
            known = Outcome(item.kind, "read", shop_id, Status.IGNORED, code="left_alone_before")
            self._run.outcomes.setdefault(Subject(item.kind, shop_id), known)
        self._taken.add((item.source, item.kind, shop_id))
        if item.kind == "customer":
            self._run.store.records.settle("customer", shop_id, RecordState.DONE, "", now)

    def _contradicts(self, item: IncomingRecord, shop_id: str) -> bool:
        """Whether two files of one run say different things of one record, so that neither can be believed.

        Of records that both carry `updated_at` the later one counts.
        """
        records, now = self._run.store.records, self._run.workspace.clock.now()
        key, content = Subject(item.kind, shop_id), item.record.fingerprint()
        moment = str(getattr(item.record, "updated_at", None) or "")
        earlier = self._contents.setdefault(key, (item.source, content, moment))
        source, before, moment_before = earlier
        if source == item.source or before == content:
            row = records.get(item.kind, shop_id) if source == item.source else None
            if row is not None and row.state is RecordState.GIVEN_UP and _TWO_FILES in row.reason:
                records.settle(item.kind, shop_id, RecordState.OPEN, "", now)
            return key in self._contradicted
        if moment and moment_before and moment != moment_before:
            if moment < moment_before:
                return True
            self._contents[key] = (item.source, content, moment)
            return False
        message = f"{item.kind} {shop_id} {_TWO_FILES}: {source} and {item.source}"
        self._contradicted.add(key)
        records.take(item, shop_id, now)
        records.settle(item.kind, shop_id, RecordState.GIVEN_UP, f"{message}.", now)
        for one in (source, item.source):
            self._disagreements.setdefault(one, []).append(message)
        self._run.note(
            Outcome(
                item.kind, "read", shop_id, Status.FAILED, reason=f"{message}; nothing was done for it.",
                hint="Drop the one that is right into in/ again.", code="two_files", subject=f"{key.kind} {shop_id}",
            )
        )  # fmt: skip
        return True

    def _say_cleaned(self, item: IncomingRecord, shop_id: str) -> None:
        """Says once what was removed from a record, not again whenever its file is read."""
        known = self._run.store.records.get(item.kind, shop_id)
        if known is None or known.fingerprint != item.record.fingerprint():
            fields = ", ".join(f"`{name}`" for name in item.cleaned)
            self._run.mention(
                f"cleaned {item.kind} {shop_id}",
                f"{item.source}, {item.location}: control or invisible characters were removed from {fields} of "
                f"{item.kind} {shop_id}.",
            )

    def _forget_twin(self, item: InvalidInput) -> None:
        """Where one file says two things of one record, nobody can say which is right: neither is booked."""
        if (item.source, item.kind, item.shop_id) in self._taken:
            self._run.store.records.forget(item.kind, item.shop_id)

    def put_away(self) -> None:
        """Tells the shop which sources are finished."""
        reports = [self._report(source, sentences) for source, sentences in self._sources.items()]
        for source, sentences in self._sources.items():
            if not sentences:  # a corrected file of the same name
                self._run.store.errors.resolve_place(self._run.job, source, self._run.workspace.clock.now())
        finished = [report for report in reports if report.state is not SourceState.OPEN]
        if finished:
            added_to = self._run.workspace.shop.archive(finished)
            self._run.store.records.forget_sources([r.source for r in finished if r.source not in added_to])
            self._run.result.remarks.extend(
                f"{source} was written to after it had been read; the next run reads what was added."
                for source in added_to
            )
            self._mark_passing({report.source for report in finished})

    def _mark_passing(self, sources: set[str]) -> None:
        """No later run reads these files again, so what was wrong in them is said even if it was said before."""
        for subject, source in self._unreadable.items():
            outcome = self._run.outcomes.get(subject)
            if source in sources and outcome is not None and outcome.code == _UNREADABLE:
                self._run.outcomes[subject] = replace(outcome, passing=True)

    def _report(self, source: str, sentences: list[str]) -> SourceReport:
        rows = self._run.store.records.from_source(source)
        if any(row.state is RecordState.OPEN for row in rows):
            return SourceReport(source, SourceState.OPEN)
        given_up = self._disagreements.get(source, []) + [
            f"{row.kind} {row.shop_id}: {row.reason}"
            for row in rows
            if row.state is RecordState.GIVEN_UP and _TWO_FILES not in row.reason
        ]
        state = SourceState.GIVEN_UP if sentences or given_up else SourceState.DONE
        left = self._torn[source] - len(sentences)
        more = (f"{left} more could not be read and are not listed here.",) if left > 0 else ()
        return SourceReport(source, state, (*sentences, *more, *given_up), self._understood.get(source, ""))


def _unknown_columns(source: str, headers: Sequence[str]) -> str:
    shown = ", ".join(f"`{printable(header)}`" for header in headers[:_MOST_SHOWN])
    more = f" and {len(headers) - _MOST_SHOWN} more" if len(headers) > _MOST_SHOWN else ""
    is_one = len(headers) == 1
    what = f"the column {shown} is" if is_one else f"the columns {shown}{more} are"
    return (
        f"{source}: {what} not known and not read; "
        "name under [shop.csv] in the profile what counts (columns) and what means nothing (ignore)."
    )


def _paid(source: str, header: str, shop_ids: Sequence[str]) -> str:
    shown = ", ".join(printable(shop_id) for shop_id in shop_ids[:_MOST_SHOWN])
    more = f" and {len(shop_ids) - _MOST_SHOWN} more" if len(shop_ids) > _MOST_SHOWN else ""
    return (
        f"{source}: `{printable(header)}` says that money has been received for {shown}{more}; "
        "payments are not booked, so these invoices are open in bexio. To be asked before such an invoice is booked, "
        f'name status = "{printable(header)}" under [shop.csv.columns] in the profile.'
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
