"""The VAT that a shop states, compared with the VAT of the lines as they are about to be booked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import CENT, HUNDRED, plain, product, rounded, total, written
from bexsync.planning.line_amounts import Sale
from bexsync.planning.sums import Sum
from bexsync.planning.taxes import rate_of
from bexsync.records import Invoice

_HINT = "Correct the VAT rates or the amounts in the shop, or map the rate with `bexsync vat map`; nothing was booked."


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
        tax, leeway, at = tax_of(lines, gross=gross), CENT * len(lines), f"the lines at {plain(one.rate)} %"
        net = total([s.amount for s in lines]) - (tax if gross else 0)
        if one.tax is not None:
            _compare(f"taxes[{number}].tax", one.tax, tax, leeway, f"The VAT of {at}", currency)
        if one.net is not None:
            _compare(f"taxes[{number}].net", one.net, net, leeway, f"The sum of {at} without VAT", currency)
    unstated = sorted(rate for rate in booked if rate and rate not in {one.rate for one in invoice.taxes})
    if unstated:
        raise RecordProblem(
            f"Lines are booked with {plain(unstated[0])} % VAT, which the invoice's taxes do not name.",
            _HINT,
            code="vat_mismatch",
            field="taxes",
        )


def check_line_taxes(sales: Sequence[Sale], deducted: Decimal, *, gross: bool, currency: str) -> None:
    """Raise RecordProblem where a line states another VAT than its rate gives.

    Shops state it before or after the discounts over the whole invoice, which take off `deducted` together.
    """
    before = total([sale.after_own_discount for sale in sales])
    kept = (before - deducted) / before if before else Decimal(1)
    for sale in sales:
        if sale.line.line_tax is None:
            continue
        tax = tax_of([Sum(sale.after_own_discount, rate_of(sale.tax))], gross=gross)
        stated, rate = rounded(sale.line.line_tax), rate_of(sale.tax)
        leeway = CENT if rate else Decimal(0)
        if not any(abs(stated - rounded(possible)) <= leeway for possible in (tax, tax * kept)):
            raise RecordProblem(
                f"{sale.where}: its VAT at {plain(rate)} % is {written(rounded(tax))} {currency}, "
                f"its line_tax says {written(stated)}.",
                _HINT,
                code="vat_mismatch",
                field="line_tax",
            )


def _compare(field: str, stated: Decimal, exact: Decimal, leeway: Decimal, what: str, currency: str) -> None:
    """Compare to the cent what the shop may have rounded in its own way."""
    if abs(rounded(stated) - rounded(exact)) <= leeway:
        return
    raise RecordProblem(
        f"{what} is {written(rounded(exact))} {currency}, {field} says {written(rounded(stated))}.",
        _HINT,
        code="vat_mismatch",
        field=field,
    )
