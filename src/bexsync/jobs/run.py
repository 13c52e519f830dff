"""One execution of a job: what it works with, what came of each record, and what keeps one from being planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bexsync.engine.apply import Applier
from bexsync.engine.recover import Recovery
from bexsync.engine.result import MOST_KEPT, Outcome, Result, Status, StepOutcome
from bexsync.engine.sending import Applied, AppliedRecord, StepStatus
from bexsync.errors import BexsyncError, ConfigurationProblem, Defect, RecordProblem, fault_in_words
from bexsync.jobs.reporting import report_steps
from bexsync.jobs.workspace import LazyLedger, Workspace
from bexsync.planning.plan import Plan
from bexsync.ports.shop import WriteBack
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import DOCUMENT_TAKEN, WORKLIST, IntentState, Link, RecordRow
from bexsync.store import Store

if TYPE_CHECKING:  # of a ledger that most runs never open
    from bexsync.ports.ledger import Ledger
    from bexsync.ports.wanted import Want, Wanted
    from bexsync.ports.wanted_orders import OrderWant

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
_TAKEN = "If that link is wrong: `bexsync links forget` with its id, then `bexsync errors retry`."
T = TypeVar("T")
# What pure code raises when it meets what nobody thought of; a disk or a state that fails is no matter of one record.
_FAULTS = (ArithmeticError, AssertionError, AttributeError, Defect, LookupError, RecursionError, TypeError, ValueError)
# What the master data lack may have been added in the ledger since they were read.
_OF_MASTER_DATA = frozenset(
    {
        *("no_business_year", "not_subject_to_vat", "tax_rate_differs", "tax_unmapped", "tax_unusable"),
        *("unknown_account", "unknown_bank_account", "unknown_currency", "unknown_tax", "unknown_template"),
        *("unknown_unit", "bank_account_ambiguous", "bank_account_currency", "bank_account_missing"),
    }
)
_FEW_GONE = 5
TELL_EVERY = 10.0


@dataclass
class Run:
    """One execution of a job."""

    job: str
    workspace: Workspace
    store: Store
    lazy_ledger: LazyLedger
    applier: Applier
    recovery: Recovery
    result: Result
    dry: bool = False
    outcomes: dict[Subject, Outcome] = field(default_factory=dict)
    _noted: set[tuple[Subject, str]] = field(default_factory=set)
    _kept: Counter[str] = field(default_factory=Counter)
    _only_counted: dict[Subject, tuple[Status, str]] = field(default_factory=dict)
    _told_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._told_at = self.workspace.clock.monotonic()

    @property
    def ledger(self) -> Ledger:
        """The ledger, which is opened with its first use."""
        return self.lazy_ledger()

    @property
    def ledger_name(self) -> str:
        """What the ledger is called."""
        return self.workspace.profile.ledger.words.name

    def pace_setter(self) -> str:
        """What a person may know of why it is not faster."""
        limits = self.workspace.profile.ledger.description.limits
        if self.ledger.was_limited:
            return f"{self.ledger_name} takes {limits.a_minute('default'):.0f} requests a minute"
        return f"as fast as {self.ledger_name} answers"

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

    def note_unknown_id(self, kind: str, action: str, wanted: str, message: str, hint: str) -> None:
        """An id that somebody typed and that the shop does not have; no error is kept of it."""
        self.outcomes[Subject(kind, wanted)] = Outcome(
            kind, action, wanted, Status.FAILED, reason=message, hint=hint, code="unknown_id"
        )

    def note_ids_left_out(
        self,
        kind: str,
        action: str,
        wanted: Iterable[str],
        chosen: Collection[str],
        called: Callable[[Run, str], RecordRow | None],
    ) -> None:
        """Of ids that somebody typed, name those that the shop does not have; one that is already done is fine."""
        for name in wanted:
            if name in chosen:
                continue
            row = called(self, name)
            if row is None:
                hint = f"`bexsync {kind}s list` shows those it has."
                self.note_unknown_id(kind, action, name, f'The shop has no {kind} "{name}".', hint)
                continue
            link = self.store.links.get(kind, row.shop_id)
            self.outcomes[Subject(kind, row.shop_id)] = Outcome(
                kind, action, row.shop_id, Status.UNCHANGED, link.ledger_id if link else None,
                link.number if link else "", link.url if link else "", row.reason,
            )  # fmt: skip

    def unknown_outcome(self, kind: str, shop_id: str) -> str:
        """Why nothing may be done to a record yet: an effect on it may still take place; "" where none may."""
        unsettled = (IntentState.SENDING, IntentState.IN_DOUBT)
        intents = self.store.intents.of_subject(kind, shop_id)
        return next((i.said or f"{i.kind} is unanswered" for i in intents if i.state in unsettled), "")

    def was_done(self, kind: str, key: str, *, scope: str | None = None) -> bool:
        """Whether a step was done before, by this site or, with the scope "", by any."""
        intent = self.store.intents.get(self.store.site if scope is None else scope, kind, key)
        return intent is not None and intent.state is IntentState.DONE

    def steps(self, wanted: Wanted[Want | OrderWant]) -> tuple[Step, ...]:
        """The ledger's steps for what is wanted; those on contacts have names that all sites share."""
        return self.ledger.steps(wanted, partial(self.was_done, scope=""))

    def mention(self, key: str, sentence: str) -> None:
        """Say a sentence about what the run left alone; exit 0.

        It is said on every terminal and in JSON, and unattended once and then once a day as long as every run brings
        the same `key`. The key names the matter, such as `in/notes.pdf`; the sentence may change, as an age does.
        """
        self.result.mentions[key] = sentence

    def outcome_of(
        self,
        applied: AppliedRecord,
        action: str,
        *,
        link_kinds: Sequence[str] = (),
        steps: tuple[StepOutcome, ...] = (),
    ) -> Outcome:
        """What came of a record's steps; its document is that of the first link of these kinds."""
        subject = applied.subject
        links = (self.store.links.get(kind, subject.shop_id) for kind in link_kinds or (subject.kind,))
        link = next((link for link in links if link is not None), None)
        done = Outcome(
            subject.kind, action, subject.shop_id, Status.DONE,
            ledger_id=link.ledger_id if link else None,
            number=link.number if link else "", url=link.url if link else "", steps=steps,
        )  # fmt: skip
        trouble = applied.trouble
        return done if trouble is None else _troubled(done, trouble, self.ledger_name)

    def tell_now_and_then(self, tell: Callable[[], None]) -> None:
        """Tell the shop what is settled so far, where the run has told it nothing for some seconds."""
        clock = self.workspace.clock
        if clock.monotonic() - self._told_at < TELL_EVERY:
            return
        with suppress(BexsyncError):  # the end of the run tells it again, and raises what stands against it
            tell()
        self._told_at = clock.monotonic()

    def deliver_reports(self, kind: str, without: Collection[str] = ()) -> None:
        """Tells the shop whatever it has not been told yet, but of these records nothing."""
        if WriteBack.EVENTS not in self.workspace.shop.capabilities.write_backs:
            return
        now = self.workspace.clock.now()
        steps: list[Step] = []
        for link in self.store.links.unreported(kind):
            if link.shop_id not in without:
                due = list(report_steps(self.store.site, link, now))
                steps += due
                if not due:
                    self._count_as_told(link)
        for applied in self.applier.tell(Plan(tuple(steps))):
            trouble = applied.trouble
            if trouble is not None:
                self.result.later = self.result.later or f"The shop could not be told: {trouble.said}"

    def _count_as_told(self, link: Link) -> None:
        """Nothing that the shop is shown has changed, so there is nothing to tell of this state."""
        with self.store.transaction():
            fresh = self.store.links.get(link.kind, link.shop_id)
            if fresh is not None and (fresh.state, fresh.reported) == (link.state, link.reported):
                self.store.links.save(replace(fresh, reported=fresh.state), self.workspace.clock.now())


