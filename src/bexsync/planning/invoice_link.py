"""How an invoice is known in the ledger, what of it changed since, and which invoices are left alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.steps import EDITING
from bexsync.records.postal_codes import plain_postal_code

if TYPE_CHECKING:
    from bexsync.records import Invoice

KIND = "invoice"
# What neither stands on the document nor decides who gets it: a change here is no change of what was booked.
_NOT_BOOKED = frozenset(
    {
        "updated_at", "metadata", "status", "external_id", "external_number", "external_url", "attachments",
        "email", "auto_send", "leave_as_draft", "customer.updated_at", "customer.phone", "customer.groups",
        "customer.shop_id", "customer.customer_number", "customer.vat_number", "customer.shipping_address",
        "invoice_contact.phone", "lines.metadata", "lines.line_number", "payments", "paid_at",
    }
)  # fmt: skip
_STATUS = "its status in the shop is "
_DATE = "dated before start_date "


def reference(site: str, shop_id: str) -> str:
    """The `api_reference` of an invoice: unique in the company, compared exactly."""
    return f"bexsync:{site}:{KIND}:{shop_id}"


@dataclass(frozen=True)
class Linked:
    """What the link of an invoice says, and how the document stands in the ledger now.

    `fingerprint` is "" while the document was never found to be right, and begins with "~" while it is being
    rewritten; `created_as` is the content it was created from, `content` what the document held after the last write,
    "" while that is unknown.
    """

    ledger_id: LedgerId
    fingerprint: str
    agreed: Mapping[str, Any]
    standing: DocumentStatus
    number: str
    url: str
    total: Decimal
    revision: int = 0
    created_as: str = ""
    shared: bool = False
    content: str = ""
    due_date: str = ""

    @property
    def is_agreed(self) -> bool:
        """Whether the document is known to say what `agreed` says."""
        return bool(self.fingerprint) and not self.fingerprint.startswith(EDITING)


def content(invoice: Invoice) -> str:
    """A hash of what is booked: records that differ only in what is not booked have the same."""
    text = json.dumps(sorted(_flat(invoice.canonical())), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def differences(agreed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a booked record changed, as `lines[1].unit_price: 100 -> 120`."""
    before, after = dict(_flat(agreed)), dict(_flat(now))
    return [
        f"{path}: {before.get(path, '(nothing)')} -> {after.get(path, '(nothing)')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every booked value with its path; `name` is the path without the numbers of lines."""
    if name in _NOT_BOOKED:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{path}[{number}]", name)
    elif path.endswith("postal_code"):  # links of earlier versions hold it as the shop wrote it
        yield path, plain_postal_code(str(value), "CH")
    else:
        yield path, str(value)


def is_money_stated(invoice: Invoice) -> bool:
    """Whether the shop says what came in for an invoice: by transactions, or as paid on a day."""
    if invoice.document_type != "invoice":
        return False
    if invoice.payments:
        return invoice.status in ("approved", "paid") and any(one.is_money for one in invoice.payments)
    return invoice.status == "paid" and invoice.paid_at is not None


def reason_to_leave_alone(invoice: Invoice, start_date: date, skip: Iterable[str], ledger: str) -> str:
    """Return why an invoice that is not in the ledger is left alone, "" where it is to be booked.

    Raises RecordProblem where only a person can say that nothing is to be booked.
    """
    if invoice.status == "draft" or invoice.status in skip:
        return f"{_STATUS}{invoice.status}"
    if invoice.invoice_date < start_date:
        return f"{_DATE}{start_date}"
    # A credit note that was sent or settled has to be written in the ledger all the same.
    is_open = invoice.status == "approved" or is_money_stated(invoice)
    if invoice.status == "cancelled" or (not is_open and invoice.document_type == "invoice"):
        raise left_alone_problem(invoice, ledger)
    return ""


def no_longer_valid(reasons: Iterable[str], start_date: date, skip: Iterable[str]) -> list[str]:
    """Return those of the reasons above that no longer hold since the start date or the skip list changed."""
    valid = {f"{_DATE}{start_date}", *(f"{_STATUS}{status}" for status in ("draft", *skip))}
    return [reason for reason in reasons if reason.startswith((_STATUS, _DATE)) and reason not in valid]


def left_alone_problem(invoice: Invoice, ledger: str) -> RecordProblem:
    """Return the question about an invoice that is `paid`, `sent` or `cancelled` and not in the ledger."""
    # Code, what happened, and what to do to have it in the ledger after all.
    questions = {
        "paid": (
            "paid_in_shop",
            "is paid in the shop already, which says neither by which payments nor when",
            f"let the shop give `paid_at` or the payments, or book it and its payment in {ledger} by hand",
        ),
        "sent": (
            "sent_by_shop",
            "was sent to the customer by the shop already, and bexsync would mail it a second time",
            f"book it in {ledger} by hand, or hand it over as approved",
        ),
        "cancelled": (
            "cancelled_before_booking",
            "was cancelled in the shop before it was booked",
            f"nothing is to be done in {ledger} unless somebody entered it there by hand",
        ),
    }
    code, what, remedy = questions[invoice.status]
    noun = "The credit note" if invoice.document_type == "credit_note" else "The invoice"
    return RecordProblem(
        f"{noun} {what}; nothing was booked.",
        f"{remedy[0].upper()}{remedy[1:]}. Then acknowledge it with `bexsync errors ack ID`; "
        f'[invoices] skip = ["{invoice.status}"] leaves all of these alone.',
        code=code,
        field="status",
        subject=code,
    )
