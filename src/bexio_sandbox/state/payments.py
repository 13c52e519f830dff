"""Payments of invoices: recorded by a client, matched by a person, or set off by a credit voucher."""

from __future__ import annotations

from decimal import Decimal

from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.state import invoices
from bexio_sandbox.state.documents import next_number, settings
from bexio_sandbox.state.tables import Row, State


def of_invoice(state: State, invoice: Row) -> list[Row]:
    """Return the payments that bexio lists for an invoice."""
    rows = [state.payments[number] for number in invoice["payment_ids"]]
    shows_credits = state.behaviours["credit_in_payment_list"] == "yes"
    return [row for row in rows if shows_credits or not row["is_credit"]]


def find(state: State, invoice: Row, payment_id: int) -> Row:
    """Return one listed payment of an invoice."""
    for row in of_invoice(state, invoice):
        if row["id"] == payment_id:
            return row
    raise not_found()


def check(state: State, invoice: Row, value: Decimal) -> None:
    """Refuses a payment that an API client must not record."""
    status = invoice["kb_item_status_id"]
    if status == invoices.DRAFT and state.behaviours["payment_on_draft"] == "refused":
        raise form_error("global: The invoice is not in issued state.")
    if status == invoices.CANCELLED:
        raise form_error("global: The invoice is cancelled.")
    is_too_much = value > Decimal(invoice["total_remaining_payments"])
    if is_too_much and state.behaviours["overpayment"] == "refused":
        raise form_error("value: The payment is higher than what remains to be paid.")


def record(
    state: State,
    invoice: Row,
    value: str,
    day: str | None = None,
    bank_account_id: int | None = None,
    payment_service_id: int | None = None,
) -> Row:
    """Books a payment."""
    row = {
        "date": day or state.today().isoformat(),
        "value": value,
        "bank_account_id": bank_account_id or invoice["bank_account_id"],
        "title": "Zahlungseingang",
        "payment_service_id": payment_service_id,
        "is_client_account_redemption": False,
        "is_cash_discount": False,
        "kb_invoice_id": invoice["id"],
        "kb_credit_voucher_id": None,
        "kb_credit_voucher_text": "",
        "kb_bill_id": None,
        "is_credit": False,
        "recorded_at": state.now(),
    }
    return _book(state, invoice, row)


def credit(state: State, invoice: Row, value: str) -> Row:
    """Sets off a new credit voucher against an invoice."""
    voucher_id = state.count("credit_vouchers")
    row = {
        "date": state.today().isoformat(),
        "value": value,
        "bank_account_id": None,
        "title": "Gutschrift",
        "payment_service_id": None,
        "is_client_account_redemption": False,
        "is_cash_discount": False,
        "kb_invoice_id": invoice["id"],
        "kb_credit_voucher_id": voucher_id,
        "kb_credit_voucher_text": next_number(state, settings(state, "KbCreditVoucher")),
        "kb_bill_id": None,
        "is_credit": True,
        "recorded_at": state.now(),
    }
    return _book(state, invoice, row)


def remove(state: State, invoice: Row, payment_id: int) -> None:
    """Deletes a payment; the status of the invoice falls back."""
    state.remove("payments", payment_id)
    left = [number for number in invoice["payment_ids"] if number != payment_id]
    _store(state, {**invoice, "payment_ids": left})


def _book(state: State, invoice: Row, row: Row) -> Row:
    payment = state.add("payments", row)
    _store(state, {**invoice, "payment_ids": [*invoice["payment_ids"], payment["id"]]})
    return payment


def _store(state: State, invoice: Row) -> None:
    counted = invoices.settled(state, invoice)
    if state.behaviours["payment_moves_updated_at"] == "yes":
        invoices.save(state, counted)
    else:
        state.put("invoices", counted)
