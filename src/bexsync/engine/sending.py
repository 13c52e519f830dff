"""Sends single steps, each at most once: begun on the disk before its request leaves, ended there by its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from bexsync.engine.journal import Journal, StartedStep
from bexsync.errors import BexsyncError, Changed, Defect, LedgerAnswer, NotSent, Refused, Unanswered
from bexsync.http.clock import Clock
from bexsync.http.responses import RequestEffect
from bexsync.ids import LedgerId
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.ports.steps import Effect, Ref, Step, Subject, resolved
from bexsync.ports.store import Intent, IntentState
from bexsync.store import Store

if TYPE_CHECKING:
    from bexsync.ports.document_effects import FinishingEffect

_WAITED = timedelta(seconds=1)


class Performer(Protocol):
    """Who performs effects: the ledger, or the shop."""

    def prepare(self, effect: Effect) -> Effect:
        """The effect with what must be known of the time before it; reads only."""
        ...

    def looks_first(self, effect: Effect) -> bool:
        """Whether `prepare` makes requests for such an effect."""
        ...

    def is_proved(self, effect: Effect) -> bool:
        """Whether all is known that the effect rests on; else it is sent alone."""
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
class OneRecord:
    """What is known from one step of a record to the next: the one begun already, the one sent, the document shown."""

    begun: StartedStep | None = None
    sent: StartedStep | None = None
    shown: _Shown | None = None


class _OfThisThread(threading.local):
    record: OneRecord | None = None


def _nothing() -> Step | None:
    return None


@dataclass
class Sender:
    """Sends the steps of records; `side(effect)` is who performs it.

    `changed` looks whether the document that is to be issued or mailed is still what was written.
    """

    store: Store
    journal: Journal
    clock: Clock
    side: Callable[[Effect], Performer]
    changed: Callable[[FinishingEffect], str] = lambda _: ""
    _applied: dict[Ref, Applied] = field(default_factory=dict)
    _now: _OfThisThread = field(default_factory=_OfThisThread)

    def send(self, record: OneRecord, step: Step, follow: Callable[[], Step | None] = _nothing) -> Applied:
        """One step; the one that `follow` names, if any, is begun in the commit that ends this one."""
        begun, record.begun = record.begun or self._begin(step), None
        applied = begun if isinstance(begun, Applied) else self._perform(record, step, begun, follow)
        self._applied[step.ref] = applied
        return applied

    def forget(self, steps: Sequence[Step]) -> None:
        """Forget the steps of a record; only what sites share, that is contacts, is referred to by other records."""
        for step in steps:
            if step.scope:
                self._applied.pop(step.ref, None)

    def send_together(self, steps: Sequence[Step]) -> dict[Ref, Applied]:
        """Steps of several records, begun in one commit and ended in another; those after one that fails are left."""
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
                sent = self._ended_together(claims, performed)
                for _, waiting in claims[len(performed) + 1 :]:
                    self.journal.not_sent(waiting.intent)
            return sent | {step.ref: self._failed(OneRecord(), step, claim, problem)}
        with self.store.transaction():
            return self._ended_together(claims, performed)

    def _ended_together(
        self, claims: Sequence[tuple[Step, StartedStep]], performed: Sequence[EffectResult]
    ) -> dict[Ref, Applied]:
        ended = zip(claims, performed, strict=False)
        return {step.ref: self._settled(OneRecord(), step, claim, done) for (step, claim), done in ended}

    def on_request(self, request: RequestEffect) -> None:
        """Look again where that is due, and move the moment of sending when a request had to wait.

        Called before each request leaves; raises Changed where the document is no longer what was written.
        """
        record = self._now.record
        claim = record.sent if record is not None else None
        if record is None or claim is None or claim.intent.sent_at is None:
            return
        effect = claim.effect
        from bexsync.ports.document_effects import FinishingEffect  # loads much, and most runs send nothing

        if request is RequestEffect.WRITE and isinstance(effect, FinishingEffect) and effect.content is not None:
            problem = "" if self._was_just_shown(record, claim, effect) else self.changed(effect)
            if problem:
                raise Changed(problem)
        if abs(self.clock.now() - claim.intent.sent_at) > _WAITED:  # also when the clock was put back meanwhile
            current = record.sent or claim  # the look may have moved it already
            record.sent = replace(current, intent=self.journal.restamp(current.intent))

    def _was_just_shown(self, record: OneRecord, claim: StartedStep, effect: FinishingEffect) -> bool:
        """Whether an answer of this moment showed the document as it was written, in an attempt that did not wait."""
        shown = record.shown
        if shown is None or claim.intent.attempt > 1:
            return False
        waited = max(abs(self.clock.now() - shown.at), timedelta(seconds=self.clock.monotonic() - shown.seconds))
        return (shown.document_id, shown.content) == (effect.document_id, effect.content) and waited <= _WAITED

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

    def _begin_ahead(self, record: OneRecord, step: Step | None) -> None:
        """Begin the next step of a record in the commit that ends the one before; not where a look comes first."""
        if step is None or self.side(step.effect).looks_first(step.effect):
            return
        try:
            begun = self._begin(step)
        except Defect:
            return  # its own turn raises it, when the step before is on the disk
        if isinstance(begun, StartedStep):
            record.begun = begun

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

    def _perform(self, record: OneRecord, step: Step, claim: StartedStep, follow: Callable[[], Step | None]) -> Applied:
        record.sent, self._now.record = claim, record
        try:
            done = self.side(step.effect).perform(claim.effect)
        except BexsyncError as problem:
            return self._failed(record, step, record.sent, problem)
        finally:
            record.sent = self._now.record = None
        return self._settled(record, step, claim, done, follow)

    def _failed(self, record: OneRecord, step: Step, claim: StartedStep, problem: BexsyncError) -> Applied:
        """What became of a step whose effect raised; raises what ends the whole run."""
        match problem:
            case NotSent():
                self.journal.not_sent(claim.intent)
                raise problem.cause from problem
            case Refused():
                return self._refused(record, step, claim, problem)
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

    def _settled(
        self,
        record: OneRecord,
        step: Step,
        claim: StartedStep,
        done: EffectResult,
        follow: Callable[[], Step | None] = _nothing,
    ) -> Applied:
        def go_on(settled: Intent) -> None:
            self._applied[step.ref] = _applied(step, settled, StepStatus.DONE)
            self._begin_ahead(record, follow())

        settled = self.journal.done(claim.intent, claim.effect, done, then=go_on)
        if done.state is not None and done.state.content:
            now = self.clock.now()
            record.shown = _Shown(done.state.ledger_id, done.state.content, now, self.clock.monotonic())
        return _applied(step, settled, StepStatus.DONE)

    def _refused(self, record: OneRecord, step: Step, claim: StartedStep, problem: Refused) -> Applied:
        """A refusal may follow an earlier attempt that went through, so look before believing it."""
        try:
            finding = self.side(step.effect).find(claim.effect)
        except LedgerAnswer:
            finding = LookupResult()
        if finding.done is not None:
            return self._settled(record, step, claim, finding.done)
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
