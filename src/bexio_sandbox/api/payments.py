"""Payments and reminders of an invoice."""

from __future__ import annotations

from decimal import Decimal

from bexio_sandbox import pdf, search, serializers
from bexio_sandbox.api.call import Answer, Call, Route, success, tagged
from bexio_sandbox.api.document_forms import printed_lines, refuse_bad_logopaper
from bexio_sandbox.api.invoices import EDIT, LETTER, SHOW
from bexio_sandbox.forms import Field, Form, day, decimal, one_of, or_null, reference
from bexio_sandbox.limits import SEARCH_AND_PDF
from bexio_sandbox.search import NUMBER, TEXT, Searchable
from bexio_sandbox.state import invoices, payments, reminders
from bexio_sandbox.state.tables import Row

_SMALLEST = Decimal("0.000001")
_PAYMENT = Form(
    {
        "date": Field(day),
        "value": Field(decimal(6, lowest=_SMALLEST), is_required=True),
        "bank_account_id": Field(reference("bank_accounts")),
        "payment_service_id": Field(or_null(one_of(0, 1, 2))),
    }
)
_REMINDER_SEARCH = Searchable(
    {"title": TEXT, "reminder_level": NUMBER, "is_valid_from": TEXT, "is_valid_to": TEXT, "is_sent": NUMBER}
)
_REMINDER_LETTER = Form({name: LETTER.fields[name] for name in ("recipient_email", "subject", "message")})


def list_payments(call: Call, invoice_id: int) -> Answer:
    """Lists the payments of an invoice."""
    rows = payments.of_invoice(call.state, invoices.find(call.state, invoice_id))
    page = search.page_of(call.query, (), call.state.behaviours)
    shown = search.page_through(rows, page, call.state.behaviours)
    return Answer([serializers.payment(row, serializers.READ) for row in shown])


def show_payment(call: Call, invoice_id: int, payment_id: int) -> Answer:
    """Shows one payment."""
    row = payments.find(call.state, invoices.find(call.state, invoice_id), payment_id)
    return tagged(serializers.payment(row, serializers.READ), row)


def create_payment(call: Call, invoice_id: int) -> Answer:
    """Records a payment."""
    invoice = invoices.find(call.state, invoice_id)
    values = _PAYMENT.read(call.body, call.state, call.language)
    payments.check(call.state, invoice, Decimal(values["value"]))
    row = payments.record(
        call.state,
        invoice,
        values["value"],
        values.get("date"),
        values.get("bank_account_id"),
        values.get("payment_service_id"),
    )
    return tagged(serializers.payment(row, serializers.FRESH), row, 201)


def delete_payment(call: Call, invoice_id: int, payment_id: int) -> Answer:
    """Deletes a payment for good."""
    invoice = invoices.find(call.state, invoice_id)
    payments.remove(call.state, invoice, payments.find(call.state, invoice, payment_id)["id"])
    return success()


def list_reminders(call: Call, invoice_id: int) -> Answer:
    """Lists the reminders of an invoice."""
    rows = reminders.of_invoice(call.state, invoices.find(call.state, invoice_id))
    return Answer([serializers.reminder(row, serializers.READ) for row in rows])


def search_reminders(call: Call, invoice_id: int) -> Answer:
    """Searches the reminders of an invoice; there are no pages."""
    rows = reminders.of_invoice(call.state, invoices.find(call.state, invoice_id))
    found = search.matching(rows, call.body, _REMINDER_SEARCH, call.state.behaviours)
    return Answer([serializers.reminder(row, serializers.READ) for row in found])


def show_reminder(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Shows one reminder."""
    _, row = _find(call, invoice_id, reminder_id)
    return tagged(serializers.reminder(row, serializers.READ), row)


def create_reminder(call: Call, invoice_id: int) -> Answer:
    """Adds the next level."""
    row = reminders.create(call.state, invoices.find(call.state, invoice_id))
    return Answer(serializers.reminder(row, serializers.FRESH), 201)


def delete_reminder(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Deletes the latest reminder."""
    reminders.remove(call.state, invoices.find(call.state, invoice_id), reminder_id)
    return success()


def mark_reminder_as_sent(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Notes that a reminder went out."""
    reminders.mark(call.state, _find(call, invoice_id, reminder_id)[1], is_sent=True)
    return success()


def mark_reminder_as_unsent(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Takes back that a reminder went out."""
    reminders.mark(call.state, _find(call, invoice_id, reminder_id)[1], is_sent=False)
    return success()


def send_reminder(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Mails a reminder."""
    invoice, row = _find(call, invoice_id, reminder_id)
    letter = _REMINDER_LETTER.read(call.body, call.state, call.language)
    reminders.send(call.state, invoice, row, letter)
    return success()


def show_reminder_pdf(call: Call, invoice_id: int, reminder_id: int) -> Answer:
    """Hands out the PDF of a reminder."""
    invoice, row = _find(call, invoice_id, reminder_id)
    refuse_bad_logopaper(call)
    name = f"{row['title']}-{invoice['document_nr']}.pdf".lower().replace(" ", "-")
    return Answer(pdf.envelope(name, [row["title"], *printed_lines(call.state, invoice)]))


def _find(call: Call, invoice_id: int, reminder_id: int) -> tuple[Row, Row]:
    invoice = invoices.find(call.state, invoice_id)
    return invoice, reminders.find(call.state, invoice, reminder_id)


_PAYMENTS = "/2.0/kb_invoice/<int:invoice_id>/payment"
_ONE_PAYMENT = f"{_PAYMENTS}/<int:payment_id>"
_REMINDERS = "/2.0/kb_invoice/<int:invoice_id>/kb_reminder"
_ONE_REMINDER = f"{_REMINDERS}/<int:reminder_id>"
ROUTES = (
    Route("GET", _PAYMENTS, list_payments, SHOW),
    Route("POST", _PAYMENTS, create_payment, EDIT),
    Route("GET", _ONE_PAYMENT, show_payment, SHOW),
    Route("DELETE", _ONE_PAYMENT, delete_payment, EDIT),
    Route("GET", _REMINDERS, list_reminders, SHOW),
    Route("POST", _REMINDERS, create_reminder, EDIT),
    Route("POST", f"{_REMINDERS}/search", search_reminders, SHOW),
    Route("GET", _ONE_REMINDER, show_reminder, SHOW),
    Route("DELETE", _ONE_REMINDER, delete_reminder, EDIT),
    Route("POST", f"{_ONE_REMINDER}/mark_as_sent", mark_reminder_as_sent, EDIT),
    Route("POST", f"{_ONE_REMINDER}/mark_as_unsent", mark_reminder_as_unsent, EDIT),
    Route("POST", f"{_ONE_REMINDER}/send", send_reminder, EDIT),
    Route("GET", f"{_ONE_REMINDER}/pdf", show_reminder_pdf, SHOW, SEARCH_AND_PDF),
)
