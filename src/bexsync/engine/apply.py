"""The only writer: sends the steps of a plan one after the other, each at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Protocol

from bexsync.engine.journal import Claim, Journal, resolved
from bexsync.errors import BexsyncError, Changed, Defect, LedgerAnswer, NotSent, Refused, StoppedBySignal, Unanswered
from bexsync.http.clock import Clock
from bexsync.http.responses import Effect
from bexsync.planning.plan import Plan, Ref, Step, Subject
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.ports.store import Intent, IntentState
from bexsync.store import Store

RECORDS_PER_LOCK = 100
_GUARDED = frozenset({"issue", "send"})
_WAITED = timedelta(seconds=1)


class Side(Protocol):
    """The side a step acts on; the ledger, or the shop for events."""

    def perform(self, kind: str, payload: Mapping[str, Any]) -> EffectResult:
        """One effect; raises NotSent, Refused or Unanswered."""
        ...

    def find(self, kind: str, payload: Mapping[str, Any]) -> LookupResult:
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
    fate: StepStatus
    said: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AppliedRecord:
    """All steps of one record."""

    subject: Subject
    steps: tuple[Applied, ...]

    @property
    def trouble(self) -> Applied | None:
        """The first step that did not come through by itself, if any."""
        bad = [a for a in self.steps if a.fate is not StepStatus.DONE]
        return next((a for a in bad if a.fate is not StepStatus.SKIPPED), bad[0] if bad else None)


@dataclass(frozen=True)
class _Shown:
    """A document as an answer showed it, and when."""

    document_id: int
    content: str
    at: datetime
    seconds: float


@dataclass
class Applier:
    """Sends plans; `side(kind)` names who performs a kind of step, `lock` is the company's.

    `changed` looks whether the document of a payload is still what was written.
    """

    store: Store
    journal: Journal
    clock: Clock
    side: Callable[[str], Side]
    lock: Callable[[], AbstractContextManager[Any]]
    stopping: Callable[[], bool] = lambda: False
    changed: Callable[[Mapping[str, Any]], str] = lambda _: ""
    _shown: _Shown | None = None
    _fates: dict[Ref, Applied] = field(default_factory=dict)
    _current: Intent | None = None

    def apply(self, plan: Plan) -> Iterator[AppliedRecord]:
        """The plan's records one by one as they are finished; raises what ends a whole run."""
        records = plan.by_subject()
        while batch := list(islice(records, RECORDS_PER_LOCK)):
            with self.lock():
                for subject, steps in batch:
                    if self.stopping():
                        raise StoppedBySignal
                    yield self._record(subject, steps)

    def on_request(self, effect: Effect) -> None:
        """Look again where that is due, and move the moment of sending when a request had to wait.

        Called before each request leaves; raises Changed where the document is no longer what was written.
        """
        intent = self._current
        if intent is None or intent.sent_at is None:
            return
        is_guarded = intent.kind in _GUARDED and "content" in intent.payload
        if effect is Effect.WRITE and is_guarded and not self._was_just_shown(intent):
            problem = self.changed(intent.payload)
            if problem:
                raise Changed(problem)
        if abs(self.clock.now() - intent.sent_at) > _WAITED:  # also when the clock was put back meanwhile
            self._current = self.journal.restamp(self._current or intent)

    def _was_just_shown(self, intent: Intent) -> bool:
        """Whether an answer of this moment showed the document as it was written, in an attempt that did not wait."""
        shown, payload = self._shown, intent.payload
        if shown is None or intent.attempt > 1:
            return False
        waited = max(abs(self.clock.now() - shown.at), timedelta(seconds=self.clock.monotonic() - shown.seconds))
        return (shown.document_id, shown.content) == (payload["document_id"], payload["content"]) and waited <= _WAITED

    def _record(self, subject: Subject, steps: Sequence[Step]) -> AppliedRecord:
        applied = []
        for step in steps:
            one = self._step(step)
            self._fates[step.ref] = one
            applied.append(one)
        for step in steps:
            if step.scope:  # only what sites share, that is contacts, is referred to by other records
                del self._fates[step.ref]
        return AppliedRecord(subject, tuple(applied))

    def _step(self, step: Step) -> Applied:
        unmet = next((ref for ref in step.needs if not self._met(ref)), None)
        if unmet is not None:
            return Applied(step, StepStatus.SKIPPED, self._why(unmet))
        claim = self.journal.claim(step, resolved(step.payload, self._answer))
        if claim.done:
            return Applied(step, StepStatus.DONE, result=claim.intent.result)
        if claim.barred:
            return _barred(step, claim)
        return self._send(step, claim.intent)

    def _met(self, ref: Ref) -> bool:
        fate = self._fates.get(Ref(ref.kind, ref.key))
        if fate is not None:
            return fate.fate is StepStatus.DONE
        intent = self._earlier(ref)
        return intent is not None and intent.state is IntentState.DONE

    def _why(self, ref: Ref) -> str:
        fate = self._fates.get(Ref(ref.kind, ref.key))
        if fate is not None and fate.said:
            return fate.said
        intent = self._earlier(ref)
        return (intent.said if intent else "") or f"an earlier step ({ref.kind}) is not done"

    def _earlier(self, ref: Ref) -> Intent | None:
        """Steps of earlier runs and of other sites; what sites share has an empty scope."""
        intents = self.store.intents
        return intents.get(self.store.site, ref.kind, ref.key) or intents.get("", ref.kind, ref.key)

    def _answer(self, ref: Ref) -> Any:
        fate = self._fates.get(Ref(ref.kind, ref.key))
        intent = self._earlier(ref)
        result = fate.result if fate else intent.result if intent else {}
        found = result.get(ref.field)
        found = ref.default if found is None else found
        if found is None:
            raise Defect(f"Step {ref.kind} {ref.key} gave no {ref.field}.")
        return found

    def _send(self, step: Step, intent: Intent) -> Applied:
        side = self.side(step.kind)
        self._current = intent
        try:
            done = side.perform(step.kind, intent.payload)
        except NotSent as problem:
            self.journal.not_sent(self._current)
            raise problem.cause from problem
        except Refused as problem:
            return self._refused(step, self._current, side, problem)
        except Changed as problem:
            self.journal.hold(self._current, problem)
            return Applied(step, StepStatus.HELD, problem.message)
        except Unanswered as problem:
            return self._unanswered(step, self._current, problem)
        except BexsyncError as problem:
            if isinstance(problem, LedgerAnswer | Defect):
                raise
            self.journal.not_sent(self._current)  # it failed while reading, before the effect
            raise
        finally:
            self._current = None
        return self._settled(step, intent, done)

    def _settled(self, step: Step, intent: Intent, done: EffectResult) -> Applied:
        settled = self.journal.done(intent, done)
        if done.state is not None and done.state.content:
            now = self.clock.now()
            self._shown = _Shown(done.state.ledger_id, done.state.content, now, self.clock.monotonic())
        fate = StepStatus.HELD if settled.state is IntentState.HELD else StepStatus.DONE
        return Applied(step, fate, settled.said, settled.result)

    def _refused(self, step: Step, intent: Intent, side: Side, problem: Refused) -> Applied:
        """A refusal may follow an earlier attempt that went through, so look before believing it."""
        try:
            finding = side.find(step.kind, intent.payload)
        except LedgerAnswer:
            finding = LookupResult()
        if finding.done is not None:
            return self._settled(step, intent, finding.done)
        self.journal.refused(intent, problem)
        return Applied(step, StepStatus.REFUSED, problem.message)

    def _unanswered(self, step: Step, intent: Intent, problem: Unanswered) -> Applied:
        self.journal.doubt(intent, problem)
        return Applied(step, StepStatus.IN_DOUBT, problem.message)


def _barred(step: Step, claim: Claim) -> Applied:
    fates = {
        IntentState.REJECTED: StepStatus.REFUSED,
        IntentState.HELD: StepStatus.HELD,
        IntentState.CONFLICT: StepStatus.CONFLICT,
    }
    return Applied(step, fates.get(claim.intent.state, StepStatus.IN_DOUBT), claim.intent.said)
