"""payments poll: what has become of linked invoices in the ledger, told to the shop once each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bexsync.engine.journal import observed
from bexsync.engine.result import Outcome, Result, Status
from bexsync.jobs.run import Run, run_job
from bexsync.jobs.workspace import Workspace
from bexsync.planning.invoices import KIND, reference
from bexsync.planning.reports import reports
from bexsync.ports import DocumentState, Standing
from bexsync.store import Link
from bexsync.store.moments import moment, stored

POLL = "payments poll"
_WATERMARK = "payments:changed_until"
_DAILY = timedelta(hours=20)
_LOOK_BACK = timedelta(days=90)


def poll(workspace: Workspace, *, full: bool = False) -> Result:
    """Runs the job once; `full` makes the daily look at everything that changed due now."""
    return run_job(workspace, POLL, lambda run: _Poll(run, full).work())


class _Poll:
    def __init__(self, run: Run, full: bool) -> None:
        self._run = run
        self._full = full
        self._now = run.workspace.clock.now()

    def work(self) -> None:
        try:
            watermark = self._watermark()
            open_links = self._run.store.links.open(KIND)
            self._compare(open_links)
            if self._full or watermark is None or self._now - watermark > _DAILY:
                self._look_at_everything_changed(watermark, {link.ledger_id for link in open_links})
        finally:
            self._run.deliver_reports(KIND)

    def _watermark(self) -> datetime | None:
        known = self._run.store.cursors.get(_WATERMARK)
        return moment(known) if known else None

    def _compare(self, links: list[Link]) -> None:
        """Asks for these documents by id and keeps what moved."""
        if not links:
            return
        states = self._run.ledger.documents([link.ledger_id for link in links])
        unmoved = []
        for number, link in enumerate(links, 1):
            self._run.workspace.progress("comparing", number, len(links))
            if not self._keep(link, states.get(link.ledger_id)):
                unmoved.append(link.shop_id)
        self._run.store.links.touch(KIND, unmoved, self._now)

    def _keep(self, link: Link, state: DocumentState | None) -> bool:
        """Writes down what the ledger says of a link; whether that is news."""
        seen = self._seen(link, state)
        if seen.state == link.state:
            return False
        self._run.store.links.save(seen, self._run.workspace.clock.now())
        for report in reports(link.state, seen.state):
            self._note(seen, report.name, report.message)
        return True

    def _seen(self, link: Link, state: DocumentState | None) -> Link:
        if state is None:
            gone = {**link.state, "standing": Standing.DELETED.value}
            return replace(link, state=gone, is_open=False)
        seen = observed(link, state)
        if seen.state["received"] != link.state.get("received"):
            days = [payment.day for payment in self._run.ledger.payments(link.ledger_id)]
            seen = replace(seen, state={**seen.state, "paid_date": max(days, default="")})
        return seen

    def _note(self, link: Link, name: str, message: str) -> None:
        received = link.state.get("received", "")
        reason = message or (f"{received} received" if name in ("paid", "partly_paid", "reopened") else "")
        self._run.note(Outcome(KIND, name, link.shop_id, Status.DONE, link.ledger_id, link.number, link.url, reason))

    def _look_at_everything_changed(self, watermark: datetime | None, seen_already: set[int]) -> None:
        """Once a day: all that changed since the last look, and what was paid in the last 90 days."""
        for state in self._run.ledger.documents_changed_since(watermark):
            if state.ledger_id not in seen_already:
                self._meet(state)
                seen_already.add(state.ledger_id)
        self._compare([link for link in self._recently_paid() if link.ledger_id not in seen_already])
        self._run.store.cursors.move(_WATERMARK, stored(self._now))

    def _meet(self, state: DocumentState) -> None:
        link = self._run.store.links.of_ledger(KIND, state.ledger_id)
        if link is not None:
            self._keep(link, state)
            return
        shop_id = _shop_id(state.reference, self._run.store.site)
        if shop_id and self._run.store.links.get(KIND, shop_id) is None:
            self._relink(shop_id, state)

    def _relink(self, shop_id: str, state: DocumentState) -> None:
        """An invoice of ours that the state does not know: it was restored from a copy, or lost."""
        link = Link(KIND, shop_id, KIND, state.ledger_id, state.number, state.url, adopted=True)
        self._keep(link, state)
        self._note(self._run.store.links.get(KIND, shop_id) or link, "linked", "found in bexio, linked again")

    def _recently_paid(self) -> Iterable[Link]:
        since = (self._now - _LOOK_BACK).date().isoformat()
        for link in self._run.store.links.all(KIND):
            if link.state.get("standing") == Standing.PAID and link.state.get("paid_date", "9999") >= since:
                yield link


def _shop_id(text: str, site: str) -> str:
    prefix = reference(site, "")
    return text.removeprefix(prefix) if text.startswith(prefix) else ""
