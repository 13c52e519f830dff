"""Invoices: how they come about, what they come to, and what each status allows."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.messages import text
from bexio_sandbox.state import contacts, positions
from bexio_sandbox.state.tables import POSITION_TABLES, Row, State
from bexio_sandbox.state.totals import Manner, document_totals, rate_text, sum_text

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
MOST_POSITIONS = 150
LINK_PLACEHOLDER = "[Network Link]"

_OWN_SUMS: Row = {
    "total_gross": "0",
    "total_net": "0",
    "total_taxes": "0",
    "total_received_payments": "0",
    "total_credit_vouchers": "0",
    "total_remaining_payments": "0",
    "total": "0",
    "total_rounding_difference": "0",
}


def find(state: State, invoice_id: int) -> Row:
    """Return an invoice."""
    invoice = state.invoices.get(invoice_id)
    if invoice is None:
        raise not_found()
    return invoice


def settings(state: State, document_class: str = "KbInvoice") -> Row:
    """Return the numbering and the defaults of a class of documents."""
    rows = state.tables["document_settings"].values()
    return next(row for row in rows if row["kb_item_class"] == document_class)


def create(state: State, values: dict[str, Any], lines: list[tuple[str, dict[str, Any]]], language: str) -> Row:
    """Adds a draft with its positions."""
    document_nr = _document_number(state, values.get("document_nr"), language)
    invoice = _blank(state, values)
    invoice["document_nr"] = document_nr
    _refuse_early_due_date(state, invoice)
    for kind, line in lines:
        invoice["positions"].append(positions.key(positions.add(state, invoice, kind, line)))
    return state.put("invoices", recounted(state, invoice))


def edit(state: State, invoice_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes header fields of an invoice."""
    invoice = find(state, invoice_id)
    refuse_frozen(state, invoice)
    return change_header(state, invoice, values, language)


def change_header(state: State, invoice: Row, values: dict[str, Any], language: str) -> Row:
    """Changes header fields in any status, as a person does after reverting a document."""
    changes = _header_values(values)
    number = changes.get("document_nr")
    if number is not None and number != invoice["document_nr"] and _number_taken(state, number):
        raise form_error(f"document_nr: {text('taken', language)}")
    if number is not None:
        state.set_counter("manual_numbers", 1)
    changed = {**invoice, **changes}
    if "contact_id" in changes or "contact_address_manual" in values:
        changed["contact_address"] = _address(state, changed, values)
    _refuse_early_due_date(state, changed)
    return save(state, recounted(state, changed))


def refuse_frozen(state: State, invoice: Row) -> None:
    """Refuses changes to what is no draft any more."""
    if invoice["kb_item_status_id"] != DRAFT and state.behaviours["edit_issued"] == "refused":
        raise form_error("global: The invoice is not in draft state.")


def save(state: State, invoice: Row) -> Row:
    """Stores a changed invoice and moves its updated_at."""
    return state.put("invoices", {**invoice, "updated_at": state.now()})


def add_position(state: State, invoice_id: int, kind: str, values: dict[str, Any]) -> tuple[Row, Row]:
    """Adds a position at the end and returns the invoice and the position."""
    invoice = find(state, invoice_id)
    refuse_frozen(state, invoice)
    row = positions.add(state, invoice, kind, values)
    keys = [*invoice["positions"], positions.key(row)]
    return save(state, recounted(state, {**invoice, "positions": keys})), row


def edit_position(
    state: State, invoice_id: int, kind: str, position_id: int, values: dict[str, Any]
) -> tuple[Row, Row]:
    """Changes a position and returns the invoice and the position."""
    invoice = find(state, invoice_id)
    refuse_frozen(state, invoice)
    return change_position(state, invoice, positions.find(state, invoice, kind, position_id), values)


def change_position(state: State, invoice: Row, position: Row, values: dict[str, Any]) -> tuple[Row, Row]:
    """Changes a position in any status, as a person does after reverting a document."""
    row = state.put(POSITION_TABLES[position["type"]], {**position, **values})
    return save(state, recounted(state, invoice)), row


