"""Amounts of lines: what each comes to, what discounts take off, and whether the sums give the shop's totals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from bexsync.errors import RecordProblem
from bexsync.money import CENT, HUNDRED, decimal_text, format_amount, product, rounded, share, total
from bexsync.planning.taxes import rate_of
from bexsync.ports.master_data import Account
from bexsync.records import Invoice, Line
from bexsync.vat import Tax

Way = Literal["line", "rate", "document"]
_FIVE_RAPPEN = Decimal("0.05")
WAYS: tuple[Way, ...] = ("line", "rate", "document")
FINEST = Decimal("0.000001")
_FINEST_FACTOR = Decimal("0.000000000001")
_UNDISCOUNTED = frozenset({"gift_card", "tip"})
_HINT = "Correct the VAT rates or the amounts in the shop, or map the rate with `bexsync vat map`; nothing was booked."


@dataclass(frozen=True)
class Sum:
    """The exact amount of one line, before tax (net) or with it (gross), and its rate in percent."""

    amount: Decimal
    rate: Decimal


def exact_total(sums: Iterable[Sum], *, gross: bool) -> Decimal:
    """What the customer owes before anything is rounded."""
    return total([s.amount if gross else product(s.amount, HUNDRED + s.rate) / HUNDRED for s in sums])


def exact_net(sums: Iterable[Sum], *, gross: bool) -> Decimal:
    """The amount without tax before anything is rounded."""
    return total([s.amount / (HUNDRED + s.rate) * HUNDRED if gross else s.amount for s in sums])


def rounded_totals(sums: Sequence[Sum], *, gross: bool, to: Decimal, ways: Iterable[Way]) -> dict[Way, set[Decimal]]:
    """The totals a shop can come to from these lines, by its way of rounding."""
    return {way: {rounded(value, to) for value in _totals(sums, gross, way)} for way in ways}


def _totals(sums: Sequence[Sum], gross: bool, way: Way) -> Iterable[Decimal]:
    """Some shops round line amounts before they go on, some do not; both are the same way."""
    cents = [Sum(rounded(s.amount), s.rate) for s in sums]
    for lines in (cents, sums):
        if way == "document" or gross:
            yield exact_total(lines, gross=gross)
        elif way == "line":
            yield total([rounded(line.amount) + rounded(product(line.amount, line.rate) / HUNDRED) for line in lines])
        else:
            yield total([rounded(line.amount) for line in lines]) + _tax_by_rate(lines)


def _tax_by_rate(lines: Sequence[Sum]) -> Decimal:
    rates = {line.rate for line in lines}
    return total(
        [rounded(product(total([s.amount for s in lines if s.rate == rate]), rate) / HUNDRED) for rate in rates]
    )


def check_shop_total(
    sums: Sequence[Sum],
    *,
    gross: bool,
    stated: Decimal | None,
    stated_net: Decimal | None,
    stated_tax: Decimal | None,
    stated_rounding: Decimal = Decimal(0),
    ways: Iterable[Way],
    to: Decimal,
    currency: str,
) -> None:
    """Raises RecordProblem unless the lines, rounded the way the shop rounds, give exactly what it states."""
    finest = min(to, CENT)
    rounding = rounded(stated_rounding, finest)
    if abs(rounding) >= max(to, _FIVE_RAPPEN):
        raise _mismatch(
            f"total_rounding {format_amount(rounding)} {currency} is more than rounding explains.",
            "total_rounding",
            " A deduction or a surcharge is a line of type discount or fee; a larger coin is [shop] round_to.",
        )
    if stated is not None:
        # A shop that names its rounding has rounded the sum to cents before.
        coin = finest if rounding else to
        totals = (rounded(value, coin) + rounding for way in ways for value in _totals(sums, gross, way))
        _check_one(totals, rounded(stated, finest), "total", currency)
    if stated_net is not None and (stated is None or not gross):
        _check_one(_nets(sums, gross), rounded(stated_net, finest), "total_net", currency)
    if stated is not None and stated_net is not None and stated_tax is not None:
        gap = stated - stated_net - stated_tax - rounding
        if abs(gap) >= max(to, CENT):
            raise _mismatch(
                f"total_net {format_amount(stated_net)} and total_tax {format_amount(stated_tax)} do not add up to the "
                f"total {format_amount(stated)} {currency}.",
                "total_tax",
            )


def rounding_gap(stated: Decimal, exact: Decimal, step: Decimal) -> Decimal:
    """What the shop's total has more than the exact sum of the lines, rounded to multiples of `step`."""
    return rounded(stated, min(step, CENT)) - rounded(exact, step)


