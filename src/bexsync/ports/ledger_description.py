"""What the package of a ledger says about it before it is opened: its words, its login, its scopes and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """What a token and its user must be allowed to do."""

    READ_CONTACTS = "read contacts"
    WRITE_CONTACTS = "create, restore and archive contacts"
    READ_INVOICES = "read invoices"
    WRITE_INVOICES = "create and delete invoices"
    READ_ITEMS = "read items"
    WRITE_ITEMS = "create and edit items"
    READ_ORDERS = "read orders"
    WRITE_ORDERS = "create and delete orders, and make deliveries and invoices of them"
    READ_DELIVERIES = "read deliveries"
    ISSUE_DELIVERIES = "create and issue deliveries"
    READ_BANKING = "read bank accounts"
    READ_SETTINGS = "read the company's settings"


@dataclass(frozen=True)
class LedgerWords:
    """The name of a ledger, and what it calls the places that texts send people to.

    `scopes` are the scopes that operations ask for, as far as they ask for one.
    """

    name: str
    accounts_place: str
    taxes_place: str
    currencies_place: str
    years_place: str
    company_place: str
    rights_place: str
    rights_menu: str
    modules_place: str
    untaxed_code: str  # of the sales tax without VAT
    scopes: Mapping[Operation, str]


@dataclass(frozen=True)
class LoginNeeds:
    """How one logs in to a ledger: an app of one's own at `portal`, or a personal access token from `token_page`.

    A confidential app has a client secret. `company_claim` names the company where a token or the user information
    carries it.
    """

    issuer: str
    portal: str
    token_page: str
    confidential: bool
    company_claim: str


class ScopeUse(StrEnum):
    """When a profile needs a scope."""

    ALWAYS = "always"
    BANK_ACCOUNTS = "bank accounts"
    PRODUCTS = "products"
    ORDERS = "orders"
    NEVER = "never"


@dataclass(frozen=True)
class Scope:
    """One scope, what it lets bexsync do, and the commands that need it.

    `is_of_login` says that it only serves to log in, `included_in` which other scope grants it too. `module` and
    `level` name the user right that has to go with it.
    """

    name: str
    words: str
    commands: tuple[str, ...]
    use: ScopeUse
    module: str = ""
    level: str = ""
    is_of_login: bool = False
    included_in: str = ""

    def is_granted(self, granted: frozenset[str]) -> bool:
        """Whether it is among the granted scopes, by itself or as part of another."""
        return self.name in granted or self.included_in in granted


@dataclass(frozen=True)
class RequestLimits:
    """How many requests each bucket allows in a window of so many seconds, until the ledger itself tells."""

    buckets: Mapping[str, int]
    window_seconds: float

    def a_minute(self, bucket: str) -> float:
        """How many requests of a bucket that is in a minute."""
        return self.buckets.get(bucket, self.buckets["default"]) * 60 / self.window_seconds


@dataclass(frozen=True)
class LedgerDescription:
    """All of it, as data."""

    words: LedgerWords
    api_url: str
    web_url: str
    login: LoginNeeds
    scopes: tuple[Scope, ...]
    limits: RequestLimits
