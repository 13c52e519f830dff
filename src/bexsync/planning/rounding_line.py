"""The line that closes what the shop's way of rounding leaves between its total and the sum of the lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, plain, rounded
from bexsync.planning.line_amounts import FINEST
from bexsync.planning.sums import Sum
from bexsync.planning.taxes import TaxChooser, rate_of, why_unusable
from bexsync.ports.document_effects import Position
from bexsync.ports.master_data import Account, MasterData
from bexsync.vat import Tax

_WORDS = {"de": "Rundung", "fr": "Arrondi", "it": "Arrotondamento", "en": "Rounding"}


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
        if tax.kind == "sales_tax" and not tax.rate and not why_unusable(tax, chooser.document_date)
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
