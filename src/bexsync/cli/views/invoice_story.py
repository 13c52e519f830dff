"""The story of one invoice for a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from bexsync.cli.views.page import Page, Row
from bexsync.cli.views.text import coloured_status

if TYPE_CHECKING:
    from bexsync.admin.invoice_history import InvoiceStory

_LABEL = 11


def show_invoice_story(story: InvoiceStory, ledger: str) -> None:
    """What it is and where it stands, why it does not go on, and the steps so far."""
    page, invoice = Page(), story.invoice
    heading = Text(invoice.shop_id, style="bold")
    if invoice.number:
        heading += Text(f" is {invoice.number} in {ledger}")
    page.line(heading + Text(": ") + coloured_status(invoice.status or story.record))
    money = f"{invoice.currency} {invoice.amount}".strip()
    if invoice.open not in ("", "0.00"):
        money += f", {invoice.open} open{', overdue' if invoice.overdue else ''}"
    paid = f"{invoice.paid_amount} {f'on {invoice.paid_date}' if invoice.paid_date else ''}".strip()
    seen = f"{_local(story.linked_at)}{' (adopted)' if story.adopted else ''}, looked at {_local(story.checked_at)}"
    times = f"{story.events} time{'' if story.events == 1 else 's'}"
    for label, text in (
        (
            "customer",
            " ".join(part for part in (invoice.customer, f"<{invoice.mail}>" if invoice.mail else "") if part),
        ),
        ("number", invoice.source_number),
        ("amount", money),
        ("paid", paid),
        ("date", invoice.date),
        ("due", invoice.due_date),
        ("from", f"{story.source}, taken in {_local(story.taken_at)}" if story.source else ""),
        ("linked", seen if story.linked_at else ""),
        ("shop told", times if story.linked_at else ""),
        ("link", invoice.url),
    ):
        if text:
            page.paragraph(Text(f"{label:<{_LABEL}}", style="dim"), [Text(text)])
    if story.why_not:
        page.line()
    for sentence in story.why_not:
        page.line(Text(sentence, style="yellow"))
    if story.steps:
        page.line()
        page.table(
            ("step", "state", "sent", ""),
            [
                Row(
                    (Text(s["step"].replace("_", " ")), Text(s["state"].replace("_", " ")), Text(_local(s["at"]))),
                    Text(s["said"]),
                )
                for s in story.steps
            ],
        )
    page.show()


def _local(stored: str) -> str:
    return f"{datetime.fromisoformat(stored).astimezone():%Y-%m-%d %H:%M}" if stored else ""
