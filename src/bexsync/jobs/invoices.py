"""invoices push: every approved invoice that is not yet in the ledger gets there, once."""

from __future__ import annotations

from collections.abc import Collection, Sized
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, cast

from bexsync.engine.result import Result
from bexsync.errors import RecordProblem
from bexsync.jobs.booking import BookingJob
from bexsync.jobs.invoice_choice import PUSH, ChosenInvoice, PushOptions, choose, invoice_called, reopen_cancelled
from bexsync.jobs.lifecycle import run_job
from bexsync.jobs.run import Run, judged
from bexsync.jobs.settlement import settle_before_telling
from bexsync.jobs.start_dates import start_date
from bexsync.jobs.workspace import Workspace
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND, reason_to_leave_alone, reference
from bexsync.planning.matching import Twins
from bexsync.planning.plan import Plan
from bexsync.planning.reversals import (
    References,
    cancelled_before_booking,
    is_cancellation,
    require_reference,
    require_whole,
)
from bexsync.ports.documents import DocumentState
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import WORKLIST, Link, RecordRow, RecordState

# What asks the ledger and decides is imported where there is an invoice to look at: most pushes find none.
if TYPE_CHECKING:
    from bexsync.planning.invoice_writing import PlannedInvoice
    from bexsync.planning.invoices import InvoicePlanner, NoAction
    from bexsync.records import Customer, Invoice


def push(workspace: Workspace, options: PushOptions) -> Result:
    """Run the job once."""
    return run_job(workspace, PUSH, lambda run: InvoicesPush(run, options), dry=options.dry_run)


