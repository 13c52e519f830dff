"""The positions of a document: sales, deductions, texts, subtotals, the rounding line, and their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import HUNDRED, decimal_text, format_amount, rounded, total
from bexsync.planning.amounts import (
    FINEST,
    Sale,
    Sum,
    amount_of,
    check_line_taxes,
    discount_over,
    discount_shares,
    is_gift_card,
    is_sale,
    is_tip,
    lowered,
    net_of,
    place_of,
    sendable,
    unit_price,
    without_tax,
)
from bexsync.planning.lookups import gift_card_account, income_account, unit_called
from bexsync.planning.taxes import TaxChooser, rate_of, why_unusable
from bexsync.ports.document_effects import Position
from bexsync.ports.master_data import Account, MasterData
from bexsync.records import Invoice, Line, TimeEntry
from bexsync.vat import Tax

_SUBTOTAL = {"de": "Zwischensumme", "fr": "Sous-total", "it": "Subtotale", "en": "Subtotal"}
_DISCOUNT = {"de": "Rabatt", "fr": "Rabais", "it": "Sconto", "en": "Discount"}
_WORDS = {"de": "Rundung", "fr": "Arrondi", "it": "Arrotondamento", "en": "Rounding"}
ItemOf = Callable[[Line], LedgerId | None]


def no_item(line: Line) -> LedgerId | None:
    """No line is linked to an item."""
    del line
    return None


@dataclass(frozen=True)
class WrittenPosition:
    """A position, the sum of one that is money, and of a sale the line that it sells, counted from 0.

    `moves_no_stock` says that the line's item is not sold as an article, since its quantity went into the text.
    """

    position: Position
    sum: Sum | None = None
    line: int | None = None
    moves_no_stock: bool = False


@dataclass(frozen=True)
class PositionWriter:
    """Turns the lines of one document into positions and their exact sums.

    `item_of` knows the items that lines are linked to; with `to_net` gross prices are sent as net ones.
    """

    profile: Profile
    master: MasterData
    chooser: TaxChooser
    language: str
    negative_prices: bool
    item_of: ItemOf = no_item
    to_net: bool = False

    def write(self, invoice: Invoice) -> list[WrittenPosition]:
        """All positions in order."""
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
        positions: list[WrittenPosition] = []
        for index, line in enumerate(lines):
            where = place_of(line, index + 1)
            if line.type == "subtotal":
                positions.append(_text(line_text(line) or _SUBTOTAL.get(self.language, _SUBTOTAL["en"]), "subtotal"))
            elif line.type == "text":
                positions.append(_text(line_text(line)))
            elif is_sale(line):
                positions += self._sale(next(in_order), invoice.lines[index], index)
            elif self.negative_prices:
                positions += self._document_discount(line, where, sales)
            else:
                amount = discount_over(sales, line, where)
                text = line_text(line) or self._word_for_discount()
                positions.append(_text(f"{text}: {format_amount(amount)}"))
        return positions

    def _book(self, line: Line, number: int) -> Sale:
        where = place_of(line, number)
        account = self._account(line, where)
        amount = amount_of(line, where)
        return Sale(line, where, amount, account, self._tax(line, account, where))

    def _tax(self, line: Line, account: Account, where: str) -> Tax | None:
        if is_gift_card(line):
            return self.chooser.without_vat(line, where)
        if is_tip(line) and not (line.tax_code or line.tax_class or line.tax_rate) and self.profile.orders.tip_tax:
            line = line.model_copy(update={"tax_code": self.profile.orders.tip_tax})
        return self.chooser.choose(line, account, where)

    def _deducted(self, lines: Sequence[Line], sales: Sequence[Sale]) -> Decimal:
        """What the discounts that are shared out over all lines take off."""
        shared = [
            (line, number) for number, line in enumerate(lines, 1) if line.type == "discount" and not _has_own_tax(line)
        ]
        return total([discount_over(sales, line, place_of(line, number)) for line, number in shared])

    def _account(self, line: Line, where: str) -> Account:
        own, orders = line.revenue_account, self.profile.orders
        if is_gift_card(line):
            return gift_card_account(self.master, own, orders.gift_card_account, where=where)
        if is_tip(line) and orders.tip_account:
            setting = "[orders] tip_account"
            return income_account(self.master, own, orders.tip_account, where=where, owner="line", setting=setting)
        of_profile = self.profile.ledger.revenue_account
        return income_account(self.master, own, of_profile, where=where, owner="line")

    def _sale(self, sale: Sale, original: Line, index: int) -> Iterator[WrittenPosition]:
        """The position of a sale, what the line itself deducts, and the work behind it."""
        if self.to_net:
            sale = without_tax(sale)
        line = sale.line
        unit = unit_called(self.master, line.unit or "")
        text = line_text(line)
        if unit is None and line.unit:
            text = f"{text}\n{decimal_text(line.quantity)} {line.unit}".strip()
        # An article books stock out by its quantity, so one whose quantity went into the text is none.
        keeps_quantity = line.quantity == rounded(original.quantity, FINEST)
        linked = self.item_of(original) if original.type == "product" else None
        item = linked if keeps_quantity else None
        position = Position(
            type="custom" if item is None else "article",
            text=text,
            quantity=decimal_text(line.quantity),
            unit_price=decimal_text(unit_price(line, sale.where)),
            account_id=sale.account.id,
            tax_id=sale.tax.id if sale.tax is not None else None,
            discount_percent=decimal_text(line.discount_percent) if line.discount_percent else None,
            unit_id=unit,
            item_id=item,
        )
        yield WrittenPosition(position, Sum(sale.amount, rate_of(sale.tax)), index, linked is not None and item is None)
        if line.discount_amount:
            text = f"{self._word_for_discount()} {line.name or ''}".strip()
            yield from _deduction(text, abs(line.discount_amount), sale.account, sale.tax)
        if line.time_entries and self.profile.invoices.detail == "positions":
            yield _text(_hours_text(line.time_entries))

    def _document_discount(self, line: Line, where: str, sales: Sequence[Sale]) -> Iterator[WrittenPosition]:
        """A discount over the whole document: with a tax of its own it is one deduction, else a share for each tax."""
        amount = discount_over(sales, line, where)
        text = line_text(line) or self._word_for_discount()
        if _has_own_tax(line):
            account = self._account(line, where)
            yield from self._deduct(text, amount, account, self.chooser.choose(line, account, where))
            return
        groups: dict[tuple[LedgerId, LedgerId | None], tuple[Decimal, Sale]] = {}
        for part, item in zip(discount_shares(amount, sales), sales, strict=True):
            key = (item.account.id, item.tax.id if item.tax else None)
            groups[key] = (groups.get(key, (Decimal(0), item))[0] + part, item)
        shares = [(part, item) for part, item in groups.values() if part or item.bears_discounts]
        for part, item in shares:
            label = f"{text} ({decimal_text(item.tax.rate)} %)" if len(shares) > 1 and item.tax else text
            yield from self._deduct(label, part, item.account, item.tax)

    def _deduct(self, text: str, amount: Decimal, account: Account, tax: Tax | None) -> Iterator[WrittenPosition]:
        return _deduction(text, net_of(amount, tax) if self.to_net else amount, account, tax)

    def _word_for_discount(self) -> str:
        return _DISCOUNT.get(self.language, _DISCOUNT["en"])


def _text(text: str, type_: Literal["text", "subtotal"] = "text") -> WrittenPosition:
    return WrittenPosition(Position(type=type_, text=text))


def _deduction(text: str, amount: Decimal, account: Account, tax: Tax | None) -> Iterator[WrittenPosition]:
    if not amount:
        return
    position = Position(
        type="custom",
        text=text,
        quantity="1",
        unit_price=decimal_text(-amount),
        account_id=account.id,
        tax_id=tax.id if tax is not None else None,
    )
    yield WrittenPosition(position, Sum(-amount, rate_of(tax)))


def _has_own_tax(line: Line) -> bool:
    return bool(line.tax_code or line.tax_class or line.tax_rate is not None or line.revenue_account)


def line_text(line: Line) -> str:
    """The line's id and name as the invoice shows them, its description below."""
    headline = " ".join(part for part in (line.line_id, line.name) if part)
    return "\n".join(part for part in (headline, line.description) if part)


