"""invoices push: every approved invoice that is not yet in the ledger gets there, once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import cast

from bexsync.engine.apply import AppliedRecord
from bexsync.engine.result import Outcome, Result, Status
from bexsync.errors import RecordProblem
from bexsync.jobs.credit_notes import remember_credit
from bexsync.jobs.invoice_choice import ChosenInvoice, PushOptions, choose, invoice_called, reopen_cancelled
from bexsync.jobs.invoice_gathering import (
    booked_on,
    documents_of,
    invoice_planner,
    linked,
    refresh_links,
    start_date,
)
from bexsync.jobs.lifecycle import Job, run_job
from bexsync.jobs.run import Run, judged
from bexsync.jobs.workspace import Workspace
from bexsync.money import written
from bexsync.planning.invoice_link import KIND, reason_to_leave_alone, reference
from bexsync.planning.invoice_writing import PlannedInvoice
from bexsync.planning.invoices import InvoicePlanner, NoAction
from bexsync.planning.lookups import unknown_units
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
from bexsync.records import Customer, Invoice

PUSH = "invoices push"


def push(workspace: Workspace, options: PushOptions) -> Result:
    """Run the job once."""
    return run_job(workspace, PUSH, lambda run: InvoicesPush(run, options), dry=options.dry_run)


class InvoicesPush(Job):
    """Books, changes, issues, mails and takes back what the shop says of its invoices."""

    takes_in = True

    def __init__(self, run: Run, options: PushOptions) -> None:
        self._run = run
        self._options = options
        self._chosen: list[ChosenInvoice] = []
        self._found: dict[str, list[DocumentState]] = {}
        self._references = References()
        self._twins = Twins()
        self._planned: dict[str, PlannedInvoice] = {}
        self._attachments: dict[str, str] = {}

    def gather(self) -> None:
        """The invoices to look at, and which documents in the ledger carry their references."""
        run = self._run
        self._references = References.among(cast(Invoice, row.record()) for row in run.store.records.referring(KIND))
        reopen_cancelled(run)
        self._start = start_date(run)
        self._chosen = choose(run, self._options, self._start)
        # Only what may be booked has to be asked for; the ledger has nothing of the rest.
        wanted = [one for one in self._chosen if self._may_be_new(one)]
        if wanted:
            self._found = documents_of(run, [one.shop_id for one in wanted])
            self._twins = booked_on(run, {one.day for one in wanted})

    def _may_be_new(self, one: ChosenInvoice) -> bool:
        return one.may_be_booked and one.day >= self._start and not self._is_linked(one)

    def _is_linked(self, one: ChosenInvoice) -> bool:
        return self._run.store.links.get(KIND, one.shop_id) is not None

    def plan(self) -> Plan:
        """Decide on one invoice after the other; the contacts may not change between their reading and the plan."""
        if not self._chosen:
            return Plan()
        run = self._run
        with self._while_contacts_rest():
            if any(self._may_be_new(one) or self._is_linked(one) for one in self._chosen):
                run.ledger.refresh_contacts()
            refresh_links(run, self._chosen)
            own = run.workspace.profile.ledger.currency
            planner = invoice_planner(run, self._start, foreign=any(one.currency != own for one in self._chosen))
            steps: list[Step] = []
            for number, one in enumerate(self._chosen, 1):
                if self._options.limit is not None and len(self._planned) >= self._options.limit:
                    break
                run.workspace.progress("planning", number, len(self._chosen))
                steps += self._steps_of(planner, one.shop_id)
        self._mention_attachments()
        return Plan(tuple(steps))

    def _while_contacts_rest(self) -> AbstractContextManager[None]:
        """A contact that another site creates between our reading and our planning would seem lost, and come twice."""
        return nullcontext() if self._run.dry else self._run.workspace.locks.company()

    # decide

    def _steps_of(self, planner: InvoicePlanner, shop_id: str) -> tuple[Step, ...]:
        run, row = self._run, self._run.store.records.get(KIND, shop_id)
        link = run.store.links.get(KIND, shop_id)
        if row is None:
            return ()
        unknown = run.unknown_outcome(KIND, shop_id) if link else ""
        if unknown:
            run.note(Outcome(KIND, "push", shop_id, Status.IN_DOUBT, reason=unknown, code="in_doubt"))
            return ()
        found = self._found.get(reference(run.store.site, shop_id), [])
        where = f" ({row.source}{f', {row.location}' if row.location else ''})" if row.source else ""
        decision = judged(run, f"Invoice {shop_id}{where}", partial(self._decide, planner, row, link, found))
        if isinstance(decision, RecordProblem):
            if decision.code == WORKLIST:
                remember_credit(run.store, cast(Invoice, row.record()), run.workspace.clock.now())
            run.note_problem(Subject(KIND, shop_id), "push", decision, link.number if link else "")
            self._settle(row, RecordState.OPEN, decision.message)
            return ()
        if isinstance(decision, NoAction):
            self._note_no_action(row, decision, link)
            return ()
        invoice = cast(Invoice, row.record())
        for unit in unknown_units(planner.writer.documents.master, invoice.lines):
            run.mention(f"unit:{unit}", f'{run.ledger_name} has no unit "{unit}": it stands in the text of the lines.')
        if invoice.attachments and link is None and not found:
            self._attachments[shop_id] = ", ".join(
                file.filename or file.path or "unnamed" for file in invoice.attachments
            )
        self._planned[shop_id] = decision
        return run.steps(decision.wanted)

    def _decide(
        self, planner: InvoicePlanner, row: RecordRow, link: Link | None, found: list[DocumentState]
    ) -> PlannedInvoice | NoAction:
        """The planner's decision, unless another document of the shop cancels this one, or it cancels another."""
        invoice = cast(Invoice, row.record())
        known = linked(link) if link else None
        if is_cancellation(invoice) and link is None and not found:
            return self._cancellation(planner, invoice)
        cancellation = self._references.cancellation_of(invoice, planner.ledger)
        if cancellation is not None:
            if link is None and not found:
                return NoAction(cancelled_before_booking(cancellation), ignored=True)
            cancelled = invoice.model_copy(update={"status": "cancelled"})
            return planner.plan(cancelled, self._customer(invoice), known, found)
        is_new = link is None and not found and planner.would_book(invoice)
        if is_new:
            self._twins.refuse(invoice)
        decision = planner.plan(invoice, self._customer(invoice), known, found)
        if is_new and isinstance(decision, PlannedInvoice):
            self._twins.add(invoice)
        said = self._references.note_on(invoice)
        if isinstance(decision, PlannedInvoice) and said:
            return replace(decision, note="; ".join(part for part in (decision.note, said) if part))
        return decision

    def _cancellation(self, planner: InvoicePlanner, invoice: Invoice) -> NoAction:
        if invoice.status == "draft" or invoice.invoice_date < planner.start_date:
            reason = reason_to_leave_alone(invoice, planner.start_date, planner.skip, planner.ledger)
            return NoAction(reason, ignored=True)
        name = require_reference(invoice)
        original = invoice_called(self._run, name)
        if original is not None and original.shop_id == invoice.shop_id:
            original = None
        require_whole(invoice, cast(Invoice, original.record()) if original else None, planner.ledger)
        return NoAction(f"it cancels invoice {name}")

    def _customer(self, invoice: Invoice) -> Customer | None:
        if invoice.customer is not None or invoice.customer_id is None:
            return invoice.customer
        row = self._run.store.records.get("customer", invoice.customer_id)
        return cast(Customer, row.record()) if row else None

    def _note_no_action(self, row: RecordRow, decision: NoAction, link: Link | None) -> None:
        state = RecordState.IGNORED if decision.ignored else RecordState.DONE
        status = Status.IGNORED if decision.ignored else Status.UNCHANGED
        self._settle(row, state, decision.reason)
        self._run.note(
            Outcome(
                KIND, "push", row.shop_id, status, link.ledger_id if link else None,
                link.number if link else "", link.url if link else "", decision.reason,
            )
        )  # fmt: skip

    def _settle(self, row: RecordRow, state: RecordState, reason: str) -> None:
        self._run.store.records.settle(KIND, row.shop_id, state, reason, self._run.workspace.clock.now())

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

    # check and apply

    def rehearse(self, plan: Plan) -> None:
        """List what would be done to each invoice, and what all of it comes to."""
        if not self._chosen:
            return
        run, cost = self._run, plan.cost()
        for subject, steps in plan.by_subject():
            titles = ", ".join(step.title for step in steps if step.title)
            run.outcomes[subject] = Outcome(KIND, _action(steps), subject.shop_id, Status.PLANNED, reason=titles)
            self._count_money(steps)
        run.result.data["plan"] = {
            "digest": plan.digest(),
            "documents": cost.documents,
            "mails": cost.mails,
            "cancels": cost.cancels,
            "requests": cost.requests,
            "money": {currency: written(amount) for currency, amount in cost.money.items()},
        }

    def check(self, plan: Plan) -> None:
        """Raise PlanTooBig where the plan is over the limits of the profile."""
        limits = self._run.workspace.profile.limits
        plan.check(
            documents=limits.documents,
            mails=limits.mails,
            cancels=limits.cancels,
            confirmed=self._options.confirm,
            rehearsed=self._run.dry,
        )

    def apply(self, plan: Plan) -> None:
        """Send the steps, and settle each record by what came of them."""
        run = self._run
        records = len({step.subject for step in plan.steps})
        for number, applied in enumerate(run.applier.apply(plan), 1):
            run.workspace.progress("pushing", number, records)
            self._settle_applied(applied)

    def report(self) -> None:
        """Tell the shop what became of its invoices."""
        self._run.deliver_reports(KIND)

    def _settle_applied(self, applied: AppliedRecord) -> None:
        run, subject = self._run, applied.subject
        outcome = run.outcome_of(applied, _action(one.step for one in applied.steps))
        planned = self._planned.pop(subject.shop_id)
        state, reason = RecordState.DONE, ""
        if outcome.status is not Status.DONE:
            state, reason = RecordState.OPEN, outcome.reason
            run.note(outcome)
        elif planned.problem is not None:
            state, reason = RecordState.OPEN, planned.problem.message
            run.note_problem(subject, outcome.action, planned.problem, outcome.number)
        else:
            said = (planned.note, self._rounding(subject.shop_id))
            run.note(replace(outcome, reason="; ".join(part for part in said if part)))
            self._count_money(one.step for one in applied.steps)
            for ledger_id, digest in planned.reported.items():
                run.store.contacts.report(ledger_id, digest)
        run.store.records.settle(KIND, subject.shop_id, state, reason, run.workspace.clock.now())

    def _rounding(self, shop_id: str) -> str:
        """Where the total in the ledger is another one by rounding, a person sees both amounts."""
        row, link = self._run.store.records.get(KIND, shop_id), self._run.store.links.get(KIND, shop_id)
        stated = cast(Invoice, row.record()).total if row else None
        booked = Decimal(link.state.get("total", "0")) if link else None
        if stated is None or booked is None or stated == booked:
            return ""
        ledger, gap = self._run.ledger_name, written(booked - stated)
        return f"{written(stated)} in the shop, {written(booked)} in {ledger}, {gap} by rounding"

    def _count_money(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.money is not None:
                self._run.result.add_money(step.currency, "invoiced", step.money)


def _action(steps: Iterable[Step]) -> str:
    """The last thing done to the document names what was done to the record."""
    actions = [step.effect.action for step in steps if step.effect.action]
    taken_back = next((action for action in actions if action in ("cancel", "delete")), "")
    if taken_back:
        return taken_back
    finished = next((action for action in reversed(actions) if action in ("issue", "send")), "")
    booked = next((action for action in actions if action not in ("issue", "send")), "")
    return " and ".join(part for part in (booked, finished) if part) or "push"
