"""The VAT map: which tax of the ledger stands for a rate or class of the shop.

There is no rate in this program; rates come from the ledger's tax table and from the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from bexsync.ids import LedgerId

Use = Literal["sale", "shipping", "fee"]


class TaxKind(StrEnum):
    """What a tax of the ledger is for; only those of sales may stand on a customer's invoice."""

    SALES = "sales_tax"
    OPTED_SALES = "opted_sales_tax"
    EXEMPT_SALES = "not_taxable_turnover"
    NO_CONSIDERATION = "non_consideration_sales_tax"
    OTHER = "other"


@dataclass(frozen=True)
class Tax:
    """A tax of the ledger; `rate` in percent; validity by month as the ledger states it, None is open."""

    id: LedgerId
    code: str
    name: str
    rate: Decimal
    kind: TaxKind
    active: bool
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the ledger lets this tax apply to a supply on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    @property
    def is_for_sales(self) -> bool:
        """Whether it may stand on a customer's invoice at all."""
        return self.kind in _OF_SALES


_OF_SALES = frozenset(TaxKind) - {TaxKind.OTHER}


RowKey = tuple[str | None, Decimal | None, str | None, Use | None, date | None]


@dataclass(frozen=True)
class VatRow:
    """One line of the map; what is None matches everything."""

    code: str
    tax_class: str | None = None
    rate: Decimal | None = None
    country: str | None = None
    use: Use | None = None
    valid_from: date | None = None

    def matches(self, tax_class: str | None, rate: Decimal | None, country: str | None, use: Use, day: date) -> bool:
        """Whether the row speaks of such a line on such a day."""
        return (
            (self.tax_class is None or self.tax_class == tax_class)
            and (self.rate is None or self.rate == rate)
            and (self.country is None or self.country == country)
            and (self.use is None or self.use == use)
            and (self.valid_from is None or self.valid_from <= day)
        )

    @property
    def key(self) -> RowKey:
        """What it speaks of: a map has one row for it."""
        return self.tax_class, self.rate, self.country, self.use, self.valid_from

    @property
    def never_applies(self) -> bool:
        """Whether it names neither class, rate nor use, which would make it speak of everything."""
        return not (self.tax_class or self.rate is not None or self.use)

    @property
    def precision(self) -> tuple[int, tuple[bool, ...], date]:
        """Rows that say more win; among equals class before use, rate and country, then the one that is valid later."""
        said = tuple(x is not None for x in (self.tax_class, self.use, self.rate, self.country))
        return sum(said), said, self.valid_from or date.min


@dataclass(frozen=True)
class VatMap:
    """All rows of a profile's map."""

    rows: tuple[VatRow, ...] = ()

    def code_for(
        self, *, tax_class: str | None, rate: Decimal | None, country: str | None, use: Use, day: date
    ) -> VatRow | None:
        """The most precise row that matches; a row that names neither class, rate nor use never does."""
        fitting = [
            row for row in self.rows if not row.never_applies and row.matches(tax_class, rate, country, use, day)
        ]
        return max(fitting, key=lambda row: row.precision, default=None)

    def codes_that_begin_later(
        self, *, tax_class: str | None, rate: Decimal | None, country: str | None, use: Use, day: date
    ) -> frozenset[str]:
        """The codes that the map has for such a line, but only from a later day on."""
        return frozenset(
            row.code
            for row in self.rows
            if not row.never_applies
            and row.valid_from is not None
            and row.valid_from > day
            and row.matches(tax_class, rate, country, use, row.valid_from)
        )

    def with_row(self, row: VatRow) -> VatMap:
        """The map with this row, in the place of the one that speaks of the same."""
        if all(old.key != row.key for old in self.rows):
            return VatMap((*self.rows, row))
        places = [i for i, old in enumerate(self.rows) if old.key == row.key]
        return VatMap(tuple(row if i == places[0] else old for i, old in enumerate(self.rows) if i not in places[1:]))


def told_apart(taxes: Sequence[Tax]) -> tuple[Tax, ...]:
    """The taxes with a code for each: where active sales taxes share one, as net tax rates may, their names follow it.

    Where the names are the same as well, the id in the ledger does.
    """
    usable = [tax for tax in taxes if tax.active and tax.is_for_sales]
    codes = Counter(tax.code for tax in usable)
    names = Counter((tax.code, _own_name(tax)) for tax in usable)

    def lasting_code(tax: Tax) -> str:
        name = _own_name(tax)
        return f"{tax.code} ({name})" if name and names[tax.code, name] <= 1 else f"{tax.code} (#{tax.id})"

    return tuple(replace(tax, code=lasting_code(tax)) if codes[tax.code] > 1 else tax for tax in taxes)


def _own_name(tax: Tax) -> str:
    """The name without the code before it and the rate behind it, which the ledger adds for its own lists."""
    return tax.name.removeprefix(tax.code).removesuffix(f"{tax.rate:.2f}%").strip(" -")


def taxes_called(taxes: Iterable[Tax], word: str) -> list[Tax]:
    """The taxes with that code; where there is none, those with that name, or with that id as in `#17`."""
    known = list(taxes)
    return (
        [tax for tax in known if tax.code == word]
        or [tax for tax in known if tax.name.casefold() == word.casefold()]
        or [tax for tax in known if tax.code.casefold().endswith(f" ({word.casefold()})")]
        or [tax for tax in known if f"#{tax.id}" == word]
    )


def sales_taxes_with_rate(taxes: Iterable[Tax], rate: Decimal, day: date) -> list[Tax]:
    """The active taxes of ordinary sales with that rate on that day; more than one needs the map."""
    return [t for t in taxes if t.active and t.kind == TaxKind.SALES and t.rate == rate and t.valid_on(day)]
