"""Invoices: how they come about, what they come to, and what each status allows."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from bexio_sandbox.books import contacts, positions
from bexio_sandbox.books.state import POSITION_TABLES, Books, Row
from bexio_sandbox.books.totals import Manner, document_totals, rate_text, sum_text
from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.messages import text

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


def find(books: Books, invoice_id: int) -> Row:
    """Returns an invoice."""
    invoice = books.invoices.get(invoice_id)
    if invoice is None:
        raise not_found()
    return invoice


def settings(books: Books, document_class: str = "KbInvoice") -> Row:
    """Returns the numbering and the defaults of a class of documents."""
    rows = books.tables["document_settings"].values()
    return next(row for row in rows if row["kb_item_class"] == document_class)


def create(books: Books, values: dict[str, Any], lines: list[tuple[str, dict[str, Any]]], language: str) -> Row:
    """Adds a draft with its positions."""
    document_nr = _document_number(books, values.get("document_nr"), language)
    invoice = _blank(books, values)
    invoice["document_nr"] = document_nr
    _refuse_early_due_date(books, invoice)
    for kind, line in lines:
        invoice["positions"].append(positions.key(positions.add(books, invoice, kind, line)))
    return books.put("invoices", recounted(books, invoice))


def edit(books: Books, invoice_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes header fields of an invoice."""
    invoice = find(books, invoice_id)
    refuse_frozen(books, invoice)
    return change_header(books, invoice, values, language)


def change_header(books: Books, invoice: Row, values: dict[str, Any], language: str) -> Row:
    """Changes header fields in any status, as a person does after reverting a document."""
    changes = _header_values(values)
    number = changes.get("document_nr")
    if number is not None and number != invoice["document_nr"] and _number_taken(books, number):
        raise form_error(f"document_nr: {text('taken', language)}")
    if number is not None:
        books.set_counter("manual_numbers", 1)
    changed = {**invoice, **changes}
    if "contact_id" in changes or "contact_address_manual" in values:
        changed["contact_address"] = _address(books, changed, values)
    _refuse_early_due_date(books, changed)
    return save(books, recounted(books, changed))


def refuse_frozen(books: Books, invoice: Row) -> None:
    """Refuses changes to what is no draft any more."""
    if invoice["kb_item_status_id"] != DRAFT and books.doubts["edit_issued"] == "refused":
        raise form_error("global: The invoice is not in draft state.")


def save(books: Books, invoice: Row) -> Row:
    """Stores a changed invoice and moves its updated_at."""
    return books.put("invoices", {**invoice, "updated_at": books.now()})


def add_position(books: Books, invoice_id: int, kind: str, values: dict[str, Any]) -> tuple[Row, Row]:
    """Adds a position at the end and returns the invoice and the position."""
    invoice = find(books, invoice_id)
    refuse_frozen(books, invoice)
    row = positions.add(books, invoice, kind, values)
    keys = [*invoice["positions"], positions.key(row)]
    return save(books, recounted(books, {**invoice, "positions": keys})), row


def edit_position(
    books: Books, invoice_id: int, kind: str, position_id: int, values: dict[str, Any]
) -> tuple[Row, Row]:
    """Changes a position and returns the invoice and the position."""
    invoice = find(books, invoice_id)
    refuse_frozen(books, invoice)
    return change_position(books, invoice, positions.find(books, invoice, kind, position_id), values)


def change_position(books: Books, invoice: Row, position: Row, values: dict[str, Any]) -> tuple[Row, Row]:
    """Changes a position in any status, as a person does after reverting a document."""
    row = books.put(POSITION_TABLES[position["type"]], {**position, **values})
    return save(books, recounted(books, invoice)), row


def remove_position(books: Books, invoice_id: int, kind: str, position_id: int) -> None:
    """Deletes a position; the members of a group move up to where the group stood."""
    invoice = find(books, invoice_id)
    refuse_frozen(books, invoice)
    gone = positions.find(books, invoice, kind, position_id)
    keys = [each for each in invoice["positions"] if each != positions.key(gone)]
    for row in positions.of_document(books, {**invoice, "positions": keys}):
        if kind == positions.GROUP and row["parent_id"] == position_id:
            books.put(POSITION_TABLES[row["type"]], {**row, "parent_id": gone["parent_id"]})
    books.remove(POSITION_TABLES[kind], position_id)
    save(books, recounted(books, {**invoice, "positions": keys}))


def recounted(books: Books, invoice: Row) -> Row:
    """Returns an invoice with its sums, its remainder and the status that follows from them."""
    rows = positions.of_document(books, invoice)
    factor = Decimal(str(books.tables["currencies"][invoice["currency_id"]]["round_factor"]))
    doubts = books.doubts
    manner = Manner(
        invoice["mwst_type"],
        invoice["mwst_is_net"],
        factor,
        doubts["gross_net_totals"],
        doubts["rounding_without_vat"],
    )
    totals = document_totals(positions.price_lines(books, rows), positions.discount_lines(rows), manner)
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
    return settled(books, summed)


