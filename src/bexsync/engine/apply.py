"""The only writer: sends the steps of a plan one after the other, each at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, zip_longest
from typing import Any, Protocol

from bexsync.engine.journal import Journal, StartedStep
from bexsync.errors import BexsyncError, Changed, Defect, LedgerAnswer, NotSent, Refused, StoppedBySignal, Unanswered
from bexsync.http.clock import Clock
from bexsync.http.responses import RequestEffect
from bexsync.ids import LedgerId
from bexsync.planning.plan import Plan
from bexsync.ports.document_effects import FinishingEffect
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.ports.steps import Effect, Ref, Step, Subject, resolved
from bexsync.ports.store import Intent, IntentState
from bexsync.store import Store

TOLD_TOGETHER = 50
_WAITED = timedelta(seconds=1)


class Performer(Protocol):
    """Who performs effects: the ledger, or the shop."""

    def prepare(self, effect: Effect) -> Effect:
        """The effect with what must be known of the time before it; reads only."""
        ...

    def looks_first(self, effect: Effect) -> bool:
        """Whether `prepare` makes requests for such an effect."""
        ...

    def perform(self, effect: Effect) -> EffectResult:
        """One effect; raises NotSent, Refused or Unanswered."""
        ...

    def find(self, effect: Effect) -> LookupResult:
        """Looks for an effect whose outcome is unknown."""
        ...


class StepStatus(StrEnum):
    """What became of one step."""

    DONE = "done"
    HELD = "held"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    CONFLICT = "conflict"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Applied:
    """One step, what became of it, and why."""

    step: Step
    status: StepStatus
    said: str = ""
    code: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AppliedRecord:
    """All steps of one record."""

    subject: Subject
    steps: tuple[Applied, ...]

    @property
    def trouble(self) -> Applied | None:
        """The first step that did not come through by itself, if any."""
        bad = [a for a in self.steps if a.status is not StepStatus.DONE]
        return next((a for a in bad if a.status is not StepStatus.SKIPPED), bad[0] if bad else None)


@dataclass(frozen=True)
class _Shown:
    """A document as an answer showed it, and when."""

    document_id: LedgerId
    content: str
    at: datetime
    seconds: float


@dataclass
class Applier:
    """Sends plans; `side(effect)` is who performs it, `lock` is the company's.

    It is released between two records when another run waits for it (`is_wanted`).
    `changed` looks whether the document that is to be issued or mailed is still what was written.
    """

    store: Store
    journal: Journal
    clock: Clock
    side: Callable[[Effect], Performer]
    lock: Callable[[], AbstractContextManager[Any]]
    stopping: Callable[[], bool] = lambda: False
    changed: Callable[[FinishingEffect], str] = lambda _: ""
    is_wanted: Callable[[], bool] = lambda: False
    _shown: _Shown | None = None
    _applied: dict[Ref, Applied] = field(default_factory=dict)
    _current: StartedStep | None = None
    _begun: dict[Ref, StartedStep] = field(default_factory=dict)
    _told: dict[Ref, Applied] = field(default_factory=dict)

    def apply(self, plan: Plan) -> Iterator[AppliedRecord]:
        """The plan's records one by one as they are finished; raises what ends a whole run."""
        records = plan.by_subject()
        following = next(records, None)
        while following is not None:
            with self.lock():
                while following is not None:
                    if self.stopping():
                        raise StoppedBySignal
                    yield self._record(*following)
                    following = next(records, None)
                    if self.is_wanted():
                        break

    def tell(self, plan: Plan) -> Iterator[AppliedRecord]:
        """As `apply`, for effects that do no harm when they are repeated, such as events that carry an id.

        Those of many records begin in one commit and end in another, so that a kill repeats all that were told between.
        """
        records = plan.by_subject()
        while batch := list(islice(records, TOLD_TOGETHER)):
            with self.lock():
                if self.stopping():
                    raise StoppedBySignal
                self._tell_first([steps[0] for _, steps in batch])
                for subject, steps in batch:
                    yield self._record(subject, steps)

    def on_request(self, request: RequestEffect) -> None:
        """Look again where that is due, and move the moment of sending when a request had to wait.

        Called before each request leaves; raises Changed where the document is no longer what was written.
        """
        claim = self._current
        if claim is None or claim.intent.sent_at is None:
            return
        effect = claim.effect
        if request is RequestEffect.WRITE and isinstance(effect, FinishingEffect) and effect.content is not None:
            problem = "" if self._was_just_shown(claim, effect) else self.changed(effect)
            if problem:
                raise Changed(problem)
        if abs(self.clock.now() - claim.intent.sent_at) > _WAITED:  # also when the clock was put back meanwhile
            current = self._current or claim  # the look may have moved it already
            self._current = replace(current, intent=self.journal.restamp(current.intent))

    def _was_just_shown(self, claim: StartedStep, effect: FinishingEffect) -> bool:
        """Whether an answer of this moment showed the document as it was written, in an attempt that did not wait."""
        shown = self._shown
        if shown is None or claim.intent.attempt > 1:
            return False
        waited = max(abs(self.clock.now() - shown.at), timedelta(seconds=self.clock.monotonic() - shown.seconds))
        return (shown.document_id, shown.content) == (effect.document_id, effect.content) and waited <= _WAITED

    def _record(self, subject: Subject, steps: Sequence[Step]) -> AppliedRecord:
        applied = []
        for step, following in zip_longest(steps, steps[1:]):
            one = self._told.pop(step.ref, None) or self._step(step, following)
            self._applied[step.ref] = one
            applied.append(one)
        for step in steps:
            if step.scope:  # only what sites share, that is contacts, is referred to by other records
                del self._applied[step.ref]
        return AppliedRecord(subject, tuple(applied))

    def _tell_first(self, steps: Sequence[Step]) -> None:
        """Perform steps of several records; after one that fails the others are left to their own turn."""
        with self.store.transaction():
            begun = [(step, self._begin(step)) for step in steps]
        claims = [(step, claim) for step, claim in begun if isinstance(claim, StartedStep)]
        performed: list[EffectResult] = []
        try:
            for step, claim in claims:
                performed.append(self.side(step.effect).perform(claim.effect))
        except BexsyncError as problem:
            step, claim = claims[len(performed)]
            with self.store.transaction():
                self._end_told(claims, performed)
                for _, waiting in claims[len(performed) + 1 :]:
                    self.journal.not_sent(waiting.intent)
            self._told[step.ref] = self._failed(step, claim, problem)
        else:
            with self.store.transaction():
                self._end_told(claims, performed)

    def _end_told(self, claims: Sequence[tuple[Step, StartedStep]], performed: Sequence[EffectResult]) -> None:
        for (step, claim), done in zip(claims, performed, strict=False):
            self._told[step.ref] = self._settled(step, claim, done)

    def _step(self, step: Step, following: Step | None) -> Applied:
        begun = self._begun.pop(step.ref, None) or self._begin(step)
        return begun if isinstance(begun, Applied) else self._send(step, begun, following)

    def _begin(self, step: Step) -> StartedStep | Applied:
        """The claim of a step that is sent next, or what became of one that is not sent."""
        unmet = next((ref for ref in step.needs if not self._met(ref)), None)
        if unmet is not None:
            return Applied(step, StepStatus.SKIPPED, self._why(unmet))
        effect = resolved(step.effect, self._answer)
        claim = self.journal.standing(step, effect) or self.journal.begin(step, self.side(effect).prepare(effect))
        if claim.done:
            return Applied(step, StepStatus.DONE, result=claim.intent.result)
        if claim.blocked:
            return _applied(step, claim.intent, StepStatus.IN_DOUBT)
        return claim

    def _begin_ahead(self, step: Step | None) -> None:
        """Begin the next step of a record in the commit that ends the one before; not where a look comes first."""
        if step is None or self.side(step.effect).looks_first(step.effect):
            return
        try:
            begun = self._begin(step)
        except Defect:
            return  # its own turn raises it, when the step before is on the disk
        if isinstance(begun, StartedStep):
            self._begun[step.ref] = begun

    def _met(self, ref: Ref) -> bool:
        applied = self._applied.get(Ref(ref.kind, ref.key))
        if applied is not None:
            return applied.status is StepStatus.DONE
        intent = self._earlier(ref)
        return intent is not None and intent.state is IntentState.DONE

    def _why(self, ref: Ref) -> str:
        applied = self._applied.get(Ref(ref.kind, ref.key))
        if applied is not None and applied.said:
            return applied.said
        intent = self._earlier(ref)
        return (intent.said if intent else "") or f"an earlier step ({ref.kind}) is not done"

    def _earlier(self, ref: Ref) -> Intent | None:
        """Steps of earlier runs and of other sites; what sites share has an empty scope."""
        intents = self.store.intents
        return intents.get(self.store.site, ref.kind, ref.key) or intents.get("", ref.kind, ref.key)

    def _answer(self, ref: Ref) -> Any:
        applied = self._applied.get(Ref(ref.kind, ref.key))
        intent = self._earlier(ref)
        result = applied.result if applied else intent.result if intent else {}
        found = result.get(ref.field)
        found = ref.default if found is None else found
        if found is None:
            raise Defect(f"Step {ref.kind} {ref.key} gave no {ref.field}.")
        return found

    def _send(self, step: Step, claim: StartedStep, following: Step | None) -> Applied:
        self._current = claim
        try:
            done = self.side(step.effect).perform(claim.effect)
        except BexsyncError as problem:
            return self._failed(step, self._current, problem)
        finally:
            self._current = None
        return self._settled(step, claim, done, following)

    def _failed(self, step: Step, claim: StartedStep, problem: BexsyncError) -> Applied:
        """What became of a step whose effect raised; raises what ends the whole run."""
        match problem:
            case NotSent():
                self.journal.not_sent(claim.intent)
                raise problem.cause from problem
            case Refused():
                return self._refused(step, claim, problem)
            case Changed():
                self.journal.hold(claim.intent, problem)
                return Applied(step, StepStatus.HELD, problem.message)
            case Unanswered():
                self.journal.mark_unknown(claim.intent, problem)
                return Applied(step, StepStatus.IN_DOUBT, problem.message)
            case LedgerAnswer() | Defect():
                raise problem
            case _:
                self.journal.not_sent(claim.intent)  # it failed while reading, before the effect
                raise problem

    def _settled(self, step: Step, claim: StartedStep, done: EffectResult, following: Step | None = None) -> Applied:
        def go_on(settled: Intent) -> None:
            self._applied[step.ref] = _applied(step, settled, StepStatus.DONE)
            self._begin_ahead(following)

        settled = self.journal.done(claim.intent, claim.effect, done, then=go_on)
        if done.state is not None and done.state.content:
            now = self.clock.now()
            self._shown = _Shown(done.state.ledger_id, done.state.content, now, self.clock.monotonic())
        return _applied(step, settled, StepStatus.DONE)

    def _refused(self, step: Step, claim: StartedStep, problem: Refused) -> Applied:
        """A refusal may follow an earlier attempt that went through, so look before believing it."""
        try:
            finding = self.side(step.effect).find(claim.effect)
        except LedgerAnswer:
            finding = LookupResult()
        if finding.done is not None:
            return self._settled(step, claim, finding.done)
        self.journal.refused(claim.intent, problem)
        return Applied(step, StepStatus.REFUSED, problem.message)


def _applied(step: Step, intent: Intent, otherwise: StepStatus) -> Applied:
    """What became of a step by its row, or `otherwise` where that says nothing of trouble."""
    statuses = {
        IntentState.REJECTED: StepStatus.REFUSED,
        IntentState.HELD: StepStatus.HELD,
        IntentState.CONFLICT: StepStatus.CONFLICT,
    }
    status = statuses.get(intent.state, otherwise)
    return Applied(step, status, intent.said, str(intent.result.get("conflict", "")), intent.result)
