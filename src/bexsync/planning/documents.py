"""From an invoice to the document in the ledger, still in plain words: who, when, what, how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bexsync.errors import RecordProblem
from bexsync.money import HUNDRED, plain, product, rounded, share, total, written
from bexsync.planning.contacts import Contacts, language_id
from bexsync.planning.named import currency_called, income_account, unit_id
from bexsync.planning.sums import WAYS, Sum, check_shop_total, exact_total, tolerance
from bexsync.planning.taxes import TaxChooser, rate_of
from bexsync.ports import Account, Currency, Master, User
from bexsync.profile import Profile
from bexsync.records import Address, Customer, Invoice, Line, TimeEntry
from bexsync.vat import Tax, VatMap

_SUBTOTAL = {"de": "Zwischensumme", "fr": "Sous-total", "it": "Subtotale", "en": "Subtotal"}
_DISCOUNT = {"de": "Rabatt", "fr": "Rabais", "it": "Sconto", "en": "Discount"}


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
class _Booked:
    """One money line with its account and tax."""

    line: Line
    where: str
    amount: Decimal
    account: Account
    tax: Tax | None


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
        writer = _Lines(self.profile, self.master, chooser, language, self.negative_prices)
        positions, sums = writer.write(invoice)
        gross = invoice.prices_include_tax
        try:
            self._check_totals(invoice, sums, gross)
        except RecordProblem as problem:
            raise _with_default_taxes(problem, invoice) from problem
        exact = exact_total(sums, gross=gross)
        return Document(
            header=self._header(invoice, customer, contacts, reference, currency, chooser, language),
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

    def _header(
        self,
        invoice: Invoice,
        customer: Customer,
        contacts: Contacts,
        reference: str,
        currency: Currency,
        chooser: TaxChooser,
        language: str,
    ) -> dict[str, Any]:
        header: dict[str, Any] = {
            "reference": reference,
            "title": invoice.title or (invoice.project.name if invoice.project else None) or "",
            "contact_id": contacts.contact,
            "user_id": self.owner.id,
            "currency_id": currency.id,
            "date": invoice.invoice_date.isoformat(),
            "prices": "gross" if invoice.prices_include_tax else "net",
            "vat": chooser.subject_to_vat,
        }
        optional = {
            "contact_sub_id": contacts.person,
            "language_id": language_id(self.master, language, self.profile.ledger.language),
            "due_date": _iso(self._due_date(invoice)),
            "bank_account_id": self._bank_account_id(invoice),
            "template": self._template(),
            "header": invoice.header_text,
            "footer": invoice.footer_text,
            "customer_reference": _customer_reference(invoice),
            "number": self._number(invoice),
            "address": _manual_address(invoice.billing_address, customer),
        }
        return header | {key: value for key, value in optional.items() if value is not None}

    def _due_date(self, invoice: Invoice) -> date | None:
        days = invoice.payment_terms_days if invoice.payment_terms_days is not None else self.profile.invoices.due_days
        if invoice.due_date is not None:
            if invoice.due_date < invoice.invoice_date:
                raise RecordProblem(
                    f"It is due on {invoice.due_date}, before its date {invoice.invoice_date}.",
                    "Correct one of the dates in the shop.",
                    code="due_before_date",
                    field="due_date",
                )
            return invoice.due_date
        return invoice.invoice_date + timedelta(days=days) if days is not None else None

    def _bank_account_id(self, invoice: Invoice) -> int | None:
        iban = self.profile.payments.accounts.get(invoice.payment_method or "", self.profile.ledger.bank_account)
        if not iban:
            return None
        for account in self.master.bank_accounts:
            if _compact(account.iban) == _compact(iban):
                return account.id
        raise RecordProblem(
            f"bexio has no bank account {iban}.",
            "Correct [ledger] bank_account or [payments.accounts] in the profile.",
            code="unknown_bank_account",
            subject=f"bank_account:{iban}",
        )

    def _template(self) -> str | None:
        wanted = self.profile.invoices.template
        if not wanted:
            return None
        if wanted not in self.master.templates:
            raise RecordProblem(
                f'bexio has no document template "{wanted}".',
                f"It has {', '.join(self.master.templates) or 'none'}; correct [invoices] template in the profile.",
                code="unknown_template",
                subject=f"template:{wanted}",
            )
        return wanted

    def _number(self, invoice: Invoice) -> str | None:
        if self.profile.ledger.numbering == "ledger":
            return None
        if not invoice.source_number:
            raise RecordProblem(
                "Field `source_number` is missing, but the shop numbers the invoices.",
                'Let the shop give its number, or set [ledger] numbering = "ledger".',
                code="number_missing",
                field="source_number",
            )
        return invoice.source_number


@dataclass(frozen=True)
class _Lines:
    """Turns lines into positions and their exact sums."""

    profile: Profile
    master: Master
    chooser: TaxChooser
    language: str
    negative_prices: bool

    def write(self, invoice: Invoice) -> tuple[list[Mapping[str, Any]], list[Sum]]:
        """All positions in order, and the sums of those that are money."""
        booked = [self._book(line, number) for number, line in enumerate(invoice.lines, 1) if self._is_sale(line)]
        by_line = iter(booked if self.negative_prices else self._lowered(invoice, booked))
        positions: list[Mapping[str, Any]] = []
        sums: list[Sum] = []
        for number, line in enumerate(invoice.lines, 1):
            if line.type == "subtotal":
                text = _line_text(line) or _SUBTOTAL.get(self.language, _SUBTOTAL["en"])
                positions.append({"type": "subtotal", "text": text})
            elif line.type == "text":
                positions.append({"type": "text", "text": _line_text(line)})
            elif self._is_sale(line):
                self._sale(next(by_line), positions, sums)
            elif self.negative_prices:
                self._document_discount(line, _where(line, number), booked, positions, sums)
            else:
                amount = _discount_amount(line, _where(line, number), _base(booked))
                text = _line_text(line) or self._word_for_discount()
                positions.append({"type": "text", "text": f"{text}: {written(amount)}"})
        return positions, sums

    def _lowered(self, invoice: Invoice, booked: Sequence[_Booked]) -> Iterator[_Booked]:
        """Where no price may be negative, deductions lower the prices of the lines they are for."""
        less = [abs(b.line.discount_amount or Decimal(0)) for b in booked]
        for number, line in enumerate(invoice.lines, 1):
            if not line.has_amount or self._is_sale(line):
                continue
            where = _where(line, number)
            if line.tax_code or line.tax_rate is not None or line.revenue_account:
                raise _no_negative_price(where)
            amount = _discount_amount(line, where, _base(booked))
            parts = share(amount, [_after_own_discount(b) for b in booked])
            less = [before + part for before, part in zip(less, parts, strict=True)]
        for item, deduction in zip(booked, less, strict=True):
            yield self._with_lower_price(item, deduction) if deduction or item.amount < 0 else item

    def _with_lower_price(self, booked: _Booked, deduction: Decimal) -> _Booked:
        line = booked.line
        factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
        if booked.amount < deduction or factor <= 0:
            raise _no_negative_price(booked.where)
        price = rounded((booked.amount - deduction) / factor, Decimal("0.000001"))
        note = f"{self._word_for_discount()}: {written(deduction)}"
        lowered = line.model_copy(
            update={
                "unit_price": price,
                "line_total": None,
                "discount_amount": None,
                "description": "\n".join(part for part in (line.description, note) if part),
            }
        )
        return replace(booked, line=lowered, amount=product(price, factor))

    @staticmethod
    def _is_sale(line: Line) -> bool:
        return line.has_amount and line.type != "discount"

    def _book(self, line: Line, number: int) -> _Booked:
        where = _where(line, number)
        account = self._account(line, where)
        amount = _line_amount(line, where)
        return _Booked(line, where, amount, account, self.chooser.choose(line, account, where))

    def _account(self, line: Line, where: str) -> Account:
        of_profile = self.profile.ledger.revenue_account
        return income_account(self.master, line.revenue_account, of_profile, where=where, owner="line")

    def _sale(self, booked: _Booked, positions: list[Mapping[str, Any]], sums: list[Sum]) -> None:
        line = booked.line
        position: dict[str, Any] = {
            "type": "custom",
            "text": _line_text(line),
            "quantity": plain(line.quantity),
            "unit_price": plain(_unit_price(line, booked.where)),
            "account_id": booked.account.id,
        }
        if booked.tax is not None:
            position["tax_id"] = booked.tax.id
        if line.discount_percent:
            position["discount_percent"] = plain(line.discount_percent)
        if line.unit:
            position["unit_id"] = unit_id(self.master, line.unit, booked.where)
        positions.append(position)
        sums.append(Sum(booked.amount, rate_of(booked.tax)))
        if line.discount_amount:
            text = f"{self._word_for_discount()} {line.name or ''}".strip()
            self._deduct(text, abs(line.discount_amount), booked.account, booked.tax, positions, sums)
        if line.time_entries and self.profile.invoices.detail == "positions":
            positions.append({"type": "text", "text": _hours_text(line.time_entries)})

    def _document_discount(
        self,
        line: Line,
        where: str,
        booked: Sequence[_Booked],
        positions: list[Mapping[str, Any]],
        sums: list[Sum],
    ) -> None:
        """A discount over the whole document: with a tax of its own it is one deduction, else a share for each tax."""
        bases = [_after_own_discount(b) for b in booked]
        amount = _discount_amount(line, where, total(bases))
        text = _line_text(line) or self._word_for_discount()
        if line.tax_code or line.tax_rate is not None or line.revenue_account:
            account = self._account(line, where)
            self._deduct(text, amount, account, self.chooser.choose(line, account, where), positions, sums)
            return
        groups: dict[tuple[int, int | None], tuple[Decimal, _Booked]] = {}
        for part, item in zip(share(amount, bases), booked, strict=True):
            key = (item.account.id, item.tax.id if item.tax else None)
            groups[key] = (groups.get(key, (Decimal(0), item))[0] + part, item)
        for part, item in groups.values():
            label = f"{text} ({plain(item.tax.rate)} %)" if len(groups) > 1 and item.tax else text
            self._deduct(label, part, item.account, item.tax, positions, sums)

    def _deduct(
        self,
        text: str,
        amount: Decimal,
        account: Account,
        tax: Tax | None,
        positions: list[Mapping[str, Any]],
        sums: list[Sum],
    ) -> None:
        if not amount:
            return
        position = {
            "type": "custom",
            "text": text,
            "quantity": "1",
            "unit_price": plain(-amount),
            "account_id": account.id,
        }
        if tax is not None:
            position["tax_id"] = tax.id
        positions.append(position)
        sums.append(Sum(-amount, rate_of(tax)))

    def _word_for_discount(self) -> str:
        return _DISCOUNT.get(self.language, _DISCOUNT["en"])


def _with_default_taxes(problem: RecordProblem, invoice: Invoice) -> RecordProblem:
    """The likeliest reason for a wrong total: lines that say nothing of VAT got bexio's default tax."""
    silent = sum(
        line.has_amount and line.tax_rate is None and not line.tax_code and not line.tax_class for line in invoice.lines
    )
    if problem.code == "total_mismatch" and silent:
        lines = "1 line says" if silent == 1 else f"{silent} lines say"
        problem.hint = f"{problem.hint} {lines} nothing of VAT and got the default tax: give them tax_rate or tax_code."
    return problem


