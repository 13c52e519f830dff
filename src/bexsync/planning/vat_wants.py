"""What the shop needs taxes for: its rates and classes, from its lists, its records and the map itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from bexsync.vat import Tax, TaxKind, Use, VatMap, VatRow, taxes_called

HOME = frozenset({"CH", "LI"})  # one territory for VAT
_LONG_AGO = timedelta(days=400)


class Origin(StrEnum):
    """Where a rate or class was met."""

    LIST = "tax list"
    PRODUCT = "products"
    OPEN = "open sales"
    BOOKED = "sales"
    USUAL = "usual"
    MAP = "map"
    LEDGER = "ledger"


_LISTED = frozenset({Origin.LIST, Origin.PRODUCT})


@dataclass(frozen=True)
class ObservedRate:
    """A rate or class of the shop as it was met; `day` is the last day of supply where it was an invoice."""

    origin: Origin
    tax_class: str | None = None
    rate: Decimal | None = None
    country: str | None = None
    use: Use = "sale"
    valid_from: date | None = None
    day: date | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether lines like this one take the default, so that there is nothing to map."""
        return self.tax_class is None and self.rate is None and self.use == "sale"


@dataclass(frozen=True)
class TaxUse:
    """Something that needs a tax on a day: `pattern` is the row that would say so, `rate` what the shop says it is."""

    pattern: VatRow
    rate: Decimal | None
    use: Use
    day: date
    origins: tuple[Origin, ...]

    @property
    def rates(self) -> tuple[Decimal | None, ...]:
        """The rates that lines like this name; a class that is one rate may stand without it."""
        if self.pattern.rate is not None or self.rate is None:
            return (self.pattern.rate,)
        return None, self.rate

    @property
    def is_plain_rate(self) -> bool:
        """Whether it is a rate of any sale."""
        return self.pattern.tax_class is None and self.use == "sale" and self.pattern.country is None

    def rows(self, vat_map: VatMap, day: date) -> list[VatRow | None]:
        """The rows of a map that decide lines like this on that day."""
        return [
            vat_map.code_for(
                tax_class=self.pattern.tax_class, rate=rate, country=self.pattern.country, use=self.use, day=day
            )
            for rate in self.rates
        ]


def wants_of(seen: Iterable[ObservedRate], vat_map: VatMap, taxes: Sequence[Tax], today: date) -> list[TaxUse]:
    """Everything that needs a tax: plain rates first, then classes, shipping and fees."""
    seen = [one for one in seen if not one.says_nothing]
    listed = {one.rate for one in seen if one.origin in _LISTED and one.rate is not None}
    current = [one for one in seen if not _is_over(one, listed, taxes, today)]
    current = _in_force([_at_home(one, _is_international(current)) for one in current], today)
    wants = _grouped(current, today)
    wants += _usual(wants, today)
    wants += _of_map(wants, vat_map, taxes, today)
    wants += _of_ledger(wants, taxes, today)
    return sorted(wants, key=_order)


def _order(want: TaxUse) -> tuple[object, ...]:
    pattern = want.pattern
    return (
        ("sale", "shipping", "fee").index(want.use),
        pattern.tax_class is not None,
        pattern.tax_class or "",
        -(want.rate if want.rate is not None else Decimal(-1)),
        pattern.country or "",
        pattern.valid_from or date.min,
    )


def _is_over(one: ObservedRate, listed: Set[Decimal], taxes: Sequence[Tax], today: date) -> bool:
    """A rate that has ended is history where all of it is booked, it is long ago, or what follows is listed too."""
    if not one.rate or one.origin is Origin.OPEN:
        return False
    ended = end_of_rate(taxes, one.rate)
    if ended is None or ended >= today:
        return False
    if one.origin is Origin.BOOKED:
        return one.day is not None and one.day <= ended
    return is_long_ago(ended, today) or bool(listed & _successors(taxes, one.rate, today))


def _successors(taxes: Iterable[Tax], rate: Decimal, today: date) -> set[Decimal]:
    """The rates that began in the ledger after this one did, and hold now."""
    taxes = list(taxes)
    began = max(
        (t.valid_from or date.min for t in taxes if t.kind == TaxKind.SALES and t.rate == rate), default=date.max
    )
    return {t.rate for t in taxes if is_current_sales_tax(t, today) and began < (t.valid_from or date.min) <= today}


def is_long_ago(ended: date, today: date) -> bool:
    """Whether it ended so long ago that nobody sells at it any more."""
    return today - ended > _LONG_AGO


def end_of_rate(taxes: Iterable[Tax], rate: Decimal) -> date | None:
    """The last day of any ordinary sales tax with that rate, None where one has no end or none has the rate."""
    ends = [tax.valid_to for tax in taxes if tax.kind == TaxKind.SALES and tax.rate == rate]
    return max((end for end in ends if end is not None), default=None) if None not in ends else None


def _is_international(seen: Iterable[ObservedRate]) -> bool:
    """Whether the shop's own lists have rates of other countries."""
    return any(one.origin in _LISTED and one.rate and one.country not in (None, *HOME) for one in seen)


def _at_home(one: ObservedRate, international: bool) -> ObservedRate:
    """Without its country, unless that matters: sales at 0 % differ by where they go to, and so may a class."""
    if one.rate == 0:
        return one
    is_plain = one.tax_class is None and one.use == "sale"
    matters = (one.country not in HOME and one.origin in _LISTED) if is_plain else international
    return one if matters else replace(one, country=None)


