"""From which day on documents are booked."""

from __future__ import annotations

from datetime import date

from bexsync.jobs.run import Run
from bexsync.store.kept import BEGAN

_FIRST_RUN = "invoices:first_run"


def start_date(run: Run) -> date:
    """An empty start date means the day of the first run, for ever; it is noted outside the state, too."""
    setting = run.workspace.profile.invoices.start_date
    return setting if setting is not None else first_day(run, _FIRST_RUN, BEGAN, run.workspace.clock.now().date())


def first_day(run: Run, name: str, what: str, today: date) -> date:
    """The day of the first run of a job, whose cursor is `name`; outside the state it is noted as `what`."""
    cursors, kept = run.store.cursors, run.workspace.kept
    known, outside = cursors.get(name), kept.began(what)
    days = [day for day in (date.fromisoformat(known) if known else None, outside) if day is not None]
    start = min(days, default=today)
    if known != start.isoformat():
        cursors.move(name, start.isoformat())
    if outside != start and not run.dry:
        kept.note_began(start, what)
    return start
