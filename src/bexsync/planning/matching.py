"""Which invoices of the shop already stand in the ledger, made by hand or by another program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.records import Invoice

OURS = "bexsync:"
_TOTAL_WITHIN = Decimal("0.05")  # the ledger may have rounded to five Rappen, the shop may not


@dataclass(frozen=True)
class Candidate:
    """A document of the ledger that nobody has linked, with the mails of its contact."""

    document: DocumentState
    mails: frozenset[str]


@dataclass(frozen=True)
class Match:
    """An invoice of the shop and the documents that may be it: one is found, several are for a person."""

    shop_id: str
    documents: tuple[DocumentState, ...]
    why: str = ""


def match(invoices: Iterable[tuple[Invoice, str]], candidates: Sequence[Candidate]) -> list[Match]:
    """A match for every invoice (given with its customer's mail) that has any; a document matches one invoice only."""
    free = [c for c in candidates if _is_free(c.document)]
    found = [_match_one(invoice, mail, free) for invoice, mail in invoices]
    matches = [m for m in found if m is not None]
    taken: dict[int, int] = {}
    for m in matches:
        for document in m.documents:
            taken[document.ledger_id] = taken.get(document.ledger_id, 0) + 1
    return [m if all(taken[d.ledger_id] == 1 for d in m.documents) else Match(m.shop_id, m.documents) for m in matches]


def _is_free(document: DocumentState) -> bool:
    return not document.reference.startswith(OURS) and document.standing is not DocumentStatus.CANCELLED


def _match_one(invoice: Invoice, mail: str, candidates: Sequence[Candidate]) -> Match | None:
    fitting = [c for c in candidates if is_same_total(invoice, c.document)]
    for why, rule in (("by number and amount", _by_number), ("by mail, date and amount", _by_mail_and_day)):
        found = [c.document for c in fitting if rule(invoice, mail, c)]
        if found:
            return Match(invoice.shop_id, tuple(found), why if len(found) == 1 else "")
    return None


def is_same_total(invoice: Invoice, document: DocumentState) -> bool:
    """Whether the amounts agree but for rounding to five Rappen."""
    return invoice.total is not None and abs(document.total - invoice.total) <= _TOTAL_WITHIN


def _by_number(invoice: Invoice, _mail: str, candidate: Candidate) -> bool:
    names = {invoice.source_number, invoice.shop_id} - {None, ""}
    return bool(names & {candidate.document.number, candidate.document.reference})


def _by_mail_and_day(invoice: Invoice, mail: str, candidate: Candidate) -> bool:
    return mail.casefold() in candidate.mails and candidate.document.day == invoice.invoice_date.isoformat()
