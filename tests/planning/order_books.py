"""Orders, books and planners for tests of what an order comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from products_kit import ME, TAXES, TODAY, a_master

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.planning.contacts import Contacts
from bexsync.planning.documents import Document, DocumentPlanner, DocumentRules
from bexsync.planning.order_lines import invoice_of
from bexsync.ports.master_data import Account, BankAccount, Currency, MasterData, VatYear
from bexsync.records import Customer, Line, Order
from bexsync.vat import Tax, VatMap, VatRow

D = Decimal
WITHOUT_VAT = Tax(LedgerId(9), "U00", "Keine MWST", D(0), "sales_tax", active=True)
ABROAD = Tax(LedgerId(8), "ULA", "Leistungen im Ausland", D(0), "not_taxable_turnover", active=True)
FORMER = Tax(LedgerId(7), "UN77", "7.7 %", D("7.7"), "sales_tax", active=False, valid_to=date(2023, 12, 31))
ACCOUNTS = (
    Account(LedgerId(10), "3200", "Handelserlöse", None, active=True, is_income=True),
    Account(LedgerId(11), "3400", "Dienstleistungserlöse", None, active=True, is_income=True),
    Account(LedgerId(12), "3600", "Übrige Erlöse", None, active=True, is_income=True),
    Account(LedgerId(13), "2030", "Erhaltene Anzahlungen", None, active=True, is_income=False, is_liability=True),
    Account(LedgerId(14), "6945", "Rundungsdifferenzen", None, active=True, is_income=False, is_expense=True),
)
BANKS = (BankAccount(LedgerId(51), "CH1", LedgerId(1)), BankAccount(LedgerId(52), "DE2", LedgerId(2)))
KELLER = {"shop_id": "7", "last_name": "Keller", "email": "anna@example.ch"}


def books(*, coin: str = "0.05", subject: bool = True) -> MasterData:
    """Master data with all that orders need; `coin` is what amounts in CHF are rounded to."""
    master = a_master(subject=subject)
    return replace(
        master,
        accounts=ACCOUNTS,
        taxes=(*TAXES, WITHOUT_VAT, ABROAD, FORMER),
        currencies=(Currency(LedgerId(1), "CHF", D(coin)), Currency(LedgerId(2), "EUR", D("0.01"))),
        bank_accounts=BANKS,
        vat_years=tuple(
            VatYear(date(year, 1, 1), date(year, 12, 31), subject=subject, default_tax_id=LedgerId(3))
            for year in (2025, 2026)
        ),
    )


def an_order(*lines: Mapping[str, Any], **fields: Any) -> Order:
    """An order of Keller with these lines."""
    values: dict[str, Any] = {
        "shop_id": "9001",
        "order_number": "1001",
        "status": "completed",
        "ordered_at": "2026-11-02T10:00:00+01:00",
        "currency": "CHF",
        "customer": KELLER,
        "lines": list(lines),
    }
    return Order.model_validate(values | fields)


def a_profile(**sections: Mapping[str, Any]) -> Profile:
    """A profile that knows where gift cards are booked; `sections` change it."""
    orders: dict[str, Any] = {"enabled": True, "gift_card_account": "2030", **sections.pop("orders", {})}
    return Profile.model_validate({"orders": orders, **sections})


def planned(
    order: Order,
    profile: Profile | None = None,
    *,
    coin: str = "0.05",
    subject: bool = True,
    rows: tuple[VatRow, ...] = (),
    items: Mapping[str, str] | None = None,
    gross_prices: bool = True,
    as_order: bool = False,
    negative_prices: bool = True,
) -> Document:
    """The document of an order, or of its invoice; raises RecordProblem."""
    profile = profile or a_profile()
    master = books(coin=coin, subject=subject)
    rules = (DocumentRules.for_orders if as_order else DocumentRules.for_invoices_of_orders)(
        profile, gross_prices=gross_prices
    )

    def item_of(line: Line) -> LedgerId | None:
        found = (items or {}).get(line.sku or "")
        return LedgerId(found) if found else None

    planner = DocumentPlanner(profile, master, VatMap(rows), ME, TODAY, negative_prices, item_of, rules)
    source = invoice_of(order, profile, master.ledger)
    return planner.write(source, order.customer or Customer(), Contacts(LedgerId(1), None, ()), "ref")
