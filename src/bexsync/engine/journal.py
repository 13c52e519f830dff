"""Writes intents and links: what is about to be done, what came of it, what is in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from bexsync.engine.answers import unexpected
from bexsync.errors import Changed, LedgerAnswer, Refused
from bexsync.http.clock import Clock
from bexsync.ids import LedgerId
from bexsync.ports.documents import EffectResult
from bexsync.ports.steps import Effect, EffectKinds, Step, to_wire
from bexsync.ports.store import DOCUMENT_TAKEN, Attempt, DocumentEvent, Intent, IntentState, parse_stored
from bexsync.store import Store

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class StartedStep:
    """Whether a step may be sent: `intent` is its row, `done` says that it was done before, `blocked` that it must not.

    `effect` is what is to be sent, its references resolved.
    """

    intent: Intent
    effect: Effect
    done: bool = False
    blocked: bool = False


class Journal:
    """The one place where intents change state; each method is one transaction."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        job: str,
        kinds: Callable[[], EffectKinds],
        ledger: str,
        run: int | None = None,
        lock: str = "",
        timeout_seconds: float,
        settle_seconds: float,
        note: Callable[[DocumentEvent, str, LedgerId], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._note = note
        self._clock = clock
        self._job = job
        self._kinds = cache(kinds)
        self._run = run
        self._lock = lock
        self._ledger = ledger
        self._settle = timedelta(seconds=settle_seconds)
        self._patience = timedelta(seconds=timeout_seconds + settle_seconds)

    def effect(self, intent: Intent) -> Effect:
        """The effect of a row; raises StateProblem where the row is damaged."""
        return parse_stored(lambda kind: self._kinds().read(kind, intent.payload, intent.schema), intent.kind)

    def standing(self, step: Step, effect: Effect) -> StartedStep | None:
        """What stands against sending a step: it was done, it may still take effect, or it must not be repeated."""
        known = self._store.intents.get(step.scope, step.kind, step.key)
        if known is None:
            return None
        if known.state is IntentState.DONE:
            return StartedStep(known, effect, done=True)
        if known.state in (IntentState.SENDING, IntentState.IN_DOUBT) or _is_blocked(known, step.payload_hash()):
            return StartedStep(known, effect, blocked=True)
        return None

    def begin(self, step: Step, effect: Effect) -> StartedStep:
        """Writes down that the step is about to be sent, unless its story already has an end.

        `effect` is that of the step with its references resolved and prepared; what the step was planned as, and not
        what was prepared, decides whether it is the same again.
        """
        store, now = self._store, self._clock.now()
        with store.transaction():
            standing = self.standing(step, effect)
            if standing is not None:
                return standing
            known = store.intents.get(step.scope, step.kind, step.key)
            intent = Intent(
                scope=step.scope,
                kind=step.kind,
                key=step.key,
                state=IntentState.SENDING,
                payload_hash=step.payload_hash(),
                payload=effect.to_wire(),
                expect=step.expect,
                subject_kind=step.subject.kind,
                subject_id=step.subject.shop_id,
                site=store.site,
                job=self._job,
                attempt=(known.attempt if known else 0) + 1,
                owner=self._owner(),
                sent_at=now,
                not_before=now + self._patience,
                link=_link_json(step),
                schema=effect.schema,
            )
            store.intents.save(intent, now)
        return StartedStep(intent, effect)

    def done(
        self, intent: Intent, effect: Effect, done: EffectResult, *, then: Callable[[Intent], None] = lambda _: None
    ) -> Intent:
        """The effect stands: its answer, the link and the contact index change together, and what `then` writes.

        A document that another link holds is not given to this one: that is a conflict.
        """
        from bexsync.engine.link_writer import LinkWriter  # loads every effect there is, and most runs do nothing

        owner = self._other_owner(intent, done)
        if owner:
            taken = f"{done.number or done.ledger_id} belongs to {owner} already"
            return self.conflict(replace(intent, result={"conflict": DOCUMENT_TAKEN}), taken)
        held = unexpected(intent.expect, done, self._ledger)
        settled = replace(
            intent,
            state=IntentState.HELD if held else IntentState.DONE,
            ledger_id=done.ledger_id,
            result={"ledger_id": done.ledger_id, "number": done.number, "url": done.url, **done.data},
            said=held,
        )
        self._note_outside(settled, effect, done)
        with self._store.transaction():
            self._end(settled)
            LinkWriter(self._store, self._clock.now()).write(settled, effect, done, held=bool(held))
            then(settled)
        return settled

    def _other_owner(self, intent: Intent, done: EffectResult) -> str:
        """The shop id of another record whose link holds the document, with its site where that is another."""
        if not intent.link or done.ledger_id is None:
            return ""
        owner = self._store.links.owner_of(intent.link["ledger_kind"], done.ledger_id)
        if owner is None or owner == (intent.site, intent.subject_id):
            return ""
        site, shop_id = owner
        return shop_id if site == intent.site else f"{shop_id} of the site {site}"

    def _note_outside(self, intent: Intent, effect: Effect, done: EffectResult) -> None:
        """What must be known even after the state was lost."""
        from bexsync.ports.document_effects import ExistingDocumentEffect

        if intent.state is not IntentState.DONE or not isinstance(effect, ExistingDocumentEffect):
            return
        if effect.lasting is not None:
            self._note(effect.lasting, effect.lasting_reference or intent.key, done.ledger_id or effect.known_id)

    def refused(self, intent: Intent, problem: Refused) -> Intent:
        """The ledger said no; the same payload is not tried again by itself."""
        return self._end(replace(intent, state=IntentState.REJECTED, said=problem.message))

    def hold(self, intent: Intent, problem: Changed) -> Intent:
        """A person worked on the document, and decides what is to become of it."""
        return self._end(replace(intent, state=IntentState.HELD, said=problem.message))

    def not_sent(self, intent: Intent) -> Intent:
        """Nothing left this machine, or nothing was done with it."""
        return self._end(replace(intent, state=IntentState.PLANNED))

    def mark_unknown(self, intent: Intent, problem: LedgerAnswer | None = None) -> Intent:
        """Nobody knows; a look decides, and finding nothing counts only from `not_before` on."""
        due = intent.not_before or self._clock.now()
        if problem is not None:
            due = max(due, self._clock.now() + self._settle)
        said = problem.message if problem else "the run ended before the answer came"
        return self._end(replace(intent, state=IntentState.IN_DOUBT, not_before=due, said=said))

    def restamp(self, intent: Intent) -> Intent:
        """The request leaves only now, having waited its turn; a doubt about it falls due that much later."""
        now = self._clock.now()
        return self._save(replace(intent, sent_at=now, not_before=now + self._patience, owner=self._owner()))

    def seconds_until_due(self, intent: Intent) -> float:
        """How long finding nothing does not count yet, by the wall clock and by the one that nobody sets.

        A wall clock that was put forward meanwhile, as after a power cut, makes nothing due.
        """
        if intent.not_before is None:
            return 0.0
        by_the_wall = (intent.not_before - self._clock.now()).total_seconds()
        passed = least_seconds_since(intent.owner.rpartition(" ")[2], self._clock)
        if passed is None or intent.sent_at is None:
            return max(0.0, by_the_wall)
        needed = min(intent.not_before - intent.sent_at, self._patience).total_seconds()
        return max(0.0, by_the_wall, needed - passed)

    def in_doubt(self) -> list[Intent]:
        """The steps whose outcome is unknown, with those that were being sent by a run that has ended.

        What a living run is sending is left out, since that run writes down what comes of it.
        """
        is_alive = cache(self._store.is_held)  # asked once for all that one run is sending
        return [
            intent
            for intent in self._store.intents.unsettled()
            if intent.state is not IntentState.SENDING or not is_alive(intent.owner.rpartition(" ")[0])
        ]

    def distrusted(self, intent: Intent) -> Intent:
        """The intent as it is, or sent only now where a clock that was ahead for a while says when it was sent."""
        now = self._clock.now()
        sent_ahead = intent.sent_at is not None and intent.sent_at > now
        due_ahead = intent.not_before is not None and intent.not_before - now > self._patience + self._settle
        return self.restamp(intent) if sent_ahead or due_ahead else intent

    def _owner(self) -> str:
        return f"{self._lock} {stamp(self._clock)}"

    def conflict(self, intent: Intent, said: str) -> Intent:
        """Only a person can judge what the look found."""
        return self._end(replace(intent, state=IntentState.CONFLICT, said=said))

    def _end(self, intent: Intent) -> Intent:
        """An attempt has ended, or nobody knows how: the row says it now, and a row of its own for ever."""
        now = self._clock.now()
        outcome = "not_sent" if intent.state is IntentState.PLANNED else intent.state.value
        reason = intent.said if intent.state is not IntentState.PLANNED else ""
        with self._store.transaction():
            self._store.intents.save(intent, now)
            self._store.attempts.add(
                Attempt(intent.scope, intent.kind, intent.key, now, self._run, outcome, reason, intent.payload_hash)
            )
        return intent

    def _save(self, intent: Intent) -> Intent:
        self._store.intents.save(intent, self._clock.now())
        return intent


def _link_json(step: Step) -> dict[str, Any]:
    if step.link is None:
        return {}
    draft: dict[str, Any] = {
        "ledger_kind": step.link.ledger_kind,
        "adopted": step.link.adopted,
        "source": step.link.source,
        "contact_of": step.link.contact_of,
    }
    if step.link.fingerprint:
        draft |= {"fingerprint": step.link.fingerprint, "agreed": to_wire(step.link.agreed)}
    if step.link.told is not None:
        draft["told"] = dict(step.link.told)
    named = {"link_kind": step.link.link_kind, "role": step.link.role}
    return draft | {name: value for name, value in named.items() if value}


def _is_blocked(known: Intent, payload_hash: str) -> bool:
    """A refusal or a wrong sum belongs to what was sent; a conflict belongs to the ledger and stays."""
    same = known.payload_hash == payload_hash
    return known.state is IntentState.CONFLICT or (same and known.state in (IntentState.REJECTED, IntentState.HELD))


def stamp(clock: Clock) -> str:
    """The moment by that clock, and which start of the computer it counts from."""
    return f"{clock.monotonic():.3f}@{_this_boot()}"


def least_seconds_since(stamped: str, clock: Clock) -> float | None:
    """How many seconds passed at least since a stamp: since the computer's start, where that came later.

    None where there is no stamp, as in the rows of an older version.
    """
    seconds, at, boot = stamped.partition("@")
    try:
        then, now = float(seconds), clock.monotonic()
    except ValueError:
        return None
    if not at:
        return None
    return now - then if boot == _this_boot() and then <= now else now


@cache
def _this_boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
