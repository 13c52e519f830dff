"""Whether an invoice that was paid in the shop stands in the ledger already, where somebody else booked it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bexsync.errors import RecordProblem
from bexsync.money import format_amount
from bexsync.planning.documents import Document
from bexsync.planning.invoice_writing import is_same
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.records import Invoice


def standing_by_number(
    invoice: Invoice,
    document: Document,
    candidates: Sequence[DocumentState],
    is_for_customer: Callable[[DocumentState], bool],
    ledger: str,
) -> DocumentState | None:
    """The document of the invoice's number that has its customer and total as well, None where none has either.

    Raises RecordProblem where it has one of both, is a draft, or there are several.
    """
    alike = [found for found in candidates if is_same(found, document) or is_for_customer(found)]
    if not alike:
        return None
    if len(alike) > 1:
        ids = ", ".join(f"{one.number} ({one.url})" for one in alike)
        raise RecordProblem(
            f"It is paid in the shop, and {ledger} has {len(alike)} invoices of its number: {ids}.",
            f"Link the right one: `bexsync links adopt {invoice.shop_id} ID --yes`.",
            code="document_ambiguous",
        )
    found = alike[0]
    if not is_same(found, document):
        raise _differs(invoice, found, ledger, f"comes to {format_amount(found.total)}, the shop's to "
                       f"{format_amount(document.amount)} {document.currency}")  # fmt: skip
    if not is_for_customer(found):
        raise _differs(invoice, found, ledger, "is for somebody else by name and mail")
    if found.standing is DocumentStatus.DRAFT:
        raise RecordProblem(
            f"It is paid in the shop; in {ledger} {found.number} is a draft that somebody else wrote.",
            f"Issue it there, and the next run books the payment; or delete it: {found.url}",
            code="paid_in_shop",
            field="status",
        )
    return found


def _differs(invoice: Invoice, found: DocumentState, ledger: str, how: str) -> RecordProblem:
    return RecordProblem(
        f"It is paid in the shop; {ledger} has an invoice of its number, which {how}. Nothing was booked.",
        f"Where it is the same, correct one of the two, or link it: `bexsync links adopt {invoice.shop_id} "
        f"{found.number} --yes`. Where it is another, give the shop's a number of its own: {found.url}",
        code="differs_in_ledger",
    )
