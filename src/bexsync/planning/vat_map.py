"""The shop's rates and classes beside the ledger's taxes: how each stands, what is proposed, and what is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from bexsync.errors import RecordProblem
from bexsync.money import decimal_text
from bexsync.planning.taxes import TaxChooser
from bexsync.planning.vat_wants import HOME, Origin, TaxUse, is_current_sales_tax
from bexsync.ports.master_data import Account, MasterData
from bexsync.records import Line
from bexsync.records.invoice import LineType
from bexsync.vat import Tax, TaxKind, Use, VatMap, VatRow, sales_taxes_with_rate, taxes_called

SOON = timedelta(days=60)
_LINES: dict[Use, LineType] = {"sale": "product", "shipping": "shipping", "fee": "fee"}
_USES: dict[Use, str] = {"sale": "", "shipping": "shipping", "fee": "payment fees"}


@dataclass(frozen=True)
class Books:
    """What decides the tax of a line beside the map, and the day it is looked at."""

    master: MasterData
    default_code: str
    account: Account
    today: date

    def named(self, code: str) -> Tax | None:
        """The tax with that code, name or id, an active one where there are several."""
        fitting = taxes_called(self.master.taxes, code)
        return next((tax for tax in fitting if tax.active), fitting[0] if fitting else None)


DocumentStatus = Literal["mapped", "by rate", "by default", "unmapped"]


@dataclass(frozen=True)
class Entry:
    """One line of the table: a want on a day, the row and tax that decide it, or why none does, and a proposal."""

    want: TaxUse
    day: date
    row: VatRow | None
    tax: Tax | None
    problem: RecordProblem | None
    proposal: Tax | None = None

    @property
    def standing(self) -> DocumentStatus:
        """How it stands with the map as it is."""
        if self.problem is not None:
            return "unmapped"
        if self.row is not None:
            return "mapped"
        return "by rate" if self.want.rate is not None else "by default"

    @property
    def is_later(self) -> bool:
        """Whether it is about a day on which something ends or begins."""
        return self.day > self.want.day

    @property
    def blocks(self) -> bool:
        """Whether it stops records of its day."""
        return self.problem is not None and Origin.USUAL not in self.want.origins

    @property
    def pattern(self) -> VatRow:
        """The row that would decide it, without a code."""
        return replace(self.want.pattern, valid_from=self.day) if self.is_later else self.want.pattern


def review(books: Books, vat_map: VatMap, want: TaxUse) -> list[Entry]:
    """How a want stands on its day, and on later ones soon on which it will not stand any more."""
    entries = [_entry(books, vat_map, want, want.day)]
    while (day := _turning_day(books, entries[-1])) is not None:
        entries.append(_entry(books, vat_map, _then(books, want, day), day))
    return [entries[0], *(entry for entry in entries[1:] if entry.problem is not None)]


def _then(books: Books, want: TaxUse, day: date) -> TaxUse:
    """A class or shipping outlives its rate: where the ledger has that rate no more, the shop will have another."""
    ended = want.pattern.rate is None and not _is_sold_at(books, want.rate, day)
    return replace(want, rate=None) if ended else want


def _is_sold_at(books: Books, rate: Decimal | None, day: date) -> bool:
    return any(t.is_for_sales and t.active and t.rate == rate and t.valid_on(day) for t in books.master.taxes)


def _entry(books: Books, vat_map: VatMap, want: TaxUse, day: date) -> Entry:
    chooser = TaxChooser(books.master, vat_map, books.default_code, want.pattern.country, day)
    rows = want.rows(vat_map, day)
    row = rows[0] if all(rows) else None
    tax, problem = None, None
    for rate, found in zip(want.rates, rows, strict=True):
        line = Line.model_construct(
            tax_class=want.pattern.tax_class, tax_rate=rate, type=_LINES[want.use], unit_price=Decimal(1)
        )
        try:
            tax = chooser.choose(line, books.account, in_words(want))
        except RecordProblem as refusal:
            row, problem = found, refusal
            break
    entry = Entry(want, day, row, None if problem else tax, problem)
    return entry if entry.standing == "mapped" else replace(entry, proposal=_proposal(books, vat_map, want, day))


def _proposal(books: Books, vat_map: VatMap, want: TaxUse, day: date) -> Tax | None:
    """The one tax of ordinary sales with the same rate; nothing that is exempt, abroad, or only likely."""
    country = want.pattern.country
    if not want.rate or (country is not None and country not in HOME):
        return None
    later = vat_map.codes_that_begin_later(
        tax_class=want.pattern.tax_class, rate=want.rate, country=country, use=want.use, day=day
    )
    fitting = [t for t in sales_taxes_with_rate(books.master.taxes, want.rate, day) if t.code not in later]
    if len(fitting) > 1:
        row = vat_map.code_for(tax_class=None, rate=want.rate, country=None, use="sale", day=day)
        fitting = [tax for tax in fitting if row is not None and tax.code == row.code]
    return fitting[0] if len(fitting) == 1 else None


def _turning_day(books: Books, entry: Entry) -> date | None:
    """The next day, soon, on which the tax ends, or another one makes its rate ambiguous."""
    tax = entry.tax
    if tax is None or entry.day < books.today or Origin.USUAL in entry.want.origins:
        return None
    days = [tax.valid_to + timedelta(days=1)] if tax.valid_to is not None else []
    if entry.row is None and entry.want.rate:
        rivals = (t for t in books.master.taxes if is_current_sales_tax(t, books.today) and t.rate == entry.want.rate)
        days += [rival.valid_from for rival in rivals if rival.valid_from is not None]
    soon = [day for day in days if entry.day < day <= books.today + SOON + timedelta(days=1)]
    return min(soon, default=None)


def with_code(books: Books, vat_map: VatMap, entry: Entry, code: str) -> VatMap:
    """The map that gives the entry this code: by the plainest row that does, else by one that says everything."""
    want, day, pattern = entry.want, entry.day, replace(entry.pattern, code=code)
    tries: list[tuple[VatRow, ...]] = [(pattern,)]
    begin = _begin_beside(books, entry)
    if begin is not None:
        tries.insert(0, (replace(pattern, valid_from=begin),))
    tries.append(tuple(VatRow(code, pattern.tax_class, rate, pattern.country, want.use, day) for rate in want.rates))
    for rows in tries:
        fresh = vat_map
        for row in rows:
            fresh = fresh.with_row(row)
        if all(row is not None and row.code == code for row in want.rows(fresh, day)):
            return fresh
    raise AssertionError("a row that says everything decides")


def _begin_beside(books: Books, entry: Entry) -> date | None:
    """When a new row has to begin, given the row before: that one stays for what was supplied while its tax was valid.

    One that merely began later than the new row would, and is wrong, is what the new row replaces.
    """
    if entry.row is None or entry.is_later:
        return None
    before = books.named(entry.row.code)
    if before is not None and before.valid_to is not None and before.valid_to < entry.day:
        return before.valid_to + timedelta(days=1)
    same = replace(entry.row, valid_from=None).key == replace(entry.pattern, valid_from=None).key
    began = entry.row.valid_from
    return began if same and began is not None and began > (entry.pattern.valid_from or date.min) else None


def decided(books: Books, vat_map: VatMap, wants: Sequence[TaxUse], answer: Callable[[Entry], str]) -> VatMap:
    """The map with an answer for everything in it that no row decides yet; "" leaves it as it is."""
    for want in wants:
        asked: set[date] = set()
        while (entry := _next_open(books, vat_map, want, asked)) is not None:
            asked.add(entry.day)
            code = answer(entry)
            vat_map = with_code(books, vat_map, entry, code) if code else vat_map
    return vat_map


def _next_open(books: Books, vat_map: VatMap, want: TaxUse, asked: set[date]) -> Entry | None:
    return next((e for e in open_entries(books, vat_map, [want]) if e.day not in asked), None)


def open_entries(books: Books, vat_map: VatMap, wants: Sequence[TaxUse]) -> list[Entry]:
    """What no row decides and one could: a rate that will have ended is no question."""
    return [
        entry
        for want in wants
        for entry in review(books, vat_map, want)
        if entry.standing != "mapped" and not (entry.is_later and _has_ended(books, entry))
    ]


def _has_ended(books: Books, entry: Entry) -> bool:
    return entry.want.pattern.rate is not None and not _is_sold_at(books, entry.want.rate, entry.day)


def proposed(entry: Entry) -> str:
    """The answer of whoever takes every proposal."""
    return entry.proposal.code if entry.proposal is not None else ""


# what is wrong


@dataclass(frozen=True)
class Finding:
    """Something about the map that a person should see to, now or, for `attention`, before long."""

    level: Literal["wrong", "attention"]
    code: str
    message: str
    hint: str


def findings(books: Books, vat_map: VatMap, wants: Sequence[TaxUse]) -> list[Finding]:
    """Everything that stops records, or soon will, and what the ledger has that the map does not know."""
    found = [
        _finding(books, entry)
        for want in wants
        for entry in review(books, vat_map, want)
        if entry.blocks and entry.day <= books.today + SOON + timedelta(days=1)
    ]
    return list(dict.fromkeys((*found, *_new_rates(books, vat_map))))


def _finding(books: Books, entry: Entry) -> Finding:
    problem = entry.problem
    assert problem is not None  # noqa: S101  only entries that block become findings
    code = _kind(books, entry, problem)
    ordered = f"`bexsync vat map --set {shlex.quote(spelled(entry.pattern))}=CODE`"
    hint = {
        "inactive": f"Activate it in {books.master.ledger}, or map another: {ordered}.",
        "expired": f"Map what comes after it: {ordered}.",
        "ambiguous": f"Say which: {ordered}.",
        "rate_differs": f"Correct the rate in the shop, or the map: {ordered}.",
        "no_business_year": problem.hint,
    }.get(code, f"Map it: {ordered}.")
    if entry.is_later and _has_ended(books, entry):
        hint = f"The shop needs another rate by then. {_what_begins(books, entry.day)}".rstrip()
    return Finding("attention" if entry.day > books.today else "wrong", "ends_soon" if entry.is_later else code,
                   _sentence(books, entry, problem, code), hint)  # fmt: skip


def _what_begins(books: Books, day: date) -> str:
    taxes = [
        t for t in books.master.taxes if is_current_sales_tax(t, day) and t.valid_from and t.valid_from > books.today
    ]
    shown = ", ".join(f"{tax.code} ({decimal_text(tax.rate)} %) from {tax.valid_from}" for tax in taxes)
    return f"{books.master.ledger} has {shown}." if shown else ""


def _kind(books: Books, entry: Entry, problem: RecordProblem) -> str:
    tax = books.named(entry.row.code) if entry.row is not None else None
    if problem.code == "tax_unusable" and tax is not None:
        if not tax.is_for_sales:
            return "not_for_sales"
        return "inactive" if not tax.active else "expired" if _is_past(tax, entry.day) else "not_yet"
    if problem.code == "tax_unmapped" and entry.want.rate:
        fitting = sales_taxes_with_rate(books.master.taxes, entry.want.rate, entry.day)
        same = [t for t in books.master.taxes if t.kind == TaxKind.SALES and t.rate == entry.want.rate]
        if entry.want.pattern.tax_class is not None and None in entry.want.rates:
            return "unmapped"
        if len(fitting) > 1:
            return "ambiguous"
        if same and not fitting:
            if any(t.active and _is_past(t, entry.day) for t in same):
                return "expired"
            if not any(t.active for t in same):
                return "inactive"
    return {"tax_unmapped": "unmapped", "tax_rate_differs": "rate_differs"}.get(problem.code, problem.code)


def _is_past(tax: Tax, day: date) -> bool:
    return tax.valid_to is not None and tax.valid_to < day


def _sentence(books: Books, entry: Entry, problem: RecordProblem, code: str) -> str:
    what, row = in_words(entry.want), entry.row
    if entry.is_later:
        last = entry.day - timedelta(days=1)
        if code == "ambiguous":
            return f"{what} will be ambiguous from {entry.day} on: {problem.message.partition(': ')[2]}"
        if _has_ended(books, entry):
            return f"{what} ends in {books.master.ledger} on {last}."
        return f"{what}: its tax ends in {books.master.ledger} on {last}, and none is mapped after it."
    if code == "rate_differs" and row is not None:
        tax = books.named(row.code)
        rate = decimal_text(tax.rate) if tax else "another"
        return f"{what} is mapped to {row.code}, which has {rate} % in {books.master.ledger}."
    if problem.code == "tax_unmapped" and entry.want.rate == 0:
        return f"{what} is not mapped; exempt, foreign and reverse-charge sales are never guessed."
    if problem.code == "tax_unmapped" and entry.want.pattern.tax_class is not None:
        return f"{what} is not mapped."
    return problem.message


def _new_rates(books: Books, vat_map: VatMap) -> Iterator[Finding]:
    """Rates the ledger has and a map, where there is one, says nothing of."""
    if not vat_map.rows:
        return
    known = {row.rate for row in vat_map.rows} | {
        tax.rate for row in vat_map.rows if (tax := books.named(row.code)) is not None
    }
    fresh: dict[Decimal, list[Tax]] = {}
    for tax in books.master.taxes:
        if is_current_sales_tax(tax, books.today) and tax.rate not in known:
            fresh.setdefault(tax.rate, []).append(tax)
    for rate, taxes in fresh.items():
        codes = " and ".join(tax.code for tax in taxes)
        has = "has" if len(taxes) == 1 else "have"
        code = taxes[0].code if len(taxes) == 1 else "CODE"
        yield Finding(
            "wrong",
            "new_rate",
            f"{codes} {has} {decimal_text(rate)} % in {books.master.ledger}, a rate that the VAT map does not know.",
            f"`bexsync vat map --set {shlex.quote(f'rate:{decimal_text(rate)}={code}')}` takes it in; "
            f"or switch it off in {books.master.ledger}.",
        )


# words


def in_words(want: TaxUse) -> str:
    """What a want is, as a sentence begins with it."""
    pattern = want.pattern
    what = [f'the class "{pattern.tax_class}"'] if pattern.tax_class is not None else []
    what += [_USES[want.use]] if want.use != "sale" else []
    if want.rate is not None:
        what.append(f"({decimal_text(want.rate)} %)" if what else f"the rate {decimal_text(want.rate)} %")
    text = " ".join(what)
    text += f" in {pattern.country}" if pattern.country else ""
    text += f" from {pattern.valid_from}" if pattern.valid_from and pattern.valid_from > date.min else ""
    return text[:1].upper() + text[1:]


def spelled(row: VatRow) -> str:
    """What --set calls a row, without its code."""
    parts = []
    if row.tax_class is not None:
        parts.append(f"class:{row.tax_class}" if _needs_prefix(row.tax_class) else row.tax_class)
    parts += [row.use] if row.use is not None else []
    parts += [f"rate:{decimal_text(row.rate)}"] if row.rate is not None else []
    parts += [f"country:{row.country}"] if row.country is not None else []
    parts += [f"from:{row.valid_from}"] if row.valid_from is not None else []
    return ",".join(parts)


def _needs_prefix(tax_class: str) -> bool:
    return tax_class in _LINES or ":" in tax_class or "," in tax_class
