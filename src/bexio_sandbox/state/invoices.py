"""Invoices: how they come about, what they come to, and what each status allows."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error
from bexio_sandbox.messages import text
from bexio_sandbox.state import fulfilment, positions
from bexio_sandbox.state.documents import HEADER_FIELDS, Documents, remove_rows, settings, summed
from bexio_sandbox.state.tables import Row, State

DRAFT, OPEN, PAID, PARTIAL, CANCELLED, UNPAID = 7, 8, 9, 16, 19, 31
ISSUED = (OPEN, PAID, PARTIAL, UNPAID)
STATUS_NAMES = {
    DRAFT: "draft",
    OPEN: "open",
    PAID: "paid",
    PARTIAL: "partial",
    CANCELLED: "cancelled",
    UNPAID: "unpaid",
}
LINK_PLACEHOLDER = "[Network Link]"


def find(state: State, invoice_id: int) -> Row:
    """Return an invoice."""
    return INVOICES.find(state, invoice_id)


def save(state: State, invoice: Row) -> Row:
    """Stores a changed invoice and moves its updated_at."""
    return INVOICES.save(state, invoice)


def create(state: State, values: dict[str, Any], lines: list[tuple[str, dict[str, Any]]], language: str) -> Row:
    """Adds a draft with its positions."""
    document_nr = INVOICES.next_document_number(state, values.get("document_nr"), language)
    invoice = blank(state, values)
    invoice["document_nr"] = document_nr
    _refuse_early_due_date(state, invoice)
    INVOICES.add_lines(state, invoice, lines)
    return state.put("invoices", recounted(state, invoice))


def edit(state: State, invoice_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes header fields of an invoice."""
    invoice = find(state, invoice_id)
    refuse_frozen(state, invoice)
    return change_header(state, invoice, values, language)


def change_header(state: State, invoice: Row, values: dict[str, Any], language: str) -> Row:
    """Changes header fields in any status, as a person does after reverting a document."""
    changed = INVOICES.change_header(state, invoice, values, language)
    _refuse_early_due_date(state, changed)
    return save(state, recounted(state, changed))


def refuse_frozen(state: State, invoice: Row) -> None:
    """Refuses changes to what is no draft any more."""
    if invoice["kb_item_status_id"] != DRAFT and state.behaviours["edit_issued"] == "refused":
        raise form_error("global: The invoice is not in draft state.")


def recounted(state: State, invoice: Row) -> Row:
    """Return an invoice with its sums, its remainder and the status that follows from them."""
    return settled(state, summed(state, invoice))


def settled(state: State, invoice: Row) -> Row:
    """Return an invoice with what was paid, what remains, and the status that follows from them."""
    paid = [state.payments[number] for number in invoice["payment_ids"]]
    received = sum((Decimal(row["value"]) for row in paid if not row["is_credit"]), Decimal(0))
    credited = sum((Decimal(row["value"]) for row in paid if row["is_credit"]), Decimal(0))
    remaining = Decimal(invoice["total"]) - received - credited
    return {
        **invoice,
        "total_received_payments": plain(received),
        "total_credit_vouchers": plain(credited),
        "total_remaining_payments": plain(remaining),
        "kb_item_status_id": _status_after(state, invoice["kb_item_status_id"], received + credited, remaining),
    }


def _status_after(state: State, status: int, paid: Decimal, remaining: Decimal) -> int:
    if status not in ISSUED:
        return status
    if paid:
        return PAID if remaining <= 0 else PARTIAL
    return int(state.behaviours["status_after_unpaying"]) if status in (PAID, PARTIAL) else status


def issue(state: State, invoice_id: int) -> Row:
    """Turns a draft into an open invoice."""
    invoice = find(state, invoice_id)
    if invoice["kb_item_status_id"] != DRAFT:
        raise form_error("global: The invoice is not in draft state.")
    return save(state, _opened(state, invoice))


def _opened(state: State, invoice: Row) -> Row:
    is_settled = Decimal(invoice["total"]) == 0 and state.behaviours["zero_total_issued"] == "9"
    opened = settled(state, {**invoice, "kb_item_status_id": OPEN})
    if is_settled:
        opened["kb_item_status_id"] = PAID
    if state.behaviours["network_link"] == "on_issue":
        opened["network_link"] = _network_link(invoice)
    return opened


def revert(state: State, invoice_id: int) -> Row:
    """Turns an issued invoice back into a draft."""
    invoice = _issued(state, invoice_id)
    if invoice["payment_ids"] and state.behaviours["revert_with_payments"] == "refused":
        raise form_error("global: The invoice has payments.")
    return save(state, {**invoice, "kb_item_status_id": DRAFT})


def cancel(state: State, invoice_id: int, *, is_person: bool = False) -> Row:
    """Cancels an issued invoice for good."""
    invoice = _issued(state, invoice_id)
    if invoice["payment_ids"] and not is_person and state.behaviours["cancel_with_payments"] == "refused":
        raise form_error("global: The invoice has payments.")
    return save(state, {**invoice, "kb_item_status_id": CANCELLED})


