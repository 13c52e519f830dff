"""The frame of every job: lock, old doubts first, the work, doubts of this run, reports, history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bexsync.engine.apply import Applied, AppliedRecord, Applier, Performer, StepStatus
from bexsync.engine.journal import Journal
from bexsync.engine.recover import Recovery
from bexsync.engine.result import MOST_KEPT, Outcome, Result, Status
from bexsync.errors import BexsyncError, Exit, RecordProblem, TooManyErrors, TryLater
from bexsync.http.responses import RequestEffect
from bexsync.jobs.customers import Customers
from bexsync.jobs.reporting import ShopSide, report_steps, status_rows
from bexsync.jobs.workspace import Workspace
from bexsync.money import written
from bexsync.planning.invoice_link import KIND
from bexsync.planning.plan import Plan
from bexsync.ports.effects import OF_THE_SHOP
from bexsync.ports.ledger import Ledger
from bexsync.ports.shop import WriteBack
from bexsync.ports.steps import Effect, EffectKinds, Side, Subject
from bexsync.ports.store import WORKLIST
from bexsync.store import Store

PASSES = 3
_ERRORS = frozenset({Status.BLOCKED, Status.FAILED, Status.HELD, Status.BY_HAND})
_STATUS = {
    StepStatus.HELD: Status.HELD,
    StepStatus.REFUSED: Status.FAILED,
    StepStatus.CONFLICT: Status.FAILED,
    StepStatus.IN_DOUBT: Status.IN_DOUBT,
    StepStatus.SKIPPED: Status.BLOCKED,
}
_CODES = {
    StepStatus.HELD: "held",
    StepStatus.REFUSED: "refused",
    StepStatus.CONFLICT: "conflict",
    StepStatus.IN_DOUBT: "in_doubt",
    StepStatus.SKIPPED: "waiting",
}
_HINTS = {
    StepStatus.HELD: "Compare the draft with the shop; correct one of them, then `bexsync errors retry`.",
    StepStatus.REFUSED: "Correct what bexio names; it is tried again when the record or the profile changes.",
    StepStatus.CONFLICT: "Settle it in bexio, then `bexsync errors retry`.",
    StepStatus.IN_DOUBT: "Nothing to do: the next run looks whether it took effect.",
    StepStatus.SKIPPED: "It waits for the step before.",
}


@dataclass
class Run:
    """One execution of a job."""

    job: str
    workspace: Workspace
    store: Store
    ledger: Ledger
    applier: Applier
    recovery: Recovery
    result: Result
    dry: bool = False
    outcomes: dict[Subject, Outcome] = field(default_factory=dict)
    _noted: set[tuple[Subject, str]] = field(default_factory=set)
    _kept: Counter[str] = field(default_factory=Counter)
    _only_counted: dict[Subject, tuple[Status, str]] = field(default_factory=dict)

    def note(self, outcome: Outcome) -> None:
        """Keeps the newest outcome of a record, and its error where there is one.

        Of one kind of trouble only so many are kept, here and in the state; the rest is counted.
        """
        subject = Subject(outcome.kind, outcome.shop_id)
        self._count_again(subject)
        if outcome.status in _ERRORS:
            self._note_error(subject, outcome)
            return
        self.outcomes[subject] = outcome
        if outcome.status is not Status.IN_DOUBT:
            self.store.errors.resolve(self.job, outcome.kind, outcome.shop_id, self.workspace.clock.now())

    def _note_error(self, subject: Subject, outcome: Outcome) -> None:
        cause = f"{outcome.code}:{outcome.subject or outcome.shop_id}"
        if (subject, cause) in self._noted:  # a second pass of the same run is not a second time
            self.outcomes[subject] = outcome
            return
        if self._kept[outcome.code] >= MOST_KEPT:
            self.outcomes.pop(subject, None)
            self._only_counted[subject] = (outcome.status, outcome.code)
            self.result.unlisted[outcome.status] += 1
            self.result.unlisted_troubles[outcome.code] += 1
            return
        self._noted.add((subject, cause))
        self._kept[outcome.code] += 1
        self.outcomes[subject] = outcome
        self.store.errors.note(
            self.job, outcome.kind, outcome.shop_id, outcome.code, cause,
            outcome.reason, outcome.hint, outcome.said, self.workspace.clock.now(),
        )  # fmt: skip

    def _count_again(self, subject: Subject) -> None:
        """A record that was only counted by an earlier pass is about to be judged again."""
        counted = self._only_counted.pop(subject, None)
        if counted is not None:
            status, code = counted
            self.result.unlisted[status] -= 1
            self.result.unlisted_troubles[code] -= 1

    def note_problem(self, subject: Subject, action: str, problem: RecordProblem, number: str = "") -> None:
        """A record that nothing is done for."""
        status = Status.BY_HAND if problem.code == WORKLIST else Status.BLOCKED
        self.note(
            Outcome(
                subject.kind, action, subject.shop_id, status, number=number,
                reason=problem.message, hint=problem.hint, code=problem.code, subject=problem.subject,
            )
        )  # fmt: skip

    def mention(self, key: str, sentence: str) -> None:
        """Say a sentence about what the run left alone; exit 0.

        It is said on every terminal and in JSON, and unattended once and then once a day as long as every run brings
        the same `key`. The key names the matter, such as `in/notes.pdf`; the sentence may change, as an age does.
        """
        self.result.mentions[key] = sentence

    def outcome_of(self, applied: AppliedRecord, action: str) -> Outcome:
        """What came of a record's steps."""
        subject = applied.subject
        link = self.store.links.get(subject.kind, subject.shop_id)
        done = Outcome(
            subject.kind, action, subject.shop_id, Status.DONE,
            ledger_id=link.ledger_id if link else None,
            number=link.number if link else "", url=link.url if link else "",
        )  # fmt: skip
        trouble = applied.trouble
        return done if trouble is None else _troubled(done, trouble)

    def deliver_reports(self, kind: str) -> None:
        """Tells the shop whatever it has not been told yet."""
        if WriteBack.EVENTS not in self.workspace.shop.capabilities.write_backs:
            return
        now = self.workspace.clock.now()
        steps = [
            step for link in self.store.links.unreported(kind) for step in report_steps(self.store.site, link, now)
        ]
        for applied in self.applier.apply(Plan(tuple(steps))):
            trouble = applied.trouble
            if trouble is not None:
                self.result.later = self.result.later or f"The shop could not be told: {trouble.said}"


