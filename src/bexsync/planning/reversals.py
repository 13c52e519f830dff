"""Documents of the shop that take back others: cancellations book nothing, credit notes wait for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, decimal_text, format_amount, product, rounded, total

if TYPE_CHECKING:
    from bexsync.records import Invoice, Line

_NOT_YET = "draft"
_ROUNDING = Decimal("0.05")


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
    return f"{invoice.currency} {format_amount(abs(_total(invoice) or Decimal(0)))}"


def _number(invoice: Invoice) -> str:
    return invoice.source_number or invoice.shop_id


def credit_note_problem(invoice: Invoice, original_url: str, ledger: str) -> RecordProblem:
    """The task for a person: what to credit, per rate, to whom, and on which invoice."""
    split = ", ".join(f"{format_amount(rounded(amount))} at {rate}" for rate, amount in _amounts(invoice).items())
    prices = "incl. VAT" if invoice.prices_include_tax else "excl. VAT"
    original = f" of invoice {invoice.original_shop_id}" if invoice.original_shop_id else ""
    link = f" The original: {original_url}" if original_url else ""
    return RecordProblem(
        f"Credit note {invoice.source_number or invoice.shop_id}{original} of {_sum(invoice)} {invoice.currency} "
        f"({split}, {prices}) has to be written in {ledger} by hand; {ledger} offers no interface for it.",
        f"Write it in {ledger} for this invoice; it is closed as soon as {ledger} shows the credit, or with "
        f"`bexsync errors ack ID`.{link}",
        code="credit_note",
    )


@dataclass(frozen=True)
class WaitingCredit:
    """A credit note that a person has to write: its amount with VAT, and what was credited before it came."""

    shop_id: str
    amount: Decimal | None
    before: Decimal


def written_credits(credited: Decimal, waiting: Sequence[WaitingCredit]) -> list[str]:
    """Return the shop ids of the credit notes that account for the credit an invoice shows now.

    It must have grown by the amount of one of them, or of all together; anything else tells nothing.
    """
    one = next((note for note in waiting if _is_amount(credited - note.before, note.amount)), None)
    if one is not None:
        return [one.shop_id]
    amounts = [note.amount for note in waiting if note.amount is not None]
    if waiting and len(amounts) == len(waiting) and _is_amount(credited - waiting[0].before, total(amounts)):
        return [note.shop_id for note in waiting]
    return []


def _is_amount(growth: Decimal, amount: Decimal | None) -> bool:
    """Whether a credit is this amount, but for the 5 centimes that the ledger may round by."""
    return amount is not None and growth > 0 and abs(growth - amount) <= _ROUNDING


def credit_amount(invoice: Invoice) -> Decimal | None:
    """Return what a credit note comes to with VAT, None where the shop does not say it."""
    if invoice.total is not None:
        return abs(invoice.total)
    if invoice.total_net is not None and invoice.total_tax is not None:
        return abs(invoice.total_net + invoice.total_tax)
    if invoice.prices_include_tax:
        return abs(rounded(total(list(_amounts(invoice).values()))))
    return None


def _sum(invoice: Invoice) -> str:
    stated = invoice.total if invoice.total is not None else invoice.total_net
    amount = abs(stated) if stated is not None else abs(rounded(total(list(_amounts(invoice).values()))))
    return format_amount(amount)


def _amounts(invoice: Invoice) -> dict[str, Decimal]:
    """Positive amounts per rate; whether the shop writes credit notes with a minus or without does not matter."""
    known = [(line, amount) for line in invoice.lines if line.has_amount and (amount := _amount(line)) is not None]
    sign = -1 if total([amount for line, amount in known if line.type != "discount"]) < 0 else 1
    amounts: dict[str, Decimal] = {}
    for line, amount in known:
        part = -abs(amount) if line.type == "discount" else sign * amount
        amounts[_rate(line)] = amounts.get(_rate(line), Decimal(0)) + part
    return amounts


def _amount(line: Line) -> Decimal | None:
    """What a line comes to after its discount."""
    if line.line_total is not None:
        return line.line_total
    if line.unit_price is None:
        return line.discount_amount
    percent = HUNDRED - (line.discount_percent or Decimal(0))
    amount = product(line.quantity, line.unit_price, percent) / HUNDRED
    less = abs(line.discount_amount or Decimal(0))
    return amount - less if amount >= 0 else amount + less


def _rate(line: Line) -> str:
    if line.tax_rate is not None:
        return f"{decimal_text(line.tax_rate)} %"
    return line.tax_code or line.tax_class or "the default tax"
