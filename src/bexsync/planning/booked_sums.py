"""What a document books: net amount and VAT for each account and tax."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bexsync.ids import LedgerId
from bexsync.money import HUNDRED, product, rounded
from bexsync.planning.documents import Document
from bexsync.ports.document_effects import Position
from bexsync.ports.master_data import MasterData

# The account and the tax, None where the company charges no VAT.
Booking = tuple[LedgerId, LedgerId | None]


@dataclass(frozen=True)
class BookedSum:
    """An amount on one account with one tax, to the cent; `tax_code` is "" without VAT."""

    account: str
    tax_code: str
    rate: Decimal
    net: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        """The amount with VAT."""
        return self.net + self.vat


@dataclass(frozen=True)
class DocumentSums:
    """Adds up what the positions of a document come to."""

    document: Document
    master: MasterData

    @property
    def booked(self) -> tuple[BookedSum, ...]:
        """What is booked per account and tax, in the order of the positions."""
        return tuple(self._rounded(booking, exact) for booking, exact in self._exact().items())

    def with_vat(self) -> dict[Booking, Decimal]:
        """The exact amounts with VAT per account and tax."""
        return {booking: self.gross(exact, booking[1]) for booking, exact in self._exact().items()}

    def rate(self, tax_id: LedgerId | None) -> Decimal:
        """The rate of a tax in percent, 0 without one."""
        return next((tax.rate for tax in self.master.taxes if tax.id == tax_id), Decimal(0))

    def gross(self, amount: Decimal, tax_id: LedgerId | None) -> Decimal:
        """The amount with VAT; it is one in the sense of the document's prices."""
        if self.document.header.prices == "gross":
            return amount
        return product(amount, HUNDRED + self.rate(tax_id)) / HUNDRED

    def of_gross(self, booking: Booking, amount: Decimal) -> BookedSum:
        """An amount with VAT, in its parts."""
        account_id, tax_id = booking
        rate, amount = self.rate(tax_id), rounded(amount)
        vat = rounded(amount * rate / (HUNDRED + rate))
        account = next((one.number for one in self.master.accounts if one.id == account_id), "")
        code = next((tax.code for tax in self.master.taxes if tax.id == tax_id), "")
        return BookedSum(account, code, rate, amount - vat, vat)

    def _exact(self) -> dict[Booking, Decimal]:
        sums: dict[Booking, Decimal] = {}
        for position in self.document.positions:
            booking = booking_of(position)
            if booking is not None:
                sums[booking] = sums.get(booking, Decimal(0)) + amount_of_position(position)
        return sums

    def _rounded(self, booking: Booking, exact: Decimal) -> BookedSum:
        found = self.of_gross(booking, self.gross(exact, booking[1]))
        if self.document.header.prices == "gross":
            return found
        vat = rounded(product(exact, found.rate) / HUNDRED)
        return BookedSum(found.account, found.tax_code, found.rate, rounded(exact), vat)


def booking_of(position: Position) -> Booking | None:
    """What a position is booked on, None where it is a text or a subtotal."""
    return (position.account_id, position.tax_id) if position.account_id is not None else None


def amount_of_position(position: Position) -> Decimal:
    """The exact amount of a position after its discount, net or gross as the document says."""
    kept = HUNDRED - Decimal(position.discount_percent or 0)
    return product(Decimal(position.quantity or 0), Decimal(position.unit_price or 0), kept) / HUNDRED