def _hint(status: StepStatus, ledger: str) -> str:
    hints = {
        StepStatus.HELD: "Compare it with the shop; correct one of them, then `bexsync errors retry`.",
        StepStatus.REFUSED: f"Correct what {ledger} names; it is tried again when the record or the profile changes.",
        StepStatus.CONFLICT: f"Settle it in {ledger}, then `bexsync errors retry`.",
        StepStatus.IN_DOUBT: "Nothing to do: the next run looks whether it took effect.",
        StepStatus.SKIPPED: "It waits for the step before.",
    }
    return hints[status]


def _troubled(outcome: Outcome, trouble: Applied, ledger: str) -> Outcome:
    what = f" ({trouble.step.title})" if trouble.step.title else ""
    return replace(
        outcome,
        status=_STATUS[trouble.status],
        reason=f"{trouble.said}{what}",
        said=trouble.said,
        hint=_TAKEN if trouble.code == DOCUMENT_TAKEN else _hint(trouble.status, ledger),
        code=trouble.code or _CODES[trouble.status],
        subject=trouble.said,
    )


def judged(run: Run, name: str, decide: Callable[[], T]) -> T | RecordProblem:
    """Return what `decide` comes to for the record called `name`, or the problem that keeps it from being planned."""
    try:
        return decide()
    except RecordProblem as problem:
        if problem.code in _OF_MASTER_DATA:
            run.ledger.refresh_master_data()
        return problem
    except _FAULTS as fault:
        # The place of the fault, and none of its values.
        return RecordProblem(
            f"{name} cannot be planned, by a bug in bexsync: {fault_in_words(fault)}.",
            "Nothing was done for it. Please report this line; "
            f"until it is mended, enter the record in {run.ledger_name} by hand.",
            code="bug",
        )


def refuse_mass_deletion(
    gone: int, of: int, ledger: str, *, confirmed: int, things: str, consequence: str, hint: str
) -> None:
    """Raise ConfigurationProblem where a ledger suddenly shows hardly anything.

    It is more likely hidden, or another one, than emptied.
    """
    if gone > max(_FEW_GONE, of // 10, confirmed):
        raise ConfigurationProblem(
            f"{ledger} no longer shows {gone} of {of} {things}; {consequence}.", hint, code="mass_deletion"
        )
