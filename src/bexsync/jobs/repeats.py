"""What was said before where nobody sits at a terminal, so that it is said again only once a day."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bexsync.engine.result import Result
from bexsync.errors import BexsyncError
from bexsync.jobs.workspace import Workspace

# Shorter than a day, so that a job that runs at the same time each day says it each day.
_A_DAY = timedelta(hours=23)
# A clock that is corrected steps back a little; a moment further ahead comes from one that was wrong.
_STEP_BACK = timedelta(minutes=10)


class Repeats:
    """What one job said unattended within a day, by the state."""

    def __init__(self, workspace: Workspace, job: str) -> None:
        self._store = workspace.store
        self._job = job
        self._now = workspace.clock.now()

    def without_repeats(self, result: Result) -> Result:
        """Return the result without the troubles and mentions that were said within a day."""
        since, until = self._now - _A_DAY, self._now + _STEP_BACK
        try:
            troubles = self._store.errors.said_between(self._job, since, until)
            mentions = self._store.mentions.said_between(self._job, since, until)
        except BexsyncError:  # a state that cannot be read is what the run ended with
            return result
        return replace(
            result,
            outcomes=[o for o in result.outcomes if o.passing or (o.kind, o.shop_id) not in troubles],
            mentions={key: sentence for key, sentence in result.mentions.items() if key not in mentions},
        )

    def remember(self, said: Result, result: Result, *, with_troubles: bool) -> None:
        """Store what was said now, and forget the mentions that the whole result no longer holds."""
        troubles = [(o.kind, o.shop_id) for o in said.outcomes if o.needs_a_word]
        with suppress(BexsyncError):  # said once more is better than not at all
            if troubles and with_troubles:
                self._store.errors.mark_said(self._job, troubles, self._now)
            self._store.mentions.keep_only(self._job, result.mentions)
            if said.mentions:
                self._store.mentions.mark_said(self._job, said.mentions, self._now)
