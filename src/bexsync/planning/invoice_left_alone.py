"""Invoices that nothing is booked for: by definition, by the profile, or as a question until a person has decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bexsync.errors import RecordProblem
from bexsync.records import Invoice

_STATUS = "its status in the shop is "
_DATE = "dated before start_date "


def reason_to_leave_alone(invoice: Invoice, start_date: date, skip: Iterable[str], ledger: str) -> str:
    """Return why an invoice that is not in the ledger is left alone, "" where it is to be booked.

    Raises RecordProblem where only a person can say that nothing is to be booked.
    """
    if invoice.status == "draft" or invoice.status in skip:
        return f"{_STATUS}{invoice.status}"
    if invoice.invoice_date < start_date:
        return f"{_DATE}{start_date}"
    # A credit note that was sent or settled has to be written in the ledger all the same.
    if invoice.status == "cancelled" or (invoice.status != "approved" and invoice.document_type == "invoice"):
        raise left_alone_problem(invoice, ledger)
    return ""


def no_longer_valid(reasons: Iterable[str], start_date: date, skip: Iterable[str]) -> list[str]:
    """Return those of the reasons above that no longer hold since the start date or the skip list changed."""
    valid = {f"{_DATE}{start_date}", *(f"{_STATUS}{status}" for status in ("draft", *skip))}
    return [reason for reason in reasons if reason.startswith((_STATUS, _DATE)) and reason not in valid]


def left_alone_problem(invoice: Invoice, ledger: str) -> RecordProblem:
    """Return the question about an invoice that is `paid`, `sent` or `cancelled` and not in the ledger."""
    # Code, what happened, and what to do to have it in the ledger after all.
    questions = {
        "paid": (
            "paid_in_shop",
            "is paid in the shop already, and bexsync does not book payments",
            f"book it and its payment in {ledger} by hand, or hand it over as approved and enter the payment there",
        ),
        "sent": (
            "sent_by_shop",
            "was sent to the customer by the shop already, and bexsync would mail it a second time",
            f"book it in {ledger} by hand, or hand it over as approved",
        ),
        "cancelled": (
            "cancelled_before_booking",
            "was cancelled in the shop before it was booked",
            f"nothing is to be done in {ledger} unless somebody entered it there by hand",
        ),
    }
    code, what, remedy = questions[invoice.status]
    noun = "The credit note" if invoice.document_type == "credit_note" else "The invoice"
    return RecordProblem(
        f"{noun} {what}; nothing was booked.",
        f"{remedy[0].upper()}{remedy[1:]}. Then acknowledge it with `bexsync errors ack ID`; "
        f'[invoices] skip = ["{invoice.status}"] leaves all of these alone.',
        code=code,
        field="status",
        subject=code,
    )
