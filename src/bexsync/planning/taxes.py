"""Which tax of the ledger a line gets: by its code, the VAT map, its rate, or the default; never by guessing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import decimal_text
from bexsync.ports.master_data import Account, MasterData, VatYear
from bexsync.records import Line, OrderLine
from bexsync.vat import Tax, TaxKind, Use, VatMap, VatRow, sales_taxes_with_rate, taxes_called

_USES: dict[str, Use] = {"shipping": "shipping", "fee": "fee"}
_EXTRAS = {"shipping": "shipping", "fee": "a fee", "tip": "a tip"}


@dataclass(frozen=True)
class TaxChooser:
    """Chooses taxes for the lines of one document."""

    master: MasterData
    vat_map: VatMap
    default_code: str
    country: str | None
    document_date: date

    @property
    def subject_to_vat(self) -> bool:
        """Whether the company charges VAT in the year of the document."""
        return self._year.subject

    @property
    def _year(self) -> VatYear:
        """The year of the document; the ledger opens years late, so the one before stands in for a missing one."""
        fitting = [y for y in self.master.vat_years if y.start <= self.document_date <= y.end]
        earlier = sorted((y for y in self.master.vat_years if y.end < self.document_date), key=lambda y: y.end)
        if fitting or earlier:
            return (fitting or earlier[-1:])[0]
        raise RecordProblem(
            f"{self.master.ledger} has no business year for {self.document_date}.",
            f"Open that year in {self.master.ledger} ({self.master.words.years_place}), or correct the invoice's date.",
            code="no_business_year",
            field="invoice_date",
            subject=f"year:{self.document_date.year}",
        )

    def choose(self, line: Line, account: Account, where: str) -> Tax | None:
        """The tax of a line, None where the company is not subject to VAT; raises RecordProblem."""
        if not self.subject_to_vat:
            self._refuse_rate(line, where)
            return None
        day = line.period_to or self.document_date
        row = None if line.tax_code else self._mapped(line, day)
        if row is None:
            self._require_own_rate(line, where)
        code = line.tax_code or (row.code if row else None)
        tax = self.called(code, where) if code else self._by_rate(line, day, where) or self._default(account, where)
        self._check(tax, line, day, row, where)
        return tax

    def _require_own_rate(self, line: Line, where: str) -> None:
        """Refuse shipping, fees and tips of orders that say nothing of VAT: the default is the tax of goods."""
        if line.tax_code or line.tax_rate is not None or not (isinstance(line, OrderLine) and line.type in _EXTRAS):
            return
        word = _EXTRAS[line.type]
        setting = "set [orders] tip_tax" if line.type == "tip" else "map it with `bexsync vat map`"
        raise RecordProblem(
            f"{where} is {word} and says nothing of VAT.",
            f"Give it a tax_rate in the shop, or {setting}.",
            code="tax_unmapped",
            field="tax_rate",
            subject=f"tax_use:{line.type}",
        )

    def _refuse_rate(self, line: Line, where: str) -> None:
        if line.tax_rate:
            raise RecordProblem(
                f"{where} carries {decimal_text(line.tax_rate)} % VAT, but the company is not subject to VAT in "
                f"{self.document_date.year}.",
                f"Correct the rate in the shop, or the business year in {self.master.ledger}.",
                code="not_subject_to_vat",
                field="tax_rate",
            )

    def _mapped(self, line: Line, day: date) -> VatRow | None:
        row = self.vat_map.code_for(
            tax_class=line.tax_class, rate=line.tax_rate, country=self.country, use=use_of(line.type), day=day
        )
        if row is None and line.tax_class and line.tax_rate is None:
            raise RecordProblem(
                f'The tax class "{line.tax_class}" is not mapped.',
                "Map it with `bexsync vat map`.",
                code="tax_unmapped",
                field="tax_class",
                subject=f"tax_class:{line.tax_class}",
            )
        return row

    def without_vat(self, line: Line, where: str) -> Tax | None:
        """The tax of a gift card, which is money and no supply: the one the line names, else the only one of 0 %."""
        if not self.subject_to_vat:
            self._refuse_rate(line, where)
            return None
        code = line.tax_code
        tax = self.called(code, where) if code else self.only_untaxed(where, "give the line a tax_code", "tax_code")
        self._check(tax, line, self.document_date, None, where)
        if tax.rate:
            raise RecordProblem(
                f"{where} is a gift card, and {tax.code} has {decimal_text(tax.rate)} % VAT: gift cards "
                "are sold without.",
                "Correct its tax_code in the shop, or say that the line is a product.",
                code="tax_rate_differs",
                field="tax_code",
                subject=f"tax:{tax.code}:0",
            )
        return tax

    def only_untaxed(self, what: str, otherwise: str, field: str) -> Tax:
        """The only active sales tax of 0 %; raises RecordProblem where there is none, or more than one.

        Exempt and foreign sales have 0 % as well, but belong on other lines of the VAT return.
        """
        fitting = [
            tax
            for tax in self.master.taxes
            if tax.kind == TaxKind.SALES and not tax.rate and not why_unusable(tax, self.document_date)
        ]
        if len(fitting) == 1:
            return fitting[0]
        ledger = self.master.ledger
        raise RecordProblem(
            f"{ledger} has {f'{len(fitting)} active sales taxes' if fitting else 'no active sales tax'} "
            f"of 0 % for {what}.",
            f"Activate the one without VAT ({self.master.words.untaxed_code}) in {ledger}, or {otherwise}.",
            code="tax_unmapped",
            field=field,
            subject="tax:rounding" if field.startswith("[") else "tax:untaxed",
        )

    def called(self, code: str, where: str) -> Tax:
        """The tax of that code, or where codes do not decide of that name or id; raises RecordProblem."""
        fitting = taxes_called(self.master.taxes, code)
        if len(fitting) > 1:
            fitting = [tax for tax in fitting if tax.active] or fitting
        if len(fitting) != 1:
            known = ", ".join(sorted(t.code for t in self.master.taxes if t.active and t.is_for_sales))
            raise RecordProblem(
                f'{where}: {self.master.ledger} has "{code}" more than once.'
                if fitting or any(tax.code.startswith(f"{code} (") for tax in self.master.taxes)
                else f'{where}: {self.master.ledger} has no tax code "{code}".',
                f"Its active sales taxes are {known}.",
                code="unknown_tax",
                field="tax_code",
                subject=f"tax:{code}",
            )
        return fitting[0]

    def _by_rate(self, line: Line, day: date, where: str) -> Tax | None:
        rate = line.tax_rate
        if rate is None:
            return None
        later = self.vat_map.codes_that_begin_later(
            tax_class=line.tax_class, rate=rate, country=self.country, use=use_of(line.type), day=day
        )
        valid = sales_taxes_with_rate(self.master.taxes, rate, day) if rate else []
        fitting = [tax for tax in valid if tax.code not in later]
        if len(fitting) == 1:
            return fitting[0]
        subject = f"tax_rate:{decimal_text(rate)}"
        if not rate:
            message = f"{where} has 0 % VAT; exempt, foreign and reverse-charge sales are never guessed."
            hint = "Give it a tax_code, or say with `bexsync vat map` what it is."
        elif valid and not fitting:
            names = " and ".join(tax.code for tax in valid)
            message = f"{where} has {decimal_text(rate)} % VAT on {day}, but the VAT map lets {names} begin later."
            hint = "Correct the rate in the shop, or valid_from in the VAT map."
        elif not fitting:
            message = (
                f"{where}: {self.master.ledger} has no active sales tax of {decimal_text(rate)} % "
                f"that is valid on {day}."
            )
            hint = (
                f"Activate it in {self.master.ledger}, correct the rate, or map it with `bexsync vat map`. "
                f"Active are {self._active_rates(day)}."
            )
        else:
            codes = " and ".join(tax.code for tax in fitting)
            message = f"{where}: {codes} both have {decimal_text(rate)} %, so the rate alone does not decide."
            hint = "Say which with `bexsync vat map`."
        raise RecordProblem(message, hint, code="tax_unmapped", field="tax_rate", subject=subject)

    def _active_rates(self, day: date) -> str:
        taxes = (t for t in self.master.taxes if t.active and t.kind == TaxKind.SALES and t.valid_on(day))
        return ", ".join(f"{t.code} ({decimal_text(t.rate)} %)" for t in taxes) or "none"

    def _default(self, account: Account, where: str) -> Tax:
        if self.default_code:
            return self.called(self.default_code, where)
        for tax_id in (account.tax_id, self._year.default_tax_id):
            for tax in self.master.taxes:
                if tax.id == tax_id:
                    return tax
        raise RecordProblem(
            f"{where} names no tax, "
            f"and neither account {account.number} nor {self.master.ledger} has a default sales tax.",
            "Set [ledger] tax_code in the profile, or give the line a tax_rate.",
            code="tax_unmapped",
            field="tax_rate",
            subject="tax:default",
        )

    def _check(self, tax: Tax, line: Line, day: date, row: VatRow | None, where: str) -> None:
        problem = why_unusable(tax, day, row.valid_from if row else None)
        if problem:
            raise RecordProblem(
                f"{where}: the tax code {tax.code} {problem} in {self.master.ledger}.",
                f"Activate it in {self.master.ledger}, "
                "or use another code: in the line, the profile, or by `bexsync vat map`.",
                code="tax_unusable",
                field="tax_code",
                subject=f"tax:{tax.code}",
            )
        if line.tax_rate is not None and line.tax_rate != tax.rate:
            raise RecordProblem(
                f"{where} has {decimal_text(line.tax_rate)} % VAT in the shop, "
                f"{tax.code} has {decimal_text(tax.rate)} % in {self.master.ledger}.",
                "The rates must agree: correct the line, its tax_code or the VAT map (`bexsync vat map`).",
                code="tax_rate_differs",
                field="tax_rate",
                subject=f"tax:{tax.code}:{decimal_text(line.tax_rate)}",
            )


def use_of(line_type: str) -> Use:
    """What a line of that type is for, as the VAT map says it."""
    return _USES.get(line_type, "sale")


def why_unusable(tax: Tax, day: date, begins: date | None = None) -> str:
    """Why no line of that day may carry the tax, "" if one may; `begins` is when the map lets it begin."""
    if not tax.is_for_sales:
        return "is not a tax for sales"
    if not tax.active:
        return "is not active"
    if tax.valid_to is not None and day > tax.valid_to:
        return f"is not valid on {day}"
    begins = begins or tax.valid_from
    return f"is not valid on {day}" if begins is not None and day < begins else ""


def rate_of(tax: Tax | None) -> Decimal:
    """The rate in percent, zero without a tax."""
    return tax.rate if tax else Decimal(0)
