"""Customers that the shop hands over without any document: each gets its contact, and the link to it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from bexsync.engine.result import Outcome, Status
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.jobs.booking import PlannedRecord
from bexsync.jobs.run import Run, judged
from bexsync.planning.addresses import Recipient
from bexsync.planning.contacts import ContactPlanner
from bexsync.planning.customers import CustomerPlanner, PlannedCustomer
from bexsync.planning.order_writing import NoAction
from bexsync.ports.contact_effects import CONTACT, CUSTOMER
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link, RecordRow, RecordState
from bexsync.records import Customer


@dataclass(frozen=True)
class PlannedContact:
    """A customer whose contact is written in this run."""

    customer: PlannedCustomer
    problem: RecordProblem | None = None

    @property
    def note(self) -> str:
        """What a person may read of it."""
        return self.customer.note

    @property
    def reported(self) -> Mapping[LedgerId, str]:
        """What was said of contacts."""
        return self.customer.reported


@dataclass
class CustomersAlone:
    """The customers of one run that are not settled yet."""

    run: Run
    rows: list[RecordRow] = field(default_factory=list)
    _known: dict[str, LedgerId] = field(default_factory=dict)

    def gather(self) -> None:
        """The customers to look at."""
        self.rows = list(self.run.store.records.in_state(CUSTOMER, RecordState.OPEN))

    def plan(self, contacts: ContactPlanner, planned: MutableMapping[Subject, PlannedRecord]) -> list[Step]:
        """The steps of their contacts; those that need none are settled at once."""
        planner = CustomerPlanner(contacts, self.run.workspace.profile.orders, self.run.store.site)
        steps: list[Step] = []
        for row in self.rows:
            subject = Subject(CUSTOMER, row.shop_id)
            customer = cast(Customer, row.record())
            decision = judged(self.run, f"Customer {row.shop_id}", partial(planner.plan, customer))
            if isinstance(decision, RecordProblem):
                self.run.note_problem(subject, "contact", decision)
                self._settle(row.shop_id, RecordState.OPEN, decision.message)
            elif isinstance(decision, NoAction):
                self._settle(row.shop_id, RecordState.DONE, decision.said)
            else:
                steps += self._steps(subject, decision, planned)
        return steps

    def _steps(
        self, subject: Subject, customer: PlannedCustomer, planned: MutableMapping[Subject, PlannedRecord]
    ) -> tuple[Step, ...]:
        if customer.contact is not None:
            self._known[subject.shop_id] = customer.contact
        if customer.has_steps:
            planned[subject] = PlannedContact(customer)
            return self.run.steps(customer.wanted)
        self.link(subject.shop_id)
        self._settle(subject.shop_id, RecordState.DONE, "")
        self.run.note(Outcome(CUSTOMER, "contact", subject.shop_id, Status.UNCHANGED, customer.contact))
        return ()

    def _settle(self, shop_id: str, state: RecordState, reason: str) -> None:
        self.run.store.records.settle(CUSTOMER, shop_id, state, reason, self.run.workspace.clock.now())

    def link(self, shop_id: str) -> None:
        """Link a customer to a contact that the ledger had before; of a new one the journal writes the link."""
        if shop_id in self._known:
            keep_link(self.run, shop_id, self._known[shop_id])


def link_customer(run: Run, planner: ContactPlanner, recipient: Recipient) -> None:
    """Link the customer of a record to the contact that the ledger has of him, if it has one."""
    contacts = judged(run, "A customer", partial(planner.plan, recipient))
    if not isinstance(contacts, RecordProblem) and isinstance(contacts.wanted.contact, LedgerId):
        keep_link(run, contacts.customer, contacts.wanted.contact)


def keep_link(run: Run, customer: str, contact: LedgerId) -> None:
    """Write the link of a customer whose contact is known; a guest, called "", has none."""
    known = run.store.links.get(CUSTOMER, customer) if customer else None
    if customer and (known is None or known.ledger_id != contact):
        link = Link(CUSTOMER, customer, CONTACT, contact, "", "", is_open=False)
        run.store.links.save(link, run.workspace.clock.now())