def remove_position(state: State, invoice_id: int, kind: str, position_id: int) -> None:
    """Deletes a position; the members of a group move up to where the group stood."""
    invoice = find(state, invoice_id)
    refuse_frozen(state, invoice)
    gone = positions.find(state, invoice, kind, position_id)
    keys = [each for each in invoice["positions"] if each != positions.key(gone)]
    for row in positions.of_document(state, {**invoice, "positions": keys}):
        if kind == positions.GROUP and row["parent_id"] == position_id:
            state.put(POSITION_TABLES[row["type"]], {**row, "parent_id": gone["parent_id"]})
    state.remove(POSITION_TABLES[kind], position_id)
    save(state, recounted(state, {**invoice, "positions": keys}))


def recounted(state: State, invoice: Row) -> Row:
    """Return an invoice with its sums, its remainder and the status that follows from them."""
    rows = positions.of_document(state, invoice)
    factor = Decimal(str(state.tables["currencies"][invoice["currency_id"]]["round_factor"]))
    behaviours = state.behaviours
    manner = Manner(
        invoice["mwst_type"],
        invoice["mwst_is_net"],
        factor,
        behaviours["gross_net_totals"],
        behaviours["rounding_without_vat"],
    )
    totals = document_totals(positions.price_lines(state, rows), positions.discount_lines(rows), manner)
    taxes = [{"percentage": rate_text(tax.percentage), "value": f"{tax.value:f}"} for tax in totals.taxes]
    summed = {
        **invoice,
        "total_gross": sum_text(totals.gross),
        "total_net": sum_text(totals.net),
        "total_taxes": sum_text(totals.tax_sum),
        "total": sum_text(totals.total),
        "total_rounding_difference": plain(totals.rounding_difference),
        "taxs": taxes,
    }
    return settled(state, summed)


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
    for kind, number in invoice["positions"]:
        state.remove(POSITION_TABLES[kind], number)
    for number in invoice["payment_ids"]:
        state.remove("payments", number)
    for number in invoice["reminder_ids"]:
        state.remove("reminders", number)
    state.remove("invoices", invoice_id)


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
    if not settings(state)["use_automatic_enumeration"]:
        raise form_error(f"document_nr: {text('required', language)}")
    duration = date.fromisoformat(source["is_valid_to"]) - date.fromisoformat(source["is_valid_from"])
    start = date.fromisoformat(values.get("is_valid_from") or state.today().isoformat())
    header = {name: source[name] for name in _HEADER_FIELDS if name in source and name != "contact_sub_id"}
    fresh = {
        "title": values.get("title") or "",
        "api_reference": None,
        "contact_id": values["contact_id"],
        "contact_sub_id": values.get("contact_sub_id"),
        "is_valid_from": start.isoformat(),
        "is_valid_to": (start + duration).isoformat(),
    }
    invoice = _blank(state, {**header, **fresh})
    invoice["document_nr"] = _document_number(state, None, language)
    _copy_positions(state, source, invoice)
    return state.put("invoices", recounted(state, invoice))


def _copy_positions(state: State, source: Row, target: Row) -> None:
    groups: dict[int | None, int | None] = {None: None}
    for row in positions.of_document(state, source):
        kept = {name: value for name, value in row.items() if name != "id"}
        renewed = {"document_id": target["id"], "parent_id": groups.get(row["parent_id"])}
        copied = state.add(POSITION_TABLES[row["type"]], {**kept, **renewed})
        if row["type"] == positions.GROUP:
            groups[row["id"]] = copied["id"]
        target["positions"].append(positions.key(copied))


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


_HEADER_FIELDS = (
    "document_nr",
    "title",
    "contact_id",
    "contact_sub_id",
    "user_id",
    "project_id",
    "logopaper_id",
    "language_id",
    "bank_account_id",
    "currency_id",
    "payment_type_id",
    "header",
    "footer",
    "mwst_type",
    "mwst_is_net",
    "show_position_taxes",
    "is_valid_from",
    "is_valid_to",
    "reference",
    "api_reference",
    "template_slug",
)
_TEXTS_WITHOUT_NULL = ("title", "header", "footer", "reference", "template_slug")


