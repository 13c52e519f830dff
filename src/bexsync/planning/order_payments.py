"""Which transactions of the shop are money, which of it the ledger has, and what is to be booked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, format_amount
from bexsync.planning.order_lines import zurich_day
from bexsync.ports.documents import Payment
from bexsync.ports.wanted import KnownDocument
from bexsync.ports.wanted_orders import Pay
from bexsync.records import Invoice, Order, Transaction

# The key of the one payment of a document that the shop calls paid without saying by which transactions; no transaction
# of a shop has an empty id.
PAID = ""
_WITHIN = timedelta(days=10)
_ALL_PAID = ("paid", "partially_refunded")


@dataclass(frozen=True)
class Receipts:
    """What the shop says it received for one document, be it an order or an invoice.

    `is_paid` says that the shop calls all of it paid, `paid_at` when.
    """

    currency: str
    transactions: tuple[Transaction, ...] = ()
    is_paid: bool = False
    paid_at: datetime | None = None
    method: str | None = None

    @classmethod
    def of_order(cls, order: Order) -> Receipts:
        """What came in for an order; one that was refunded in part had been paid in full."""
        is_paid = order.financial_status in _ALL_PAID
        return cls(order.currency, order.payments, is_paid, order.paid_at, order.payment_method)

    @classmethod
    def of_invoice(cls, invoice: Invoice) -> Receipts:
        """What came in for an invoice."""
        is_paid = invoice.status == "paid"
        return cls(invoice.currency, invoice.payments, is_paid, invoice.paid_at, invoice.payment_method)


@dataclass(frozen=True)
class Receipt:
    """Money that came in once; `also` are the keys of further transactions that are the same money."""

    key: str
    amount: Decimal
    day: date
    method: str | None
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys under which it may have been booked."""
        return (self.key, *self.also)


