"""The list of invoices for a person and for a spreadsheet, and the story of one invoice."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.admin.invoice_list import ListedInvoice
from bexsync.cli.views.links import show_steps
from bexsync.cli.views.page import Page, Row, local_time
from bexsync.cli.views.text import coloured_status, linked_number
from bexsync.errors import Exit
from bexsync.records.quoting import escape_formula

if TYPE_CHECKING:
    from bexsync.admin.invoice_history import InvoiceStory
    from bexsync.admin.invoice_list import InvoiceList, Selection
    from bexsync.cli.views import Output

_NAMES = ("id", "number", "customer", "date", "due", "cur", "amount", "paid", "paid on", "open", "status")
_RIGHT = ("amount", "paid", "open")
_ROOM_FOR_LINKS = 180
_LABEL = 11
# What a narrow terminal leaves out, the least important first; the number stands for the id.
_DROPPED = ("paid on", "cur", "paid", "date", "due")


def print_invoices(output: Output, found: InvoiceList, selection: Selection, *, csv: bool) -> Exit:
    """The list of invoices that were asked for."""
    if csv:
        return output.write_all(invoices_csv(found))
    return output.show(invoices_data(found), lambda: show_invoices(found, selection, output.ledger))


def invoices_data(found: InvoiceList) -> dict[str, Any]:
    """The list for a script."""
    return {
        "invoices": (vars(row) for row in found.rows),
        "found": found.found,
        "sums": {currency: sums.written() for currency, sums in found.sums.items()},
        "not_counted": found.not_counted,
        "of_orders": found.of_orders,
    }


def invoices_csv(found: InvoiceList) -> Iterator[str]:
    """The list for a spreadsheet: every cell quoted, and none is a formula, whatever the spreadsheet splits at."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    names = [field.name for field in fields(ListedInvoice)]
    yield writer.writerow(names)
    for row in found.rows:
        cells = {**vars(row), "overdue": "yes" if row.overdue else "no"}
        yield writer.writerow([escape_formula(cells[name]) for name in names])


class _Line:
    """What a writer of CSV writes to, so that it returns each line."""

    def write(self, text: str) -> str:
        return text


def show_invoices(found: InvoiceList, selection: Selection, ledger: str) -> None:
    """One line an invoice with its last error beneath it, and the sums per currency in the end."""
    page, shown = Page(), list(found.rows)
    if not shown:
        page.line(_nothing(found, selection))
    elif page.is_endless:
        rows = [Row((*_cells(row), Text(row.url)), Text(row.error)) for row in shown]
        page.table((*_NAMES, "link", "error"), rows, right=_RIGHT)
    else:
        _show_on_terminal(page, shown)
    _show_sums(page, found, ledger)
    page.show()


def _show_on_terminal(page: Page, shown: Sequence[ListedInvoice]) -> None:
    """Ids are left out where all have numbers and room is short."""
    links = page.width >= _ROOM_FOR_LINKS
    rows = [
        Row(_cells(row), Text(row.url if links else "", style="dim"), (Text(row.error),) if row.error else ())
        for row in shown
    ]
    numbered = ("id",) if all(row.number for row in shown) else ("number",)
    names = (*_NAMES, "link")
    page.table(names, rows, right=_RIGHT, shorten=("customer", "id"), drop=("paid on", *numbered, *_DROPPED[1:]))


def _cells(row: ListedInvoice) -> tuple[Text, ...]:
    return (
        Text(row.shop_id),
        linked_number(row.number, row.url),
        Text(row.customer),
        Text(row.date),
        Text(row.due_date, style="red" if row.overdue else ""),
        Text(row.currency),
        Text(row.amount),
        Text(row.paid_amount),
        Text(row.paid_date),
        Text(row.open if row.open not in ("0.00", "") else "", style="red" if row.overdue else ""),
        coloured_status(row.status),
    )


def _nothing(found: InvoiceList, selection: Selection) -> str:
    if found.found:
        return f"{found.found} invoices, none of them shown."
    if selection.status:
        return f"No invoice has the status {selection.status}."
    if selection.unpaid or selection.overdue:
        return "No invoice is overdue." if selection.overdue else "No invoice is unpaid."
    if selection.since or selection.customer:
        return "No invoice is like that."
    return "No invoices yet."


def _show_sums(page: Page, found: InvoiceList, ledger: str) -> None:
    if found.sums or found.shown < found.found:
        page.line()
    for currency, sums in found.sums.items():
        amounts = sums.written()
        late = f", {amounts['overdue']} of it overdue" if sums.overdue else ""
        noun = "invoice" if sums.count == 1 else "invoices"
        page.line(
            f"{currency or 'Unknown currency'}: {sums.count} {noun} in {ledger}, {amounts['amount']}; "
            f"{amounts['paid']} paid, {amounts['open']} open{late}."
        )
    if found.of_orders:
        said = "1 invoice of an order is" if found.of_orders == 1 else f"{found.of_orders} invoices of orders are"
        page.line(f"{said} listed by `bexsync orders list`.")
    if found.not_counted and found.sums:
        verb = "is" if found.not_counted == 1 else "are"
        page.line(f"{found.not_counted} {verb} not in these sums: waiting, blocked, cancelled or left alone.")
    if 0 < found.shown < found.found:
        page.line(f"{found.shown} of {found.found} are shown.")


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
    linked = f"{local_time(story.linked_at)}{' (adopted)' if story.adopted else ''}"
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
        ("from", f"{story.source}, taken in {local_time(story.taken_at)}" if story.source else ""),
        ("linked", f"{linked}, looked at {local_time(story.checked_at)}" if story.linked_at else ""),
        ("shop told", times if story.linked_at else ""),
        ("link", invoice.url),
    ):
        if text:
            page.paragraph(Text(f"{label:<{_LABEL}}", style="dim"), [Text(text)])
    if story.why_not:
        page.line()
    for sentence in story.why_not:
        page.line(Text(sentence, style="yellow"))
    show_steps(page, story.steps)
    page.show()