def largest_rounding(lines: int, highest_rate: Decimal, to: Decimal) -> Decimal:
    """The most that rounding may move a total of so many lines: amount and VAT of each line, and the total itself.

    A shop's own `total_rounding` stays below its coin, or below 0.05 where the coin is smaller.
    """
    of_a_line = CENT / 2 + CENT / 2 * (HUNDRED + highest_rate) / HUNDRED
    return lines * of_a_line + to / 2 + max(to, _FIVE_RAPPEN)


def _nets(sums: Sequence[Sum], gross: bool) -> Iterator[Decimal]:
    """What the lines come to without tax: the exact sum rounded, line by line, or rate by rate."""
    yield rounded(exact_net(sums, gross=gross))
    yield rounded(exact_net([Sum(rounded(s.amount), s.rate) for s in sums], gross=gross))
    yield total([rounded(exact_net([line], gross=gross)) for line in sums])
    rates = {s.rate for s in sums}
    yield total([rounded(exact_net([s for s in sums if s.rate == rate], gross=gross)) for rate in rates])


def _check_one(possible: Iterable[Decimal], stated: Decimal, name: str, currency: str) -> None:
    values = set()
    for value in possible:  # worked out one by one, since the first one is nearly always right
        if value == stated:
            return
        values.add(value)
    nearest = min(values, key=lambda value: (abs(value - stated), value))
    five = any(rounded(value, _FIVE_RAPPEN) == stated for value in values) and name == "total"
    raise _mismatch(
        f"The lines add up to {format_amount(nearest)} {currency}, the {name} says {format_amount(stated)} "
        f"({format_amount(stated - nearest)} apart).",
        name,
        ' If the shop rounds to 5 Rappen, say so: [shop] round_to = "0.05".' if five else "",
    )


def _mismatch(message: str, name: str, more: str = "") -> RecordProblem:
    hint = f"Correct the lines or the total in the shop; nothing was booked.{more}"
    return RecordProblem(message, hint, code="total_mismatch", field=name)


def tolerance(round_to: Decimal, sums: Sequence[Sum]) -> Decimal:
    """How far the ledger's total may lie from the exact sum: half its rounding step, and taxes kept at 4 decimals."""
    rates = len({s.rate for s in sums})
    return round_to / 2 + Decimal("0.00005") * rates


@dataclass(frozen=True)
class Sale:
    """One money line, discounts over the whole invoice apart, with its exact amount, account and tax."""

    line: Line
    where: str
    amount: Decimal
    account: Account
    tax: Tax | None

    @property
    def after_own_discount(self) -> Decimal:
        """The amount without what the line itself deducts."""
        return self.amount - abs(self.line.discount_amount or Decimal(0))

    @property
    def bears_discounts(self) -> bool:
        """Whether discounts over the whole document are shared over it; gift cards are money, and tips are no price."""
        return self.line.type not in _UNDISCOUNTED


def is_sale(line: Line) -> bool:
    """Whether the line is money and no discount over the whole invoice."""
    return line.has_amount and line.type != "discount"


def is_gift_card(line: Line) -> bool:
    """Whether the line sells a gift card, or takes one in payment where it is negative."""
    return line.type == "gift_card"


def is_tip(line: Line) -> bool:
    """Whether the line is a tip."""
    return line.type == "tip"


def net_of(amount: Decimal, tax: Tax | None) -> Decimal:
    """The gross amount without its VAT, as fine as the ledger takes it."""
    return rounded(amount * HUNDRED / (HUNDRED + rate_of(tax)), FINEST)


def without_tax(sale: Sale) -> Sale:
    """The sale of a gross price at its net price."""
    line, parts = sale.line, HUNDRED + rate_of(sale.tax)
    price = rounded(unit_price(line, sale.where) * HUNDRED / parts, _FINEST_FACTOR)
    changed = {
        "unit_price": price,
        "line_total": None,
        "discount_amount": net_of(abs(line.discount_amount), sale.tax) if line.discount_amount else None,
    }
    net = sendable(line.model_copy(update=changed), sale.where)
    return replace(sale, line=net, amount=amount_of(net, sale.where))


def place_of(line: Line, number: int) -> str:
    """How a sentence names the line."""
    name = line.line_id or line.name
    return f"Line {number} ({name})" if name else f"Line {number}"


def unit_price(line: Line, where: str) -> Decimal:
    """The line's price, else the one that comes to its line_total after its discounts."""
    if line.unit_price is not None:
        return line.unit_price
    factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if line.line_total is None or not factor:
        raise RecordProblem(
            f"{where} has no unit_price.", "Let the shop give it.", code="price_missing", field="unit_price"
        )
    return (line.line_total + abs(line.discount_amount or Decimal(0))) / factor


