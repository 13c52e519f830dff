"""A ledger in memory that carries out what is wanted of one order, and refuses what must never be wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import singledispatchmethod
from typing import Any

from bexsync.config.profile import OrdersSection, Profile
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.steps import steps_for
from bexsync.planning.contacts import ContactPlanner
from bexsync.planning.documents import DocumentPlanner
from bexsync.planning.invoice_link import Linked
from bexsync.planning.invoice_writing import FinishPlanner
from bexsync.planning.order_link import KnownOrder, LinkedDelivery, LinkedOrder, WrittenStatus
from bexsync.planning.order_writing import NoAction, OrderWriter, PlannedOrder
from bexsync.planning.orders import OrderPlanner
from bexsync.ports.documents import DocumentState, DocumentStatus, OrderState, OrderStatus, Payment
from bexsync.ports.master_data import Country
from bexsync.ports.store import ContactRow, PostalAddress
from bexsync.ports.wanted import Create, Finish, NewContact, Rewrite, TakeBack, WantedDocument
from bexsync.ports.wanted_orders import Deliver, InvoiceFromOrder, Mail, Pay, PlaceOrder, RemoveOrder
from bexsync.records.order import Order
from bexsync.vat import VatMap
from planning.products_kit import ME, a_master
from planning.test_contacts import Index

TODAY = date(2026, 11, 29)
COUNTRIES = (Country(LedgerId("1"), "CH", "Schweiz"),)
REF = "bexsync:main:order:1001"


def words(planned: PlannedOrder | NoAction) -> list[str]:
    """What is wanted, in short words: "order", "deliver all", "from order", "issue", "pay t1 100", "mail"."""
    if isinstance(planned, NoAction):
        return []
    made = ["contact" for want in planned.wanted.contacts.wants if isinstance(want, NewContact)]
    return made + [_word(want) for want in planned.wanted.wants]


def _word(want: Any) -> str:
    match want:
        case PlaceOrder():
            return "order anew" if want.replaces else "order"
        case Deliver():
            return f"deliver {want.key}"
        case InvoiceFromOrder():
            return "from order"
        case Create():
            return "direct"
        case Finish():
            return "issue and mail" if want.letter else "issue"
        case Pay():
            return f"pay {want.key} {want.amount}"
        case TakeBack():
            return "delete draft" if want.is_draft else "cancel"
        case _:
            return {"Mail": "mail", "RemoveOrder": "delete order"}.get(type(want).__name__, type(want).__name__.lower())


@dataclass
class Books:
    """What the ledger and the journal hold of one order."""

    settings: OrdersSection
    profile: dict[str, Any] = field(default_factory=dict)
    today: date = TODAY
    backfill: frozenset[Any] = frozenset()
    order: LinkedOrder | None = None
    invoice: Linked | None = None
    payments: list[Payment] = field(default_factory=list)
    received: Decimal = Decimal(0)
    done: set[tuple[str, str]] = field(default_factory=set)
    contact: LedgerId | None = None
    mails: int = 0
    written: WrittenStatus | None = None
    was_direct: bool = False
    finished: tuple[LedgerId, ...] = ()
    forgotten: tuple[LedgerId, ...] = ()
    found_orders: Sequence[OrderState] = ()
    found_invoices: Sequence[DocumentState] = ()
    send_issues: bool = True
    template: str | None = None
    _next: int = 100
    _planned: set[tuple[str, str]] = field(default_factory=set)

    def planner(self) -> OrderPlanner:
        profile = Profile.model_validate({"orders": self.settings, **self.profile})
        master = replace(a_master(), templates=("usual", "paid"), countries=COUNTRIES)
        rows = [] if self.contact is None else [_anna(self.contact)]
        contacts = ContactPlanner(profile, master, Index(*rows), ME, linked=lambda _: self.contact)
        documents = DocumentPlanner(profile, master, VatMap(), ME, self.today)
        return OrderPlanner(
            writer=OrderWriter(documents, contacts, FinishPlanner(profile, ME.mail), "main"),
            settings=self.settings,
            start_date=date(2026, 1, 1),
            today=self.today,
            done=lambda kind, key: (kind, key) in self.done,
            finished=lambda _: self.finished,
            forgotten=lambda _: self.forgotten,
            backfill=self.backfill,
        )

    def known(self) -> KnownOrder:
        remaining = None if self.invoice is None else self.invoice.total - self.received
        return KnownOrder(
            order=self.order,
            invoice=self.invoice,
            found_orders=self.found_orders,
            found_invoices=self.found_invoices,
            payments=self.payments,
            remaining=remaining,
            received=None if self.invoice is None else self.received,
            written=self.written,
        )

    def plan(self, order: Order) -> PlannedOrder | NoAction:
        return self.planner().plan(order, order.customer, self.known())

    def run(self, order: Order) -> list[str]:
        """Plan and carry out; then nothing may be left to do."""
        planned = self.plan(order)
        if isinstance(planned, PlannedOrder):
            self.carry_out(planned)
        return words(planned)

    def carry_out(self, planned: PlannedOrder) -> None:
        if any(isinstance(want, NewContact) for want in planned.wanted.contacts.wants):
            assert self.contact is None
            self.contact = self._id()
        steps = steps_for(planned.wanted, lambda kind, key: False, send_issues=self.send_issues)
        self._planned = {(step.kind, step.key) for step in steps}
        assert len(self._planned) == len(steps), "two steps of one name"
        known = self._planned | self.done
        for step in steps:
            # A deletion that an earlier run has done is found done, and any other step would be left out.
            assert (step.kind, step.key) not in self.done or step.kind == "order_delete", f"{step.kind} was done before"
            assert all((need.kind, need.key) in known for need in step.needs), f"{step.kind} needs what nobody does"
        for want in planned.wanted.wants:
            self._do(want)
        self.done |= self._planned

    def _once(self, kind: str, key: str) -> None:
        assert (kind, key) not in self.done, f"{kind} {key} is done twice"
        assert (kind, key) in self._planned, f"the ledger's package has no step {kind} {key}"

    def _id(self) -> LedgerId:
        self._next += 1
        return LedgerId(str(self._next))

    def pay_by_bank(self, amount: str, day: str = "2026-11-20") -> None:
        """Money that a person booked."""
        assert self.invoice is not None
        self._book(Decimal(amount), day)

    def _book(self, value: Decimal, day: str) -> None:
        assert self.invoice is not None
        self.payments.append(Payment(self._id(), value, day))
        self.received += value
        assert self.received <= self.invoice.total, "more than what remains"
        standing = DocumentStatus.PAID if self.received == self.invoice.total else DocumentStatus.PARTLY_PAID
        self.invoice = replace(self.invoice, standing=standing)

    @singledispatchmethod
    def _do(self, want: Any) -> None:
        raise AssertionError(f"{want!r} is not expected")

    @_do.register
    def _(self, want: PlaceOrder) -> None:
        assert not self.was_direct, "an order after a direct invoice"
        revision = 0
        if want.replaces is not None:
            assert self.order is not None
            assert self.order.ledger_id == want.replaces.ledger_id
            assert not self.order.deliveries
            assert self.invoice is None or self.invoice.standing is DocumentStatus.DELETED
            assert ("order_delete", f"{REF}@{self.order.ledger_id}") in self._planned
            revision = want.replaces.revision + 1
        else:
            assert self.order is None
        self._once("order", f"{REF}@{revision}" if revision else REF)
        self.order = LinkedOrder(
            **_agreement(want.document), ledger_id=self._id(), number=f"AU-{revision}", url="https://ledger/order",
            standing=OrderStatus.PENDING, total=want.document.amount, content="as written", revision=revision,
        )  # fmt: skip

    @_do.register
    def _(self, want: Deliver) -> None:
        assert self.order is not None
        assert self.order.standing is not OrderStatus.DELETED
        self._once("delivery_issue", f"{REF}!{want.key}")
        delivery = LinkedDelivery(self._id(), "LS-1", "https://ledger/delivery", want.key)
        self.order = replace(self.order, deliveries=(*self.order.deliveries, delivery), standing=OrderStatus.DONE)

    @_do.register
    def _(self, want: InvoiceFromOrder) -> None:
        assert self.order is not None
        assert self.order.standing is not OrderStatus.DELETED
        assert self.invoice is None or self.invoice.standing is DocumentStatus.DELETED
        kind = "order_invoice" if len(want.parts) <= 150 else "invoice"
        self._once(kind, f"{REF}@{self.order.revision}" if self.order.revision else REF)
        self._write(want.document)

    @_do.register
    def _(self, want: Create) -> None:
        assert self.order is None, "a direct invoice where an order stands"
        self._once("invoice", REF)
        self.was_direct = True
        self._write(want.document)

    @_do.register
    def _(self, want: Rewrite) -> None:
        assert self.invoice is not None
        assert self.invoice.standing is DocumentStatus.DRAFT
        revision = self.invoice.revision + 1  # as the journal counts what was agreed on
        self._write(want.document)
        self.invoice = replace(self.invoice, revision=revision)

    def _write(self, document: WantedDocument) -> None:
        self.invoice = Linked(
            **_agreement(document), ledger_id=self._id(), number="RE-1", url="https://ledger/invoice",
            standing=DocumentStatus.DRAFT, total=document.amount, created_as=document.source, content="as written",
        )  # fmt: skip
        self.template = document.header.template

    @_do.register
    def _(self, want: Finish) -> None:
        assert self.invoice is not None
        assert self.invoice.standing is DocumentStatus.DRAFT
        assert ("issue", REF) not in self.done
        if want.letter is None or not self.send_issues:
            self._once("issue", REF)
        self.invoice = replace(self.invoice, standing=DocumentStatus.ISSUED)
        if want.letter is not None:
            self._mail()

    @_do.register
    def _(self, want: Pay) -> None:
        self._once("payment", f"{REF}+{want.key}")
        self._book(Decimal(want.amount), want.day)

    @_do.register
    def _(self, want: Mail) -> None:
        self._mail()

    def _mail(self) -> None:
        assert self.invoice is not None
        assert self.invoice.standing not in (DocumentStatus.DRAFT, DocumentStatus.CANCELLED), "mail before issue"
        self._once("send", REF)
        self.mails += 1
        self.invoice = replace(self.invoice, shared=True)

    @_do.register
    def _(self, want: TakeBack) -> None:
        assert self.invoice is not None
        expected = DocumentStatus.DRAFT if want.is_draft else DocumentStatus.ISSUED
        assert self.invoice.standing is expected
        assert not self.received
        self._once("invoice_delete" if want.is_draft else "invoice_cancel", f"{REF}@{self.invoice.ledger_id}")
        after = DocumentStatus.DELETED if want.is_draft else DocumentStatus.CANCELLED
        self.invoice = replace(self.invoice, standing=after)

    @_do.register
    def _(self, want: RemoveOrder) -> None:
        assert self.order is not None
        assert not self.order.deliveries
        assert self.invoice is None or self.invoice.standing is DocumentStatus.DELETED
        self._once("order_delete", f"{REF}@{self.order.ledger_id}")
        self.order = replace(self.order, standing=OrderStatus.DELETED)


def _anna(ledger_id: LedgerId) -> ContactRow:
    """The contact as it was created, so that nothing of it has to follow."""
    place = {"street": "Hauptstrasse", "house_number": "1", "postcode": "8001", "city": "Zürich"}
    address = PostalAddress(**place, country_id=LedgerId("1"))
    return ContactRow(ledger_id, "person", "Keller", "Anna", "anna@example.ch", "8001", False, "", address=address)


def _agreement(document: WantedDocument) -> dict[str, Any]:
    return {"fingerprint": document.fingerprint, "agreed": document.record}