def delete(state: State, invoice_id: int, *, is_person: bool = False) -> None:
    """Deletes an invoice with all that belongs to it."""
    invoice = find(state, invoice_id)
    if invoice["kb_item_status_id"] != DRAFT and not is_person and state.behaviours["delete_issued"] == "refused":
        raise form_error("global: The invoice is not in draft state.")
    remove_rows(state, invoice)
    for number in invoice["payment_ids"]:
        state.remove("payments", number)
    for number in invoice["reminder_ids"]:
        state.remove("reminders", number)
    state.remove("invoices", invoice_id)
    fulfilment.refresh(state, invoice)


def mark_as_sent(state: State, invoice_id: int) -> Row:
    """Notes that an invoice went out by other means."""
    invoice = _sendable(state, invoice_id, state.behaviours["mark_as_sent_on_draft"])
    return save(state, {**invoice, "is_sent": True})


def send(state: State, invoice_id: int, letter: dict[str, Any]) -> Row:
    """Mails an invoice to a customer."""
    invoice = _sendable(state, invoice_id, state.behaviours["send_on_draft"])
    if invoice["kb_item_status_id"] == DRAFT and letter.get("mark_as_open"):
        invoice = _opened(state, invoice)
    sent = save(state, {**invoice, "is_sent": True, "network_link": _network_link(invoice)})
    note_mail(state, sent, letter, sent["document_nr"])
    return sent


def note_mail(state: State, invoice: Row, letter: dict[str, Any], document_nr: str) -> None:
    """Keeps a mail as the customer reads it."""
    link = invoice["network_link"] or _network_link(invoice)
    mail = {
        "to": letter["recipient_email"],
        "subject": letter["subject"],
        "message": letter["message"].replace(LINK_PLACEHOLDER, link),
        "invoice_id": invoice["id"],
        "document_nr": document_nr,
        "sent_at": state.clock().isoformat(),
        "attach_pdf": bool(letter.get("attach_pdf")),
    }
    state.add("mails", mail)


def copy(state: State, invoice_id: int, values: dict[str, Any], language: str) -> Row:
    """Makes a new draft out of an invoice; title and api_reference stay behind."""
    source = find(state, invoice_id)
    if not INVOICES.numbers_itself(state):
        raise form_error(f"document_nr: {text('required', language)}")
    duration = date.fromisoformat(source["is_valid_to"]) - date.fromisoformat(source["is_valid_from"])
    start = date.fromisoformat(values.get("is_valid_from") or state.today().isoformat())
    header = {name: source[name] for name in INVOICE_FIELDS if name in source and name != "contact_sub_id"}
    fresh = {
        "title": values.get("title") or "",
        "api_reference": None,
        "contact_id": values["contact_id"],
        "contact_sub_id": values.get("contact_sub_id"),
        "is_valid_from": start.isoformat(),
        "is_valid_to": (start + duration).isoformat(),
    }
    invoice = blank(state, {**header, **fresh})
    invoice["document_nr"] = INVOICES.next_document_number(state, None, language)
    rows = positions.of_document(state, source)
    invoice["positions"] = positions.copied(state, invoice, [{**row, "source": None} for row in rows])
    return state.put("invoices", recounted(state, invoice))


def _sendable(state: State, invoice_id: int, on_draft: str) -> Row:
    invoice = find(state, invoice_id)
    status = invoice["kb_item_status_id"]
    if status == CANCELLED or (status == DRAFT and on_draft == "refused"):
        raise form_error("global: The invoice is not in issued state.")
    return _opened(state, invoice) if status == DRAFT and on_draft == "opens" else invoice


def _issued(state: State, invoice_id: int) -> Row:
    invoice = find(state, invoice_id)
    if invoice["kb_item_status_id"] not in ISSUED:
        raise form_error("global: The invoice is not in issued state.")
    return invoice


def _network_link(invoice: Row) -> str:
    secret = hashlib.sha256(f"network link {invoice['id']} {invoice['document_nr']}".encode()).hexdigest()
    return f"https://network.bexio.com/Rechnung/Anzeigen/{secret[:32]}"


INVOICE_FIELDS = (*HEADER_FIELDS, "is_valid_to", "reference")


def blank(state: State, values: dict[str, Any]) -> Row:
    """Return a new draft without positions."""
    invoice = INVOICES.blank(state, values)
    days = settings(state, "KbInvoice")["default_time_period_in_days"]
    due = date.fromisoformat(invoice["is_valid_from"]) + timedelta(days=days)
    return {
        "is_valid_to": due.isoformat(),
        "reference": "",
        **invoice,
        "kb_item_status_id": DRAFT,
        "esr_id": invoice["id"],
        "qr_invoice_id": invoice["id"],
        "payment_ids": [],
        "reminder_ids": [],
        "is_sent": False,
    }


def _refuse_early_due_date(state: State, invoice: Row) -> None:
    is_early = invoice["is_valid_to"] < invoice["is_valid_from"]
    if is_early and state.behaviours["due_before_date"] == "refused":
        raise form_error("is_valid_to: The due date lies before the date of the document.")


INVOICES = Documents(
    "invoices", "KbInvoice", "invoice_id", INVOICE_FIELDS, recounted, refuse_frozen, fulfilment.refresh
)
