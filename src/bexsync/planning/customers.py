"""What is to be done for a customer of the shop that comes alone, without an order or invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bexsync.config.profile import OrdersSection
from bexsync.ids import LedgerId
from bexsync.planning.addresses import Recipient
from bexsync.planning.contacts import ContactPlanner
from bexsync.planning.order_writing import NoAction, Reason
from bexsync.ports.contact_effects import CUSTOMER
from bexsync.ports.steps import Subject
from bexsync.ports.wanted import Wanted
from bexsync.ports.wanted_orders import OrderWant
from bexsync.records import Customer


@dataclass(frozen=True)
class PlannedCustomer:
    """What is wanted for one customer; `contact` is the one that the ledger has already, which is to be linked.

    `reported` holds the digests of differences that the note tells of.
    """

    wanted: Wanted[OrderWant]
    contact: LedgerId | None = None
    note: str = ""
    reported: Mapping[LedgerId, str] = field(default_factory=dict)

    @property
    def has_steps(self) -> bool:
        """Whether anything is to be written in the ledger."""
        return bool(self.wanted.contacts.wants)


@dataclass(frozen=True)
class CustomerPlanner:
    """Decides for one customer at a time; pure but for the contacts it remembers to create once."""

    contacts: ContactPlanner
    settings: OrdersSection
    site: str

    def plan(self, customer: Customer) -> PlannedCustomer | NoAction:
        """The decision; raises RecordProblem when only a person can decide."""
        if not any("contact" in actions for actions in self._rows()):
            return NoAction(Reason.NO_RULE, 'no row of [orders.actions] has the action "contact"')
        shop_id = customer.shop_id or ""
        planned = self.contacts.plan(Recipient(customer=customer, customer_id=shop_id or None))
        contact = planned.wanted.contact
        return PlannedCustomer(
            Wanted(Subject(CUSTOMER, shop_id), self.site, contacts=planned.wanted),
            contact if isinstance(contact, LedgerId) and planned.customer else None,
            "; ".join(planned.notes),
            planned.reported,
        )

    def _rows(self) -> tuple[tuple[str, ...], ...]:
        return (*self.settings.actions.values(), *(rule.actions for rule in self.settings.rules))
