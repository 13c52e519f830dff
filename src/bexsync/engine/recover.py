"""Settles what earlier runs left in doubt: looks, and never sends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from bexsync.engine.journal import Journal
from bexsync.engine.sending import Performer
from bexsync.http.clock import Clock
from bexsync.ports.steps import Effect
from bexsync.ports.store import Intent, IntentState
from bexsync.store import Store

WORTH_WAITING = 60.0


@dataclass
class Recovery:
    """Looks for every effect in doubt; finding it settles it at once, finding nothing only when it is due."""

    store: Store
    journal: Journal
    clock: Clock
    side: Callable[[Effect], Performer]
    lock: Callable[[], AbstractContextManager[Any]]

    def settle(self) -> list[Intent]:
        """Settles what can be settled now, under the lock one by one; what stays in doubt."""
        return [left for intent in self.journal.in_doubt() if (left := self._settle_in_turn(intent)) is not None]

    def settle_patiently(self, concerns: Callable[[Intent], bool] = lambda _: True) -> list[Intent]:
        """As `settle`, waiting for doubts of concern that fall due within a minute; those that stay after that."""
        left = [intent for intent in self.settle() if concerns(intent)]
        waited = 0.0
        while due := [self.journal.seconds_until_due(one) for one in left]:
            wait = min(due)
            if waited + wait > WORTH_WAITING:
                break
            self.clock.sleep(wait + 0.05)
            waited += wait + 0.05
            left = [intent for intent in self.settle() if concerns(intent)]
        return left

    def _settle_in_turn(self, intent: Intent) -> Intent | None:
        with self.lock():
            current = self.store.intents.get(intent.scope, intent.kind, intent.key)
            if current == intent:
                return self._settle(intent)
        # Another run has looked at it while this one waited.
        return current if current is not None and current.state is IntentState.IN_DOUBT else None

    def _settle(self, intent: Intent) -> Intent | None:
        if intent.state is IntentState.SENDING:
            intent = self.journal.mark_unknown(intent)
        intent = self.journal.distrusted(intent)
        effect = self.journal.effect(intent)
        finding = self.side(effect).find(effect)
        if finding.done is not None:
            self.journal.done(intent, effect, finding.done)
            return None
        if finding.conflict:
            self.journal.conflict(intent, finding.conflict)
            return None
        if self.journal.seconds_until_due(intent) > 0:
            return intent
        self.journal.not_sent(intent)
        return None
