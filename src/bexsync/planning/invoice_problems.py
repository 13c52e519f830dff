"""What keeps an invoice from being booked or changed once its document is there: for a person to decide."""

from __future__ import annotations

from bexsync.errors import RecordProblem
from bexsync.money import written
from bexsync.planning.documents import Document
from bexsync.planning.invoice_link import Linked
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.records import Invoice


def changed_in_ledger(link: Linked, document: Document, ledger: str) -> RecordProblem:
    """A draft that somebody changed in the ledger, of which an older version kept no content."""
    return RecordProblem(
        f"The draft {link.number} comes to {written(link.total)}, the shop's invoice to "
        f"{written(document.amount)} {document.currency}; it is neither issued nor mailed.",
        f"Correct one of them, or issue and mail it in {ledger}: {link.url}",
        code="changed_in_ledger",
    )


def hint_for_change(invoice: Invoice, link: Linked, ledger: str) -> str:
    """What to do about a change after booking; a number that begins anew each year is no change of last year's."""
    year = invoice.invoice_date.year
    before = str(link.agreed.get("invoice_date", ""))[:4]
    if before in ("", str(year)):
        return f"Undo the change in the shop, or correct the invoice in {ledger}: {link.url}"
    return (
        f"Leave {link.number} in {ledger} as it is if this is another invoice: numbers that begin anew each year need "
        f"yearly_since = {year} under [shop.csv] in the profile, and in JSON a `shop_id` of their own. "
        "If it is the same invoice, undo the change of its date in the shop."
    )


def taken_back(link: Linked | DocumentState, ledger: str) -> RecordProblem:
    """A document that went out before and is a draft again."""
    return RecordProblem(
        f"{link.number} was issued before and is a draft again, because somebody took it back in {ledger}; "
        "bexsync does not issue or mail an invoice twice.",
        f"Issue and mail it in {ledger}, or delete it there: {link.url}",
        code="taken_back_in_ledger",
    )


def settled_in_shop(invoice: Invoice, document: Linked | DocumentState, ledger: str) -> RecordProblem:
    """What a person has to do about a document whose invoice the shop sent itself, or was paid for."""
    standing = document.standing.value.replace("_", " ")
    if invoice.status == "sent":
        return RecordProblem(
            f"The shop sent it itself; in {ledger} {document.number} is {standing}, "
            "and bexsync does not mail it as well.",
            f"Issue it in {ledger} without mailing it: {document.url}",
            code="sent_by_shop",
            field="status",
        )
    return RecordProblem(
        f"It is paid in the shop; in {ledger} {document.number} is {standing}, and bexsync does not book payments.",
        f"Enter the payment in {ledger}, so that nobody is reminded of it: {document.url}",
        code="paid_in_shop",
        field="status",
    )


def to_book_again(invoice: Invoice) -> str:
    """What a person does to have an invoice booked again."""
    return f"To book it again: `bexsync links forget {invoice.shop_id}`, then drop it again."


def cancelled_in_shop(document: Linked | DocumentState, ledger: str) -> RecordProblem | None:
    """What a person has to do about a document whose invoice the shop cancelled; None when it was done."""
    if document.standing in (DocumentStatus.CANCELLED, DocumentStatus.DELETED):
        return None
    return RecordProblem(
        f"It was cancelled in the shop; in {ledger} {document.number} is {document.standing.value.replace('_', ' ')}.",
        f"Cancel or delete it in {ledger}: {document.url}",
        code="cancelled_in_shop",
    )
