"""Invoices: create, read, edit, and the actions that move them through their life."""

from __future__ import annotations

from typing import Any

from bexio_sandbox import pdf, serializers
from bexio_sandbox.api import positions as position_forms
from bexio_sandbox.api.call import Answer, Call, Route, listed, searched, success, tagged
from bexio_sandbox.errors import FORM_NOT_SAVED, ApiError, form_error
from bexio_sandbox.forms import (
    LONG,
    Field,
    Form,
    Refused,
    day,
    flag,
    integer_or_null,
    mail,
    network_message,
    nothing,
    one_of,
    reference,
    set_reference,
    text,
)
from bexio_sandbox.limits import SEARCH_AND_PDF
from bexio_sandbox.messages import text as message
from bexio_sandbox.search import DAY, MOMENT, NUMBER, TEXT, Searchable
from bexio_sandbox.state import contacts, invoices, positions
from bexio_sandbox.state.tables import Row, State

SHOW, EDIT = "kb_invoice_show", "kb_invoice_edit"


def _is_live(contact: Row) -> bool:
    return not contact["is_archived"]


def _template(value: Any, state: State) -> str | None:
    slugs = {row["template_slug"] for row in state.tables["document_templates"].values()}
    if value in (None, "") or value in slugs:
        return value  # type: ignore[no-any-return]
    raise Refused


_HEADER: dict[str, Field] = {
    "title": Field(text()),
    "contact_id": Field(set_reference("contacts", _is_live), is_required=True),
    "contact_sub_id": Field(reference("contacts", _is_live)),
    "user_id": Field(set_reference("users"), is_required=True),
    "pr_project_id": Field(nothing),  # projects are not part of the sandbox, so none can be named
    "logopaper_id": Field(integer_or_null),
    "language_id": Field(set_reference("languages")),
    "bank_account_id": Field(set_reference("bank_accounts")),
    "currency_id": Field(set_reference("currencies")),
    "payment_type_id": Field(reference("payment_types")),
    "header": Field(text(LONG)),
    "footer": Field(text(LONG)),
    "mwst_type": Field(one_of(0, 1, 2)),
    "mwst_is_net": Field(flag),
    "show_position_taxes": Field(flag),
    "is_valid_from": Field(day),
    "is_valid_to": Field(day),
    "contact_address_manual": Field(text(LONG)),
    "reference": Field(text()),
    "api_reference": Field(text()),
    "template_slug": Field(_template),
}


def _kept(value: Any, _: State) -> Any:
    return value


_NUMBER = {"document_nr": Field(text(), is_required=True)}
_LINES = {"positions": Field(_kept)}
_CREATE = Form({**_HEADER, **_LINES})
_CREATE_NUMBERED = Form({**_NUMBER, **_HEADER, **_LINES})
_EDIT = Form(_HEADER, is_widget=True)
_EDIT_NUMBERED = Form({**_NUMBER, **_HEADER}, is_widget=True)
_COPY = Form(
    {
        "contact_id": Field(set_reference("contacts", _is_live), is_required=True),
        "contact_sub_id": Field(reference("contacts", _is_live)),
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
_SEARCH = Searchable(
    {
        "id": NUMBER,
        "kb_item_status_id": NUMBER,
        "document_nr": TEXT,
        "title": TEXT,
        "api_reference": TEXT,
        "contact_id": NUMBER,
        "contact_sub_id": NUMBER,
        "user_id": NUMBER,
        "currency_id": NUMBER,
        "total_gross": NUMBER,
        "total_net": NUMBER,
        "total": NUMBER,
        "is_valid_from": DAY,
        "is_valid_to": DAY,
        "updated_at": MOMENT,
    },
    ("id", "total", "total_net", "total_gross", "updated_at"),
)


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
    form = _CREATE if _numbers_itself(call) else _CREATE_NUMBERED
    values, errors = form.check(call.body, call.state, call.language)
    default = invoices.settings(call.state)["default_mwst_type"]
    mwst_type = {"mwst_type": default, **values}["mwst_type"]
    lines: list[tuple[str, dict[str, Any]]] = []
    try:
        lines = position_forms.read_lines(call, values.pop("positions", []), mwst_type)
    except ApiError as refusal:
        errors = errors + (refusal.errors or [])
    if errors:
        raise form_error(*errors)
    if len(lines) > invoices.MOST_POSITIONS and call.state.behaviours["large_create"] != "accepted":
        return _broken_create(call, values, lines)
    row = invoices.create(call.state, values, lines, call.language)
    return _single(call, row, serializers.FRESH, 201)


def _broken_create(call: Call, values: dict[str, Any], lines: list[tuple[str, dict[str, Any]]]) -> Answer:
    left_behind = {"nothing": 0, "half": len(lines) // 2, "all": len(lines)}[call.state.behaviours["large_create"]]
    if left_behind:
        invoices.create(call.state, values, lines[:left_behind], call.language)
    return Answer(ApiError(500, "Internal Server Error").body(), 500)


def edit_invoice(call: Call, invoice_id: int) -> Answer:
    """Edits the sent header fields of an invoice."""
    invoices.find(call.state, invoice_id)
    if isinstance(call.body, dict) and "positions" in call.body:
        raise form_error('global: Unexpected extra form field named "positions".')
    form = _EDIT if _numbers_itself(call) else _EDIT_NUMBERED
    values = form.read(call.body, call.state, call.language, is_edit=True)
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


def refuse_bad_logopaper(call: Call) -> None:
    """Refuses what the query of a PDF cannot mean."""
    if call.query.get("logopaper", "1") not in ("0", "1"):
        raise form_error(f"logopaper: {message('invalid', call.language)}")


def printed_lines(state: State, invoice: Row) -> list[str]:
    """Return what the PDF of an invoice says."""
    currency = state.tables["currencies"][invoice["currency_id"]]["name"]
    contact = state.contacts.get(invoice["contact_id"])
    lines = [*invoice["contact_address"].split("\n"), "", invoice["title"], f"Nr. {invoice['document_nr']}"]
    if contact is not None and not invoice["contact_address"]:
        lines.insert(0, contacts.full_name(contact))
    for row in positions.of_document(state, invoice):
        if row["type"] in positions.PRICED:
            lines.append(f"{row['amount']} x {row['text']}: {row['unit_price']}")
    return [*lines, "", f"Total {currency} {invoice['total']}", f"Zahlbar bis {invoice['is_valid_to']}"]


def _numbers_itself(call: Call) -> bool:
    return bool(invoices.settings(call.state)["use_automatic_enumeration"])


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
