"""From an invoice to the document in the ledger, still in plain words: who, when, what, how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.money import CENT, plain, rounded, written
from bexsync.planning.amounts import (
    WAYS,
    Sum,
    check_shop_total,
    check_stated_taxes,
    exact_total,
    largest_rounding,
    rounding_gap,
    tolerance,
)
from bexsync.planning.contacts import Contacts
from bexsync.planning.document_header import HeaderWriter, check_lengths, check_positions
from bexsync.planning.document_positions import PositionWriter, RoundingLine, rounding_line
from bexsync.planning.lookups import currency_called
from bexsync.planning.taxes import TaxChooser
from bexsync.ports.document_effects import DocumentHeader, Position
from bexsync.ports.master_data import MasterData, User
from bexsync.records import Customer, Invoice
from bexsync.vat import VatMap

_LARGEST_GAP = Decimal("0.05")
_VAT_NUMBER = {
    "de": "Ihre MWST-Nummer",
    "fr": "Votre numéro de TVA",
    "it": "Il vostro numero IVA",
    "en": "Your VAT number",
}


@dataclass(frozen=True)
class Document:
    """What the ledger is to hold: the header, the positions, and the total it must come to."""

    header: DocumentHeader
    positions: tuple[Position, ...]
    total: Decimal
    within: Decimal
    currency: str
    customer: str
    contacts: Contacts
    shop_total: Decimal | None = None
    apart: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    gap: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        """What the shop says that the customer owes, else what the lines come to."""
        return rounded(self.total if self.shop_total is None else self.shop_total)

    @property
    def is_too_far_apart(self) -> bool:
        """Whether the ledger's total is going to differ from the shop's by more than may be booked."""
        return abs(self.gap) > self.apart

    @property
    def expect(self) -> dict[str, str]:
        """What an answer that shows the whole document must say."""
        expected = {
            "total": plain(self.total),
            "within": plain(self.within),
            "positions": str(len(self.positions)),
            "currency_id": str(self.header.currency_id),
            **({"addressee": self.contacts.names} if self.contacts.names else {}),
        }
        if self.shop_total is not None:
            expected |= {"shop_total": plain(self.shop_total), "apart": plain(self.apart)}
        return expected


@dataclass(frozen=True)
class DocumentPlanner:
    """Writes documents for one profile; every doubt about an amount, tax or account is a RecordProblem."""

    profile: Profile
    master: MasterData
    vat_map: VatMap
    owner: User
    today: date
    negative_prices: bool = True

    def write(self, invoice: Invoice, customer: Customer, contacts: Contacts, reference: str) -> Document:
        """The document of an invoice."""
        check_lengths(invoice, customer, self.master.ledger)
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
        if self.profile.invoices.print_vat_number and customer.vat_number:
            positions = [
                *positions,
                Position(type="text", text=f"{_VAT_NUMBER.get(language, 'UID')}: {customer.vat_number}"),
            ]
        gross = invoice.prices_include_tax
        try:
            self._check_totals(invoice, sums, gross)
        except RecordProblem as problem:
            raise _with_default_taxes(problem, invoice) from problem
        step = _step(_shop_total(invoice), currency.round_to, self.profile.shop.round_to)
        line = self._rounding_line(invoice, sums, step, chooser, language)
        if line is not None:
            positions.append(line.position)
            sums.append(line.sum)
        check_positions(positions, self.master.ledger)
        header = HeaderWriter(self.profile, self.master, self.owner, self.today)
        exact, shop_total = exact_total(sums, gross=gross), _shop_total(invoice)
        return Document(
            header=header.write(
                invoice, contacts, reference, currency, language, subject_to_vat=chooser.subject_to_vat
            ),
            positions=tuple(positions),
            total=exact,
            within=tolerance(currency.round_to, sums),
            currency=currency.code,
            customer=customer.company_name or " ".join(p for p in (customer.first_name, customer.last_name) if p),
            contacts=contacts,
            shop_total=shop_total,
            apart=max(_LARGEST_GAP, (currency.round_to + step) / 2),
            rounding=line.gap if line else Decimal(0),
            gap=Decimal(0) if shop_total is None else rounded(exact, currency.round_to) - shop_total,
        )

    def _rounding_line(
        self, invoice: Invoice, sums: Sequence[Sum], step: Decimal, chooser: TaxChooser, language: str
    ) -> RoundingLine | None:
        """What the shop's way of rounding leaves over, as a line; None where nothing is or the profile wants none."""
        stated, gross, settings = _shop_total(invoice), invoice.prices_include_tax, self.profile.invoices
        if stated is None or not settings.rounding_account:
            return None
        gap = rounding_gap(stated, exact_total(sums, gross=gross), step)
        if not gap or (gap < 0 and not self.negative_prices):
            return None
        bound = largest_rounding(len(sums), max(s.rate for s in sums), self.profile.shop.round_to)
        if abs(gap) > bound:
            raise RecordProblem(
                f"The total is {written(gap)} {invoice.currency} from the lines, rounding explains {written(bound)}.",
                "Correct the lines or the total in the shop; nothing was booked.",
                code="total_mismatch",
                field="total",
            )
        return rounding_line(
            gap,
            chooser,
            settings.rounding_account,
            settings.rounding_tax,
            gross=gross,
            language=language,
            closes=lambda one: not rounding_gap(stated, exact_total([*sums, one], gross=gross), step),
        )

    def _check_totals(self, invoice: Invoice, sums: Sequence[Sum], gross: bool) -> None:
        payable = _shop_total(invoice)
        stated = payable if payable is not None else invoice.total_net
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
            stated=payable,
            stated_net=invoice.total_net,
            stated_tax=invoice.total_tax,
            stated_rounding=invoice.total_rounding or Decimal(0),
            ways=WAYS if way == "any" else (way,),
            to=self.profile.shop.round_to,
            currency=invoice.currency,
        )
        check_stated_taxes(invoice, sums)


def _step(shop_total: Decimal | None, *coins: Decimal) -> Decimal:
    """The coin that the exact sum is rounded to: the smaller one of shop and ledger, a cent for a total between two."""
    smallest = min(coins)
    is_between = shop_total is not None and rounded(shop_total, smallest) != shop_total
    return min(smallest, CENT) if is_between else smallest


def _shop_total(invoice: Invoice) -> Decimal | None:
    """What the shop says that the customer owes; None where it states no more than a net amount."""
    if invoice.total is not None:
        return invoice.total
    if invoice.total_net is None or invoice.total_tax is None:
        return None
    return invoice.total_net + invoice.total_tax + (invoice.total_rounding or Decimal(0))


def _with_default_taxes(problem: RecordProblem, invoice: Invoice) -> RecordProblem:
    """The likeliest reason for a wrong total: lines that say nothing of VAT got the ledger's default tax."""
    silent = sum(
        line.has_amount and line.tax_rate is None and not line.tax_code and not line.tax_class for line in invoice.lines
    )
    if problem.code in ("total_mismatch", "vat_mismatch") and silent:
        lines = "1 line says" if silent == 1 else f"{silent} lines say"
        problem.hint = f"{problem.hint} {lines} nothing of VAT and got the default tax: give them tax_rate or tax_code."
    return problem


def _country(invoice: Invoice, customer: Customer) -> str | None:
    address = invoice.billing_address or customer.billing_address
    return address.country_code if address else None
