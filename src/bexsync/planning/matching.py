"""Which invoices are the same: one of the shop and a document in the ledger, or two of the shop."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.ports.documents import DocumentState, DocumentStatus

if TYPE_CHECKING:
    from bexsync.records import Invoice

OURS = "bexsync:"
_TOTAL_WITHIN = Decimal("0.05")  # the ledger may have rounded to five Rappen, the shop may not
# The first letters of the months in German, English, French and Italian, as spreadsheets shorten them.
_MONTHS = (
    ("jan", "gen"),
    ("feb", "fev"),
    ("mar", "mrz"),
    ("apr", "avr"),
    ("mai", "may", "mag"),
    ("juin", "jun", "giu"),
    ("juil", "jul", "lug"),
    ("aug", "aou", "ago"),
    ("sep", "set"),
    ("okt", "oct", "ott"),
    ("nov",),
    ("dez", "dec", "dic"),
)
_LONGEST_MONTH = 9
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_WITH_ZEROS = re.compile(r"(\d+)[.,]0+")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00)?(\.0+)?$")


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
    taken: dict[LedgerId, int] = {}
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


@dataclass(frozen=True)
class Spelling:
    """A number without case, separators and leading zeros, and what a spreadsheet may make of it as a date."""

    parts: tuple[str, ...]
    dates: frozenset[tuple[str, int, int]]
    is_date: bool

    def is_same(self, other: Spelling) -> bool:
        """Whether both may be the same number; two plain numbers only where their parts are the same."""
        one_was_turned = self.is_date != other.is_date
        return self.parts == other.parts or (one_was_turned and bool(self.dates & other.dates))


def spelling(number: str) -> Spelling:
    """Return how a number is written, as far as it tells numbers apart."""
    text = unicodedata.normalize("NFKD", number.strip().casefold())
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    text = _WITH_ZEROS.sub(r"\1", text) if _WITH_ZEROS.fullmatch(text) else _MIDNIGHT.sub("", text)
    parts = tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in _PARTS.findall(text))
    if parts and not any(part.isdecimal() and len(part) > 4 for part in parts):
        words = [month for part in parts if (month := _month(part))]
        numbers = [int(part) for part in parts if part.isdecimal()]
        if len(words) == 1 and len(numbers) == len(parts) - 1:
            return Spelling(parts, frozenset(_with_month(words[0], numbers)), True)
        if len(numbers) == len(parts) == 3 and max(numbers) > 1900:
            return Spelling(parts, frozenset(_of_a_day(numbers)), True)
        if len(numbers) == len(parts) == 2:
            return Spelling(parts, frozenset(_of_two(*numbers)), False)
    return Spelling(parts, frozenset(), False)


def _month(word: str) -> int:
    if len(word) > _LONGEST_MONTH:
        return 0
    return next((at for at, starts in enumerate(_MONTHS, 1) if any(word.startswith(start) for start in starts)), 0)


def _with_month(month: int, numbers: list[int]) -> Iterable[tuple[str, int, int]]:
    """Nov 26 is November 2026, or the 26th of November; 5. Nov 2026 is the 5th of it."""
    if len(numbers) == 1:
        yield "month", _full_year(numbers[0]), month
    yield from (("day", number, month) for number in numbers if number <= 31)
    if len(numbers) == 2 and 1 in numbers:
        yield "month", _full_year(max(numbers)), month


def _of_a_day(numbers: list[int]) -> Iterable[tuple[str, int, int]]:
    """A spreadsheet turns 2026-11 into the first day of that month, and 5-11 into a day of this year."""
    year = max(numbers)
    first, second = [number for number in numbers if number != year][:2] or (0, 0)
    for day, month in ((first, second), (second, first)):
        if 1 <= month <= 12:
            yield "day", day, month
            if day == 1:
                yield "month", year, month


def _of_two(first: int, second: int) -> Iterable[tuple[str, int, int]]:
    for year, month in ((first, second), (second, first)):
        if 1 <= month <= 12:
            yield "month", _full_year(year), month
            yield "day", year, month


def _full_year(year: int) -> int:
    return year if year > 99 else 2000 + year


@dataclass
class Twins:
    """The invoices that are booked, or are going to be in this run."""

    _known: dict[tuple[date, Decimal | None], list[Invoice]] = field(default_factory=dict)

    @classmethod
    def among(cls, invoices: Iterable[Invoice]) -> Twins:
        """All of these."""
        twins = cls()
        for invoice in invoices:
            twins.add(invoice)
        return twins

    def add(self, invoice: Invoice) -> None:
        """Remember one more."""
        self._known.setdefault(_day_and_total(invoice), []).append(invoice)

    def refuse(self, invoice: Invoice) -> None:
        """Raise RecordProblem where one of the same customer, day and total has the number in another spelling."""
        for other in self._known.get(_day_and_total(invoice), ()):
            if other.shop_id != invoice.shop_id and _same_customer(invoice, other) and _same_number(invoice, other):
                raise RecordProblem(
                    f"It may be the invoice {_name(other)} under another spelling of its number: "
                    "customer, day and total are the same.",
                    "If it is the same, acknowledge this with `bexsync errors ack`; "
                    "if it is another one, give it a number of its own in the shop.",
                    code="same_invoice",
                    field="source_number",
                    subject=f"same:{other.shop_id}",
                )


def _day_and_total(invoice: Invoice) -> tuple[date, Decimal | None]:
    total = invoice.total if invoice.total is not None else invoice.total_net
    return invoice.invoice_date, total


def _name(invoice: Invoice) -> str:
    return invoice.source_number or invoice.shop_id


def _same_number(one: Invoice, other: Invoice) -> bool:
    return any(a.is_same(b) for a in _spellings(one) for b in _spellings(other))


def _spellings(invoice: Invoice) -> list[Spelling]:
    return [spelling(number) for number in {invoice.shop_id, invoice.source_number or invoice.shop_id}]


def _same_customer(one: Invoice, other: Invoice) -> bool:
    return bool(_customer_keys(one) & _customer_keys(other))


def _customer_keys(invoice: Invoice) -> set[tuple[str, str]]:
    customer = invoice.customer
    keys = {("id", invoice.customer_id or "")}
    if customer is not None:
        name = customer.company_name or f"{customer.first_name or ''} {customer.last_name or ''}"
        keys |= {
            ("id", customer.shop_id or ""),
            ("mail", (customer.email or "").casefold()),
            ("name", " ".join(name.casefold().split())),
        }
    return {key for key in keys if key[1]}