def sendable(line: Line, where: str) -> Line:
    """The line with at most six decimals in quantity and price, as the ledger takes them, and the same amount in cents.

    Where rounding the two would change the amount, the line is sold once, and its text says how many of what it is.
    """
    quantity, price = line.quantity, unit_price(line, where)
    fine_quantity, fine_price = rounded(quantity, FINEST), rounded(price, FINEST)
    kept = (HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if rounded(product(quantity, price, kept)) == rounded(product(fine_quantity, fine_price, kept)):
        return line.model_copy(update={"quantity": fine_quantity, "unit_price": fine_price})
    amount = " ".join(part for part in (decimal_text(quantity), line.unit) if part)
    pieces = amount if line.unit_price is None else f"{amount} × {decimal_text(price)}"
    once = {
        "quantity": Decimal(1).copy_sign(quantity),
        "unit_price": rounded(product(abs(quantity), price), FINEST),
        "unit": None,
        "description": "\n".join(part for part in (line.description, pieces) if part),
    }
    return line.model_copy(update=once)


def amount_of(line: Line, where: str) -> Decimal:
    """The exact amount after the line's percentage; checked against what the shop says the line comes to."""
    percent = HUNDRED - (line.discount_percent or Decimal(0))
    amount = product(line.quantity, unit_price(line, where), percent) / HUNDRED
    after = amount - abs(line.discount_amount or Decimal(0))
    if line.line_total is not None and abs(after - line.line_total) > Decimal("0.005"):
        raise RecordProblem(
            f"{where} comes to {format_amount(rounded(after))}, its line_total says {format_amount(line.line_total)}.",
            "Correct quantity, price, discount or line_total in the shop; nothing was booked.",
            code="total_mismatch",
            field="line_total",
        )
    return amount


def discount_over(sales: Iterable[Sale], line: Line, where: str) -> Decimal:
    """What a discount line takes off these sales, as a positive amount; raises RecordProblem where they are nothing."""
    base = total([sale.after_own_discount for sale in sales if sale.bears_discounts])
    if base <= 0:
        raise RecordProblem(
            f"{where} is a discount, but there is nothing to discount.",
            "Correct the lines in the shop.",
            code="discount_without_base",
        )
    if line.discount_percent is not None and line.unit_price is None:
        return rounded(product(base, line.discount_percent) / HUNDRED)
    if line.discount_amount is not None:
        return abs(line.discount_amount)
    return rounded(abs(product(line.quantity, unit_price(line, where))), FINEST)


def discount_shares(amount: Decimal, sales: Sequence[Sale]) -> list[Decimal]:
    """What of a discount falls on each sale: shared over the rates first, then over the accounts, then over the sales.

    Shared over the sales alone, the cents left over of many lines could all fall on one rate.
    """
    bearing = [i for i, sale in enumerate(sales) if sale.bears_discounts]
    parts = [Decimal(0)] * len(sales)
    for rate, members in _in_groups(amount, bearing, sales, lambda sale: sale.tax.id if sale.tax else None):
        for account, few in _in_groups(rate, members, sales, lambda sale: sale.account.id):
            for part, (one,) in _in_groups(account, few, sales, id):
                parts[one] = part
    return parts


def _in_groups(
    amount: Decimal, members: Sequence[int], sales: Sequence[Sale], key: Callable[[Sale], object]
) -> Iterator[tuple[Decimal, list[int]]]:
    """The amount shared over groups of sales by what they come to; nothing falls on what comes to nothing."""
    groups: dict[object, list[int]] = {}
    for i in members:
        groups.setdefault(key(sales[i]), []).append(i)
    weights = [total([sales[i].after_own_discount for i in group]) for group in groups.values()]
    if total(weights):
        yield from zip(share(amount, weights), groups.values(), strict=True)


def lowered(lines: Sequence[Line], sales: Sequence[Sale], word: str, ledger: str) -> Iterator[Sale]:
    """The sales of an invoice at prices after all its discounts, each called `word`; raises RecordProblem."""
    less = [abs(sale.line.discount_amount or Decimal(0)) for sale in sales]
    for number, line in enumerate(lines, 1):
        if not line.has_amount or is_sale(line):
            continue
        where = place_of(line, number)
        if line.tax_code or line.tax_rate is not None or line.revenue_account:
            raise _no_negative_price(where, ledger)
        amount = discount_over(sales, line, where)
        parts = discount_shares(amount, sales)
        less = [before + part for before, part in zip(less, parts, strict=True)]
    for sale, deduction in zip(sales, less, strict=True):
        yield _with_lower_price(sale, deduction, word, ledger) if deduction or sale.amount < 0 else sale


def _with_lower_price(sale: Sale, deduction: Decimal, word: str, ledger: str) -> Sale:
    line = sale.line
    factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if is_gift_card(line) and sale.amount < 0:
        raise RecordProblem(
            f"{sale.where} is a gift card taken in payment, and this {ledger} takes no negative prices.",
            "Let the shop hand it over as a payment of the method gift_card, without that line.",
            code="negative_price",
            field="lines",
        )
    if sale.amount < deduction or factor <= 0:
        raise _no_negative_price(sale.where, ledger)
    price = rounded((sale.amount - deduction) / factor, FINEST)
    note = f"{word}: {format_amount(deduction)}"
    lower = line.model_copy(
        update={
            "unit_price": price,
            "line_total": None,
            "discount_amount": None,
            "description": "\n".join(part for part in (line.description, note) if part),
        }
    )
    return replace(sale, line=lower, amount=product(price, factor))


def _no_negative_price(where: str, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"{where} comes to a negative amount, and this {ledger} takes no negative prices.",
        f"Make it a discount of the lines it is for, or write the invoice in {ledger} by hand.",
        code="negative_price",
        field="unit_price",
    )


def tax_of(sums: Sequence[Sum], *, gross: bool) -> Decimal:
    """The VAT of these amounts before anything is rounded."""
    return total([product(s.amount, s.rate) / (HUNDRED + s.rate if gross else HUNDRED) for s in sums])


def check_stated_taxes(invoice: Invoice, sums: Sequence[Sum]) -> None:
    """Raise RecordProblem where the invoice states another net amount or VAT than its lines come to.

    A shop rounds by line, by rate or at the end, which moves the VAT of a rate by less than a cent for each of its
    lines. Net amounts of net prices are compared to the cent together with the total.
    """
    gross, currency = invoice.prices_include_tax, invoice.currency
    exact = tax_of(sums, gross=gross)
    leeway = CENT * sum(bool(s.rate) for s in sums)
    if invoice.total_tax is not None:
        _compare("total_tax", invoice.total_tax, exact, leeway, "The VAT of the lines", currency)
    if invoice.total_net is not None and gross:
        net = total([s.amount for s in sums]) - exact
        _compare("total_net", invoice.total_net, net, leeway, "The sum of the lines without VAT", currency)
    if invoice.taxes:
        _check_each_rate(invoice, sums)


def _check_each_rate(invoice: Invoice, sums: Sequence[Sum]) -> None:
    gross, currency = invoice.prices_include_tax, invoice.currency
    booked = {rate: [s for s in sums if s.rate == rate] for rate in {s.rate for s in sums}}
    for number, one in enumerate(invoice.taxes, 1):
        lines = booked.get(one.rate, [])
        tax, leeway, at = tax_of(lines, gross=gross), CENT * len(lines), f"the lines at {decimal_text(one.rate)} %"
        net = total([s.amount for s in lines]) - (tax if gross else 0)
        if one.tax is not None:
            _compare(f"taxes[{number}].tax", one.tax, tax, leeway, f"The VAT of {at}", currency)
        if one.net is not None:
            _compare(f"taxes[{number}].net", one.net, net, leeway, f"The sum of {at} without VAT", currency)
    unstated = sorted(rate for rate in booked if rate and rate not in {one.rate for one in invoice.taxes})
    if unstated:
        raise RecordProblem(
            f"Lines are booked with {decimal_text(unstated[0])} % VAT, which the invoice's taxes do not name.",
            _HINT,
            code="vat_mismatch",
            field="taxes",
        )


def check_line_taxes(sales: Sequence[Sale], deducted: Decimal, *, gross: bool, currency: str) -> None:
    """Raise RecordProblem where a line states another VAT than its rate gives.

    Shops state it before or after the discounts over the whole invoice, which take off `deducted` together.
    """
    before = total([sale.after_own_discount for sale in sales if sale.bears_discounts])
    kept = (before - deducted) / before if before else Decimal(1)
    for sale in sales:
        if sale.line.line_tax is None:
            continue
        tax = tax_of([Sum(sale.after_own_discount, rate_of(sale.tax))], gross=gross)
        stated, rate = rounded(sale.line.line_tax), rate_of(sale.tax)
        leeway = CENT if rate else Decimal(0)
        if not any(abs(stated - rounded(possible)) <= leeway for possible in (tax, tax * kept)):
            raise RecordProblem(
                f"{sale.where}: its VAT at {decimal_text(rate)} % is {format_amount(rounded(tax))} {currency}, "
                f"its line_tax says {format_amount(stated)}.",
                _HINT,
                code="vat_mismatch",
                field="line_tax",
            )


def _compare(field: str, stated: Decimal, exact: Decimal, leeway: Decimal, what: str, currency: str) -> None:
    """Compare to the cent what the shop may have rounded in its own way."""
    if abs(rounded(stated) - rounded(exact)) <= leeway:
        return
    raise RecordProblem(
        f"{what} is {format_amount(rounded(exact))} {currency}, {field} says {format_amount(rounded(stated))}.",
        _HINT,
        code="vat_mismatch",
        field=field,
    )
