"""bexio's scopes in words, which command needs which, and the module whose rights go with it (contract 1.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bexsync.config.profile import Profile

_LOGIN = ("auth login",)
_STAY = "offline_access"


@dataclass(frozen=True)
class Scope:
    """One scope; `module` and `level` (show, edit) name the user right that has to go with it."""

    name: str
    words: str
    commands: tuple[str, ...]
    wanted: Callable[[Profile], bool]
    module: str = ""
    level: str = ""

    @property
    def is_of_login(self) -> bool:
        """Whether it only serves to log in; a token that is there already works without it."""
        return self.commands == _LOGIN and self.name != _STAY


def _always(_: Profile) -> bool:
    return True


def _never(_: Profile) -> bool:
    return False


def _with_bank_accounts(profile: Profile) -> bool:
    return bool(profile.ledger.bank_accounts or profile.payments.accounts)


def _with_products(profile: Profile) -> bool:
    return profile.products.enabled


def _with_orders(profile: Profile) -> bool:
    return bool(profile.orders)


_PUSH = ("invoices push",)
SCOPES = (
    Scope("openid", "know who logged in", _LOGIN, _always),
    Scope("profile", "see your name", _LOGIN, _always),
    Scope("email", "see your mail address", _LOGIN, _always),
    Scope("company_profile", "see which company it is", _LOGIN, _always),
    Scope(_STAY, "stay logged in for cron", _LOGIN, _always),
    Scope("contact_edit", "find and create contacts", _PUSH, _always, "contact", "edit"),
    Scope(
        "kb_invoice_edit",
        "create and send invoices, see payments",
        (*_PUSH, "payments poll"),
        _always,
        "kb_invoice",
        "edit",
    ),
    Scope(
        "bank_account_show",
        "see bank accounts, if the profile names one",
        ("invoices push",),
        _with_bank_accounts,
        "banking",
        "show",
    ),
    Scope("article_edit", "find and create items", ("products sync",), _with_products, "article", "edit"),
    Scope("stock_edit", "see stock", ("stock pull",), _with_products, "stock", "show"),
    Scope("kb_order_edit", "create orders", (), _with_orders, "kb_order", "edit"),
    Scope("kb_delivery_edit", "create deliveries", (), _with_orders, "kb_delivery", "edit"),
    Scope("accounting", "read and write the journal", (), _never, "accounting", "show"),
    Scope("file", "put files into the inbox", (), _never),
)


def needed(profile: Profile) -> tuple[Scope, ...]:
    """The scopes that the jobs of a profile need."""
    return tuple(scope for scope in SCOPES if scope.wanted(profile))


def to_ask_for(profile: Profile, *, everything: bool = False) -> tuple[str, ...]:
    """The names to log in with."""
    return tuple(scope.name for scope in (SCOPES if everything else needed(profile)))


def is_granted(name: str, granted: frozenset[str] | set[str]) -> bool:
    """Whether it was granted; the right to write includes the right to read."""
    return name in granted or (name.endswith("_show") and f"{name.removesuffix('_show')}_edit" in granted)
