"""Small products, items and planners for tests of the planning."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.config.profile import LedgerSection, ProductsSection, Profile
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio import DESCRIPTION
from bexsync.planning.product_fields import KnownItem, remembered
from bexsync.planning.products import LinkedProduct, ProductPlanner, Work
from bexsync.ports.documents import Item
from bexsync.ports.master_data import Account, Currency, MasterData, Named, User, VatYear
from bexsync.records import Product
from bexsync.vat import Tax, VatMap, VatRow

D = Decimal
TODAY = date(2026, 11, 20)
ME = User(LedgerId(1), "me@example.ch", "Me")
TAXES = (
    Tax(LedgerId(3), "UN81", "8.1 %", D("8.1"), "sales_tax", active=True, valid_from=date(2023, 7, 1)),
    Tax(LedgerId(4), "UR26", "2.6 %", D("2.6"), "sales_tax", active=True, valid_from=date(2023, 7, 1)),
)


def a_master(*, subject: bool = True) -> MasterData:
    return MasterData(
        company="Muster AG",
        me=ME,
        users=(ME,),
        accounts=(Account(LedgerId(10), "3200", "Handelserlöse", None, active=True, is_income=True),),
        taxes=TAXES,
        currencies=(Currency(LedgerId(1), "CHF", D("0.05")), Currency(LedgerId(2), "EUR", D("0.01"))),
        languages=(),
        countries=(),
        units=(Named(LedgerId(1), "Stk"),),
        salutations=(),
        contact_groups=(),
        bank_accounts=(),
        templates=(),
        vat_years=(VatYear(date(2026, 1, 1), date(2026, 12, 31), subject=subject, default_tax_id=LedgerId(3)),),
        automatic_numbering=True,
        words=DESCRIPTION.words,
    )


def a_planner(*, vat_map: VatMap | None = None, subject: bool = True, **products: Any) -> ProductPlanner:
    profile = Profile(ledger=LedgerSection(revenue_account="3200"), products=ProductsSection(enabled=True, **products))
    default_map = VatMap((VatRow("UN81", tax_class="standard"),))
    return ProductPlanner(profile, a_master(subject=subject), vat_map or default_map, ME, "main", TODAY)


def a_product(**changes: Any) -> Product:
    values = {
        "shop_id": "17",
        "sku": "A-1",
        "title": "Tisch",
        "description": "<p>Aus <b>Holz</b></p>",
        "weight": "1.5",
        "price": "108.10",
        "tax_class": "standard",
        "stock": "5",
        "url": "https://shop.example.ch/tisch",
    } | changes
    return Product.model_validate({key: value for key, value in values.items() if value is not None})


def an_item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "ledger_id": LedgerId(70),
        "code": "A-1",
        "title": "Tisch",
        "description": "Aus Holz",
        "price": D(100),
        "weight": D(1500),
        "currency_id": LedgerId(1),
        "tax_id": LedgerId(3),
        "unit_id": LedgerId(1),
        "physical": True,
        "stock": D(5),
        "available": D(4),
    }
    return Item(**(values | changes))


def linked(work: Work, *, effects: int = 1) -> LinkedProduct:
    """The link as it stands once the work is done."""
    return LinkedProduct(remembered(work.agreed), work.told, effects)


def met(planner: ProductPlanner, record: Product, item: Item) -> LinkedProduct:
    """The link of a product and its item that were compared before."""
    return linked(planner.compare(record, KnownItem.seen(item), None))