@dataclass(frozen=True)
class LedgerPayments:
    """What the ledger knows of a document's money: what remains, its payments, and which of them are ours.

    `ours` names by transaction what bexsync booked, None where the payment's id is not known; `round_to` is what the
    ledger rounds totals of the currency to.
    """

    remaining: Decimal
    round_to: Decimal
    payments: tuple[Payment, ...] = ()
    ours: Mapping[str, LedgerId | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentPlan:
    """What is to be booked, which transactions the ledger has already, and what was paid above what remains.

    `above_by` are the transactions of which something is above.
    """

    pay: tuple[Receipt, ...] = ()
    matched: Mapping[str, LedgerId] = field(default_factory=dict)
    above: Decimal = Decimal(0)
    above_by: tuple[str, ...] = ()


def is_settled(remaining: Decimal, round_to: Decimal) -> bool:
    """Whether no more remains than the ledger's own rounding of the total may leave: half its step."""
    return remaining <= round_to / 2


def plan_payments(receipts: Receipts, ledger: LedgerPayments) -> PaymentPlan:
    """What of the shop's money is to be booked; raises RecordProblem where its day, amount or currency is unknown."""
    if not receipts.transactions:
        return _plan_paid(receipts, ledger)
    came_in = money(receipts)
    matched = _matches(came_in, ledger)
    waiting = [one for one in came_in if one.key not in matched and not any(key in ledger.ours for key in one.keys)]
    left, above, pay, above_by = ledger.remaining, Decimal(0), [], []
    for one in waiting:
        value = Decimal(0) if is_settled(left, ledger.round_to) else min(one.amount, left)
        if value:
            pay.append(replace(one, amount=value))
        if one.amount > value:
            above_by.append(one.key)
        left, above = left - value, above + one.amount - value
    # What was booked as paid as a whole may be told again as single transactions, which is nothing above.
    if is_settled(above, ledger.round_to) or PAID in ledger.ours:
        above, above_by = Decimal(0), []
    return PaymentPlan(tuple(pay), matched, above, tuple(above_by))


def money(receipts: Receipts) -> tuple[Receipt, ...]:
    """The money that came in, the oldest first; a sale and its capture are one, and a refund is none.

    Authorised, pending and failed transactions are no money, nor is what was voided.
    """
    voided = {one.parent_id for one in receipts.transactions if one.kind == "void" and one.status == "success"}
    real = [one for one in receipts.transactions if one.is_money and one.amount > 0 and one.shop_id not in voided]
    sales = [one for one in real if one.kind == "sale"]
    captures: dict[str, list[Transaction]] = {}
    alone = list(sales)
    for one in real:
        if one.kind != "capture":
            continue
        sale = next((other for other in sales if _is_capture_of(one, other)), None)
        if sale is None:
            alone.append(one)
        else:
            captures.setdefault(sale.shop_id, []).append(one)
    found = [_receipt(one, captures.get(one.shop_id, ()), receipts) for one in alone]
    return tuple(sorted(found, key=lambda one: (one.day, one.key)))


def wanted_payments(
    plan: PaymentPlan, receipts: Receipts, accounts: Mapping[str | None, LedgerId | None], known: KnownDocument | None
) -> Iterator[Pay]:
    """The payments as they are wanted of the ledger; `accounts` are the bank accounts by payment method."""
    for one in plan.pay:
        bank = accounts[one.method]
        yield Pay(one.key, decimal_text(one.amount), receipts.currency, one.day.isoformat(), bank, known)


def _plan_paid(receipts: Receipts, ledger: LedgerPayments) -> PaymentPlan:
    """One payment of what remains, where the shop says no more than that it was paid."""
    if not receipts.is_paid or PAID in ledger.ours or is_settled(ledger.remaining, ledger.round_to):
        return PaymentPlan()
    if receipts.paid_at is None:
        raise RecordProblem(
            f"It is paid in the shop, which does not say when; {format_amount(ledger.remaining)} "
            f"{receipts.currency} remain.",
            "Let the shop give `paid_at` or the payments, or book the money by hand.",
            code="payment_day_missing",
            field="paid_at",
        )
    return PaymentPlan((Receipt(PAID, ledger.remaining, zurich_day(receipts.paid_at), receipts.method),))


def _is_capture_of(capture: Transaction, sale: Transaction) -> bool:
    if capture.parent_id is not None:
        return capture.parent_id == sale.shop_id
    same_gateway = None in (capture.gateway, sale.gateway) or capture.gateway == sale.gateway
    return capture.transaction_id is not None and capture.transaction_id == sale.transaction_id and same_gateway


def _receipt(one: Transaction, captures: Sequence[Transaction], receipts: Receipts) -> Receipt:
    if one.currency != receipts.currency:
        raise RecordProblem(
            f"Payment {one.shop_id} is in {one.currency}, the document in {receipts.currency}.",
            "Book that payment by hand, or correct it in the shop.",
            code="payment_currency",
            field="payments",
            subject=f"payment:{one.shop_id}",
        )
    captured = sum((other.amount for other in captures), Decimal(0))
    if captures and captured != one.amount:
        raise RecordProblem(
            f"Payment {one.shop_id} is {format_amount(one.amount)} {one.currency}, its captures are "
            f"{format_amount(captured)}.",
            "Correct the payments in the shop, or book the money by hand.",
            code="payment_unclear",
            field="payments",
            subject=f"payment:{one.shop_id}",
        )
    moment = next((other.paid_at for other in (one, *captures) if other.paid_at is not None), receipts.paid_at)
    if moment is None:
        raise RecordProblem(
            f"Payment {one.shop_id} of {format_amount(one.amount)} {one.currency} has no day.",
            "Let the shop give its `paid_at`, or book the money by hand.",
            code="payment_day_missing",
            field="paid_at",
            subject=f"payment:{one.shop_id}",
        )
    method = one.payment_method or receipts.method
    return Receipt(one.shop_id, one.amount, zurich_day(moment), method, tuple(other.shop_id for other in captures))


def _matches(came_in: Sequence[Receipt], ledger: LedgerPayments) -> dict[str, LedgerId]:
    """The payments that the ledger has of this money, one each: ours by their id, others by amount and nearest day."""
    matched: dict[str, LedgerId] = {}
    for one in came_in:
        known = next((ledger.ours[key] for key in one.keys if ledger.ours.get(key) is not None), None)
        if known is not None:
            matched[one.key] = known
    # One booked as paid as a whole is free for the transaction that turns out to have been that money.
    taken = {payment_id for key, payment_id in ledger.ours.items() if payment_id is not None and key != PAID}
    for one, payment in _pairs(came_in, ledger):
        if one.key not in matched and payment.ledger_id not in taken:
            matched[one.key] = payment.ledger_id
            taken.add(payment.ledger_id)
    return matched


def _pairs(came_in: Sequence[Receipt], ledger: LedgerPayments) -> list[tuple[Receipt, Payment]]:
    """Money and payments that may be the same: what is ours and of the nearest day comes first."""
    pairs = [
        (one, payment)
        for one in came_in
        for payment in ledger.payments
        if payment.value == one.amount and _apart(one, payment) <= _WITHIN
    ]

    def order(pair: tuple[Receipt, Payment]) -> tuple[object, ...]:
        one, payment = pair
        is_ours = any(key in ledger.ours for key in one.keys)
        return (not is_ours, _apart(one, payment), one.day, one.key, payment.ledger_id.age)

    return sorted(pairs, key=order)


def _apart(one: Receipt, payment: Payment) -> timedelta:
    return abs(date.fromisoformat(payment.day) - one.day)
