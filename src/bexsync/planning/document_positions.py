"""The positions of a document: sales, deductions, texts, subtotals, the rounding line, and their sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import HUNDRED, plain, rounded, share, total, written
from bexsync.planning.amounts import (
    FINEST,
    Sale,
    Sum,
    amount_of,
    check_line_taxes,
    discount_over,
    is_sale,
    lowered,
    place_of,
    sendable,
    unit_price,
)
from bexsync.planning.lookups import income_account, unit_called
from bexsync.planning.taxes import TaxChooser, rate_of, why_unusable
from bexsync.ports.document_effects import Position
from bexsync.ports.master_data import Account, MasterData
from bexsync.records import Invoice, Line, TimeEntry
from bexsync.vat import Tax, TaxKind

_SUBTOTAL = {"de": "Zwischensumme", "fr": "Sous-total", "it": "Subtotale", "en": "Subtotal"}
_DISCOUNT = {"de": "Rabatt", "fr": "Rabais", "it": "Sconto", "en": "Discount"}
_WORDS = {"de": "Rundung", "fr": "Arrondi", "it": "Arrotondamento", "en": "Rounding"}


@dataclass(frozen=True)
class PositionWriter:
    """Turns the lines of one invoice into positions and their exact sums."""

    profile: Profile
    master: MasterData
    chooser: TaxChooser
    language: str
    negative_prices: bool

    def write(self, invoice: Invoice) -> tuple[list[Position], list[Sum]]:
        """All positions in order, and the sums of those that are money."""
        lines = [
            sendable(line, place_of(line, number)) if is_sale(line) else line
            for number, line in enumerate(invoice.lines, 1)
        ]
        sales = [self._book(line, number) for number, line in enumerate(lines, 1) if is_sale(line)]
        check_line_taxes(
            sales, self._deducted(lines, sales), gross=invoice.prices_include_tax, currency=invoice.currency
        )
        in_order = iter(
            sales if self.negative_prices else lowered(lines, sales, self._word_for_discount(), self.master.ledger)
        )
        positions: list[Position] = []
        sums: list[Sum] = []
        for number, line in enumerate(lines, 1):
            if line.type == "subtotal":
                text = _line_text(line) or _SUBTOTAL.get(self.language, _SUBTOTAL["en"])
                positions.append(Position(type="subtotal", text=text))
            elif line.type == "text":
                positions.append(Position(type="text", text=_line_text(line)))
            elif is_sale(line):
                self._sale(next(in_order), positions, sums)
            elif self.negative_prices:
                self._document_discount(line, place_of(line, number), sales, positions, sums)
            else:
                amount = discount_over(sales, line, place_of(line, number))
                text = _line_text(line) or self._word_for_discount()
                positions.append(Position(type="text", text=f"{text}: {written(amount)}"))
        return positions, sums

    def _book(self, line: Line, number: int) -> Sale:
        where = place_of(line, number)
        account = self._account(line, where)
        amount = amount_of(line, where)
        return Sale(line, where, amount, account, self.chooser.choose(line, account, where))

    def _deducted(self, lines: Sequence[Line], sales: Sequence[Sale]) -> Decimal:
        """What the discounts that are shared out over all lines take off."""
        shared = [
            (line, number) for number, line in enumerate(lines, 1) if line.type == "discount" and not _has_own_tax(line)
        ]
        return total([discount_over(sales, line, place_of(line, number)) for line, number in shared])

    def _account(self, line: Line, where: str) -> Account:
        of_profile = self.profile.ledger.revenue_account
        return income_account(self.master, line.revenue_account, of_profile, where=where, owner="line")

    def _sale(self, sale: Sale, positions: list[Position], sums: list[Sum]) -> None:
        line = sale.line
        unit = unit_called(self.master, line.unit or "")
        text = _line_text(line)
        if unit is None and line.unit:
            text = f"{text}\n{plain(line.quantity)} {line.unit}".strip()
        position = Position(
            type="custom",
            text=text,
            quantity=plain(line.quantity),
            unit_price=plain(unit_price(line, sale.where)),
            account_id=sale.account.id,
            tax_id=sale.tax.id if sale.tax is not None else None,
            discount_percent=plain(line.discount_percent) if line.discount_percent else None,
            unit_id=unit,
        )
        positions.append(position)
        sums.append(Sum(sale.amount, rate_of(sale.tax)))
        if line.discount_amount:
            text = f"{self._word_for_discount()} {line.name or ''}".strip()
            self._deduct(text, abs(line.discount_amount), sale.account, sale.tax, positions, sums)
        if line.time_entries and self.profile.invoices.detail == "positions":
            positions.append(Position(type="text", text=_hours_text(line.time_entries)))

    def _document_discount(
        self,
        line: Line,
        where: str,
        sales: Sequence[Sale],
        positions: list[Position],
        sums: list[Sum],
    ) -> None:
        """A discount over the whole document: with a tax of its own it is one deduction, else a share for each tax."""
        bases = [sale.after_own_discount for sale in sales]
        amount = discount_over(sales, line, where)
        text = _line_text(line) or self._word_for_discount()
        if _has_own_tax(line):
            account = self._account(line, where)
            self._deduct(text, amount, account, self.chooser.choose(line, account, where), positions, sums)
            return
        groups: dict[tuple[LedgerId, LedgerId | None], tuple[Decimal, Sale]] = {}
        for part, item in zip(share(amount, bases), sales, strict=True):
            key = (item.account.id, item.tax.id if item.tax else None)
            groups[key] = (groups.get(key, (Decimal(0), item))[0] + part, item)
        for part, item in groups.values():
            label = f"{text} ({plain(item.tax.rate)} %)" if len(groups) > 1 and item.tax else text
            self._deduct(label, part, item.account, item.tax, positions, sums)

    def _deduct(
        self,
        text: str,
        amount: Decimal,
        account: Account,
        tax: Tax | None,
        positions: list[Position],
        sums: list[Sum],
    ) -> None:
        if not amount:
            return
        position = Position(
            type="custom",
            text=text,
            quantity="1",
            unit_price=plain(-amount),
            account_id=account.id,
            tax_id=tax.id if tax is not None else None,
        )
        positions.append(position)
        sums.append(Sum(-amount, rate_of(tax)))

    def _word_for_discount(self) -> str:
        return _DISCOUNT.get(self.language, _DISCOUNT["en"])


def _has_own_tax(line: Line) -> bool:
    return bool(line.tax_code or line.tax_rate is not None or line.revenue_account)


def _line_text(line: Line) -> str:
    """The line's id and name as the invoice shows them, its description below."""
    headline = " ".join(part for part in (line.line_id, line.name) if part)
    return "\n".join(part for part in (headline, line.description) if part)


