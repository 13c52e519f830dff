"""payments poll: what has become of linked invoices in the ledger, told to the shop once each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from bexsync.engine.answers import observed
from bexsync.engine.result import Outcome, Result, Status
from bexsync.errors import RecordProblem, StoppedBySignal
from bexsync.ids import LedgerId
from bexsync.jobs.credit_notes import close_written_credits, originals_of_open_credits
from bexsync.jobs.invoice_choice import PUSH
from bexsync.jobs.lifecycle import Job, run_job
from bexsync.jobs.order_choice import SYNC
from bexsync.jobs.order_events import tell_of_orders
from bexsync.jobs.refunds import close_credited_refunds, links_with_open_refunds
from bexsync.jobs.reporting import worked_on
from bexsync.jobs.run import Run, refuse_mass_deletion
from bexsync.jobs.settlement import counts_as_paid
from bexsync.jobs.workspace import Workspace
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND, reference
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.planning.order_link import KIND as ORDER
from bexsync.planning.order_link import reference as order_reference
from bexsync.planning.plan import Plan
from bexsync.planning.reports import reports
from bexsync.ports.documents import DocumentState, DocumentStatus, Payment
from bexsync.ports.steps import Subject
from bexsync.ports.store import DocumentEvent, IntentState, Link
from bexsync.store.values import moment, stored

POLL = "payments poll"
_WATERMARK = "payments:changed_until"
_DAILY = timedelta(hours=20)
_LOOK_BACK = timedelta(days=90)
_AT_ONCE = 500
_UNDER_WAY = (IntentState.SENDING, IntentState.IN_DOUBT)
# The links of invoices, those of the shop and those of its orders, with how their references are written.
_KINDS: Mapping[str, Callable[[str, str], str]] = {KIND: reference, INVOICE_KIND: order_reference}
_SUBJECTS = {KIND: KIND, INVOICE_KIND: ORDER}
_ABOUT_MONEY = ("paid", "partly_paid", "reopened")
_Name = tuple[str, str]
T = TypeVar("T")


def poll(workspace: Workspace, *, full: bool = False, confirm: int | None = None) -> Result:
    """Runs the job once; `full` makes the daily look due now, `confirm` believes that up to so many are gone."""
    return run_job(workspace, POLL, lambda run: PaymentsPoll(run, full, confirm))


class PaymentsPoll(Job):
    """Compares linked invoices with the ledger; it writes nothing there, so its plan is empty."""

    def __init__(self, run: Run, full: bool, confirm: int | None) -> None:
        self._run = run
        self._full = full
        self._confirm = confirm
        self._now = run.workspace.clock.now()
        self._since: datetime | None = None
        # Kind and shop id of each link that was looked at; the links themselves are read in batches.
        self._links: list[_Name] = []

    def gather(self) -> None:
        """The links that the ledger may still move, and those for which credit notes wait."""
        self._since = self._watermark()
        store = self._run.store
        open_links = [(kind, shop_id) for kind in _KINDS for shop_id in store.links.open_ids(kind)]
        credited = [*originals_of_open_credits(store), *links_with_open_refunds(store)]
        self._links = list(dict.fromkeys([*open_links, *((link.kind, link.shop_id) for link in credited)]))

    def plan(self) -> Plan:
        """Nothing is written to the ledger."""
        return Plan()

    def apply(self, plan: Plan) -> None:
        """Ask for these documents, once a day for all that changed, and keep what moved."""
        del plan
        self._compare(self._links)
        if self._full or self._since is None or self._now - self._since > _DAILY:
            self._look_at_everything_changed(self._since)
        close_written_credits(self._run)
        close_credited_refunds(self._run)

    def report(self) -> None:
        """Tell the shop what moved; a push or a sync that goes on tells it of the records it has not ended."""
        run = self._run
        run.deliver_reports(KIND, worked_on(run.store, PUSH, KIND, KIND))
        tell_of_orders(run, orders_as_well=False, without=worked_on(run.store, SYNC, ORDER, INVOICE_KIND))

    def _watermark(self) -> datetime | None:
        """Until when all is known; a moment in the future comes from a clock that was wrong, and does not count."""
        known = self._run.store.cursors.get(_WATERMARK)
        until = moment(known) if known else None
        return until if until is not None and until <= self._now else None

    def _compare(self, names: Sequence[_Name]) -> None:
        """Asks for the documents of these links, as many as fit a request, and keeps what moved."""
        run, done = self._run, 0
        for batch in _batches(names):
            if run.workspace.stopping():
                raise StoppedBySignal
            run.workspace.progress("comparing", done, len(names))
            links = [link for kind in _KINDS for link in run.store.links.some(kind, _of_kind(kind, batch))]
            states = run.ledger.documents([link.ledger_id for link in links])
            self._refuse_mass_deletion(links, states)
            found = [(link, self._state(link, states)) for link in links]
            unmoved = [(link.kind, link.shop_id) for link, seen in self._all_seen(found) if not self._keep(link, seen)]
            for kind in _KINDS:
                run.store.links.touch(kind, _of_kind(kind, unmoved), self._now)
            done += len(batch)
            run.workspace.progress("comparing", done, len(names))

    def _refuse_mass_deletion(self, links: Sequence[Link], states: dict[LedgerId, DocumentState]) -> None:
        """Raise ConfigurationProblem where hardly any document of these links is shown."""
        missing = sum(link.ledger_id not in states for link in links)
        refuse_mass_deletion(
            missing,
            len(links),
            self._run.ledger_name,
            confirmed=self._confirm or 0,
            things="open invoices",
            consequence="nothing was told to the shop",
            hint="Is it the right company, and may the token's user still see invoices? "
            f"If they were really deleted: bexsync payments poll --confirm {missing}",
        )

    def _state(self, link: Link, states: dict[LedgerId, DocumentState]) -> DocumentState | None:
        """A document that a search does not show is deleted only when asking for it alone says so too."""
        return states.get(link.ledger_id) or self._run.ledger.document(link.ledger_id)

    def _keep(self, link: Link, seen: Link) -> bool:
        """Writes down a link as the ledger shows it; whether that is news."""
        if seen.state == link.state and seen.notes == link.notes:
            return False
        store = self._run.store
        with store.transaction():
            fresh = store.links.get(link.kind, link.shop_id)
            if fresh is None or fresh.state != link.state:
                return False  # a push has moved it since we asked, so that our answer may be older
            shown = {name: value for name, value in seen.notes.items() if link.notes.get(name) != value}
            notes = {**fresh.notes, **shown}  # other jobs keep notes of their own there
            store.links.save(
                replace(fresh, number=seen.number, url=seen.url, state=seen.state, notes=notes, is_open=seen.is_open),
                self._run.workspace.clock.now(),
            )
        self._note_news(link, seen)
        self._run.tell_now_and_then(self.report)
        return True

    def _all_seen(self, found: Sequence[tuple[Link, DocumentState | None]]) -> list[tuple[Link, Link]]:
        """Each link as it is and as the ledger shows it; payments are asked for where money moved."""
        seen = [(link, self._seen(link, state), state) for link, state in found]
        moved = [state for link, now, state in seen if state is not None and _money_moved(link, now, state)]
        payments = self._run.ledger.payments_of([state.ledger_id for state in moved if state.received])
        days = {state.ledger_id: _last_day(payments.get(state.ledger_id, ())) for state in moved}
        return [(link, _paid_on(now, days[now.ledger_id]) if now.ledger_id in days else now) for link, now, _ in seen]

    def _seen(self, link: Link, state: DocumentState | None) -> Link:
        if state is None:
            gone = {**link.state, "standing": DocumentStatus.DELETED.value}
            return replace(link, state=gone, is_open=False)
        return observed(link, state, is_settled=counts_as_paid(self._run, state))

    def _note_news(self, link: Link, seen: Link) -> None:
        """One line a document, however much has happened to it."""
        news = reports(link.state, seen.state)
        if not news:
            return
        received = f"{format_amount(Decimal(seen.state.get('received', '0')))} received"
        said = [report.message or (received if report.name in _ABOUT_MONEY else "") for report in news]
        self._note(seen, news[-1].name, "; ".join(sentence for sentence in said if sentence))

    def _note(self, link: Link, name: str, reason: str) -> None:
        kind = _SUBJECTS[link.kind]
        self._run.note(Outcome(kind, name, link.shop_id, Status.DONE, link.ledger_id, link.number, link.url, reason))

    def _look_at_everything_changed(self, watermark: datetime | None) -> None:
        """Once a day: all that changed since the last look, and what was paid in the last 90 days."""
        looked_at, paid = set(self._links), dict.fromkeys(self._recently_paid())
        for documents in _batches(self._run.ledger.documents_changed_since(watermark)):
            links = self._links_of(documents)
            known = [(links[one.ledger_id], one) for one in documents if one.ledger_id in links]
            new = [(link, state) for link, state in known if (link.kind, link.shop_id) not in looked_at]
            for link, seen in self._all_seen(new):
                self._keep(link, seen)
            for state in documents:
                if state.ledger_id not in links:
                    self._meet(state)
            for link in links.values():
                paid.pop((link.kind, link.shop_id), None)
        self._compare([name for name in paid if name not in looked_at])
        self._run.store.cursors.move(_WATERMARK, stored(self._now))

    def _links_of(self, documents: Iterable[DocumentState]) -> dict[LedgerId, Link]:
        links, ids = self._run.store.links, [state.ledger_id for state in documents]
        return {ledger_id: link for kind in _KINDS for ledger_id, link in links.of_documents(kind, KIND, ids).items()}

    def _meet(self, state: DocumentState) -> None:
        """Link a document that carries a reference of this site and that no link knows."""
        for kind, refer in _KINDS.items():
            prefix = refer(self._run.store.site, "")
            if state.reference.startswith(prefix):
                self._relink(kind, state.reference.removeprefix(prefix), state)

    def _relink(self, kind: str, shop_id: str, state: DocumentState) -> None:
        """An invoice of ours that the state does not know: it was restored from a copy, or lost.

        A cancelled document that was forgotten on purpose is left alone, since the next push is to book it again.
        """
        store, kept = self._run.store, self._run.workspace.kept
        forgotten = kept.documents(DocumentEvent.FORGOTTEN, state.reference)
        if state.standing is DocumentStatus.CANCELLED and state.ledger_id in forgotten:
            return
        with store.transaction():
            under_way = any(one.state in _UNDER_WAY for one in store.intents.of_subject(_SUBJECTS[kind], shop_id))
            known = store.links.get(kind, shop_id)
            if known is not None and known.ledger_id != state.ledger_id:
                self._note_twin(known, state)
            owner = store.links.owner_of(KIND, state.ledger_id)  # of another site, where a person linked it there
            if under_way or known is not None or owner is not None:
                return
            link = Link(kind, shop_id, KIND, state.ledger_id, state.number, state.url, adopted=True)
            store.links.save(link, self._run.workspace.clock.now())
        for _, seen in self._all_seen([(link, state)]):
            self._keep(link, seen)
        self._note(replace(link, number=state.number), "linked", f"found in {self._run.ledger_name}, linked again")

    def _note_twin(self, known: Link, twin: DocumentState) -> None:
        """A second document with our reference: a copy by hand, or a request that took effect after the last retry."""
        if twin.standing is DocumentStatus.CANCELLED or known.state.get("standing") in (
            DocumentStatus.CANCELLED,
            DocumentStatus.DELETED,
        ):
            return
        problem = RecordProblem(
            f"{self._run.ledger_name} has it twice: {known.number} and {twin.number}.",
            f"Delete or cancel one of them in {self._run.ledger_name}: {known.url} or {twin.url}",
            code="twice_in_ledger",
            subject=f"twin:{twin.ledger_id}",
        )
        self._run.note_problem(Subject(_SUBJECTS[known.kind], known.shop_id), "compare", problem, known.number)

    def _recently_paid(self) -> Iterator[_Name]:
        since = (self._now - _LOOK_BACK).date()
        return ((kind, shop_id) for kind in _KINDS for shop_id in self._run.store.links.paid_since(kind, since))


def _money_moved(link: Link, seen: Link, state: DocumentState) -> bool:
    """Whether the last day of its payments has to be asked for, or is none any more."""
    moved = seen.state["received"] != link.state.get("received", "0")
    return moved or (bool(state.received) and not link.state.get("paid_date"))


def _paid_on(link: Link, day: str) -> Link:
    return replace(link, state={**link.state, "paid_date": day})


def _last_day(payments: Sequence[Payment]) -> str:
    return max((payment.day for payment in payments), default="")


def _of_kind(kind: str, names: Iterable[_Name]) -> list[str]:
    return [shop_id for one, shop_id in names if one == kind]


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
