"""What issued invoices bring into the books: net amount and VAT by account and tax."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from bexio_sandbox.decimals import CONTEXT, rounded
from bexio_sandbox.state import invoices, positions
from bexio_sandbox.state.tables import Row, State
from bexio_sandbox.state.totals import TAX_COMPUTED, discounts_taken, rate_text

ROUNDING_ACCOUNT = "6945"
ZERO = Decimal(0)
Account = tuple[str, int | None]


@dataclass(frozen=True)
class Booking:
    """What one document brings to an account under one tax."""

    net: Decimal
    vat: Decimal = ZERO


def of_invoice(state: State, invoice: Row) -> dict[Account, Booking]:
    """Return the bookings of an invoice by account number and tax, its rounding on an account of its own.

    Together they are the total of the invoice; drafts and cancelled invoices have none.
    """
    if invoice["kb_item_status_id"] not in invoices.ISSUED:
        return {}
    with localcontext(CONTEXT):
        shares = _shares(state, invoice)
        vat = _vat(state, invoice, shares)
        taken_off = ZERO if invoice["mwst_is_net"] else Decimal(1)
        bookings = {
            key: Booking(share - taken_off * vat.get(key, ZERO), vat.get(key, ZERO)) for key, share in shares.items()
        }
        rest = Decimal(invoice["total"]) - sum((each.net + each.vat for each in bookings.values()), ZERO)
    return {**bookings, (ROUNDING_ACCOUNT, None): Booking(rest)} if rest else bookings


def _shares(state: State, invoice: Row) -> dict[Account, Decimal]:
    """Return what the positions come to by account and tax, each lowered by its share of the discounts."""
    rows = positions.of_document(state, invoice)
    sums: dict[Account, Decimal] = {}
    for row in filter(positions.counts, rows):
        key = (str(state.tables["accounts"][row["account_id"]]["account_no"]), row["tax_id"])
        sums[key] = sums.get(key, ZERO) + positions.position_total(state, row)
    gross = sum(sums.values(), ZERO)
    left = gross - sum(discounts_taken(gross, positions.discount_lines(rows)), ZERO)
    return {key: value * left / gross if gross else value for key, value in sums.items()}


def _vat(state: State, invoice: Row, shares: dict[Account, Decimal]) -> dict[Account, Decimal]:
    """Share the VAT of each rate over the accounts; what rounding leaves goes to the last of them."""
    if invoice["mwst_type"] != TAX_COMPUTED:
        return {}
    vat: dict[Account, Decimal] = {}
    for tax in invoice["taxs"]:
        keys = [key for key in shares if _rate(state, key[1]) == tax["percentage"]]
        left, base = Decimal(tax["value"]), sum((shares[key] for key in keys), ZERO)
        for key in keys[:-1]:
            vat[key] = rounded(Decimal(tax["value"]) * shares[key] / base, 4) if base else ZERO
            left -= vat[key]
        vat[keys[-1]] = left
    return vat


def _rate(state: State, tax_id: int | None) -> str | None:
    tax = state.taxes.get(tax_id or 0)
    return rate_text(Decimal(str(tax["value"]))) if tax else None
