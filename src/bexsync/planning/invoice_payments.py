"""The money that came in for an invoice of the shop: what of it is to be booked on its document, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, format_amount, rounded
from bexsync.planning.invoice_link import Linked, is_money_stated, reference
from bexsync.planning.lookups import currency_called
from bexsync.planning.money_in import Debt, MoneyIn, PaidDocument, money_in
from bexsync.planning.order_payments import PAID, Receipts
from bexsync.ports.documents import DocumentState, DocumentStatus, Payment
from bexsync.ports.master_data import MasterData
from bexsync.ports.order_effects import RecordPayment
from bexsync.ports.steps import WasDone
from bexsync.ports.wanted import KnownDocument
from bexsync.ports.wanted_orders import Pay
from bexsync.records import Invoice

# How a document stands on which money can be booked, and that on which it was.
TAKES_MONEY = (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.UNPAID)
HAS_MONEY = (*TAKES_MONEY, DocumentStatus.PAID)


@dataclass(frozen=True)
class KnownMoney:
    """The money of a document that the ledger has; `own` are the ids of our payments by transaction.

    `remaining` is None where no document is issued, so that all of it will remain.
    """

    remaining: Decimal | None = None
    received: Decimal = Decimal(0)
    payments: Sequence[Payment] = ()
    own: Mapping[str, LedgerId] = field(default_factory=dict)


@dataclass(frozen=True)
class InvoicePayments:
    """Decides what of the shop's money is to be booked on the documents of its invoices."""

    profile: Profile
    master: MasterData
    site: str
    done: WasDone

    def is_stated(self, invoice: Invoice) -> bool:
        """Whether the shop says what came in for an invoice so that it may be booked."""
        return is_money_stated(invoice) and invoice.status not in self.profile.invoices.skip

    def on(self, invoice: Invoice, known: KnownMoney, total: Decimal) -> MoneyIn:
        """What is to be booked on a document of this total; raises RecordProblem where that is unclear."""
        if not self.is_stated(invoice):
            return MoneyIn()
        remaining = known.remaining
        if remaining is None:
            remaining = rounded(total, currency_called(self.master, invoice.currency).round_to)
        document = PaidDocument("invoice", invoice.source_number or invoice.shop_id, f"invoice:{invoice.shop_id}")
        debt = Debt(remaining, known.payments, self._ours(invoice, known))
        return money_in(self.profile, self.master, document, Receipts.of_invoice(invoice), debt)

    def _ours(self, invoice: Invoice, known: KnownMoney) -> dict[str, LedgerId | None]:
        key, names = reference(self.site, invoice.shop_id), [PAID, *(one.shop_id for one in invoice.payments)]
        return {name: known.own.get(name) for name in names if self.done(RecordPayment.step_kind, f"{key}+{name}")}

    def left_open(
        self, invoice: Invoice, money: MoneyIn, document: Linked | DocumentState | None = None
    ) -> RecordProblem | None:
        """The question about an invoice that is paid in the shop, and is not once its payments are booked."""
        if invoice.status != "paid" or money.is_settled or not self.is_stated(invoice):
            return None
        ledger = self.master.ledger
        name = document.number if document is not None else "its document"
        return RecordProblem(
            f"It is paid in the shop; with all payments that it hands over, {name} still stays open in {ledger}.",
            f"Let the shop hand over the payment that is missing, or enter it in {ledger}"
            f"{f': {document.url}' if document is not None else '.'}",
            code="paid_in_shop",
            field="status",
        )


def payments_on(money: MoneyIn, document: KnownDocument | None, received: Decimal) -> Iterator[Pay]:
    """The payments that are due, on a known document or on that of the steps before."""
    for one in money.due:
        yield replace(one, known=document, received=decimal_text(received) if document is not None else "")


def stays_a_draft(
    invoice: Invoice, money: MoneyIn, document: Linked | DocumentState | None, ledger: str
) -> RecordProblem:
    """The question about money that came in for a document which is not to be issued."""
    amount = format_amount(sum((Decimal(one.amount) for one in money.due), Decimal(0)))
    name, url = (document.number, f": {document.url}") if document is not None else ("its document", ".")
    return RecordProblem(
        f"{amount} {invoice.currency} came in for it, and {name} is a draft in {ledger}, which takes no payments.",
        f"Issue it in {ledger}, and the next run books the payment{url}",
        code="paid_in_shop",
        field="status",
    )
