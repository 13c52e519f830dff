"""From an invoice to the document in the ledger, still in plain words: who, when, what, how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.money import CENT, decimal_text, format_amount, rounded
from bexsync.planning.addresses import full_name
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
from bexsync.planning.document_positions import (
    ItemOf,
    PositionWriter,
    RoundingLine,
    RoundingSettings,
    WrittenPosition,
    no_item,
    rounding_line,
)
from bexsync.planning.lookups import currency_called
from bexsync.planning.order_lines import OrderDocument
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
# Discounts are shared over the rates of the other lines; gift cards and tips have rates of their own.
_TAXED_OTHERWISE = frozenset({"discount", "gift_card", "tip"})


@dataclass(frozen=True)
class Document:
    """What the ledger is to hold: the header, the positions, and the total it must come to.

    `lines` says for each position which line it sells, counted from 0; None for deductions, texts and rounding.
    `without_stock` are the texts of sales of items that move no stock, since their price can only be sent as a total.
    """

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
    lines: tuple[int | None, ...] = ()
    without_stock: tuple[str, ...] = ()

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
            "total": decimal_text(self.total),
            "within": decimal_text(self.within),
            "positions": str(len(self.positions)),
            "currency_id": str(self.header.currency_id),
            **({"addressee": self.contacts.names} if self.contacts.names else {}),
        }
        if self.shop_total is not None:
            expected |= {"shop_total": decimal_text(self.shop_total), "apart": decimal_text(self.apart)}
        return expected


@dataclass(frozen=True)
class DocumentRules:
    """What kinds of documents differ in: who numbers them, the rounding line, the template, and what they may hold.

    Without `gross_prices` gross ones are sent as net ones; with `takes_zero` a total of 0.00 is no error.
    """

    numbering: Literal["ledger", "shop"]
    rounding: RoundingSettings
    template: str = ""
    gross_prices: bool = True
    takes_zero: bool = False

    @classmethod
    def for_invoices(cls, profile: Profile) -> DocumentRules:
        """Those of the shop's invoices."""
        return cls(profile.ledger.numbering, RoundingSettings.for_invoices(profile), profile.invoices.template)

    @classmethod
    def for_orders(cls, profile: Profile, *, gross_prices: bool = True) -> DocumentRules:
        """Those of orders."""
        rounding = RoundingSettings.for_orders(profile)
        return cls(profile.orders.numbering, rounding, gross_prices=gross_prices, takes_zero=True)

    @classmethod
    def for_invoices_of_orders(
        cls, profile: Profile, *, template: str | None = None, gross_prices: bool = True
    ) -> DocumentRules:
        """Those of invoices that are made of orders, whose positions are the same ones."""
        own = profile.invoices.template if template is None else template
        return cls(profile.ledger.numbering, RoundingSettings.for_orders(profile), own, gross_prices)