def _hours_text(entries: Sequence[TimeEntry]) -> str:
    rows = [
        "  ".join(
            part
            for part in (
                entry.date.strftime("%d.%m.%Y"),
                f"{decimal_text(entry.hours)} h",
                entry.person,
                entry.description,
            )
            if part
        )
        for entry in sorted(entries, key=lambda e: e.date)
    ]
    return "\n".join([*rows, f"= {decimal_text(total([e.hours for e in entries]))} h"])


@dataclass(frozen=True)
class RoundingSettings:
    """The account and tax code of rounding lines, and the section of the profile that names them."""

    account: str
    tax: str
    section: Literal["invoices", "orders"] = "invoices"

    @classmethod
    def for_invoices(cls, profile: Profile) -> RoundingSettings:
        """Those of invoices."""
        return cls(profile.invoices.rounding_account, profile.invoices.rounding_tax)

    @classmethod
    def for_orders(cls, profile: Profile) -> RoundingSettings:
        """Those of orders, which are those of invoices unless the profile says otherwise."""
        orders, invoices = profile.orders, profile.invoices
        if orders.rounding_account or orders.rounding_tax:
            account = orders.rounding_account or invoices.rounding_account
            return cls(account, orders.rounding_tax or invoices.rounding_tax, "orders")
        return cls.for_invoices(profile)


