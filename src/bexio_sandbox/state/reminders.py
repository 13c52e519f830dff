"""Reminders: one level after the other for an invoice that is not paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.state import invoices
from bexio_sandbox.state.tables import Row, State

_OPEN = (invoices.OPEN, invoices.PARTIAL, invoices.UNPAID)
_LEVELS = ((14, "Zahlungserinnerung"), (10, "1. Mahnung"), (10, "2. Mahnung"), (10, "Letzte Mahnung"))


def of_invoice(state: State, invoice: Row) -> list[Row]:
    """Return the reminders of an invoice, the first level first."""
    return [state.reminders[number] for number in invoice["reminder_ids"]]


def find(state: State, invoice: Row, reminder_id: int) -> Row:
    """Return one reminder of an invoice."""
    if reminder_id not in invoice["reminder_ids"]:
        raise not_found()
    return state.reminders[reminder_id]


def create(state: State, invoice: Row) -> Row:
    """Adds the next level."""
    if invoice["kb_item_status_id"] not in _OPEN:
        raise form_error("global: The invoice is not in issued state.")
    level = len(invoice["reminder_ids"]) + 1
    days, title = _LEVELS[min(level, len(_LEVELS)) - 1]
    today = state.today()
    row = state.add(
        "reminders",
        {
            "kb_invoice_id": invoice["id"],
            "title": title,
            "is_valid_from": today.isoformat(),
            # The first day counts, as recorded.
            "is_valid_to": (today + timedelta(days=days - 1)).isoformat(),
            "reminder_period_in_days": days,
            "reminder_level": level,
            "show_positions": True,
            "remaining_price": invoice["total_remaining_payments"],
            "received_total": invoice["total_received_payments"],
            "is_sent": False,
            "header": "Guten Tag<br/><br/>Wir vermissen Ihre Zahlung zu dieser Rechnung.",
            "footer": "Haben Sie inzwischen bezahlt, so hat sich dieses Schreiben erledigt.",
            "created_at": state.now(),
        },
    )
    state.put("invoices", {**invoice, "reminder_ids": [*invoice["reminder_ids"], row["id"]]})
    return row


def remove(state: State, invoice: Row, reminder_id: int) -> None:
    """Deletes the latest reminder; an earlier one has to stay."""
    find(state, invoice, reminder_id)
    if invoice["reminder_ids"][-1] != reminder_id:
        raise form_error("global: Only the latest reminder can be deleted.")
    state.remove("reminders", reminder_id)
    state.put("invoices", {**invoice, "reminder_ids": invoice["reminder_ids"][:-1]})


def mark(state: State, reminder: Row, *, is_sent: bool) -> None:
    """Notes whether a reminder went out."""
    state.put("reminders", {**reminder, "is_sent": is_sent})


def send(state: State, invoice: Row, reminder: Row, letter: dict[str, Any]) -> None:
    """Mails a reminder to a customer."""
    invoices.note_mail(state, invoice, letter, f"{reminder['title']} {invoice['document_nr']}")
    mark(state, reminder, is_sent=True)
