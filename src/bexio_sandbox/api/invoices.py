"""Invoices: create, read, edit, and the actions that move them through their life."""

from __future__ import annotations

from bexio_sandbox import pdf, serializers
from bexio_sandbox.api.call import Answer, Call, Route, listed, searched, success, tagged
from bexio_sandbox.api.document_forms import (
    HEADER,
    SEARCHED,
    SORTED,
    DocumentForms,
    is_live,
    printed_lines,
    refuse_bad_logopaper,
)
from bexio_sandbox.errors import FORM_NOT_SAVED, ApiError
from bexio_sandbox.forms import Field, Form, day, flag, mail, network_message, nothing, reference, set_reference, text
from bexio_sandbox.limits import SEARCH_AND_PDF
from bexio_sandbox.search import TEXT, Searchable
from bexio_sandbox.state import invoices
from bexio_sandbox.state.tables import Row

SHOW, EDIT = "kb_invoice_show", "kb_invoice_edit"


_FORMS = DocumentForms(invoices.INVOICES, {**HEADER, "is_valid_to": Field(day), "reference": Field(text())})
_COPY = Form(
    {
        "contact_id": Field(set_reference("contacts", is_live), is_required=True),
        "contact_sub_id": Field(reference("contacts", is_live)),
        "is_valid_from": Field(day),
        "pr_project_id": Field(nothing),
        "title": Field(text()),
    }
)
LETTER = Form(
    {
        "recipient_email": Field(mail, is_required=True),
        "subject": Field(text(), is_required=True),
        "message": Field(network_message, is_required=True),
        "mark_as_open": Field(flag),
        "attach_pdf": Field(flag),
    }
)
_SEARCH = Searchable({**SEARCHED, "api_reference": TEXT}, SORTED)


def list_invoices(call: Call) -> Answer:
    """Lists invoices without their positions."""
    return listed(call, call.state.invoices.values(), _SEARCH, lambda row: _in_list(call, row))


def search_invoices(call: Call) -> Answer:
    """Searches invoices."""
    return searched(call, call.state.invoices.values(), _SEARCH, lambda row: _in_list(call, row))


def show_invoice(call: Call, invoice_id: int) -> Answer:
    """Shows an invoice with its positions."""
    return _single(call, invoices.find(call.state, invoice_id), serializers.READ)


def create_invoice(call: Call) -> Answer:
    """Creates a draft."""
    return _FORMS.create(call, invoices.create, lambda row: _single(call, row, serializers.FRESH, 201))


def edit_invoice(call: Call, invoice_id: int) -> Answer:
    """Edits the sent header fields of an invoice."""
    invoices.find(call.state, invoice_id)
    values = _FORMS.read_edit(call)
    row = invoices.edit(call.state, invoice_id, values, call.language)
    return _single(call, row, serializers.EDITED)


def refuse_put(_: Call, **__: int) -> Answer:
    """Answers the PUT that clients of other APIs try, with bexio's empty refusal."""
    raise ApiError(422, FORM_NOT_SAVED, [])


def delete_invoice(call: Call, invoice_id: int) -> Answer:
    """Deletes a draft for good."""
    invoices.delete(call.state, invoice_id)
    return success()


def issue_invoice(call: Call, invoice_id: int) -> Answer:
    """Issues a draft."""
    invoices.issue(call.state, invoice_id)
    return success()


def revert_invoice(call: Call, invoice_id: int) -> Answer:
    """Turns an issued invoice back into a draft."""
    invoices.revert(call.state, invoice_id)
    return success()


def cancel_invoice(call: Call, invoice_id: int) -> Answer:
    """Cancels an issued invoice."""
    invoices.cancel(call.state, invoice_id)
    return success()


def mark_invoice_as_sent(call: Call, invoice_id: int) -> Answer:
    """Notes that an invoice went out by other means."""
    invoices.mark_as_sent(call.state, invoice_id)
    return success()


def send_invoice(call: Call, invoice_id: int) -> Answer:
    """Mails an invoice."""
    invoices.find(call.state, invoice_id)
    invoices.send(call.state, invoice_id, LETTER.read(call.body, call.state, call.language))
    return success()


def copy_invoice(call: Call, invoice_id: int) -> Answer:
    """Makes a new draft out of an invoice."""
    invoices.find(call.state, invoice_id)
    values = _COPY.read(call.body, call.state, call.language)
    return _single(call, invoices.copy(call.state, invoice_id, values, call.language), serializers.COPIED, 201)


def show_pdf(call: Call, invoice_id: int) -> Answer:
    """Hands out the PDF of an invoice."""
    invoice = invoices.find(call.state, invoice_id)
    refuse_bad_logopaper(call)
    lines = printed_lines(call.state, invoice)
    return Answer(pdf.envelope(f"{invoice['document_nr'].lower()}.pdf", lines))


def _in_list(call: Call, row: Row) -> Row:
    return serializers.invoice(call.state, row, serializers.READ, with_positions=False)


def _single(call: Call, row: Row, manner: str, status: int = 200) -> Answer:
    return tagged(serializers.invoice(call.state, row, manner, with_positions=True), row, status)


_ONE = "/2.0/kb_invoice/<int:invoice_id>"
ROUTES = (
    Route("GET", "/2.0/kb_invoice", list_invoices, SHOW),
    Route("POST", "/2.0/kb_invoice", create_invoice, EDIT),
    Route("POST", "/2.0/kb_invoice/search", search_invoices, SHOW, SEARCH_AND_PDF),
    Route("GET", _ONE, show_invoice, SHOW),
    Route("POST", _ONE, edit_invoice, EDIT),
    Route("PUT", _ONE, refuse_put, EDIT),
    Route("DELETE", _ONE, delete_invoice, EDIT),
    Route("POST", f"{_ONE}/issue", issue_invoice, EDIT),
    Route("POST", f"{_ONE}/revert_issue", revert_invoice, EDIT),
    Route("POST", f"{_ONE}/cancel", cancel_invoice, EDIT),
    Route("POST", f"{_ONE}/mark_as_sent", mark_invoice_as_sent, EDIT),
    Route("POST", f"{_ONE}/send", send_invoice, EDIT),
    Route("POST", f"{_ONE}/copy", copy_invoice, EDIT),
    Route("GET", f"{_ONE}/pdf", show_pdf, SHOW, SEARCH_AND_PDF),
)
