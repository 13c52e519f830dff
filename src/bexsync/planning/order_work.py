"""What is wanted for one order whose actions are decided: contact, documents, issue, payments and mail, in order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from bexsync.config.profile import OrderAction
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text
from bexsync.planning.contacts import Contacts
from bexsync.planning.documents import Document
from bexsync.planning.invoice_link import Linked
from bexsync.planning.invoice_writing import known_document, note_on, taken_back
from bexsync.planning.money_in import MoneyIn
from bexsync.planning.order_deliveries import all_parts, delivery_keys, shipments
from bexsync.planning.order_link import KnownOrder, LinkedOrder, delivery_address_changed
from bexsync.planning.order_payments import PAID
from bexsync.planning.order_reversals import Reversals
from bexsync.planning.order_writing import OrderWriter, PlannedOrder, require_customer
from bexsync.ports.document_effects import IssueDocument, SendDocument
from bexsync.ports.documents import DocumentStatus, OrderStatus
from bexsync.ports.order_effects import CreateOrderInvoice, DeleteOrder, IssueDelivery, RecordPayment
from bexsync.ports.steps import WasDone
from bexsync.ports.wanted import (
    Compare,
    Complete,
    Create,
    Finish,
    KnownDocument,
    Letter,
    Rewrite,
    TakeBack,
)
from bexsync.ports.wanted_orders import Deliver, InvoiceFromOrder, Mail, OrderWant, PlaceOrder
from bexsync.records import Customer
from bexsync.records.order import Order

# What makes an invoice say what the order says, before it is finished.
_WRITTEN = InvoiceFromOrder | Create | Rewrite | Complete | Compare
_OPEN = (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.PAID, DocumentStatus.UNPAID)
_MAILABLE = (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.PAID)


@dataclass
class OrderWants:
    """Collects what is wanted for one order; `changed` says that its own documents are to be made anew.

    It is done once without contacts, so that what cannot be booked leaves none behind, and once more with them.
    """

    writer: OrderWriter
    order: Order
    customer: Customer | None
    known: KnownOrder
    actions: tuple[OrderAction, ...]
    done: WasDone
    reversals: Reversals
    changed: bool
    put_aside: tuple[LedgerId, ...] = ()
    contacts: Contacts = field(default_factory=Contacts)
    mentions: dict[str, str] = field(default_factory=dict, init=False)
    _wants: list[OrderWant] = field(default_factory=list, init=False)
    _notes: list[str] = field(default_factory=list, init=False)
    _problem: RecordProblem | None = field(default=None, init=False)

    def planned(self, left_out: tuple[OrderAction, ...] = ()) -> PlannedOrder | None:
        """What is wanted, None where nothing is; raises RecordProblem before anything is booked."""
        self._collect()
        if self._needs_contacts:
            recipient = self.writer.recipient(self.order, self._person)
            work = replace(self, contacts=self.writer.contacts.plan(recipient))
            work._collect()
            return work._result(left_out)
        return self._result(left_out)

    def _collect(self) -> None:
        self._make_order()
        self._deliver()
        self._make_invoice()
        self._finish()

    def _result(self, left_out: tuple[OrderAction, ...]) -> PlannedOrder | None:
        contacts = self.contacts
        if not self._wants and not contacts.wanted.wants:
            if self._problem is not None:
                raise self._problem
            return None
        return self.writer.planned(
            self.order,
            *self._wants,
            contacts=contacts.wanted,
            problem=self._problem,
            notes=[*dict.fromkeys([*contacts.notes, *self._notes])],
            reported=contacts.reported,
            left_out=left_out,
            mentions=self.mentions,
        )

    @property
    def _needs_contacts(self) -> bool:
        made = PlaceOrder | InvoiceFromOrder | Create | Rewrite | Complete
        if "contact" in self.actions and not self.known.is_booked:
            return True
        return any(
            isinstance(want, made) or (isinstance(want, Deliver) and want.contact_id is None) for want in self._wants
        )

    # the parts that are written when they are needed first

    @cached_property
    def _person(self) -> Customer:
        return require_customer(self.order, self.customer)

    @cached_property
    def _order_document(self) -> Document:
        return self.writer.order(self.order, self._person, self.contacts)

    @cached_property
    def _invoice_document(self) -> Document:
        direct, paid = self.known.order is None and not self._places, self._is_paid_already
        return self.writer.invoice(self.order, self._person, self.contacts, direct=direct, paid=paid)

    @property
    def _is_paid_already(self) -> bool:
        try:
            return self._money.is_settled
        except RecordProblem:
            return False

    @property
    def _key(self) -> str:
        return self.writer.key(self.order)

    # the order and its deliveries

    def _make_order(self) -> None:
        known = self.known.order
        if "order" not in self.actions and not (self._was_cut_short(known) and "invoice" in self.actions):
            return
        if known is None:
            if self.known.invoice is None:
                self._place(None)
        elif self.changed and self.known.order_stands:
            self._make_anew(known)
        elif known.standing is OrderStatus.DELETED and self._deleted_by_us(known):
            self._place(known)
        elif self._was_cut_short(known):
            self._place(None, known.revision)  # it was cut short, and its steps go on where they ended
        elif self.known.order_stands and delivery_address_changed(known.agreed, self.order) and known.is_agreed:
            self._notes.append(f"the delivery address changed; {known.number} keeps the earlier one")

    def _was_cut_short(self, known: LinkedOrder | None) -> bool:
        return known is not None and self.known.order_stands and not known.is_agreed and not known.adopted

    def _make_anew(self, known: LinkedOrder) -> None:
        invoice = self.known.invoice
        if invoice is not None and self.known.invoice_stands:
            self._wants.append(TakeBack(known_document(invoice), is_draft=True))
        self._place(known)

    def _place(self, replaces: LinkedOrder | None, revision: int = 0) -> None:
        document, address = self._order_document, self.writer.delivery_address(self.order, self._person)
        self._notes.append(note_on(document))
        self._wants.append(
            PlaceOrder(
                self.writer.wanted(self.order, document), address, replaces.known() if replaces else None, revision
            )
        )

    def _deleted_by_us(self, known: LinkedOrder) -> bool:
        return self.done(DeleteOrder.step_kind, f"{self._key}@{known.ledger_id}")

    @property
    def _places(self) -> bool:
        return any(isinstance(want, PlaceOrder) for want in self._wants)

    @property
    def _known_order(self) -> KnownDocument | None:
        """The order as it stands, None where a step before makes it."""
        return self.known.order.known() if self.known.order is not None and not self._places else None

    def _deliver(self) -> None:
        known = self.known.order
        if "delivery" not in self.actions:
            return
        if known is None and not self._places:
            if "order" in self.actions or self.known.invoice is not None:
                self._notes.append("without an order there is no delivery")
            return
        if known is not None and not self._places and not self._can_be_delivered(known):
            return
        done = [key for key in delivery_keys(self.order) if self._was_delivered(key)]
        for shipment in shipments(self.order, self._order_document, done):
            contact = known.contact_id if known is not None and not self._places else self._contact_id()
            self._wants.append(Deliver(shipment.key, shipment.parts, contact, self._known_order))

    def _contact_id(self) -> LedgerId | None:
        contact = self.contacts.wanted.contact
        return contact if isinstance(contact, LedgerId) else None

    def _can_be_delivered(self, known: LinkedOrder) -> bool:
        if known.standing in (OrderStatus.DELETED, OrderStatus.CANCELLED):
            if not known.deliveries:
                self._hold(f"Order {known.number} was {known.standing.value} in {self.writer.ledger}.", known.url)
            return False
        if self._was_completed_by_others(known):
            return False
        if known.adopted and known.standing is not OrderStatus.PENDING:
            self._notes.append(f"{known.number} is {known.standing.value} already; its deliveries are left to a person")
            return False
        return True

    def _was_completed_by_others(self, known: LinkedOrder) -> bool:
        """Whether somebody completed the order, of which bexsync neither delivered nor invoiced anything."""
        is_ours = known.adopted or bool(known.deliveries) or self.known.invoice is not None
        if is_ours or self._places or known.standing is not OrderStatus.DONE:
            return False
        ledger = self.writer.ledger
        self._problem = self._problem or RecordProblem(
            f"Order {known.number} was completed in {ledger} by another user; nothing more is made of it.",
            f"Deliver and invoice it in {ledger}, or open it again there: {known.url}",
            code="completed_in_ledger",
        )
        return True

    def _was_delivered(self, shipment: str) -> bool:
        return self.done(IssueDelivery.step_kind, f"{self._key}!{shipment}")

    # the invoice

    def _make_invoice(self) -> None:
        if "invoice" not in self.actions:
            return
        invoice = self.known.invoice
        if invoice is not None and self.known.invoice_stands:
            self._go_on(invoice)
        elif invoice is None:
            self._write_invoice()
        elif invoice.standing is DocumentStatus.DELETED:
            if self._draft_deleted_by_us(invoice) and (self._places or self._is_anew_without_invoice):
                self._write_invoice()
            else:
                self._hold(f"Invoice {invoice.number} was deleted in {self.writer.ledger}.", invoice.url)
        elif self._is_anything_due:
            self._hold(f"Invoice {invoice.number} was cancelled in {self.writer.ledger}.", invoice.url)

    @property
    def _is_anything_due(self) -> bool:
        """Whether something of this status was not done before the invoice was cancelled."""
        went_out = any(self.done(effect.step_kind, self._key) for effect in (IssueDocument, SendDocument))
        if "issue" in self.actions and not went_out:
            return True
        return "payment" in self.actions and bool(self._money.due)

    def _draft_deleted_by_us(self, invoice: Linked) -> bool:
        return self.done("invoice_delete", f"{self._key}@{invoice.ledger_id}")

    @property
    def _is_anew_without_invoice(self) -> bool:
        """Whether a run was cut short between making the order anew and making its invoice anew."""
        known = self.known.order
        if known is None or not known.revision or not self.known.order_stands:
            return False
        return not self.done(CreateOrderInvoice.step_kind, f"{self._key}@{known.revision}")

    def _go_on(self, invoice: Linked) -> None:
        """A draft of ours follows the shop, or is completed where a run was cut short."""
        if any(isinstance(want, TakeBack) for want in self._wants):
            self._write_invoice()
        elif self.changed or (not invoice.is_agreed and self.reversals.is_own_draft(invoice)):
            if self.known.order is not None and self.known.order_stands:
                self._write_invoice()
                return
            wanted = self.writer.wanted(self.order, self._invoice_document)
            was_cut_short = not invoice.fingerprint and invoice.created_as == wanted.source
            known = known_document(invoice)
            self._wants.append(Complete(wanted, known) if was_cut_short else Rewrite(wanted, known))
        elif self._was_not_edited(invoice):
            self._write_invoice()
        elif not invoice.is_agreed and invoice.standing is DocumentStatus.DRAFT and "issue" in self.actions:
            # A draft that somebody else made is issued only where it says what the order says.
            wanted = self.writer.wanted(self.order, self._invoice_document)
            self._wants.append(Compare(wanted, known_document(invoice)))

    def _was_not_edited(self, invoice: Linked) -> bool:
        """Whether a run was cut short between making the invoice from the order and making it say what it is to say."""
        is_new = bool(invoice.created_as) and not (invoice.fingerprint or invoice.shared)
        return is_new and invoice.standing is DocumentStatus.DRAFT and self.known.order_stands

    def _write_invoice(self) -> None:
        known = self.known.order
        if known is not None and not self._places and not self.known.order_stands:
            self._hold(f"Order {known.number} was {known.standing.value} in {self.writer.ledger}.", known.url)
            return
        if known is not None and self._was_completed_by_others(known):
            return
        document = self._invoice_document
        self._notes.append(note_on(document))
        wanted = self.writer.wanted(self.order, document)
        if known is None and not self._places:
            self._wants.append(Create(wanted, note_on(document), self.put_aside))
            return
        self._wants.append(InvoiceFromOrder(wanted, all_parts(document), self._known_order))

    # issue, money and mail

    @cached_property
    def _money(self) -> MoneyIn:
        keys = [PAID, *(one.shop_id for one in self.order.payments)]
        ours = {key: self.known.own_payments.get(key) for key in keys if self._was_paid(key)}
        return self.writer.money(self.order, self.known, self._remaining, ours)

    @property
    def _remaining(self) -> Decimal:
        invoice = self.known.invoice
        if invoice is None or not self.known.invoice_stands or invoice.standing is DocumentStatus.DRAFT:
            return self.writer.open_at_first(self.order)
        if self.known.remaining is not None:
            return self.known.remaining
        return Decimal(0) if invoice.standing is DocumentStatus.PAID else invoice.total

    def _was_paid(self, transaction: str) -> bool:
        return self.done(RecordPayment.step_kind, f"{self._key}+{transaction}")

    @property
    def _writes_invoice(self) -> bool:
        return any(isinstance(want, _WRITTEN) for want in self._wants)

    def _finish(self) -> None:
        invoice = self.known.invoice if self.known.invoice_stands else None
        if invoice is None and not self._writes_invoice:
            return
        issues = self._is_to_be_issued(invoice)
        is_out = issues or (invoice is not None and invoice.standing in _OPEN)
        if not is_out:
            return
        money, is_clear = self._money_to_book()
        letter = self._letter(invoice, issues) if is_clear else None
        known = None if self._writes_invoice or invoice is None else known_document(invoice)
        self._add(issues, money, letter, known)

    def _money_to_book(self) -> tuple[MoneyIn, bool]:
        """The payments, and whether nothing of the money is a question: nobody is mailed before that is answered."""
        if "payment" not in self.actions:
            return MoneyIn(), True
        try:
            money = self._money
        except RecordProblem as problem:
            self._problem = self._problem or problem
            return MoneyIn(), False
        self.mentions |= money.mentions
        return money, True

    def _add(self, issues: bool, money: MoneyIn, letter: Letter | None, known: KnownDocument | None) -> None:
        currency, due_date = self.order.currency, known.due_date if known else ""
        if self._writes_invoice:
            due_date = self._invoice_document.header.due_date or ""
        if issues and letter is not None and not money.due:
            self._wants.append(Finish(letter, currency, due_date, known))
            return
        if issues:
            self._wants.append(Finish(None, currency, due_date, known))
        received = decimal_text(self.known.received) if known is not None and self.known.received is not None else ""
        self._wants.extend(replace(payment, known=known, received=received) for payment in money.due)
        if letter is not None:
            self._wants.append(Mail(letter, currency, due_date, known))

    def _is_to_be_issued(self, invoice: Linked | None) -> bool:
        if "issue" not in self.actions:
            return False
        if invoice is None or self._is_made_anew:
            return True
        if invoice.standing is not DocumentStatus.DRAFT:
            return False
        if invoice.shared or self.reversals.went_out(invoice.ledger_id):
            self._problem = self._problem or taken_back(invoice, self.writer.ledger)
            return False
        return True

    @property
    def _is_made_anew(self) -> bool:
        return any(isinstance(want, TakeBack) for want in self._wants)

    def _letter(self, invoice: Linked | None, issues: bool) -> Letter | None:
        """The mail, where it is due: once, and only for an invoice that bexsync issues or has issued."""
        if "send" not in self.actions or self.done(SendDocument.step_kind, self._key):
            return None
        if not issues:
            if invoice is None or invoice.standing not in _MAILABLE or invoice.shared:
                return None
            if not self.done(IssueDocument.step_kind, self._key):
                self._notes.append(f"{invoice.number} is not mailed, since it was issued in {self.writer.ledger}")
                return None
        return self.writer.letter(self.writer.source(self.order), self._person)

    def _hold(self, said: str, url: str) -> None:
        """Something stands in the way of what is due; it is said once nothing else is wanted, or beside it."""
        self._problem = self._problem or RecordProblem(
            f"{said} What is still due for it is not booked.",
            f"It is not made again. To book it again: `bexsync links forget {self.order.shop_id}` ({url}).",
            code="gone_in_ledger",
        )
