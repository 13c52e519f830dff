"""Which of the ledger's scopes the jobs of a profile need."""

from __future__ import annotations

from bexsync.config.profile import Profile
from bexsync.ports.ledger_description import Scope, ScopeUse


def needed(profile: Profile) -> tuple[Scope, ...]:
    """The scopes that the jobs of a profile need."""
    uses = {
        ScopeUse.ALWAYS: True,
        ScopeUse.BANK_ACCOUNTS: bool(profile.ledger.bank_accounts or profile.payments.accounts),
        ScopeUse.PRODUCTS: profile.products.enabled,
        ScopeUse.ORDERS: profile.orders.enabled,
        ScopeUse.NEVER: False,
    }
    return tuple(scope for scope in profile.ledger.description.scopes if uses[scope.use])


def to_ask_for(profile: Profile, *, everything: bool = False) -> tuple[str, ...]:
    """The names of the scopes to log in with."""
    return tuple(scope.name for scope in (profile.ledger.description.scopes if everything else needed(profile)))
