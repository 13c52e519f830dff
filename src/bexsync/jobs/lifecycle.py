"""The lifecycle of every job: lock, recover, take in, gather, plan, check, apply, report, history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from bexsync.engine.apply import Applier, Pace
from bexsync.engine.journal import Journal
from bexsync.engine.recover import Recovery
from bexsync.engine.result import Outcome, Result
from bexsync.engine.sending import Performer, Sender
from bexsync.errors import BexsyncError, Exit, TooManyErrors, TryLater
from bexsync.http.responses import RequestEffect
from bexsync.jobs.importing import take_in
from bexsync.jobs.reporting import Customers, ShopSide
from bexsync.jobs.run import Run
from bexsync.jobs.status_list import publish_status_list
from bexsync.jobs.workspace import LazyLedger, Workspace
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND
from bexsync.planning.order_link import KIND as ORDER
from bexsync.planning.plan import Plan
from bexsync.ports.shop_effects import SHOP_EFFECTS
from bexsync.ports.steps import Effect, EffectKinds, Side
from bexsync.store import Store

PASSES = 3


class Job(ABC):
    """What one job does; a new one is made for each pass of a run, and its methods are called in this order.

    `takes_in` says that what waits at the shop is taken into the state first.
    """

    takes_in: ClassVar[bool] = False
    # Whether another pass is to look at what this one has only begun.
    goes_on: bool = False

    @abstractmethod
    def gather(self) -> None:
        """Read what there is to decide on, from the state and from the ledger."""

    @abstractmethod
    def plan(self) -> Plan:
        """Decide, and note the records for which nothing is to be done."""

    def rehearse(self, plan: Plan) -> None:
        """Say what the plan would do; nothing is done in this pass."""
        del plan

    def check(self, plan: Plan) -> None:
        """Raise PlanTooBig where the plan is over a limit that nobody confirmed."""
        del plan

    @abstractmethod
    def apply(self, plan: Plan) -> None:
        """Do it, and note what came of each record."""

    @abstractmethod
    def report(self) -> None:
        """Tell the shop whatever it has not been told yet, also after an early end."""


def run_job(workspace: Workspace, job: str, make: Callable[[Run], Job], *, dry: bool = False) -> Result:
    """Run a job once; what ends a whole run early is raised after everything known has been written down."""
    if not workspace.profile.enabled:
        return Result(disabled=True, message="This profile says enabled = false.")
    if dry:
        with workspace.store.rehearsal() as store:
            run = prepare(workspace, job, store, dry=True)
            try:
                _pass(run, make(run))
            except BexsyncError as problem:
                raise RunEnded(_finished(run), problem) from problem
            return _finished(run)
    with workspace.locks.job(job):
        _refuse_pile_of_errors(workspace, job)
        with workspace.locks.run(job) as lock:
            return _run(workspace, job, make, lock)


def _run(workspace: Workspace, job: str, make: Callable[[Run], Job], lock: str) -> Result:
    store, clock = workspace.store, workspace.clock
    run_id = store.runs.begin(job, clock.now(), lock)
    run = prepare(workspace, job, store, run_id=run_id, lock=lock)
    exit_code, message = 70, "it ended without a word"
    try:
        _pass_until_settled(run, make)
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
        store.runs.end(run_id, exit_code, run.result.counts, run.lazy_ledger.requests, message, clock.now())


class RunEnded(Exception):
    """A run that ended early: what was done until then, and why it ended."""

    def __init__(self, result: Result, problem: BexsyncError) -> None:
        super().__init__(problem.message)
        self.result = result
        self.problem = problem


def _pass(run: Run, job: Job) -> None:
    """One pass: take in, gather, plan, check, apply, report; a rehearsal ends with the check."""
    taken = take_in(run) if job.takes_in else None
    try:
        job.gather()
        plan = job.plan()
        if run.dry:
            job.rehearse(plan)
        job.check(plan)
        if not run.dry:
            job.apply(plan)
    finally:
        if not run.dry:
            job.report()
            if taken is not None:
                taken.archive()


def _pass_until_settled(run: Run, make: Callable[[Run], Job]) -> None:
    """Doubts of earlier runs first; what this run leaves in doubt is waited for, and looked at again."""
    run.recovery.settle()
    for _ in range(PASSES):
        known, job = run.lazy_ledger.learned_facts, make(run)
        _pass(run, job)
        doubts = len(run.recovery.journal.in_doubt())
        left = run.recovery.settle_patiently() if doubts else []
        if left:
            run.result.later = (
                f"{len(left)} request{'s' if len(left) > 1 else ''} still unanswered; a later run looks again."
            )
        if len(left) == doubts and run.lazy_ledger.learned_facts == known and not job.goes_on:
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


def prepare(
    workspace: Workspace, job: str, store: Store, *, run_id: int | None = None, lock: str = "", dry: bool = False
) -> Run:
    """The ledger, the engine and an empty result for one run."""
    settings = workspace.profile.engine
    clock = workspace.clock
    ledger_hooks: list[Callable[[RequestEffect], None]] = []
    ledger = LazyLedger(
        lambda: workspace.make_ledger(store, lambda request: ledger_hooks[0](request) if ledger_hooks else None)
    )
    shop_side = ShopSide(workspace.shop, lambda: workspace.catalog)
    journal = Journal(
        store,
        clock,
        job=job,
        run=run_id,
        lock=lock,
        kinds=lambda: EffectKinds(ledger().effects, SHOP_EFFECTS),
        ledger=workspace.profile.ledger.words.name,
        timeout_seconds=settings.timeout_seconds,
        settle_seconds=settings.settle_seconds,
        note=workspace.kept.note,
    )

    def side(effect: Effect) -> Performer:
        return shop_side if effect.side is Side.SHOP else ledger()

    locks = workspace.locks
    sender = Sender(store, journal, clock, side, lambda effect: ledger().changed(effect))
    ledger_hooks.append(sender.on_request)
    applier = Applier(
        sender,
        clock,
        locks.company,
        workspace.stopping,
        lambda: Pace(min(settings.in_flight, ledger().most_in_flight), settings.number_order),
        locks.is_wanted,
        lambda: ledger().setbacks,
    )
    recovery = Recovery(store, journal, clock, side, locks.company)
    return Run(job, workspace, store, ledger, applier, recovery, Result(), dry)


def _finished(run: Run) -> Result:
    result = run.result
    result.outcomes = _with_customers(run.store, run.outcomes.values())
    result.requests = run.lazy_ledger.requests
    if not run.dry:
        try:
            publish_status_list(run)
        except TryLater as problem:
            result.later = result.later or problem.message
    return result


def _with_customers(store: Store, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes of invoices and orders with customer and amount."""
    customers = Customers(store)
    described = []
    for outcome in outcomes:
        row = store.records.get(outcome.kind, outcome.shop_id) if outcome.kind in (KIND, ORDER) else None
        if row is not None:
            record = row.canonical()
            total = record.get("total")
            outcome = replace(
                outcome,
                customer=customers.name_and_mail(record, {})[0],
                amount=format_amount(Decimal(str(total))) if total is not None else "",
                currency=str(record.get("currency") or ""),
            )
        described.append(outcome)
    return described