@dataclass(frozen=True)
class DocumentPlanner:
    """Writes documents for one profile; every doubt about an amount, tax or account is a RecordProblem."""

    profile: Profile
    master: MasterData
    vat_map: VatMap
    owner: User
    today: date
    negative_prices: bool = True
    item_of: ItemOf = no_item
    rules: DocumentRules | None = None

    def write(self, invoice: Invoice, customer: Customer, contacts: Contacts, reference: str) -> Document:
        """The document of an invoice."""
        check_lengths(invoice, customer, self.master.ledger)
        currency = currency_called(self.master, invoice.currency)
        chooser = TaxChooser(
            self.master,
            self.vat_map,
            self.profile.ledger.tax_code,
            _country(invoice, customer),
            invoice.invoice_date,
        )
        language = (invoice.language or customer.language or self.profile.ledger.language)[:2]
        rules = self.rules or DocumentRules.for_invoices(self.profile)
        writer = PositionWriter(self.profile, self.master, chooser, language, self.negative_prices, self.item_of)
        written_positions = writer.write(invoice)
        gross = invoice.prices_include_tax
        try:
            self._check_totals(invoice, _sums(written_positions), rules)
        except RecordProblem as problem:
            raise _with_default_taxes(problem, invoice) from problem
        step = _step(_shop_total(invoice), currency.round_to, self.profile.shop.round_to)
        if gross and not rules.gross_prices:
            written_positions, gross = self._as_net(writer, invoice, written_positions, step), False
        if self.profile.invoices.print_vat_number and customer.vat_number:
            text = f"{_VAT_NUMBER.get(language, 'UID')}: {customer.vat_number}"
            written_positions.append(WrittenPosition(Position(type="text", text=text)))
        line = self._rounding_line(invoice, _sums(written_positions), step, chooser, language, gross=gross)
        if line is not None:
            written_positions.append(WrittenPosition(line.position, line.sum))
        positions, sums = tuple(one.position for one in written_positions), _sums(written_positions)
        check_positions(positions, self.master.ledger)
        header = HeaderWriter(self.profile, self.master, self.owner, self.today, rules.numbering, rules.template)
        exact, shop_total = exact_total(sums, gross=gross), _shop_total(invoice)
        return Document(
            header=header.write(
                invoice, contacts, reference, currency, language, subject_to_vat=chooser.subject_to_vat, gross=gross
            ),
            positions=positions,
            lines=tuple(one.line for one in written_positions),
            without_stock=tuple(one.position.text for one in written_positions if one.moves_no_stock),
            total=exact,
            within=tolerance(currency.round_to, sums),
            currency=currency.code,
            customer=name_of(customer),
            contacts=contacts,
            shop_total=shop_total,
            apart=max(_LARGEST_GAP, (currency.round_to + step) / 2),
            rounding=line.gap if line else Decimal(0),
            gap=Decimal(0) if shop_total is None else rounded(exact, currency.round_to) - shop_total,
        )

    def _as_net(
        self, writer: PositionWriter, invoice: Invoice, gross: Sequence[WrittenPosition], step: Decimal
    ) -> list[WrittenPosition]:
        """The same positions at net prices; raises RecordProblem where these come to another total."""
        net = replace(writer, to_net=True).write(invoice)
        wanted, found = exact_total(_sums(gross), gross=True), exact_total(_sums(net), gross=False)
        if rounded(wanted, step) == rounded(found, step):
            return net
        ledger = self.master.ledger
        raise RecordProblem(
            f"{ledger} takes no gross prices on orders, and net ones come to {format_amount(rounded(found, step))} "
            f"{invoice.currency} where the lines come to {format_amount(rounded(wanted, step))}.",
            'Book it without an order: give its status the actions "contact" and "invoice" in [orders.actions].',
            code="gross_prices",
            field="prices_include_tax",
        )

    def _rounding_line(
        self, invoice: Invoice, sums: Sequence[Sum], step: Decimal, chooser: TaxChooser, language: str, *, gross: bool
    ) -> RoundingLine | None:
        """What the shop's way of rounding leaves over, as a line; None where nothing is or the profile wants none."""
        stated = _shop_total(invoice)
        settings = (self.rules or DocumentRules.for_invoices(self.profile)).rounding
        if stated is None or not settings.account:
            return None
        gap = rounding_gap(stated, exact_total(sums, gross=gross), step)
        if not gap or (gap < 0 and not self.negative_prices):
            return None
        bound = largest_rounding(len(sums), max(s.rate for s in sums), self.profile.shop.round_to)
        if abs(gap) > bound:
            raise RecordProblem(
                f"The total is {format_amount(gap)} {invoice.currency} from the lines, rounding explains "
                f"{format_amount(bound)}.",
                "Correct the lines or the total in the shop; nothing was booked.",
                code="total_mismatch",
                field="total",
            )
        return rounding_line(
            gap,
            chooser,
            settings,
            gross=gross,
            language=language,
            closes=lambda one: not rounding_gap(stated, exact_total([*sums, one], gross=gross), step),
        )

    def _check_totals(self, invoice: Invoice, sums: Sequence[Sum], rules: DocumentRules) -> None:
        payable, gross = _shop_total(invoice), invoice.prices_include_tax
        stated = payable if payable is not None else invoice.total_net
        if stated is None:
            raise RecordProblem(
                "Fields `total` and `total_net` are both missing, so nothing can be checked.",
                "Let the shop give the invoice's total.",
                code="total_missing",
                field="total",
            )
        if stated < 0 or (not stated and not rules.takes_zero):
            raise RecordProblem(
                f"The total is {format_amount(stated)} {invoice.currency}; only amounts above zero are "
                "booked as invoices.",
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


def _sums(positions: Sequence[WrittenPosition]) -> list[Sum]:
    return [one.sum for one in positions if one.sum is not None]


def name_of(customer: Customer) -> str:
    """The company's name, else the person's."""
    return customer.company_name or full_name(customer.first_name, customer.last_name)


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
        line.has_amount and line.tax_rate is None and not line.tax_code and not line.tax_class
        for line in invoice.lines
        if line.type not in _TAXED_OTHERWISE
    )
    if problem.code in ("total_mismatch", "vat_mismatch") and silent:
        lines = "1 line says" if silent == 1 else f"{silent} lines say"
        problem.hint = f"{problem.hint} {lines} nothing of VAT and got the default tax: give them tax_rate or tax_code."
    return problem


def _country(invoice: Invoice, customer: Customer) -> str | None:
    """Where the sale goes, for the VAT map; goods of an order go where they are delivered."""
    if isinstance(invoice, OrderDocument):
        for delivered in (invoice.shipping_address, customer.shipping_address):
            if delivered is not None and delivered.country_code is not None:
                return delivered.country_code
    address = invoice.billing_address or customer.billing_address
    return address.country_code if address else None
