"""From what came in for a document to the payments to book on its invoice, and to what is said of them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.money import format_amount
from bexsync.planning.document_header import bank_account_id, method_without_account
from bexsync.planning.lookups import currency_called
from bexsync.planning.order_payments import (
    LedgerPayments,
    PaymentPlan,
    Receipts,
    is_settled,
    plan_payments,
    wanted_payments,
)
from bexsync.ports.documents import Payment
from bexsync.ports.master_data import MasterData
from bexsync.ports.wanted_orders import Pay


@dataclass(frozen=True)
class MoneyIn:
    """What came in for a document: payments still to be booked, and whether it is paid once they are.

    `mentions` are sentences that a run says once, by what they are about.
    """

    due: tuple[Pay, ...] = ()
    is_settled: bool = False
    mentions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Debt:
    """What the ledger shows of a document's money: what remains, its payments, and which of them are ours."""

    remaining: Decimal
    payments: Sequence[Payment] = ()
    ours: Mapping[str, LedgerId | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PaidDocument:
    """How sentences call a document: its `kind`, its `name`, and the key that what was said of it is kept by."""

    kind: str
    name: str
    key: str


def money_in(profile: Profile, master: MasterData, document: PaidDocument, receipts: Receipts, debt: Debt) -> MoneyIn:
    """What of the shop's money is to be booked; raises RecordProblem where its day, amount or account is unknown."""
    currency = currency_called(master, receipts.currency)
    plan = plan_payments(receipts, LedgerPayments(debt.remaining, currency.round_to, tuple(debt.payments), debt.ours))
    accounts = {one.method: bank_account_id(profile, master, one.method, currency) for one in plan.pay}
    paid = sum((one.amount for one in plan.pay), Decimal(0))
    return MoneyIn(
        tuple(wanted_payments(plan, receipts, accounts, None)),
        is_settled(debt.remaining - paid, currency.round_to),
        _mentions(profile, document, receipts.currency, plan),
    )


def _mentions(profile: Profile, document: PaidDocument, currency: str, plan: PaymentPlan) -> dict[str, str]:
    mentions = {
        f"method:{method}:{currency}": said
        for method in sorted({one.method for one in plan.pay if one.method})
        if (said := method_without_account(profile, method, currency))
    }
    if plan.above:
        above = f"{format_amount(plan.above)} {currency} came in above what remained, and is not booked."
        mentions[f"above:{document.key}:{' '.join(plan.above_by)}"] = (
            f"{document.kind.capitalize()} {document.name}: {above}"
        )
    return mentions