def _where(line: Line, number: int) -> str:
    name = line.line_id or line.name
    return f"Line {number} ({name})" if name else f"Line {number}"


def _unit_price(line: Line, where: str) -> Decimal:
    """The line's price, else the one that comes to its line_total after its discounts."""
    if line.unit_price is not None:
        return line.unit_price
    factor = product(line.quantity, HUNDRED - (line.discount_percent or Decimal(0))) / HUNDRED
    if line.line_total is None or not factor:
        raise RecordProblem(
            f"{where} has no unit_price.", "Let the shop give it.", code="price_missing", field="unit_price"
        )
    return rounded((line.line_total + abs(line.discount_amount or Decimal(0))) / factor, Decimal("0.000001"))


def _line_amount(line: Line, where: str) -> Decimal:
    """The exact amount after the line's percentage; checked against what the shop says the line comes to."""
    percent = HUNDRED - (line.discount_percent or Decimal(0))
    amount = product(line.quantity, _unit_price(line, where), percent) / HUNDRED
    after = amount - abs(line.discount_amount or Decimal(0))
    if line.line_total is not None and abs(after - line.line_total) > Decimal("0.005"):
        raise RecordProblem(
            f"{where} comes to {written(rounded(after))}, its line_total says {written(line.line_total)}.",
            "Correct quantity, price, discount or line_total in the shop; nothing was booked.",
            code="total_mismatch",
            field="line_total",
        )
    return amount