def _hours_text(entries: Sequence[TimeEntry]) -> str:
    rows = [
        "  ".join(
            part
            for part in (entry.date.strftime("%d.%m.%Y"), f"{plain(entry.hours)} h", entry.person, entry.description)
            if part
        )
        for entry in sorted(entries, key=lambda e: e.date)
    ]
    return "\n".join([*rows, f"= {plain(total([e.hours for e in entries]))} h"])


@dataclass(frozen=True)
class RoundingLine:
    """A position over a few cents, and its sum."""

    gap: Decimal
    position: Position
    sum: Sum


def rounding_line(
    gap: Decimal,
    chooser: TaxChooser,
    account_number: str,
    tax_code: str,
    *,
    gross: bool,
    language: str,
    closes: Callable[[Sum], bool],
) -> RoundingLine:
    """Return the line that adds `gap` to a document; raises RecordProblem where the ledger lacks its account or tax."""
    account = rounding_account(chooser.master, account_number)
    tax = rounding_tax(chooser, tax_code) if chooser.subject_to_vat else None
    rate = rate_of(tax)
    price = gap if gross or not rate else rounded(gap * HUNDRED / (HUNDRED + rate), FINEST)
    # A net price cannot always hit the gap: where the sum lies on the edge of two coins, the neighbour does.
    price = next((p for p in (price, price + FINEST, price - FINEST) if closes(Sum(p, rate))), price)
    position = Position(
        type="custom",
        text=_WORDS.get(language, _WORDS["en"]),
        quantity="1",
        unit_price=plain(price),
        account_id=account.id,
        tax_id=tax.id if tax is not None else None,
    )
    return RoundingLine(gap, position, Sum(price, rate))


def rounding_account(master: MasterData, number: str) -> Account:
    """The account that rounding is booked on, income or expense; raises RecordProblem."""
    same = [account for account in master.accounts if account.number == number]
    for account in same:
        if account.active and (account.is_income or account.is_expense):
            return account
    raise RecordProblem(
        f"The rounding account {number} "
        f"{'is no active income or expense account' if same else 'does not exist'} in {master.ledger}.",
        f"Correct [invoices] rounding_account in the profile, or open the account in {master.ledger}.",
        code="unknown_account",
        field="[invoices] rounding_account",
        subject=f"account:{number}",
    )


def rounding_tax(chooser: TaxChooser, code: str) -> Tax:
    """The tax of the line: the one named, else the only active sales tax of 0 %; raises RecordProblem."""
    if code:
        tax = chooser.called(code, "[invoices] rounding_tax")
        problem = why_unusable(tax, chooser.document_date)
        if problem:
            raise _no_tax(
                f"The tax code {code} {problem} in {chooser.master.ledger}.",
                "Correct [invoices] rounding_tax in the profile.",
            )
        return tax
    # Exempt and foreign sales have 0 % as well, but belong on other lines of the VAT return.
    fitting = [
        tax
        for tax in chooser.master.taxes
        if tax.kind == TaxKind.SALES and not tax.rate and not why_unusable(tax, chooser.document_date)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise _no_tax(
        f"{chooser.master.ledger} has no active sales tax of 0 % for the rounding line."
        if not fitting
        else f"{chooser.master.ledger} has {len(fitting)} active sales taxes of 0 % for the rounding line.",
        f"Activate the one without VAT ({chooser.master.words.untaxed_code}) in {chooser.master.ledger}, "
        "or name a tax code in [invoices] rounding_tax.",
    )


def _no_tax(message: str, hint: str) -> RecordProblem:
    return RecordProblem(message, hint, code="tax_unmapped", field="[invoices] rounding_tax", subject="tax:rounding")
