"""Payments of invoices: booked once, never above what remains, and never beside the same money of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bexsync.errors import Changed, Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.models import Identified
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, understood
from bexsync.ledgers.bexio.records import document_of, payment_from
from bexsync.money import decimal_text, format_amount
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult, LookupResult, Payment
from bexsync.ports.order_effects import RecordPayment

_OPEN = (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.UNPAID)


class PaymentEffects:
    """Books payments."""

    def __init__(self, api: Api, finder: DocumentFinder, shown: JustShown, web_url: str) -> None:
        self._api = api
        self._finder = finder
        self._shown = shown
        self._web_url = web_url

    @property
    def handlers(self) -> Handlers:
        """The effect that books a payment."""
        return (Handler(RecordPayment, self.record, self.find_recorded, prepare=self.with_known),)

    def of(self, ledger_id: LedgerId) -> Sequence[Payment]:
        """The payments of an invoice; a credit voucher set off against it may stand among them and is none."""
        rows = self._api.list(f"{INVOICES}/{ledger_id}/payment")
        return [payment_from(row) for row in rows if not row.get("kb_credit_voucher_id")]

    def with_known(self, effect: RecordPayment) -> RecordPayment:
        """The payments that are there before the request, none of which can be ours; none where nothing came in."""
        path = f"{INVOICES}/{effect.document_id}"
        self._shown.forget(path)
        try:
            row = self._finder.row(effect.known_id)
            state = document_of(effect.known_id, row, self._web_url)
            payments = self.of(effect.known_id) if state.received or state.credited else ()
        except Refused:  # the invoice is gone, as booking the payment will say
            return effect
        self._shown.keep(path, row)
        return replace(effect, known=tuple(payment.ledger_id for payment in payments))

    def record(self, effect: RecordPayment) -> EffectResult:
        """Books a payment, unless less remains by now or somebody else booked money since it was planned."""
        row = self._shown.get(f"{INVOICES}/{effect.document_id}") or self._finder.row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url)
        value = _value(effect, state)
        _check(state, value, effect.received)
        body = {"value": effect.value if value == Decimal(effect.value) else decimal_text(value), "date": effect.day}
        account = {} if effect.bank_account_id is None else {"bank_account_id": effect.bank_account_id.wire}
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}/payment", body | account)
        with after_the_effect(), understood("the new payment"):
            if payment_from(row).value != value:
                raise NotUnderstood("it is another one")
            return _booked(state, value, effect.day, LedgerId(Identified.read(row).id))

    def find_recorded(self, effect: RecordPayment) -> LookupResult:
        """The payment that was not there before, with this amount, day and account."""
        try:
            payments = self.of(effect.known_id)
        except Refused as problem:
            if problem.status == 404:
                return LookupResult()
            raise
        known = effect.known or ()
        ours = [one for one in payments if one.ledger_id not in known and _is_same(one, effect)]
        state = self._finder.present(effect.known_id)
        if not ours or state is None:
            return LookupResult()
        if len(ours) > 1:
            return LookupResult(
                conflict=f"{state.number} has {len(ours)} new payments of {format_amount(Decimal(effect.value))} on "
                f"{effect.day}, of which bexsync booked one. Take back the others if they are too many: {state.url}"
            )
        return LookupResult(done=_shown(state, ours[0].ledger_id))


def _value(effect: RecordPayment, state: DocumentState) -> Decimal:
    """What is booked: the payment, or what remains where that is less by no more than rounding explains."""
    value = Decimal(effect.value)
    above = value - state.remaining
    return state.remaining if 0 < above <= Decimal(effect.slack or "0") and state.remaining > 0 else value


def _check(state: DocumentState, value: Decimal, received: str | None) -> None:
    if state.standing not in _OPEN:
        standing = state.standing.value.replace("_", " ")
        raise Changed(f"{state.number} is {standing} in bexio, so the payment was not booked: {state.url}")
    if received is not None and state.received > Decimal(received):
        raise Changed(
            f"{state.number} shows {format_amount(state.received)} received, "
            f"{format_amount(Decimal(received))} were known, so "
            f"somebody booked money meanwhile, and the payment of {format_amount(value)} was not booked. "
            f"The next run compares it: {state.url}"
        )
    if state.remaining < value:
        raise Changed(
            f"{format_amount(state.remaining)} of {state.number} remains to be paid, so the payment of "
            f"{format_amount(value)} was "
            f"not booked: {state.url}"
        )


def _is_same(payment: Payment, effect: RecordPayment) -> bool:
    is_same_account = None in (payment.bank_account_id, effect.bank_account_id) or (
        payment.bank_account_id == effect.bank_account_id
    )
    missing = Decimal(effect.value) - payment.value
    return 0 <= missing <= Decimal(effect.slack or "0") and payment.day == effect.day and is_same_account


def _booked(before: DocumentState, value: Decimal, day: str, payment_id: LedgerId) -> EffectResult:
    """What follows for the invoice, which the answer does not show."""
    remaining = before.remaining - value
    seen = {
        "standing": (DocumentStatus.PARTLY_PAID if remaining > 0 else DocumentStatus.PAID).value,
        "received": decimal_text(before.received + value),
        "remaining": decimal_text(remaining),
        # The last day of all payments; beside earlier ones payments poll asks for it.
        "paid_date": "" if before.received else day,
    }
    return EffectResult(before.ledger_id, before.number, before.url, seen=seen, data={"payment_id": str(payment_id)})


def _shown(state: DocumentState, payment_id: LedgerId) -> EffectResult:
    return EffectResult(state.ledger_id, state.number, state.url, state, data={"payment_id": str(payment_id)})