def _header_values(values: dict[str, Any]) -> dict[str, Any]:
    named = dict(values)
    if "pr_project_id" in named:
        named["project_id"] = named.pop("pr_project_id")
    cleaned = {name: value for name, value in named.items() if name in _HEADER_FIELDS}
    return {name: "" if value is None and name in _TEXTS_WITHOUT_NULL else value for name, value in cleaned.items()}


def _blank(state: State, values: dict[str, Any]) -> Row:
    number = state.count("invoices")
    given = {name: value for name, value in _header_values(values).items() if value is not None}
    defaults = settings(state)
    start = given.get("is_valid_from") or state.today().isoformat()
    due = date.fromisoformat(start) + timedelta(days=defaults["default_time_period_in_days"])
    contact = state.contacts[given["contact_id"]]
    return {
        "id": number,
        "document_nr": "",
        "title": "",
        "contact_sub_id": None,
        "user_id": 1,
        "project_id": None,
        "logopaper_id": defaults["default_logopaper_id"],
        "language_id": contact["language_id"] or defaults["default_language_id"],
        "bank_account_id": defaults["default_client_bank_account_new_id"],
        "currency_id": defaults["default_currency_id"],
        "payment_type_id": defaults["default_payment_type_id"],
        "header": _default_header(contact),
        "footer": _default_footer(state, given.get("user_id", 1)),
        **_OWN_SUMS,
        "mwst_type": defaults["default_mwst_type"],
        "mwst_is_net": defaults["default_mwst_is_net"],
        "show_position_taxes": defaults["default_show_position_taxes"],
        "is_valid_from": start,
        "is_valid_to": due.isoformat(),
        "contact_address": _address(state, given, values),
        "kb_item_status_id": DRAFT,
        "reference": "",
        "api_reference": None,
        "viewed_by_client_at": None,
        "updated_at": state.now(),
        "esr_id": number,
        "qr_invoice_id": number,
        "template_slug": "",
        "taxs": [],
        "network_link": "",
        "positions": [],
        "payment_ids": [],
        "reminder_ids": [],
        "is_sent": False,
        **given,
    }


def _address(state: State, invoice: Row, values: dict[str, Any]) -> str:
    manual: str | None = values.get("contact_address_manual")
    return manual or contacts.letter_address(state, state.contacts[invoice["contact_id"]])


def _default_header(contact: Row) -> str:
    name = escape(contacts.full_name(contact))
    return f"Guten Tag {name}<br/><br/>Wir danken für den Auftrag und stellen Ihnen in Rechnung:"


def _default_footer(state: State, user_id: int) -> str:
    user = state.tables["users"][user_id]
    name = escape(f"{user['firstname']} {user['lastname']}")
    return f"Bei Fragen sind wir gerne für Sie da.<br/><br/>Freundliche Grüsse<br/>{name}"


def _refuse_early_due_date(state: State, invoice: Row) -> None:
    is_early = invoice["is_valid_to"] < invoice["is_valid_from"]
    if is_early and state.behaviours["due_before_date"] == "refused":
        raise form_error("is_valid_to: The due date lies before the date of the document.")


def _document_number(state: State, given: str | None, language: str) -> str:
    numbering = settings(state)
    if not numbering["use_automatic_enumeration"]:
        state.set_counter("manual_numbers", 1)
        if given is None or _number_taken(state, given):
            raise form_error(f"document_nr: {text('required' if given is None else 'taken', language)}")
        return given
    if given is not None:
        raise form_error('global: Unexpected extra form field named "document_nr".')
    number = next_number(state, numbering)
    # Numbers given by hand may lie ahead of the counter.
    while state.counters.get("manual_numbers") and _number_taken(state, number):
        number = next_number(state, numbering)
    return number


def next_number(state: State, numbering: Row) -> str:
    """Return the next number of a class of documents."""
    counter = state.count(f"{numbering['kb_item_class']} number")
    digits = str(counter).rjust(numbering["nr_min_length"], "0")
    return str(numbering["enumeration_format"]).replace("%nummer%", digits)


def _number_taken(state: State, number: str) -> bool:
    return any(invoice["document_nr"] == number for invoice in state.invoices.values())