class InvoicesPush(BookingJob):
    """Books, changes, issues, mails and takes back what the shop says of its invoices."""

    action = "push"
    doing = "pushing"

    def __init__(self, run: Run, options: PushOptions) -> None:
        super().__init__(run, options.confirm)
        self._options = options
        self._chosen: list[ChosenInvoice] = []
        self._found: dict[str, list[DocumentState]] = {}
        self._numbered: dict[str, list[DocumentState]] = {}
        self._twins = Twins()
        self._attachments: dict[str, str] = {}

    @property
    def _looked_at(self) -> Sized:
        return self._chosen

    def gather(self) -> None:
        """The invoices to look at, and which documents in the ledger carry their references."""
        run = self._run
        reopen_cancelled(run)
        self._start = start_date(run)
        self._chosen = choose(run, self._options, self._start)
        # Only what may be booked has to be asked for; the ledger has nothing of the rest.
        wanted = [one for one in self._chosen if self._may_be_new(one)]
        if wanted:
            from bexsync.jobs.invoice_gathering import booked_on, documents_numbered, documents_of

            self._found = documents_of(run, [one.shop_id for one in wanted])
            paid = {one.paid_as for one in wanted if one.paid_as and not self._found_by_reference(one.shop_id)}
            self._numbered = documents_numbered(run, paid)
            self._twins = booked_on(run, {one.day for one in wanted})

    def _may_be_new(self, one: ChosenInvoice) -> bool:
        return one.may_be_booked and one.day >= self._start and not self._is_linked(one)

    def _found_by_reference(self, shop_id: str) -> list[DocumentState]:
        return self._found.get(reference(self._run.store.site, shop_id), [])

    def _is_linked(self, one: ChosenInvoice) -> bool:
        return self._run.store.links.get(KIND, one.shop_id) is not None

    def plan(self) -> Plan:
        """Decide on one invoice after the other; the contacts may not change between their reading and the plan."""
        if not self._chosen:
            return Plan()
        from bexsync.jobs.invoice_gathering import invoice_planner, refresh_links

        run = self._run
        own = run.workspace.profile.ledger.currency
        foreign = any(one.currency != own for one in self._chosen)
        refresh_links(run, self._chosen)
        run.ledger.master(bank_accounts=foreign)  # read here, so that nobody waits for it at the company's lock
        with self._while_contacts_rest():
            if any(self._may_be_new(one) or self._is_linked(one) for one in self._chosen):
                run.ledger.refresh_contacts()
            planner = invoice_planner(run, self._start, foreign=foreign)
            steps: list[Step] = []
            for number, one in enumerate(self._chosen, 1):
                if self._options.limit is not None and len(self._planned) >= self._options.limit:
                    break
                run.workspace.progress("planning", number, len(self._chosen))
                steps += self._steps_of(planner, one.shop_id)
        self._mention_attachments()
        return Plan(tuple(steps))

    # decide

    def _steps_of(self, planner: InvoicePlanner, shop_id: str) -> tuple[Step, ...]:
        from bexsync.jobs.credit_notes import remember_credit
        from bexsync.planning.invoices import NoAction
        from bexsync.planning.lookups import unknown_units

        run, row = self._run, self._run.store.records.get(KIND, shop_id)
        link = run.store.links.get(KIND, shop_id)
        if row is None:
            return ()
        subject = Subject(KIND, shop_id)
        if self._note_unsettled(subject, link):
            return ()
        found = self._found_by_reference(shop_id)
        where = f" ({row.source}{f', {row.location}' if row.location else ''})" if row.source else ""
        decision = judged(run, f"Invoice {shop_id}{where}", partial(self._decide, planner, row, link, found))
        if isinstance(decision, RecordProblem):
            if decision.code == WORKLIST:
                remember_credit(run.store, cast("Invoice", row.record()), run.workspace.clock.now())
            run.note_problem(subject, self.action, decision, link.number if link else "")
            self._settle(subject, RecordState.OPEN, decision.message)
            return ()
        for key, sentence in decision.mentions.items():
            run.mention(key, sentence)
        if isinstance(decision, NoAction):
            self._note_nothing_done(subject, decision.reason, link, ignored=decision.ignored)
            return ()
        invoice = cast("Invoice", row.record())
        for unit in unknown_units(planner.writer.documents.master, invoice.lines):
            run.mention(f"unit:{unit}", f'{run.ledger_name} has no unit "{unit}": it stands in the text of the lines.')
        if invoice.attachments and link is None and not found:
            self._attachments[shop_id] = ", ".join(
                file.filename or file.path or "unnamed" for file in invoice.attachments
            )
        self._planned[subject] = decision
        return run.steps(decision.wanted)

    def _decide(
        self, planner: InvoicePlanner, row: RecordRow, link: Link | None, found: list[DocumentState]
    ) -> PlannedInvoice | NoAction:
        """The planner's decision, unless another document of the shop cancels this one, or it cancels another."""
        from bexsync.jobs.invoice_gathering import linked
        from bexsync.jobs.invoice_money import known_money
        from bexsync.planning.invoice_writing import PlannedInvoice
        from bexsync.planning.invoices import NoAction

        invoice = cast("Invoice", row.record())
        known = linked(link) if link else None
        if is_cancellation(invoice) and link is None and not found:
            return self._cancellation(planner, invoice)
        references = self._references_to(invoice)
        cancellation = references.cancellation_of(invoice, planner.ledger)
        if cancellation is not None:
            if link is None and not found:
                return NoAction(cancelled_before_booking(cancellation), ignored=True)
            cancelled = invoice.model_copy(update={"status": "cancelled"})
            return planner.plan(cancelled, self._customer(invoice), known, found)
        is_new = link is None and not found and planner.would_book(invoice)
        if is_new:
            self._twins.refuse(invoice)
        numbered = self._numbered.get(invoice.source_number or invoice.shop_id, []) if is_new else []
        money = known_money(self._run, invoice, link, found or numbered)
        decision = planner.plan(invoice, self._customer(invoice), known, found, money, numbered)
        if is_new and isinstance(decision, PlannedInvoice):
            self._twins.add(invoice)
        said = references.note_on(invoice)
        if isinstance(decision, PlannedInvoice) and said:
            return replace(decision, note="; ".join(part for part in (decision.note, said) if part))
        return decision

    def _references_to(self, invoice: Invoice) -> References:
        records, names = self._run.store.records, dict.fromkeys((invoice.shop_id, invoice.source_number))
        rows = (row for name in names if name for row in records.referring(KIND, name))
        return References.among(cast("Invoice", row.record()) for row in rows)

    def _cancellation(self, planner: InvoicePlanner, invoice: Invoice) -> NoAction:
        from bexsync.planning.invoices import NoAction

        if invoice.status == "draft" or invoice.invoice_date < planner.start_date:
            reason = reason_to_leave_alone(invoice, planner.start_date, planner.skip, planner.ledger)
            return NoAction(reason, ignored=True)
        name = require_reference(invoice)
        original = invoice_called(self._run, name)
        if original is not None and original.shop_id == invoice.shop_id:
            original = None
        require_whole(invoice, cast("Invoice", original.record()) if original else None, planner.ledger)
        return NoAction(f"it cancels invoice {name}")

    def _customer(self, invoice: Invoice) -> Customer | None:
        if invoice.customer is not None or invoice.customer_id is None:
            return invoice.customer
        row = self._run.store.records.get("customer", invoice.customer_id)
        return cast("Customer", row.record()) if row else None

    def _mention_attachments(self) -> None:
        """Files beside invoices stay with the shop, since the ledger takes none on invoices."""
        listed = [f"{shop_id} ({names})" for shop_id, names in self._attachments.items()]
        if listed:
            more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
            self._run.mention(
                f"attachments:{' '.join(self._attachments)}",
                f"{self._run.ledger_name} takes no attachments on invoices; "
                f"they stay with the shop: {', '.join(listed[:5])}{more}.",
            )

    def _tell(self, without: Collection[str] = ()) -> None:
        settle_before_telling(self._run, KIND, without)
        self._run.deliver_reports(KIND, without)

    def _said_of(self, subject: Subject) -> str:
        return self._rounding(subject.shop_id)

    def _rounding(self, shop_id: str) -> str:
        """Where the total in the ledger is another one by rounding, a person sees both amounts."""
        row, link = self._run.store.records.get(KIND, shop_id), self._run.store.links.get(KIND, shop_id)
        stated = cast("Invoice", row.record()).total if row else None
        booked = Decimal(link.state.get("total", "0")) if link else None
        if stated is None or booked is None or stated == booked:
            return ""
        ledger, gap = self._run.ledger_name, format_amount(booked - stated)
        return f"{format_amount(stated)} in the shop, {format_amount(booked)} in {ledger}, {gap} by rounding"