def _in_force(seen: Sequence[ObservedRate], today: date) -> list[ObservedRate]:
    """What the lists say from a day on replaces what they said before, and holds for the invoices since."""

    def subject(one: ObservedRate) -> tuple[object, ...]:
        plain = one.tax_class is None and one.use == "sale"
        return one.tax_class, one.use, one.country, one.rate if plain else None

    starts: dict[tuple[object, ...], set[date]] = {}
    for one in seen:
        if one.origin in _LISTED:
            starts.setdefault(subject(one), set()).add(one.valid_from or date.min)

    def start(one: ObservedRate, day: date) -> date | None:
        return max((begin for begin in starts.get(subject(one), ()) if begin <= day), default=None)

    kept = []
    for one in seen:
        begin = start(one, one.day if one.origin is Origin.OPEN and one.day else today)
        if one.origin not in _LISTED:
            kept.append(replace(one, valid_from=None if begin in (None, date.min) else begin))
        elif begin is None or (one.valid_from or date.min) >= begin:
            kept.append(one)
    return kept


def _grouped(seen: Sequence[ObservedRate], today: date) -> list[TaxUse]:
    families: dict[tuple[object, ...], list[ObservedRate]] = {}
    for one in seen:
        families.setdefault((one.tax_class, one.use, one.country, one.valid_from), []).append(one)
    groups: dict[VatRow, list[ObservedRate]] = {}
    for family in families.values():
        for one in family:
            groups.setdefault(_pattern(one, family), []).append(one)
    return [_want(pattern, group, today) for pattern, group in groups.items()]


def _pattern(one: ObservedRate, family: Sequence[ObservedRate]) -> VatRow:
    """A class, or shipping, stands for its rate where it has but one, and the shop may leave the rate out."""
    rates = {other.rate for other in family if other.rate is not None}
    may_lack_rate = any(other.rate is None or other.origin in _LISTED for other in family)
    needs_rate = (one.tax_class is None and one.use == "sale") or len(rates) > 1 or not may_lack_rate
    return VatRow(
        code="",
        tax_class=one.tax_class,
        rate=one.rate if needs_rate else None,
        country=one.country,
        use=None if one.use == "sale" else one.use,
        valid_from=one.valid_from,
    )


def _want(pattern: VatRow, group: Sequence[ObservedRate], today: date) -> TaxUse:
    rates = {one.rate for one in group if one.rate is not None}
    origins = tuple(origin for origin in Origin if any(one.origin is origin for one in group))
    day = max(today, pattern.valid_from or today)
    if origins == (Origin.OPEN,):
        day = max((one.day for one in group if one.day is not None), default=today)
    return TaxUse(pattern, rates.pop() if len(rates) == 1 else None, group[0].use, day, origins)


def _usual(wants: Sequence[TaxUse], today: date) -> Iterator[TaxUse]:
    """Shipping and fees are to be thought of, though the shop has not shown any."""
    uses: tuple[Use, ...] = ("shipping", "fee")
    for use in uses:
        if all(want.use != use for want in wants):
            yield TaxUse(VatRow("", use=use), None, use, today, (Origin.USUAL,))


def _of_map(wants: Sequence[TaxUse], vat_map: VatMap, taxes: Sequence[Tax], today: date) -> Iterator[TaxUse]:
    """The rows of the map that decide something no want speaks of."""
    heard = {id(row) for want in wants for row in want.rows(vat_map, want.day)}
    for row in vat_map.rows:
        if row.never_applies or id(row) in heard:
            continue
        named = taxes_called(taxes, row.code)
        ends = [tax.valid_to for tax in named]
        if row.rate is not None and ends and _is_for_old_supplies(row.rate, ends, taxes, today):
            continue
        rates = {tax.rate for tax in named if tax.rate}
        rate = row.rate if row.rate is not None or len(rates) != 1 else rates.pop()
        day = max(today, row.valid_from or today)
        if row.rate is not None and row.valid_from is None and named:
            day = max(day, min(tax.valid_from or today for tax in named))  # nobody sells at a rate before it begins
        want = TaxUse(replace(row, code=""), rate, row.use or "sale", day, (Origin.MAP,))
        if want.rows(vat_map, day)[0] is row:
            yield want


def _is_for_old_supplies(rate: Decimal, ends: Sequence[date | None], taxes: Sequence[Tax], today: date) -> bool:
    """Whether a rate ended long ago, or was replaced by another, so that nobody should sell at it any more."""
    past = [end for end in ends if end is not None and end < today]
    if len(past) < len(ends):
        return False
    return is_long_ago(max(past), today) or bool(_successors(taxes, rate, today))


def _of_ledger(wants: Sequence[TaxUse], taxes: Sequence[Tax], today: date) -> Iterator[TaxUse]:
    """The ledger's rates that the shop has not used so far."""
    known = {want.rate for want in wants if want.is_plain_rate}
    starts: dict[Decimal, date] = {}
    for tax in taxes:
        if is_current_sales_tax(tax, today) and tax.rate not in known:
            start = max(today, tax.valid_from or today)
            starts[tax.rate] = min(start, starts.get(tax.rate, start))
    for rate, day in starts.items():
        yield TaxUse(VatRow("", rate=rate), rate, "sale", day, (Origin.LEDGER,))


def is_current_sales_tax(tax: Tax, today: date) -> bool:
    """Whether ordinary sales may take it, now or later; 0 % is none that anything is said about."""
    return tax.active and tax.kind == TaxKind.SALES and tax.rate > 0 and (tax.valid_to is None or tax.valid_to >= today)
