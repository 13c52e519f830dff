"""The only writer: sends the steps of a plan one after the other, each at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Protocol

from bexsync.engine.journal import Claim, Journal
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

RECORDS_PER_LOCK = 100
_WAITED = timedelta(seconds=1)


class Performer(Protocol):
    """Who performs effects: the ledger, or the shop."""

    def prepare(self, effect: Effect) -> Effect:
        """The effect with what must be known of the time before it; reads only."""
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

    `changed` looks whether the document that is to be issued or mailed is still what was written.
    """

    store: Store
    journal: Journal
    clock: Clock
    side: Callable[[Effect], Performer]
    lock: Callable[[], AbstractContextManager[Any]]
    stopping: Callable[[], bool] = lambda: False
    changed: Callable[[FinishingEffect], str] = lambda _: ""
    _shown: _Shown | None = None
    _applied: dict[Ref, Applied] = field(default_factory=dict)
    _current: Claim | None = None

    def apply(self, plan: Plan) -> Iterator[AppliedRecord]:
        """The plan's records one by one as they are finished; raises what ends a whole run."""
        records = plan.by_subject()
        while batch := list(islice(records, RECORDS_PER_LOCK)):
            with self.lock():
                for subject, steps in batch:
                    if self.stopping():
                        raise StoppedBySignal
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

    def _was_just_shown(self, claim: Claim, effect: FinishingEffect) -> bool:
        """Whether an answer of this moment showed the document as it was written, in an attempt that did not wait."""
        shown = self._shown
        if shown is None or claim.intent.attempt > 1:
            return False
        waited = max(abs(self.clock.now() - shown.at), timedelta(seconds=self.clock.monotonic() - shown.seconds))
        return (shown.document_id, shown.content) == (effect.document_id, effect.content) and waited <= _WAITED

    def _record(self, subject: Subject, steps: Sequence[Step]) -> AppliedRecord:
        applied = []
        for step in steps:
            one = self._step(step)
            self._applied[step.ref] = one
            applied.append(one)
        for step in steps:
            if step.scope:  # only what sites share, that is contacts, is referred to by other records
                del self._applied[step.ref]
        return AppliedRecord(subject, tuple(applied))

    def _step(self, step: Step) -> Applied:
        unmet = next((ref for ref in step.needs if not self._met(ref)), None)
        if unmet is not None:
            return Applied(step, StepStatus.SKIPPED, self._why(unmet))
        effect = resolved(step.effect, self._answer)
        claim = self.journal.standing(step, effect) or self.journal.claim(step, self.side(effect).prepare(effect))
        if claim.done:
            return Applied(step, StepStatus.DONE, result=claim.intent.result)
        if claim.blocked:
            return _applied(step, claim.intent, StepStatus.IN_DOUBT)
        return self._send(step, claim)

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

    def _send(self, step: Step, claim: Claim) -> Applied:
        side = self.side(step.effect)
        self._current = claim
        try:
            done = side.perform(claim.effect)
        except NotSent as problem:
            self.journal.not_sent(self._current.intent)
            raise problem.cause from problem
        except Refused as problem:
            return self._refused(step, self._current, side, problem)
        except Changed as problem:
            self.journal.hold(self._current.intent, problem)
            return Applied(step, StepStatus.HELD, problem.message)
        except Unanswered as problem:
            self.journal.doubt(self._current.intent, problem)
            return Applied(step, StepStatus.IN_DOUBT, problem.message)
        except BexsyncError as problem:
            if isinstance(problem, LedgerAnswer | Defect):
                raise
            self.journal.not_sent(self._current.intent)  # it failed while reading, before the effect
            raise
        finally:
            self._current = None
        return self._settled(step, claim, done)

    def _settled(self, step: Step, claim: Claim, done: EffectResult) -> Applied:
        settled = self.journal.done(claim.intent, claim.effect, done)
        if done.state is not None and done.state.content:
            now = self.clock.now()
            self._shown = _Shown(done.state.ledger_id, done.state.content, now, self.clock.monotonic())
        return _applied(step, settled, StepStatus.DONE)

    def _refused(self, step: Step, claim: Claim, side: Performer, problem: Refused) -> Applied:
        """A refusal may follow an earlier attempt that went through, so look before believing it."""
        try:
            finding = side.find(claim.effect)
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
