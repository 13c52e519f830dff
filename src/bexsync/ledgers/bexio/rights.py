"""What the user of a token may do, and which modules the company has booked (contract 1.3, 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.scopes import SCOPES
from bexsync.ports.ledger import Right
from bexsync.ports.ledger_description import Scope, ScopeUse

_READING = tuple(
    Scope(f"{module}_show", "", (), ScopeUse.ALWAYS, module, "show")
    for module in ("contact", "kb_invoice", "kb_order", "kb_delivery")
)


@dataclass(frozen=True)
class Rights:
    """The answer of /3.0/permissions; its exact shape is not documented, so that what is odd is unknown."""

    components: frozenset[str] | None
    permissions: Mapping[str, Any]

    def of(self, scope: Scope) -> Right:
        """How the right that goes with a scope stands."""
        if not scope.module or self.components is None:
            return Right.UNKNOWN
        found = self.permissions.get(scope.module)
        if scope.module not in self.components and found is None:
            return Right.NOT_BOOKED
        if not isinstance(found, Mapping):
            return Right.UNKNOWN
        if str(found.get("activation", "enabled")) not in ("enabled", "true", "True", "1"):
            return Right.NOT_BOOKED
        level = found.get(scope.level)
        if level in (None, "none", "no", False, ""):
            return Right.MISSING if scope.level in found else Right.UNKNOWN
        return Right.OWN_ONLY if level == "own" else Right.GRANTED


def ask_rights(api: Api) -> dict[str, Right]:
    """The rights that go with the scopes; unknown where bexio does not tell."""
    rights = rights_from(api.show("/3.0/permissions"))
    return {scope.name: rights.of(scope) for scope in (*_READING, *SCOPES) if scope.module}


def rights_from(answer: Any) -> Rights:
    """The rights as bexio told them."""
    components = answer.get("components") if isinstance(answer, Mapping) else None
    permissions = answer.get("permissions") if isinstance(answer, Mapping) else None
    known = isinstance(components, Iterable) and not isinstance(components, str) and isinstance(permissions, Mapping)
    if not known or components is None or not isinstance(permissions, Mapping):
        return Rights(None, {})
    return Rights(frozenset(str(name) for name in components), permissions)
