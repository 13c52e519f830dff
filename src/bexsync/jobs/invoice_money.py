"""What state and ledger have of the money of an invoice's document."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bexsync.ids import LedgerId
from bexsync.jobs.run import Run
from bexsync.planning.invoice_link import KIND, is_money_stated, reference
from bexsync.planning.invoice_payments import HAS_MONEY, KnownMoney
from bexsync.planning.order_payments import PAID
from bexsync.ports.documents import DocumentState, DocumentStatus, Payment
from bexsync.ports.order_effects import RecordPayment
from bexsync.ports.store import IntentState, Link
from bexsync.records import Invoice


def own_payments(run: Run, kind: str, shop_id: str, key: str) -> dict[str, LedgerId]:
    """The ids of the payments that bexsync booked for a record, by transaction."""
    own = {}
    for intent in run.store.intents.of_subject(kind, shop_id):
        payment = intent.result.get("payment_id")
        if (intent.kind, intent.state) == (RecordPayment.step_kind, IntentState.DONE) and payment:
            own[intent.key.removeprefix(f"{key}+")] = LedgerId(payment)
    return own


def known_money(run: Run, invoice: Invoice, link: Link | None, found: Sequence[DocumentState]) -> KnownMoney:
    """The money of the document that is linked, else of the only one that was found.

    The ledger is asked for its payments only where money of the shop is to be compared with them.
    """
    if not is_money_stated(invoice):
        return KnownMoney()
    own = own_payments(run, KIND, invoice.shop_id, reference(run.store.site, invoice.shop_id))
    if link is not None:
        state = link.state
        standing, ledger_id = DocumentStatus(state.get("standing", "draft")), link.ledger_id
        remaining = Decimal(state.get("remaining") or state.get("total", "0"))
        received, credited = Decimal(state.get("received") or 0), Decimal(state.get("credited") or 0)
    elif len(found) == 1:
        document = found[0]
        standing, ledger_id, remaining = document.standing, document.ledger_id, document.remaining
        received, credited = document.received, document.credited
    else:
        return KnownMoney(own=own)
    if standing not in HAS_MONEY:
        return KnownMoney(own=own)
    payments = _payments(run, ledger_id, invoice, own) if received or credited else ()
    return KnownMoney(remaining, received + credited, payments, own)


def _payments(run: Run, ledger_id: LedgerId, invoice: Invoice, own: dict[str, LedgerId]) -> Sequence[Payment]:
    is_news = any(one.is_money and one.shop_id not in own for one in invoice.payments)
    return tuple(run.ledger.payments(ledger_id)) if is_news or not (invoice.payments or PAID in own) else ()
