"""The ledger's master data: accounts, taxes, currencies, users and what else documents refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bexsync.ids import LedgerId
from bexsync.ports.ledger_description import LedgerWords
from bexsync.vat import Tax


@dataclass(frozen=True)
class Account:
    """A ledger account; `tax_id` is the tax that belongs to it, if any."""

    id: LedgerId
    number: str
    name: str
    tax_id: LedgerId | None
    active: bool
    is_income: bool
    is_expense: bool = False
    is_liability: bool = False


@dataclass(frozen=True)
class Currency:
    """A currency; totals are rounded to multiples of `round_to`."""

    id: LedgerId
    code: str
    round_to: Decimal


@dataclass(frozen=True)
class User:
    """A user of the ledger."""

    id: LedgerId
    mail: str
    name: str


@dataclass(frozen=True)
class Named:
    """A row of master data that is known by its name or code."""

    id: LedgerId
    name: str


@dataclass(frozen=True)
class Country(Named):
    """A country: `name` is its ISO code, `title` what stands on a letter."""

    title: str = ""


@dataclass(frozen=True)
class BankAccount:
    """A bank account of the company."""

    id: LedgerId
    iban: str
    currency_id: LedgerId | None = None
    name: str = ""


@dataclass(frozen=True)
class VatYear:
    """Whether the company is subject to VAT in a business year, and which sales tax it takes by default."""

    start: date
    end: date
    subject: bool
    default_tax_id: LedgerId | None


@dataclass(frozen=True)
class MasterData:
    """The ledger's master data, at most a day old.

    Numbering is automatic where the ledger gives the numbers; `automatic_numbering` is that of invoices.
    """

    company: str
    me: User
    users: tuple[User, ...]
    accounts: tuple[Account, ...]
    taxes: tuple[Tax, ...]
    currencies: tuple[Currency, ...]
    languages: tuple[Named, ...]
    countries: tuple[Country, ...]
    units: tuple[Named, ...]
    salutations: tuple[Named, ...]
    contact_groups: tuple[Named, ...]
    bank_accounts: tuple[BankAccount, ...]
    templates: tuple[str, ...]
    vat_years: tuple[VatYear, ...]
    automatic_numbering: bool
    words: LedgerWords
    automatic_order_numbering: bool = True
    automatic_delivery_numbering: bool = True

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.words.name