def _troubled(outcome: Outcome, trouble: Applied) -> Outcome:
    what = f" ({trouble.step.title})" if trouble.step.title else ""
    return replace(
        outcome,
        status=_STATUS[trouble.fate],
        reason=f"{trouble.said}{what}",
        said=trouble.said,
        hint=_HINTS[trouble.fate],
        code=_CODES[trouble.fate],
        subject=trouble.said,
    )


def run_job(workspace: Workspace, job: str, work: Callable[[Run], None], *, dry: bool = False) -> Result:
    """Runs a job once; what ends a whole run early is raised after everything known has been written down."""
    if not workspace.profile.enabled:
        return Result(disabled=True, message="This profile says enabled = false.")
    if dry:
        with workspace.store.rehearsal() as store:
            run = prepare(workspace, job, store, dry=True)
            try:
                work(run)
            except BexsyncError as problem:
                raise RunEnded(_finished(run), problem) from problem
            return _finished(run)
    with workspace.locks.job(job):
        return _run(workspace, job, work)


def _run(workspace: Workspace, job: str, work: Callable[[Run], None]) -> Result:
    store, clock = workspace.store, workspace.clock
    _refuse_pile_of_errors(workspace, job)
    run_id = store.runs.begin(job, clock.now())
    run = prepare(workspace, job, store)
    exit_code, message = 70, "it ended without a word"
    try:
        _work_until_settled(run, work)
        result = _finished(run)
        exit_code, message = int(result.exit_code), result.later
        return result
    except BexsyncError as problem:
        exit_code, message = int(problem.exit_code), problem.message
        problem.add_note(job)
        raise RunEnded(_finished(run), problem) from problem
    except KeyboardInterrupt:
        exit_code, message = int(Exit.TRY_LATER), "Interrupted."
        raise
    finally:
        store.runs.end(run_id, exit_code, run.result.counts, run.ledger.requests, message, clock.now())


