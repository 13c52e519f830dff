"""From an invoice to the document in the ledger, still in plain words: who, when, what, how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bexsync.errors import RecordProblem
from bexsync.money import plain, written
from bexsync.planning.contacts import Contacts
from bexsync.planning.document_header import HeaderWriter
from bexsync.planning.document_positions import PositionWriter
from bexsync.planning.named import currency_called
from bexsync.planning.sums import WAYS, Sum, check_shop_total, exact_total, tolerance
from bexsync.planning.taxes import TaxChooser
from bexsync.ports import Master, User
from bexsync.profile import Profile
from bexsync.records import Customer, Invoice
from bexsync.vat import VatMap


@dataclass(frozen=True)
class Document:
    """What the ledger is to hold: the header, the positions, and the total it must come to."""

    header: Mapping[str, Any]
    positions: tuple[Mapping[str, Any], ...]
    total: Decimal
    within: Decimal
    currency: str
    customer: str
    known_as: str = ""

    @property
    def expect(self) -> dict[str, str]:
        """What an answer that shows the whole document must say."""
        return {
            "total": plain(self.total),
            "within": plain(self.within),
            "positions": str(len(self.positions)),
            "currency_id": str(self.header["currency_id"]),
        }


@dataclass(frozen=True)
class DocumentPlanner:
    """Writes documents for one profile; every doubt about an amount, tax or account is a RecordProblem."""

    profile: Profile
    master: Master
    vat_map: VatMap
    owner: User
    negative_prices: bool = True

    def write(self, invoice: Invoice, customer: Customer, contacts: Contacts, reference: str) -> Document:
        """The document of an invoice."""
        currency = currency_called(self.master, invoice.currency, "invoice")
        chooser = TaxChooser(
            self.master,
            self.vat_map,
            self.profile.ledger.tax_code,
            _country(invoice, customer),
            invoice.invoice_date,
        )
        language = (invoice.language or customer.language or self.profile.ledger.language)[:2]
        writer = PositionWriter(self.profile, self.master, chooser, language, self.negative_prices)
        positions, sums = writer.write(invoice)
        gross = invoice.prices_include_tax
        try:
            self._check_totals(invoice, sums, gross)
        except RecordProblem as problem:
            raise _with_default_taxes(problem, invoice) from problem
        exact = exact_total(sums, gross=gross)
        header = HeaderWriter(self.profile, self.master, self.owner)
        return Document(
            header=header.write(
                invoice, customer, contacts, reference, currency, language, subject_to_vat=chooser.subject_to_vat
            ),
            positions=tuple(positions),
            total=exact,
            within=tolerance(currency.round_to, sums),
            currency=currency.code,
            customer=customer.company_name or " ".join(p for p in (customer.first_name, customer.last_name) if p),
            known_as=contacts.known_as,
        )

    def _check_totals(self, invoice: Invoice, sums: Sequence[Sum], gross: bool) -> None:
        stated = invoice.total if invoice.total is not None else invoice.total_net
        if stated is None:
            raise RecordProblem(
                "Fields `total` and `total_net` are both missing, so nothing can be checked.",
                "Let the shop give the invoice's total.",
                code="total_missing",
                field="total",
            )
        if stated <= 0:
            raise RecordProblem(
                f"The total is {written(stated)} {invoice.currency}; only amounts above zero are booked as invoices.",
                'If money goes back, say "document_type": "credit_note"; otherwise cancel it in the shop.',
                code="total_not_positive",
                field="total",
            )
        way = self.profile.shop.rounding
        check_shop_total(
            sums,
            gross=gross,
            stated=invoice.total,
            stated_net=invoice.total_net,
            stated_tax=invoice.total_tax,
            ways=WAYS if way == "any" else (way,),
            to=self.profile.shop.round_to,
            currency=invoice.currency,
        )


def _with_default_taxes(problem: RecordProblem, invoice: Invoice) -> RecordProblem:
    """The likeliest reason for a wrong total: lines that say nothing of VAT got bexio's default tax."""
    silent = sum(
        line.has_amount and line.tax_rate is None and not line.tax_code and not line.tax_class for line in invoice.lines
    )
    if problem.code == "total_mismatch" and silent:
        lines = "1 line says" if silent == 1 else f"{silent} lines say"
        problem.hint = f"{problem.hint} {lines} nothing of VAT and got the default tax: give them tax_rate or tax_code."
    return problem


def _country(invoice: Invoice, customer: Customer) -> str | None:
    address = invoice.billing_address or customer.billing_address
    return address.country_code if address else None
