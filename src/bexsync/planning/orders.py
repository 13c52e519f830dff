"""What is to be done for one order of the shop, given its status and what is known of it in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bexsync.config.profile import OrderAction, OrdersSection
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.contacts import Contacts
from bexsync.planning.invoices import EarlierDocuments
from bexsync.planning.order_actions import ActionRules, Decision, occasion_of
from bexsync.planning.order_deliveries import is_goods
from bexsync.planning.order_lines import Due, due_of, zurich_day
from bexsync.planning.order_link import KnownOrder, changes, comes_back
from bexsync.planning.order_reversals import Reversals, held, is_gone
from bexsync.planning.order_work import OrderWants
from bexsync.planning.order_writing import NoAction, OrderWriter, PlannedOrder, Reason, require_customer
from bexsync.ports.document_effects import CancelDocument, IssueDocument, SendDocument
from bexsync.ports.documents import DocumentStatus, OrderStatus
from bexsync.ports.steps import WasDone
from bexsync.ports.wanted import Adopt
from bexsync.ports.wanted_orders import AdoptOrder, OrderWant
from bexsync.records import Customer
from bexsync.records.order import Order

_FOR_NOTHING: frozenset[OrderAction] = frozenset({"contact", "order", "delivery"})
_NOT_FOR_OLD: tuple[OrderAction, ...] = ("delivery", "send")


@dataclass(frozen=True)
class OrderPlanner:
    """Decides for one order at a time; pure but for the contacts it remembers to create once.

    `backfill` names actions that are wanted even for orders older than [orders] backfill_after_days.
    """

    writer: OrderWriter
    settings: OrdersSection
    start_date: date
    today: date
    done: WasDone
    finished: EarlierDocuments
    forgotten: EarlierDocuments
    backfill: frozenset[OrderAction] = frozenset()

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.writer.ledger

    def plan(self, order: Order, customer: Customer | None, known: KnownOrder) -> PlannedOrder | NoAction:
        """The decision; raises RecordProblem when only a person can decide."""
        known, put_aside = self._in_force(order, known)
        decision = ActionRules(self.settings).decide(occasion_of(order, customer))
        left_alone = self._left_alone(order, known, decision)
        if left_alone is not None:
            return left_alone
        self._refuse_ambiguous(known)
        if decision is not None and "cancel" in decision.actions:
            return self._cancel(order, known)
        reversals = self._reversals(order)
        differences = self._differences(order, known)
        actions = decision.actions if decision is not None else ()
        if differences and not self._may_follow(known, reversals, actions):
            raise held(order, known, differences, self.ledger)
        if decision is None:
            mentions = self._said_of_gone(order, known)
            return NoAction(
                Reason.NO_RULE, f'its status "{order.status}" has no row in [orders.actions]', mentions=mentions
            )
        due = due_of(order)
        actions, left_out = self._in_time(order, known, actions)
        if due is Due.NOTHING:
            actions = tuple(action for action in actions if action in _FOR_NOTHING)
        if is_gone(order):  # money that came in is booked all the same, since it is to be given back
            actions, left_out = tuple(action for action in actions if action == "payment"), ()
        if known.found_orders or known.found_invoices:
            return self._adopt(order, customer, known)
        self._refuse_reopened(order, known)
        self._refuse_to_book_twice(order, known)
        work = OrderWants(
            self.writer, order, customer, known, actions, self.done, reversals, bool(differences), put_aside
        )  # fmt: skip
        planned = work.planned(left_out)
        if planned is None:
            return NoAction(
                Reason.UP_TO_DATE,
                self._standing(known, decision),
                left_out,
                work.mentions | self._said_of_gone(order, known),
            )
        return planned

    # what is left alone

    def _left_alone(self, order: Order, known: KnownOrder, decision: Decision | None) -> NoAction | None:
        if order.is_test:
            return NoAction(Reason.TEST, "it is a test order")
        if comes_back(order, known.written):
            return NoAction(Reason.OWN_STATUS, f"bexsync itself wrote its status {order.status}")
        if known.is_booked:
            return None
        if zurich_day(order.ordered_at) < self.start_date:
            return NoAction(Reason.TOO_OLD, f"ordered before start_date {self.start_date}")
        if is_gone(order) or (decision is not None and "cancel" in decision.actions):
            return NoAction(Reason.GONE, "cancelled or refunded before anything was booked")
        return None

    def _in_force(self, order: Order, known: KnownOrder) -> tuple[KnownOrder, tuple[LedgerId, ...]]:
        """What counts of the documents with our reference, and the cancelled ones that were forgotten on purpose."""
        if not (known.found_orders or known.found_invoices):
            return known, ()
        forgotten = self.forgotten(self.writer.key(order))
        ended = (DocumentStatus.CANCELLED, OrderStatus.CANCELLED)
        aside = [one.ledger_id for one in known.found_invoices if one.standing in ended and one.ledger_id in forgotten]
        invoices = [one for one in known.found_invoices if one.ledger_id not in aside]
        orders = [one for one in known.found_orders if one.standing not in ended or one.ledger_id not in forgotten]
        in_force = [one for one in invoices if one.standing not in ended] or invoices[-1:]
        return replace(known, found_invoices=in_force, found_orders=orders), tuple(aside)

    def _refuse_to_book_twice(self, order: Order, known: KnownOrder) -> None:
        """Raise RecordProblem where its invoice went out before, and is gone with the state's memory."""
        key = self.writer.key(order)
        before = sorted(set(self.finished(key)) - set(self.forgotten(key)))
        if before and known.invoice is None:
            raise RecordProblem(
                f"Its invoice was issued or mailed before, as the document with the id {before[-1]}, "
                f"which {self.ledger} no longer has.",
                f"It is not booked twice by itself. To book it again: bexsync links forget {order.shop_id}",
                code="deleted_in_ledger",
            )

    def _refuse_ambiguous(self, known: KnownOrder) -> None:
        for what, found in (("orders", known.found_orders), ("invoices", known.found_invoices)):
            if len(found) > 1:
                ids = ", ".join(f"{one.number} ({one.url})" for one in found)
                raise RecordProblem(
                    f"{self.ledger} has {len(found)} {what} with our reference: {ids}.",
                    f"Delete or cancel all but one in {self.ledger}, then run this again.",
                    code="document_ambiguous",
                )

    def _refuse_reopened(self, order: Order, known: KnownOrder) -> None:
        """Raise RecordProblem where the invoice was cancelled because the shop had cancelled the order."""
        invoice = known.invoice
        if invoice is None or invoice.standing is not DocumentStatus.CANCELLED:
            return
        if self.done(CancelDocument.step_kind, f"{self.writer.key(order)}@{invoice.ledger_id}"):
            raise RecordProblem(
                f"The shop had cancelled it, so {invoice.number} was cancelled in {self.ledger}; now its status is "
                f"{order.status}, and nothing is booked for it.",
                f"To book it again: `bexsync links forget {order.shop_id}`. Otherwise cancel it in the shop again.",
                code="cancelled_in_ledger",
            )

    def _in_time(
        self, order: Order, known: KnownOrder, actions: Sequence[OrderAction]
    ) -> tuple[tuple[OrderAction, ...], tuple[OrderAction, ...]]:
        """The actions without those that old orders get only on demand, and these where they are still due."""
        age = self.today - zurich_day(order.ordered_at)
        if age <= timedelta(days=self.settings.backfill_after_days):
            return tuple(actions), ()
        dropped = [action for action in _NOT_FOR_OLD if action in actions and action not in self.backfill]
        was_sent = self.done(SendDocument.step_kind, self.writer.key(order))
        was_delivered = bool(known.order and known.order.deliveries)
        has_goods = any(is_goods(line) for line in order.lines)
        due = {"send": bool(order.total) and not was_sent, "delivery": has_goods and not was_delivered}
        kept = tuple(action for action in actions if action not in dropped)
        return kept, tuple(action for action in dropped if due[action])

    # what changed, was cancelled, or was found

    def _differences(self, order: Order, known: KnownOrder) -> list[str]:
        """What of a booked order changed since it was booked; a cancelled one is no change of what it says."""
        if is_gone(order):
            return []
        if known.invoice is not None and known.invoice_stands and known.invoice.is_agreed:
            return changes(known.invoice.agreed, order)
        if known.order is not None and known.order_stands and known.order.is_agreed:
            return changes(known.order.agreed, order)
        return []

    def _may_follow(self, known: KnownOrder, reversals: Reversals, actions: Sequence[OrderAction]) -> bool:
        """Whether what is booked is ours and untouched, and the status of the order says that it is booked."""
        needed = (("order", known.order_stands), ("invoice", known.invoice_stands))
        return reversals.may_be_made_anew(known) and all(action in actions for action, stands in needed if stands)

    def _reversals(self, order: Order) -> Reversals:
        key = self.writer.key(order)
        was_done = self.done(IssueDocument.step_kind, key) or self.done(SendDocument.step_kind, key)
        finished = self.finished(key)

        def went_out(ledger_id: LedgerId) -> bool:
            return was_done or ledger_id in finished

        return Reversals(self.settings, self.ledger, went_out)

    def _cancel(self, order: Order, known: KnownOrder) -> PlannedOrder | NoAction:
        wants = _adopted(known)
        if wants:
            return replace(self.writer.planned(order, *wants, notes=["the cancellation follows"]), goes_on=True)
        undone = self._reversals(order).cancel(known)
        if not undone.wants:
            if undone.problem is not None:
                raise undone.problem
            return NoAction(Reason.UP_TO_DATE, f"cancelled in the shop, and nothing of it stands in {self.ledger}")
        return self.writer.planned(order, *undone.wants, problem=undone.problem)

    def _adopt(self, order: Order, customer: Customer | None, known: KnownOrder) -> PlannedOrder:
        """Documents that carry our reference but have no link: the state was lost or restored."""
        person, writer = require_customer(order, customer), self.writer
        direct = not (known.found_orders or known.order)
        wants: list[OrderWant] = []
        for found in known.found_orders:
            wants.append(AdoptOrder(found, writer.wanted(order, writer.order(order, person, Contacts()))))
        for invoice in known.found_invoices:
            document = writer.invoice(order, person, Contacts(), direct=direct, paid=False)
            wants.append(Adopt(invoice, writer.wanted(order, document)))
        return replace(self.writer.planned(order, *wants, notes=["the rest follows"]), goes_on=True)

    def _said_of_gone(self, order: Order, known: KnownOrder) -> dict[str, str]:
        """What is said once of an order that came to nothing in the shop, where its status has no action "cancel"."""
        standing = known.invoice if known.invoice_stands else known.order if known.order_stands else None
        if standing is None or not is_gone(order):
            return {}
        said = (
            f"Order {order.name} was cancelled or refunded in the shop, but its status {order.status} has no action "
            f'"cancel": {standing.number} stays as it is in {self.ledger}, {standing.url}'
        )
        return {f"gone:{order.shop_id}": said}

    def _standing(self, known: KnownOrder, decision: Decision) -> str:
        for one in (known.invoice, known.order):
            if one is not None:
                return f"{one.number} is {one.standing.value.replace('_', ' ')}"
        return "nothing is left to do" if decision.actions else "its status starts nothing"


def _adopted(known: KnownOrder) -> tuple[OrderWant, ...]:
    return (*(AdoptOrder(one) for one in known.found_orders), *(Adopt(one) for one in known.found_invoices))