@dataclass(frozen=True)
class RoundingLine:
    """A position over a few cents, and its sum."""

    gap: Decimal
    position: Position
    sum: Sum


def rounding_line(
    gap: Decimal,
    chooser: TaxChooser,
    settings: RoundingSettings,
    *,
    gross: bool,
    language: str,
    closes: Callable[[Sum], bool],
) -> RoundingLine:
    """Return the line that adds `gap` to a document; raises RecordProblem where the ledger lacks its account or tax."""
    account = rounding_account(chooser.master, settings)
    tax = rounding_tax(chooser, settings) if chooser.subject_to_vat else None
    rate = rate_of(tax)
    price = gap if gross or not rate else rounded(gap * HUNDRED / (HUNDRED + rate), FINEST)
    # A net price cannot always hit the gap: where the sum lies on the edge of two coins, the neighbour does.
    price = next((p for p in (price, price + FINEST, price - FINEST) if closes(Sum(p, rate))), price)
    position = Position(
        type="custom",
        text=_WORDS.get(language, _WORDS["en"]),
        quantity="1",
        unit_price=decimal_text(price),
        account_id=account.id,
        tax_id=tax.id if tax is not None else None,
    )
    return RoundingLine(gap, position, Sum(price, rate))


def rounding_account(master: MasterData, settings: RoundingSettings) -> Account:
    """The account that rounding is booked on, income or expense; raises RecordProblem."""
    number, setting = settings.account, f"[{settings.section}] rounding_account"
    same = [account for account in master.accounts if account.number == number]
    for account in same:
        if account.active and (account.is_income or account.is_expense):
            return account
    raise RecordProblem(
        f"The rounding account {number} "
        f"{'is no active income or expense account' if same else 'does not exist'} in {master.ledger}.",
        f"Correct {setting} in the profile, or open the account in {master.ledger}.",
        code="unknown_account",
        field=setting,
        subject=f"account:{number}",
    )


def rounding_tax(chooser: TaxChooser, settings: RoundingSettings) -> Tax:
    """The tax of the line: the one named, else the only active sales tax of 0 %; raises RecordProblem."""
    code, setting = settings.tax, f"[{settings.section}] rounding_tax"
    if not code:
        return chooser.only_untaxed("the rounding line", f"name a tax code in {setting}", setting)
    tax = chooser.called(code, setting)
    problem = why_unusable(tax, chooser.document_date)
    if problem:
        raise RecordProblem(
            f"The tax code {code} {problem} in {chooser.master.ledger}.",
            f"Correct {setting} in the profile.",
            code="tax_unmapped",
            field=setting,
            subject="tax:rounding",
        )
    return tax
