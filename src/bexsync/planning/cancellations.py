"""Documents of the shop that cancel an invoice: they book nothing, and keep what they name from being booked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import written
from bexsync.records import Invoice

_NOT_YET = "draft"


def is_cancellation(invoice: Invoice) -> bool:
    """Whether a document cancels another: by its type, or as an invoice below nought that names another."""
    if invoice.document_type == "cancellation":
        return True
    is_negative = (_total(invoice) or Decimal(0)) < 0
    return invoice.document_type == "invoice" and is_negative and invoice.original_shop_id is not None


def require_reference(cancellation: Invoice) -> str:
    """The name of the invoice that is cancelled; raises RecordProblem where the document names none."""
    if cancellation.original_shop_id:
        return cancellation.original_shop_id
    raise RecordProblem(
        f"Cancellation {_number(cancellation)} does not say which invoice it cancels.",
        "Let the shop name it in `original_shop_id` (a column such as `Zu Rechnung`), and hand it over again.",
        code="cancellation_without_reference",
    )


def require_whole(cancellation: Invoice, original: Invoice | None, ledger: str) -> None:
    """Raise RecordProblem unless the document cancels a known invoice as a whole."""
    name = cancellation.original_shop_id or ""
    if original is None:
        raise RecordProblem(
            f"Cancellation {_number(cancellation)} cancels invoice {name}, which the shop has not handed over.",
            f"Hand the invoice over as well; or cancel it in {ledger} by hand, then acknowledge this error.",
            code="cancels_unknown",
        )
    if not _is_same_money(cancellation, original):
        raise RecordProblem(
            f"Cancellation {_number(cancellation)} of {_money(cancellation)} names invoice {name} of "
            f"{_money(original)}, and cancels it only in part.",
            "Hand it over as a credit note where it is one, or correct its amounts.",
            code="cancels_in_part",
        )


@dataclass(frozen=True)
class References:
    """What other documents of the shop say of its invoices, by the name they call them."""

    cancelled_by: Mapping[str, Invoice] = field(default_factory=dict)
    credited_by: Mapping[str, Invoice] = field(default_factory=dict)

    @classmethod
    def among(cls, referring: Iterable[Invoice]) -> References:
        """The references in these documents; drafts refer to nothing yet."""
        cancelled: dict[str, Invoice] = {}
        credited: dict[str, Invoice] = {}
        for document in referring:
            if document.original_shop_id is None or document.status == _NOT_YET:
                continue
            if is_cancellation(document):
                cancelled[document.original_shop_id] = document
            elif document.document_type == "credit_note":
                credited[document.original_shop_id] = document
        return cls(cancelled, credited)

    def cancellation_of(self, invoice: Invoice, ledger: str) -> Invoice | None:
        """The document that cancels this invoice as a whole; raises RecordProblem where it does so in part."""
        found = _found(self.cancelled_by, invoice)
        if found is not None:
            require_whole(found, invoice, ledger)
        return found

    def note_on(self, invoice: Invoice) -> str:
        """What a person should hear of an invoice that is booked although a credit note names it."""
        found = _found(self.credited_by, invoice)
        return f"credit note {_number(found)} of {_money(found)} refers to it" if found is not None else ""


def cancelled_before_booking(cancellation: Invoice) -> str:
    """Why an invoice that was not booked yet never will be."""
    return f"cancelled by {_number(cancellation)} before it was booked"


def _found(documents: Mapping[str, Invoice], invoice: Invoice) -> Invoice | None:
    found = documents.get(invoice.shop_id) or documents.get(invoice.source_number or "")
    return found if found is not None and found.shop_id != invoice.shop_id else None


def _is_same_money(one: Invoice, other: Invoice) -> bool:
    pairs = [(one.total, other.total), (one.total_net, other.total_net)]
    known = [(abs(a), abs(b)) for a, b in pairs if a is not None and b is not None]
    return one.currency == other.currency and bool(known) and all(a == b for a, b in known)


def _total(invoice: Invoice) -> Decimal | None:
    return invoice.total if invoice.total is not None else invoice.total_net


def _money(invoice: Invoice) -> str:
    return f"{invoice.currency} {written(abs(_total(invoice) or Decimal(0)))}"


def _number(invoice: Invoice) -> str:
    return invoice.source_number or invoice.shop_id
