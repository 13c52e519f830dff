"""What a person says should be mapped: the little language of --set, and whether the ledger and the shop allow it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from bexsync.errors import MappingProblem, UsageProblem
from bexsync.money import decimal_text
from bexsync.planning.taxes import why_unusable
from bexsync.planning.vat_map import Books, spelled
from bexsync.planning.vat_wants import TaxUse
from bexsync.records.quoting import printable
from bexsync.vat import Tax, VatRow

_NEAREST = 3
_USES = ("sale", "shipping", "fee")
_KEYS = ("class", "rate", "country", "use", "from")
# A class may hold commas, so one only ends a part where the next one begins with a word that is known.
_PARTS = re.compile(rf",(?=(?:{'|'.join(_KEYS)}):|(?:{'|'.join(_USES)})(?:,|$))")
_HINT = "Write it like standard=UN81, shipping=UN81, rate:8.1=UN81 or rate:0,country:DE=ULA."


def read_order(text: str) -> VatRow:
    """A row from `WHAT=CODE`; raises UsageProblem."""
    what, _, code = text.rpartition("=")
    if not what.strip() or not code.strip():
        raise UsageProblem(f'--set "{printable(text)}" does not say what is mapped to which code.', _HINT)
    row = VatRow(code.strip())
    for part in _PARTS.split(what.strip()):
        key, value = _part(part.strip(), text)
        if getattr(row, key) is not None:
            raise UsageProblem(f'--set "{printable(text)}" says twice what the {key.replace("_", " ")} is.', _HINT)
        row = replace(row, **{key: value})
    if row.never_applies:
        raise UsageProblem(f'--set "{printable(text)}" names neither a class, a rate nor shipping or fee.', _HINT)
    return row


def _part(part: str, whole: str) -> tuple[str, Any]:
    name, colon, value = part.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or name not in _KEYS:
        if not part:
            raise UsageProblem(f'--set "{printable(whole)}" holds an empty part.', _HINT)
        return ("use", part) if part in _USES else ("tax_class", part)
    match name:
        case "class" if value:
            return "tax_class", value
        case "rate":
            return "rate", _rate(value, whole)
        case "country" if re.fullmatch(r"[A-Za-z]{2}", value):
            return "country", value.upper()
        case "use" if value in _USES:
            return "use", value
        case "from":
            return "valid_from", _day(value, whole)
    raise UsageProblem(f'--set "{printable(whole)}": "{printable(part)}" cannot be understood.', _HINT)


def _rate(value: str, whole: str) -> Decimal:
    try:
        rate = Decimal(value.removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        rate = Decimal(-1)
    if not rate.is_finite() or not 0 <= rate <= 100:
        raise UsageProblem(f'--set "{printable(whole)}": {printable(value)} is no percentage.', _HINT)
    return rate


def _day(value: str, whole: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UsageProblem(
            f'--set "{printable(whole)}": {printable(value)} is no date.', "Write it like from:2027-01-01."
        ) from None


def read_orders(texts: Sequence[str]) -> list[VatRow]:
    """All rows that are ordered; raises UsageProblem, also where two contradict each other."""
    rows: list[VatRow] = []
    for row in map(read_order, texts):
        rival = next((other for other in rows if other.key == row.key), None)
        if rival is not None and rival.code != row.code:
            raise UsageProblem(f"--set maps {spelled(row)} to {rival.code} and to {row.code}.", "Leave one out.")
        rows += [row] if rival is None else []
    return rows


def allowed(books: Books, wants: Sequence[TaxUse], row: VatRow) -> VatRow:
    """The row with the code as the ledger writes it; raises MappingProblem where ledger or shop say otherwise."""
    tax = _tax_called(books, row.code)
    day = max(books.today, row.valid_from or books.today)
    if row.rate is not None and row.valid_from is None:
        day = max(day, tax.valid_from or day)  # nobody sells at a rate before it begins
    problem = why_unusable(tax, day, row.valid_from)
    if problem:
        raise MappingProblem(
            f"{spelled(row)}: the tax code {tax.code} {problem} in {books.master.ledger}.", _what_else(books, tax, day)
        )
    rates = {row.rate} if row.rate is not None else _rates_of_shop(wants, row)
    if rates and tax.rate not in rates:
        said = " and ".join(f"{decimal_text(rate)} %" for rate in sorted(rates))
        raise MappingProblem(
            f"{spelled(row)} has {said} in the shop, but {tax.code} has {decimal_text(tax.rate)} % in "
            f"{books.master.ledger}.",
            f"The rates must be the same. {_taxes_with(books, rates)}".strip(),
        )
    return replace(row, code=tax.code)


def _rates_of_shop(wants: Sequence[TaxUse], row: VatRow) -> set[Decimal]:
    """What the shop says the rate is of what the row speaks of, then."""
    return {
        want.rate
        for want in wants
        if want.rate is not None
        and row.matches(want.pattern.tax_class, want.rate, want.pattern.country, want.use, want.day)
    }


def _tax_called(books: Books, code: str) -> Tax:
    tax = books.named(code)
    if tax is None:
        tax = next((t for t in books.master.taxes if t.code.casefold() == code.casefold()), None)
    if tax is not None:
        return tax
    usable = {t.code: t for t in books.master.taxes if t.active and t.is_for_sales}
    close = get_close_matches(code.upper(), usable, _NEAREST, 0.0)
    shown = ", ".join(f"{name} ({decimal_text(usable[name].rate)} %)" for name in close) or "none"
    raise MappingProblem(
        f'{books.master.ledger} has no tax code "{printable(code)}".', f"The nearest active sales taxes are {shown}."
    )


def _what_else(books: Books, tax: Tax, day: date) -> str:
    if tax.is_for_sales and tax.active and tax.valid_from is not None and tax.valid_from > day:
        return f"Say from when on: add from:{tax.valid_from} to what stands before the code."
    remedy = f"Activate it in {books.master.ledger}. " if tax.is_for_sales and not tax.active else ""
    return f"{remedy}{_taxes_with(books, None)}"


def _taxes_with(books: Books, rates: set[Decimal] | None) -> str:
    fitting = [
        tax
        for tax in books.master.taxes
        if tax.is_for_sales and (rates is None or tax.rate in rates) and not why_unusable(tax, books.today)
    ]
    shown = ", ".join(f"{tax.code} ({decimal_text(tax.rate)} %)" for tax in fitting)
    return f"{books.master.ledger} has {shown or 'none with that rate that is active'}."
