"""The tax and the account of a product, and how its prices are converted between net and gross."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.money import decimal_text
from bexsync.planning.lookups import income_account
from bexsync.planning.product_fields import (
    KnownItem,
    Prices,
    Side,
    master_of,
)
from bexsync.planning.taxes import TaxChooser, rate_of
from bexsync.ports.master_data import Account, MasterData
from bexsync.records import Line, Product
from bexsync.vat import Tax, VatMap


@dataclass(frozen=True)
class ProductTaxes:
    """Chooses for one profile, as for a line on an invoice of `today`; raises RecordProblem."""

    profile: Profile
    master: MasterData
    vat_map: VatMap
    today: date
    _rates: dict[tuple[Any, ...], Tax | None] = field(default_factory=dict)

    def rates_of(self, record: Product, item: KnownItem) -> tuple[Side, Side] | None:
        """The rates that product and item have; None where the shop does not decide them.

        A code of the same rate is a choice that was made in the ledger, and stays.
        """
        says = record.tax_rate is not None or record.tax_class is not None
        if not says or master_of("price", self.profile.products) != "shop":
            return None
        tax = self.tax(record, f"Product {item.code}")
        if tax is None:
            return None
        own = self.tax_of(item)
        theirs = decimal_text(own.rate) if own else ""
        return Side(decimal_text(tax.rate), decimal_text(tax.rate), decimal_text(tax.rate)), Side(
            theirs, theirs, theirs
        )

    def tax_of(self, item: KnownItem) -> Tax | None:
        """The tax that an item has, None where the ledger shows none."""
        return next((tax for tax in self.master.taxes if tax.id == item.tax_id), None)

    def account(self, record: Product, where: str) -> Account:
        """The account that a product is sold on."""
        of_profile = self.profile.ledger.revenue_account
        return income_account(self.master, record.revenue_account, of_profile, where=where, owner="product")

    def tax(self, record: Product, where: str) -> Tax | None:
        """The tax of a product, chosen as that of a line on an invoice of today."""
        known = (record.tax_class, record.tax_rate, record.tax_country, record.revenue_account)
        if known not in self._rates:
            chooser = TaxChooser(
                self.master, self.vat_map, self.profile.ledger.tax_code, record.tax_country, self.today
            )
            line = Line(tax_class=record.tax_class, tax_rate=record.tax_rate)
            self._rates[known] = chooser.choose(line, self.account(record, where), where)
        return self._rates[known]

    def prices(self, record: Product, item: KnownItem | None, code: str) -> Prices | None:
        """How prices are converted; None where no price is synchronised."""
        section = self.profile.products
        if section.price == "disabled":
            return None
        shop_gross = record.prices_include_tax
        if shop_gross is None:
            shop_gross = section.shop_price == "gross"
        ledger_gross = section.ledger_price == "gross"
        if shop_gross == ledger_gross or (record.price is None and item is None):
            return Prices(shop_gross, ledger_gross)
        return Prices(shop_gross, ledger_gross, self._rate(record, item, code))

    def _rate(self, record: Product, item: KnownItem | None, code: str) -> Decimal:
        """The rate that lies between net and gross; the item's own tax must have it, too, or is to get it."""
        own = self.tax_of(item) if item is not None else None
        says = record.tax_rate is not None or record.tax_class is not None
        if own is not None and not says:
            return own.rate
        rate = rate_of(self.tax(record, f"Product {code}"))
        if own is not None and own.rate != rate and master_of("price", self.profile.products) != "shop":
            raise RecordProblem(
                f"Product {code} has {decimal_text(rate)} % VAT in the shop, its item has "
                f"{own.code} with {decimal_text(own.rate)} % in {self.master.ledger}.",
                "The rates must agree: correct the product in the shop, "
                f"or the tax of the item in {self.master.ledger}.",
                code="tax_rate_differs",
                field="tax_rate",
                subject=f"tax:{own.code}:{decimal_text(rate)}",
            )
        return rate
