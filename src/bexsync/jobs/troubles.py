"""What keeps single products from being synchronised: said, left in peace once acknowledged, and over when it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bexsync.engine.result import Outcome, Status
from bexsync.errors import RecordProblem
from bexsync.jobs.run import Run
from bexsync.planning.products import KIND
from bexsync.ports.shop import InvalidInput
from bexsync.ports.steps import Subject

VANISHED = "vanished"


class ErrorTracker:
    """The errors of one job; products are not kept in the state, so that each run judges all of them anew."""

    def __init__(self, run: Run, action: str, *, rests: bool = True) -> None:
        self._run = run
        self._action = action
        self._rests = rests
        self._before = {(row.kind, row.shop_id): row for row in run.store.errors.open() if row.job == run.job}
        self._now: set[tuple[str, str]] = set()

    @property
    def known_to_be_gone(self) -> list[str]:
        """The products of which a person was told already that they or their items are gone."""
        return [row.shop_id for row in self._before.values() if row.cause.endswith(f":{VANISHED}")]

    def note(self, shop_id: str, problem: RecordProblem, *, kind: str = KIND, status: Status = Status.BLOCKED) -> None:
        """Says it; what vanished is said once, and what a person has acknowledged is left in peace."""
        link = self._run.store.links.get(KIND, shop_id)
        outcome = Outcome(
            kind, self._action, shop_id, status, link.ledger_id if link else None, link.number if link else "",
            link.url if link else "", problem.message, problem.hint, problem.code, subject=problem.subject,
        )  # fmt: skip
        self.say(outcome)

    def say(self, outcome: Outcome) -> None:
        """As `note`, of an outcome that is there already."""
        self._now.add((outcome.kind, outcome.shop_id))
        if self._may_rest(outcome):
            # Said by an earlier pass of this very run, it stays said.
            subject = Subject(outcome.kind, outcome.shop_id)
            self._run.outcomes.setdefault(subject, replace(outcome, status=Status.IGNORED))
        else:
            self._run.note(outcome)

    def is_well(self, outcome: Outcome) -> None:
        """Nothing is wrong with it; that is only written down where something was."""
        if (outcome.kind, outcome.shop_id) in self._before:
            self._run.note(outcome)
        else:
            self._run.outcomes[Subject(outcome.kind, outcome.shop_id)] = outcome

    def _may_rest(self, outcome: Outcome) -> bool:
        known = self._before.get((outcome.kind, outcome.shop_id))
        if known is None or not self._rests or known.cause != f"{outcome.code}:{outcome.subject or outcome.shop_id}":
            return False
        return known.acknowledged_at is not None or outcome.subject == VANISHED

    def note_unreadable(self, unreadable: Sequence[InvalidInput]) -> None:
        """What of the shop's list is no product."""
        for found in unreadable:
            where = f"{found.source}, {found.location}" if found.location else found.source
            message = f"{where}: {found.message}"
            sentence = message if message.endswith((".", "?", "!")) else f"{message}."
            problem = RecordProblem(sentence, found.hint, code="unreadable", subject=where)
            self.note(found.shop_id or where, problem, kind=found.kind or KIND, status=Status.FAILED)

    def resolve_the_others(self) -> None:
        """Every product was looked at: an error that did not come again is over."""
        now = self._run.workspace.clock.now()
        for kind, shop_id in self._before.keys() - self._now:
            self._run.store.errors.resolve(self._run.job, kind, shop_id, now)