def _after_own_discount(booked: _Booked) -> Decimal:
    return booked.amount - abs(booked.line.discount_amount or Decimal(0))


def _base(booked: Sequence[_Booked]) -> Decimal:
    return total([_after_own_discount(b) for b in booked])


def _no_negative_price(where: str) -> RecordProblem:
    return RecordProblem(
        f"{where} comes to a negative amount, and this bexio takes no negative prices.",
        "Make it a discount of the lines it is for, or write the invoice in bexio by hand.",
        code="negative_price",
        field="unit_price",
    )


def _discount_amount(line: Line, where: str, base: Decimal) -> Decimal:
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
    return abs(product(line.quantity, _unit_price(line, where)))


def _line_text(line: Line) -> str:
    """The line's id and name as the invoice shows them, its description below."""
    headline = " ".join(part for part in (line.line_id, line.name) if part)
    return "\n".join(part for part in (headline, line.description) if part)


def _hours_text(entries: Sequence[TimeEntry]) -> str:
    rows = [
        "  ".join(
            part
            for part in (entry.date.strftime("%d.%m.%Y"), f"{plain(entry.hours)} h", entry.person, entry.description)
            if part
        )
        for entry in sorted(entries, key=lambda e: e.date)
    ]
    return "\n".join([*rows, f"= {plain(total([e.hours for e in entries]))} h"])


def _customer_reference(invoice: Invoice) -> str | None:
    project = invoice.project
    number = " ".join(part for part in (project.number, project.name) if part) if project else ""
    return ", ".join(part for part in (invoice.contract_reference, number) if part) or None


def _manual_address(address: Address | None, customer: Customer) -> str | None:
    """An invoice with an address of its own shows that one, whatever stands in the contact."""
    if address is None or address == customer.billing_address:
        return None
    name = address.company or customer.company_name
    person = " ".join(part for part in (address.first_name, address.last_name) if part) or (
        None if name else " ".join(part for part in (customer.first_name, customer.last_name) if part)
    )
    street = address.address_line1 or " ".join(p for p in (address.street, address.house_number) if p)
    place = " ".join(part for part in (address.postal_code, address.city) if part)
    return "\n".join(part for part in (name, person, street, address.address_line2, place) if part) or None


def _country(invoice: Invoice, customer: Customer) -> str | None:
    address = invoice.billing_address or customer.billing_address
    return address.country_code if address else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _compact(iban: str) -> str:
    return "".join(iban.split()).upper()
