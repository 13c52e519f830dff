"""Payments of invoices: recorded by a client, matched by a person, or set off by a credit voucher."""

from __future__ import annotations

from decimal import Decimal

from bexio_sandbox.books import invoices
from bexio_sandbox.books.state import Books, Row
from bexio_sandbox.errors import form_error, not_found


def of_invoice(books: Books, invoice: Row) -> list[Row]:
    """Returns the payments that bexio lists for an invoice."""
    rows = [books.payments[number] for number in invoice["payment_ids"]]
    shows_credits = books.doubts["credit_in_payment_list"] == "yes"
    return [row for row in rows if shows_credits or not row["is_credit"]]


def find(books: Books, invoice: Row, payment_id: int) -> Row:
    """Returns one listed payment of an invoice."""
    for row in of_invoice(books, invoice):
        if row["id"] == payment_id:
            return row
    raise not_found()


def check(books: Books, invoice: Row, value: Decimal) -> None:
    """Refuses a payment that an API client must not record."""
    status = invoice["kb_item_status_id"]
    if status == invoices.DRAFT and books.doubts["payment_on_draft"] == "refused":
        raise form_error("global: The invoice is not in issued state.")
    if status == invoices.CANCELLED:
        raise form_error("global: The invoice is cancelled.")
    is_too_much = value > Decimal(invoice["total_remaining_payments"])
    if is_too_much and books.doubts["overpayment"] == "refused":
        raise form_error("value: The payment is higher than what remains to be paid.")


def record(
    books: Books,
    invoice: Row,
    value: str,
    day: str | None = None,
    bank_account_id: int | None = None,
    payment_service_id: int | None = None,
) -> Row:
    """Books a payment."""
    row = {
        "date": day or books.today().isoformat(),
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
        "recorded_at": books.now(),
    }
    return _book(books, invoice, row)


def credit(books: Books, invoice: Row, value: str) -> Row:
    """Sets off a new credit voucher against an invoice."""
    voucher_id = books.count("credit_vouchers")
    row = {
        "date": books.today().isoformat(),
        "value": value,
        "bank_account_id": None,
        "title": "Gutschrift",
        "payment_service_id": None,
        "is_client_account_redemption": False,
        "is_cash_discount": False,
        "kb_invoice_id": invoice["id"],
        "kb_credit_voucher_id": voucher_id,
        "kb_credit_voucher_text": invoices.next_number(books, invoices.settings(books, "KbCreditVoucher")),
        "kb_bill_id": None,
        "is_credit": True,
        "recorded_at": books.now(),
    }
    return _book(books, invoice, row)


def remove(books: Books, invoice: Row, payment_id: int) -> None:
    """Deletes a payment; the status of the invoice falls back."""
    books.remove("payments", payment_id)
    left = [number for number in invoice["payment_ids"] if number != payment_id]
    _store(books, {**invoice, "payment_ids": left})


def _book(books: Books, invoice: Row, row: Row) -> Row:
    payment = books.add("payments", row)
    _store(books, {**invoice, "payment_ids": [*invoice["payment_ids"], payment["id"]]})
    return payment


def _store(books: Books, invoice: Row) -> None:
    counted = invoices.settled(books, invoice)
    if books.doubts["payment_moves_updated_at"] == "yes":
        invoices.save(books, counted)
    else:
        books.put("invoices", counted)