class RunEnded(Exception):
    """A run that ended early: what was done until then, and why it ended."""

    def __init__(self, result: Result, problem: BexsyncError) -> None:
        super().__init__(problem.message)
        self.result = result
        self.problem = problem


def _work_until_settled(run: Run, work: Callable[[Run], None]) -> None:
    """Doubts of earlier runs first; what this run leaves in doubt is waited for, and looked at again."""
    run.recovery.settle()
    for _ in range(PASSES):
        known = run.ledger.learned_facts
        work(run)
        doubts = len(run.store.intents.unsettled())
        left = run.recovery.settle_patiently() if doubts else []
        if left:
            run.result.later = (
                f"{len(left)} request{'s' if len(left) > 1 else ''} still unanswered; a later run looks again."
            )
        if len(left) == doubts and run.ledger.learned_facts == known:
            return


def _refuse_pile_of_errors(workspace: Workspace, job: str) -> None:
    causes = workspace.store.errors.unacknowledged_causes(job)
    allowed = workspace.profile.errors.stop_after
    if causes > allowed:
        problem = TooManyErrors(
            f"{causes} different causes of errors in `{job}` wait for a person (errors.stop_after is {allowed}); "
            "nothing was done.",
            "Look at them with `bexsync errors list`, mend them, and acknowledge with `bexsync errors ack`.",
        )
        workspace.store.runs.add(job, int(problem.exit_code), problem.message, workspace.clock.now())
        raise problem


def prepare(workspace: Workspace, job: str, store: Store, *, dry: bool = False) -> Run:
    """The ledger, the engine and an empty result for one run."""
    settings = workspace.profile.engine
    clock = workspace.clock
    ledger_hooks: list[Callable[[RequestEffect], None]] = []
    ledger = workspace.make_ledger(store, lambda request: ledger_hooks[0](request) if ledger_hooks else None)
    shop_side = ShopSide(workspace.shop, workspace.catalog)
    journal = Journal(
        store,
        clock,
        job=job,
        kinds=EffectKinds(ledger.effects, OF_THE_SHOP),
        ledger=workspace.profile.ledger.words.name,
        timeout_seconds=settings.timeout_seconds,
        settle_seconds=settings.settle_seconds,
        note=workspace.kept.note,
    )

    def side(effect: Effect) -> Performer:
        return shop_side if effect.side is Side.SHOP else ledger

    applier = Applier(store, journal, clock, side, workspace.locks.company, workspace.stopping, ledger.changed)
    ledger_hooks.append(applier.on_request)
    recovery = Recovery(store, journal, clock, side, workspace.locks.company)
    return Run(job, workspace, store, ledger, applier, recovery, Result(), dry)


def _finished(run: Run) -> Result:
    result = run.result
    result.outcomes = _with_customers(run.store, run.outcomes.values())
    result.requests = run.ledger.requests
    if not run.dry and WriteBack.STATUS_LIST in run.workspace.shop.capabilities.write_backs:
        try:
            run.workspace.shop.publish(status_rows(run.store, run.workspace.profile))
        except TryLater as problem:
            result.later = result.later or problem.message
    return result


def _with_customers(store: Store, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes of invoices with customer and amount."""
    customers = Customers(store)
    described = []
    for outcome in outcomes:
        row = store.records.get(KIND, outcome.shop_id) if outcome.kind == KIND else None
        if row is not None:
            record = row.canonical()
            total = record.get("total")
            outcome = replace(
                outcome,
                customer=customers.name_and_mail(record, {})[0],
                amount=written(Decimal(str(total))) if total is not None else "",
                currency=str(record.get("currency") or ""),
            )
        described.append(outcome)
    return described
