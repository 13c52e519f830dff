"""What the jobs share that book records: plans as they are rehearsed and checked, and what came of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import ClassVar, Protocol

from bexsync.engine.result import Outcome, Status
from bexsync.engine.sending import AppliedRecord
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.jobs.duration import speed_of
from bexsync.jobs.lifecycle import Job
from bexsync.jobs.run import Run
from bexsync.money import format_amount
from bexsync.planning.plan import Plan
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link, RecordState

SETTLED_TOGETHER = 10


class PlannedRecord(Protocol):
    """What is planned for one record, besides its steps."""

    @property
    def problem(self) -> RecordProblem | None:
        """What a person has to decide, although something is done."""
        ...

    @property
    def note(self) -> str:
        """What a person may read of it."""
        ...

    @property
    def reported(self) -> Mapping[LedgerId, str]:
        """What was said of contacts, so that it is said once."""
        ...


class BookingJob(Job):
    """Plans records one after the other, refuses what is over the limits, applies the rest and settles each record."""

    takes_in = True
    action: ClassVar[str]
    doing: ClassVar[str]

    def __init__(self, run: Run, confirm: int | None) -> None:
        self._run = run
        self._confirm = confirm
        self._planned: dict[Subject, PlannedRecord] = {}

    @property
    @abstractmethod
    def _looked_at(self) -> Sized:
        """The records that this run looks at."""

    def _while_contacts_rest(self) -> AbstractContextManager[None]:
        """A contact that another site creates between our reading and our planning would seem lost, and come twice."""
        return nullcontext() if self._run.dry else self._run.workspace.locks.company()

    # what nothing is done for

    def _note_unsettled(self, subject: Subject, link: Link | None) -> bool:
        """Note and say whether an effect on the record may still take place, so that nothing may be done yet."""
        unknown = self._run.unknown_outcome(subject.kind, subject.shop_id) if link else ""
        if unknown:
            self._run.note(
                Outcome(
                    subject.kind, self.action, subject.shop_id, Status.IN_DOUBT, reason=unknown, code="in_doubt"
                )
            )  # fmt: skip
        return bool(unknown)

    def _note_nothing_done(self, subject: Subject, reason: str, link: Link | None, *, ignored: bool) -> None:
        """Settle a record for which nothing is to be done."""
        self._settle(subject, RecordState.IGNORED if ignored else RecordState.DONE, reason)
        status = Status.IGNORED if ignored else Status.UNCHANGED
        self._run.note(
            Outcome(
                subject.kind, self.action, subject.shop_id, status, link.ledger_id if link else None,
                link.number if link else "", link.url if link else "", reason,
            )
        )  # fmt: skip

    def _settle(self, subject: Subject, state: RecordState, reason: str) -> None:
        self._run.store.records.settle(subject.kind, subject.shop_id, state, reason, self._run.workspace.clock.now())

    # check and apply

    def rehearse(self, plan: Plan) -> None:
        """List what would be done to each record, and what all of it comes to."""
        if not self._looked_at:
            return
        run, cost = self._run, plan.cost()
        for subject, steps in plan.by_subject():
            run.outcomes[subject] = self._with_what_stops_it(self._rehearsed(subject, steps))
            self._count_money(steps)
        run.result.data["plan"] = {
            "digest": plan.digest(),
            "documents": cost.documents,
            "mails": cost.mails,
            "cancels": cost.cancels,
            "requests": cost.requests,
            "money": {currency: format_amount(amount) for currency, amount in cost.money.items()},
            **speed_of(run).of(cost.requests),
        }

    def _with_what_stops_it(self, outcome: Outcome) -> Outcome:
        """What is planned for a record, and what a person will have to decide all the same."""
        planned = self._planned.get(Subject(outcome.kind, outcome.shop_id))
        problem = planned.problem if planned is not None else None
        if problem is None:
            return outcome
        return replace(outcome, reason=f"{outcome.reason}, then it stops: {problem.message}", hint=problem.hint)

    def _rehearsed(self, subject: Subject, steps: Sequence[Step]) -> Outcome:
        titles = ", ".join(step.title for step in steps if step.title)
        return Outcome(subject.kind, self._action_of(steps), subject.shop_id, Status.PLANNED, reason=titles)

    def check(self, plan: Plan) -> None:
        """Raise PlanTooBig where the plan is over the limits of the profile."""
        limits = self._run.workspace.profile.limits
        plan.check(
            documents=limits.documents,
            mails=limits.mails,
            cancels=limits.cancels,
            confirmed=self._confirm,
            rehearsed=self._run.dry,
        )

    def apply(self, plan: Plan) -> None:
        """Send the steps, and settle each record by what came of them."""
        run = self._run
        records = len({step.subject for step in plan.steps})
        ended: list[AppliedRecord] = []
        try:
            for number, applied in enumerate(run.applier.apply(plan), 1):
                run.workspace.progress(self.doing, number, records, run.pace_setter())
                ended.append(applied)
                if len(ended) == SETTLED_TOGETHER:
                    self._settle_all(ended)
                    run.tell_now_and_then(lambda: self._tell(without=self._under_way))
        finally:
            self._settle_all(ended)

    @property
    def _under_way(self) -> set[str]:
        """The records that are planned and not settled yet: the shop is told of one when all its steps have ended."""
        return {subject.shop_id for subject in self._planned}

    def report(self) -> None:
        """Tell the shop what became of its records."""
        self._tell()

    @abstractmethod
    def _tell(self, without: Collection[str] = ()) -> None:
        """Tell the shop whatever it has not been told yet, but of these records nothing."""

    def _settle_all(self, ended: list[AppliedRecord]) -> None:
        """Settle records in one commit; one that is lost is made up for by the next run, from the journal."""
        if not ended:
            return
        settled, ended[:] = list(ended), []
        with self._run.store.transaction():
            for applied in settled:
                self._settle_applied(applied)

    def _settle_applied(self, applied: AppliedRecord) -> None:
        run, subject = self._run, applied.subject
        outcome = self._outcome_of(applied)
        planned = self._planned.pop(subject)
        state, reason = RecordState.DONE, ""
        if outcome.status is not Status.DONE:
            state, reason = RecordState.OPEN, outcome.reason
            run.note(outcome)
        elif planned.problem is not None:
            state, reason = RecordState.OPEN, planned.problem.message
            run.note_problem(subject, outcome.action, planned.problem, outcome.number)
        else:
            said = (planned.note, self._said_of(subject))
            run.note(replace(outcome, reason="; ".join(part for part in said if part)))
            self._count_money(one.step for one in applied.steps)
            for ledger_id, digest in planned.reported.items():
                run.store.contacts.report(ledger_id, digest)
        # The record is settled last: where a run ends before, the next one looks at it again.
        state = self._keep(subject, planned, outcome, state)
        self._settle(subject, state, reason)

    def _outcome_of(self, applied: AppliedRecord) -> Outcome:
        return self._run.outcome_of(applied, self._action_of([one.step for one in applied.steps]))

    def _action_of(self, steps: Sequence[Step]) -> str:
        return action_of(steps) or self.action

    def _said_of(self, subject: Subject) -> str:
        """What a person is to hear of a record that went well."""
        del subject
        return ""

    def _keep(self, subject: Subject, planned: PlannedRecord, outcome: Outcome, state: RecordState) -> RecordState:
        """Keep what else is to be remembered of a record, and return the state that it is to have.

        It is done in the transaction that settles the record, so that the ledger is not asked.
        """
        del subject, planned, outcome
        return state

    def _count_money(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.money is not None:
                self._run.result.add_money(step.currency, "invoiced", step.money)


def action_of(steps: Iterable[Step]) -> str:
    """The last thing done to the document names what was done to the record."""
    actions = [step.effect.action for step in steps if step.effect.action]
    taken_back = next((action for action in actions if action in ("cancel", "delete")), "")
    if taken_back:
        return taken_back
    later = [action for action in dict.fromkeys(actions) if action in ("issue", "pay", "send")]
    finished = later if "pay" in later else later[-1:]
    booked = next((action for action in actions if action not in later), "")
    parts = [part for part in (booked, *finished) if part]
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