def settled(books: Books, invoice: Row) -> Row:
    """Returns an invoice with what was paid, what remains, and the status that follows from them."""
    paid = [books.payments[number] for number in invoice["payment_ids"]]
    received = sum((Decimal(row["value"]) for row in paid if not row["is_credit"]), Decimal(0))
    credited = sum((Decimal(row["value"]) for row in paid if row["is_credit"]), Decimal(0))
    remaining = Decimal(invoice["total"]) - received - credited
    return {
        **invoice,
        "total_received_payments": plain(received),
        "total_credit_vouchers": plain(credited),
        "total_remaining_payments": plain(remaining),
        "kb_item_status_id": _status_after(books, invoice["kb_item_status_id"], received + credited, remaining),
    }


def _status_after(books: Books, status: int, paid: Decimal, remaining: Decimal) -> int:
    if status not in ISSUED:
        return status
    if paid:
        return PAID if remaining <= 0 else PARTIAL
    return int(books.doubts["status_after_unpaying"]) if status in (PAID, PARTIAL) else status


def issue(books: Books, invoice_id: int) -> Row:
    """Turns a draft into an open invoice."""
    invoice = find(books, invoice_id)
    if invoice["kb_item_status_id"] != DRAFT:
        raise form_error("global: The invoice is not in draft state.")
    return save(books, _opened(books, invoice))


def _opened(books: Books, invoice: Row) -> Row:
    is_settled = Decimal(invoice["total"]) == 0 and books.doubts["zero_total_issued"] == "9"
    opened = settled(books, {**invoice, "kb_item_status_id": OPEN})
    if is_settled:
        opened["kb_item_status_id"] = PAID
    if books.doubts["network_link"] == "on_issue":
        opened["network_link"] = _network_link(invoice)
    return opened


def revert(books: Books, invoice_id: int) -> Row:
    """Turns an issued invoice back into a draft."""
    invoice = _issued(books, invoice_id)
    if invoice["payment_ids"] and books.doubts["revert_with_payments"] == "refused":
        raise form_error("global: The invoice has payments.")
    return save(books, {**invoice, "kb_item_status_id": DRAFT})


def cancel(books: Books, invoice_id: int, *, is_person: bool = False) -> Row:
    """Cancels an issued invoice for good."""
    invoice = _issued(books, invoice_id)
    if invoice["payment_ids"] and not is_person and books.doubts["cancel_with_payments"] == "refused":
        raise form_error("global: The invoice has payments.")
    return save(books, {**invoice, "kb_item_status_id": CANCELLED})


def delete(books: Books, invoice_id: int, *, is_person: bool = False) -> None:
    """Deletes an invoice with all that belongs to it."""
    invoice = find(books, invoice_id)
    if invoice["kb_item_status_id"] != DRAFT and not is_person and books.doubts["delete_issued"] == "refused":
        raise form_error("global: The invoice is not in draft state.")
    for kind, number in invoice["positions"]:
        books.remove(POSITION_TABLES[kind], number)
    for number in invoice["payment_ids"]:
        books.remove("payments", number)
    for number in invoice["reminder_ids"]:
        books.remove("reminders", number)
    books.remove("invoices", invoice_id)


def mark_as_sent(books: Books, invoice_id: int) -> Row:
    """Notes that an invoice went out by other means."""
    invoice = _sendable(books, invoice_id, books.doubts["mark_as_sent_on_draft"])
    return save(books, {**invoice, "is_sent": True})


def send(books: Books, invoice_id: int, letter: dict[str, Any]) -> Row:
    """Mails an invoice to a customer."""
    invoice = _sendable(books, invoice_id, books.doubts["send_on_draft"])
    if invoice["kb_item_status_id"] == DRAFT and letter.get("mark_as_open"):
        invoice = _opened(books, invoice)
    sent = save(books, {**invoice, "is_sent": True, "network_link": _network_link(invoice)})
    note_mail(books, sent, letter, sent["document_nr"])
    return sent


def note_mail(books: Books, invoice: Row, letter: dict[str, Any], document_nr: str) -> None:
    """Keeps a mail as the customer reads it."""
    link = invoice["network_link"] or _network_link(invoice)
    mail = {
        "to": letter["recipient_email"],
        "subject": letter["subject"],
        "message": letter["message"].replace(LINK_PLACEHOLDER, link),
        "invoice_id": invoice["id"],
        "document_nr": document_nr,
        "sent_at": books.clock().isoformat(),
        "attach_pdf": bool(letter.get("attach_pdf")),
    }
    books.add("mails", mail)


