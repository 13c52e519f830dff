"""orders sync: every order of the shop gets what its status starts in the ledger, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence, Sized
from functools import partial
from typing import cast

from bexsync.config.profile import Profile
from bexsync.engine.result import Outcome, Result, Status, StepOutcome
from bexsync.engine.sending import AppliedRecord
from bexsync.errors import RecordProblem
from bexsync.jobs.booking import BookingJob, PlannedRecord
from bexsync.jobs.customers import CustomersAlone, link_customer
from bexsync.jobs.lifecycle import run_job
from bexsync.jobs.order_choice import SYNC, ChosenOrder, SyncOptions, choose, is_too_old
from bexsync.jobs.order_events import look_at_orders, tell_of_orders
from bexsync.jobs.order_gathering import OrderBooks, customer_of, order_planner, start_date
from bexsync.jobs.order_notes import note_handled, order_links
from bexsync.jobs.refunds import note_refunds
from bexsync.jobs.run import Run, judged
from bexsync.jobs.workspace import Workspace
from bexsync.planning.lookups import unknown_units
from bexsync.planning.order_link import INVOICE_KIND, KIND
from bexsync.planning.order_writing import NoAction, OrderWriter, PlannedOrder, Reason
from bexsync.planning.orders import OrderPlanner
from bexsync.planning.plan import Plan
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link, RecordState
from bexsync.records import Order


def disabled_reason(profile: Profile) -> str:
    """Why orders are not carried over, "" where they are."""
    return "" if profile.orders.enabled else "This profile says [orders] enabled = false."


def sync(workspace: Workspace, options: SyncOptions) -> Result:
    """Run the job once."""
    return run_job(workspace, SYNC, lambda run: OrdersSync(run, options), dry=options.dry_run)


class OrdersSync(BookingJob):
    """Places, delivers, invoices, mails and takes back what the shop says of its orders; customers alone as well."""

    action = "sync"
    doing = "synchronising"

    def __init__(self, run: Run, options: SyncOptions) -> None:
        super().__init__(run, options.confirm)
        self._options = options
        self._chosen: list[ChosenOrder] = []
        self._books = OrderBooks(run)
        self._customers = CustomersAlone(run)
        self._orders: dict[str, Order] = {}
        self._left_out: Counter[str] = Counter()
        self._too_old = 0
        self._writer: OrderWriter | None = None

    @property
    def _looked_at(self) -> Sized:
        return (*self._chosen, *self._customers.rows)

    def gather(self) -> None:
        """The orders to look at, and which documents in the ledger carry their references."""
        self._start = start_date(self._run)
        self._chosen = choose(self._run, self._options, self._start)
        if not self._options.narrows:
            self._customers.gather()
        wanted = [one.shop_id for one in self._chosen if one.day >= self._start or self._is_linked(one.shop_id)]
        if wanted:
            self._books.find(wanted)
        if not self._run.dry:
            look_at_orders(self._run)

    def _is_linked(self, shop_id: str) -> bool:
        return any(True for _ in order_links(self._run.store, shop_id))

    def plan(self) -> Plan:
        """Decide on one order after the other; the contacts may not change between their reading and the plan."""
        if not self._looked_at:
            return Plan()
        run = self._run
        own = run.workspace.profile.ledger.currency
        foreign = any(one.currency != own for one in self._chosen)
        self._books.refresh([one.shop_id for one in self._chosen])
        run.ledger.master(bank_accounts=foreign)  # read here, so that nobody waits for it at the company's lock
        with self._while_contacts_rest():
            run.ledger.refresh_contacts()
            planner = order_planner(run, self._start, foreign=foreign, backfill=self._options.backfill)
            self._writer = planner.writer
            steps = self._customers.plan(planner.writer.contacts, self._planned)
            for number, one in enumerate(self._chosen, 1):
                if self._options.limit is not None and len(self._orders) >= self._options.limit:
                    break
                run.workspace.progress("planning", number, len(self._chosen))
                steps += self._steps_of(planner, one.shop_id)
        self._mention_what_was_left()
        return Plan(tuple(steps))

    # decide

    def _steps_of(self, planner: OrderPlanner, shop_id: str) -> tuple[Step, ...]:
        run, row, subject = self._run, self._run.store.records.get(KIND, shop_id), Subject(KIND, shop_id)
        if row is None:
            return ()
        link = self._link(shop_id)
        if self._note_unsettled(subject, link):
            return ()
        order = cast(Order, row.record())
        where = f" ({row.source}{f', {row.location}' if row.location else ''})" if row.source else ""
        decision = judged(run, f"Order {shop_id}{where}", partial(self._decide, planner, order))
        if isinstance(decision, RecordProblem):
            run.note_problem(subject, self.action, decision, link.number if link else "")
            self._settle(subject, RecordState.OPEN, decision.message)
            return ()
        for key, sentence in decision.mentions.items():
            run.mention(key, sentence)
        self._left_out.update(decision.left_out)
        if isinstance(decision, NoAction):
            note_refunds(run, planner.writer, order, customer_of(run, order))
            if decision.reason is Reason.UP_TO_DATE and "contact" in self._books.decided(order):
                self._link_customer(planner, order)
            self._note_no_action(order, decision, link)
            return ()
        for unit in unknown_units(planner.writer.documents.master, order.lines):
            run.mention(f"unit:{unit}", f'{run.ledger_name} has no unit "{unit}": it stands in the text of the lines.')
        self._planned[subject] = decision
        self._orders[shop_id] = order
        return run.steps(decision.wanted)

    def _decide(self, planner: OrderPlanner, order: Order) -> PlannedOrder | NoAction:
        return planner.plan(order, customer_of(self._run, order), self._books.known(order))

    def _link(self, shop_id: str) -> Link | None:
        """The link of the order's invoice, else that of the order."""
        return next(order_links(self._run.store, shop_id), None)

    def _note_no_action(self, order: Order, decision: NoAction, link: Link | None) -> None:
        if decision.reason is Reason.UP_TO_DATE:
            note_handled(self._run.store, order.shop_id, order.status, self._run.workspace.clock.now())
        subject = Subject(KIND, order.shop_id)
        if is_too_old(decision.said):
            self._too_old += 1
            self._settle(subject, RecordState.IGNORED, decision.said)
            self._run.outcomes.pop(subject, None)
            self._run.result.unlisted[Status.IGNORED] += 1
            return
        self._note_nothing_done(subject, decision.said, link, ignored=decision.ignored)

    def _link_customer(self, planner: OrderPlanner, order: Order) -> None:
        """The customer of an order for which no document is made is linked to his contact all the same."""
        customer = customer_of(self._run, order)
        if customer is not None and not self._is_linked(order.shop_id) and not self._run.dry:
            link_customer(self._run, planner.writer.contacts, planner.writer.recipient(order, customer))

    def _mention_what_was_left(self) -> None:
        days = self._run.workspace.profile.orders.backfill_after_days
        if self._too_old:
            self._run.mention(
                f"older:{self._start}",
                f"Left alone, since they were ordered before [orders] start_date {self._start}: "
                f"{_orders(self._too_old)}.",
            )
        if self._left_out:
            counted = ", ".join(f"{action} of {_orders(count)}" for action, count in sorted(self._left_out.items()))
            names = ",".join(sorted(self._left_out))
            self._run.mention(
                f"backfill:{counted}",
                f"Left out for orders older than {days} {'day' if days == 1 else 'days'}: {counted}. "
                f"`bexsync orders sync --backfill {names}` catches up with that.",
            )
            self._run.result.data["left_out"] = dict(self._left_out)

    # check and apply

    def _rehearsed(self, subject: Subject, steps: Sequence[Step]) -> Outcome:
        costs = ", ".join(_with_cost(step) for step in steps)
        told = tuple(_step_outcome(step, "planned") for step in steps)
        return Outcome(
            subject.kind, self._action_of(steps), subject.shop_id, Status.PLANNED, reason=costs, steps=told
        )  # fmt: skip

    def _outcome_of(self, applied: AppliedRecord) -> Outcome:
        told = tuple(_step_outcome(one.step, one.status.value, one.said) for one in applied.steps)
        action = self._action_of([one.step for one in applied.steps])
        kinds = (INVOICE_KIND, KIND) if applied.subject.kind == KIND else ()
        return self._run.outcome_of(applied, action, link_kinds=kinds, steps=told)

    def _action_of(self, steps: Sequence[Step]) -> str:
        """Everything that is done to the record, in order."""
        actions = dict.fromkeys(step.effect.action for step in steps if step.effect.action)
        return ", ".join(actions) or "contact"

    def _keep(self, subject: Subject, planned: PlannedRecord, outcome: Outcome, state: RecordState) -> RecordState:
        if subject.kind != KIND:
            self._customers.link(subject.shop_id)
        elif isinstance(planned, PlannedOrder) and planned.goes_on and outcome.status is Status.DONE:
            self.goes_on = True
            return RecordState.OPEN
        elif outcome.status is Status.DONE and planned.problem is None:
            order = self._orders[subject.shop_id]
            note_handled(self._run.store, subject.shop_id, order.status, self._run.workspace.clock.now())
            if self._writer is not None:
                note_refunds(self._run, self._writer, order, customer_of(self._run, order))
        return state

    def _tell(self, without: Collection[str] = ()) -> None:
        tell_of_orders(self._run, orders_as_well=True, without=without)


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _with_cost(step: Step) -> str:
    mails = f", {step.effect.mails} mail" if step.effect.mails else ""
    count = step.effect.requests
    return f"{step.title or step.kind.replace('_', ' ')} ({count} request{'' if count == 1 else 's'}{mails})"


def _step_outcome(step: Step, status: str, said: str = "") -> StepOutcome:
    return StepOutcome(step.kind, step.title, status, step.effect.requests, step.effect.mails, said)