def copy(books: Books, invoice_id: int, values: dict[str, Any], language: str) -> Row:
    """Makes a new draft out of an invoice; title and api_reference stay behind."""
    source = find(books, invoice_id)
    if not settings(books)["use_automatic_enumeration"]:
        raise form_error(f"document_nr: {text('required', language)}")
    duration = date.fromisoformat(source["is_valid_to"]) - date.fromisoformat(source["is_valid_from"])
    start = date.fromisoformat(values.get("is_valid_from") or books.today().isoformat())
    header = {name: source[name] for name in _HEADER_FIELDS if name in source and name != "contact_sub_id"}
    fresh = {
        "title": values.get("title") or "",
        "api_reference": None,
        "contact_id": values["contact_id"],
        "contact_sub_id": values.get("contact_sub_id"),
        "is_valid_from": start.isoformat(),
        "is_valid_to": (start + duration).isoformat(),
    }
    invoice = _blank(books, {**header, **fresh})
    invoice["document_nr"] = _document_number(books, None, language)
    _copy_positions(books, source, invoice)
    return books.put("invoices", recounted(books, invoice))


def _copy_positions(books: Books, source: Row, target: Row) -> None:
    groups: dict[int | None, int | None] = {None: None}
    for row in positions.of_document(books, source):
        kept = {name: value for name, value in row.items() if name != "id"}
        renewed = {"document_id": target["id"], "parent_id": groups.get(row["parent_id"])}
        copied = books.add(POSITION_TABLES[row["type"]], {**kept, **renewed})
        if row["type"] == positions.GROUP:
            groups[row["id"]] = copied["id"]
        target["positions"].append(positions.key(copied))


def _sendable(books: Books, invoice_id: int, on_draft: str) -> Row:
    invoice = find(books, invoice_id)
    status = invoice["kb_item_status_id"]
    if status == CANCELLED or (status == DRAFT and on_draft == "refused"):
        raise form_error("global: The invoice is not in issued state.")
    return _opened(books, invoice) if status == DRAFT and on_draft == "opens" else invoice


def _issued(books: Books, invoice_id: int) -> Row:
    invoice = find(books, invoice_id)
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


def _blank(books: Books, values: dict[str, Any]) -> Row:
    number = books.count("invoices")
    given = {name: value for name, value in _header_values(values).items() if value is not None}
    defaults = settings(books)
    start = given.get("is_valid_from") or books.today().isoformat()
    due = date.fromisoformat(start) + timedelta(days=defaults["default_time_period_in_days"])
    contact = books.contacts[given["contact_id"]]
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
        "footer": _default_footer(books, given.get("user_id", 1)),
        **_OWN_SUMS,
        "mwst_type": defaults["default_mwst_type"],
        "mwst_is_net": defaults["default_mwst_is_net"],
        "show_position_taxes": defaults["default_show_position_taxes"],
        "is_valid_from": start,
        "is_valid_to": due.isoformat(),
        "contact_address": _address(books, given, values),
        "kb_item_status_id": DRAFT,
        "reference": "",
        "api_reference": None,
        "viewed_by_client_at": None,
        "updated_at": books.now(),
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


def _address(books: Books, invoice: Row, values: dict[str, Any]) -> str:
    manual: str | None = values.get("contact_address_manual")
    return manual or contacts.letter_address(books, books.contacts[invoice["contact_id"]])


def _default_header(contact: Row) -> str:
    name = escape(contacts.full_name(contact))
    return f"Guten Tag {name}<br/><br/>Wir danken für den Auftrag und stellen Ihnen in Rechnung:"


def _default_footer(books: Books, user_id: int) -> str:
    user = books.tables["users"][user_id]
    name = escape(f"{user['firstname']} {user['lastname']}")
    return f"Bei Fragen sind wir gerne für Sie da.<br/><br/>Freundliche Grüsse<br/>{name}"


def _refuse_early_due_date(books: Books, invoice: Row) -> None:
    is_early = invoice["is_valid_to"] < invoice["is_valid_from"]
    if is_early and books.doubts["due_before_date"] == "refused":
        raise form_error("is_valid_to: The due date lies before the date of the document.")


def _document_number(books: Books, given: str | None, language: str) -> str:
    numbering = settings(books)
    if not numbering["use_automatic_enumeration"]:
        books.set_counter("manual_numbers", 1)
        if given is None or _number_taken(books, given):
            raise form_error(f"document_nr: {text('required' if given is None else 'taken', language)}")
        return given
    if given is not None:
        raise form_error('global: Unexpected extra form field named "document_nr".')
    number = next_number(books, numbering)
    # Numbers given by hand may lie ahead of the counter.
    while books.counters.get("manual_numbers") and _number_taken(books, number):
        number = next_number(books, numbering)
    return number


def next_number(books: Books, numbering: Row) -> str:
    """Returns the next number of a class of documents."""
    counter = books.count(f"{numbering['kb_item_class']} number")
    digits = str(counter).rjust(numbering["nr_min_length"], "0")
    return str(numbering["enumeration_format"]).replace("%nummer%", digits)


def _number_taken(books: Books, number: str) -> bool:
    return any(invoice["document_nr"] == number for invoice in books.invoices.values())
