"""What users may do in the modules of the company, and which modules are booked: beyond scopes, bexio asks for both."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bexio_sandbox.errors import ApiError
from bexio_sandbox.scopes import allows
from bexio_sandbox.state.tables import Row, State

NONE, OWN, ALL = "none", "own", "all"
LEVELS = (NONE, OWN, ALL)
SHOW, EDIT = "show", "edit"
MODULES = (
    "contact",
    "article",
    "kb_offer",
    "kb_order",
    "kb_delivery",
    "kb_invoice",
    "kb_bill",
    "kb_expense",
    "banking",
    "accounting",
    "stock",
)
_MODULE_OF_SCOPE = {"bank_account": "banking", "bank_payment": "banking"}
# Whose rows are: the table of a module, and the id in its paths.
_OWNED = {
    "contact": ("contacts", "contact_id"),
    "kb_order": ("orders", "order_id"),
    "kb_delivery": ("deliveries", "delivery_id"),
    "kb_invoice": ("invoices", "invoice_id"),
    "article": ("articles", "article_id"),
}


def needed(scope: str | None, path: str) -> tuple[str, str] | None:
    """Return the module of an operation and whether it shows or edits there; None where every user may."""
    if path.startswith("/3.0/accounting/"):
        return "accounting", SHOW
    if scope is None:
        return None
    name, _, kind = scope.rpartition("_")
    module = _MODULE_OF_SCOPE.get(name, name)
    return (module, kind) if module in MODULES else None


class Rights:
    """The rights of all users; nothing is refused until somebody says so."""

    def __init__(self, state: State) -> None:
        self._state = state

    def set(self, user_id: int, module: str, show: str | None = None, edit: str | None = None) -> None:
        """Sets what a user may see or change in a module; what is not named stays."""
        if user_id not in self._state.tables["users"]:
            raise ValueError(f"there is no user {user_id}")
        _refuse_unknown(module)
        changes = {kind: level for kind, level in ((SHOW, show), (EDIT, edit)) if level is not None}
        for level in changes.values():
            if level not in LEVELS:
                raise ValueError(f"a right can be {', '.join(LEVELS)}, not {level!r}")
        row = self._row(user_id, module)
        if row:
            self._state.put("rights", {**row, **changes})
        else:
            self._state.add("rights", {"user_id": user_id, "module": module, SHOW: ALL, EDIT: ALL, **changes})

    def book(self, module: str) -> None:
        """Books a module for the company."""
        _refuse_unknown(module)
        for row in list(self._state.tables["modules_not_booked"].values()):
            if row["name"] == module:
                self._state.remove("modules_not_booked", row["id"])

    def unbook(self, module: str) -> None:
        """Takes a module away from the company."""
        if self.is_booked(module):
            self._state.add("modules_not_booked", {"name": module})

    def is_booked(self, module: str) -> bool:
        """Return whether the company has a module."""
        _refuse_unknown(module)
        return all(row["name"] != module for row in self._state.tables["modules_not_booked"].values())

    def level(self, user_id: int, module: str, kind: str) -> str:
        """Return how far a right of a user goes."""
        row = self._row(user_id, module)
        return str(row[kind]) if row else ALL

    def shown(self, user_id: int) -> dict[str, Any]:
        """Return the rights of a user as the API shows them."""
        permissions = {}
        for module in MODULES:
            show, edit = (self.level(user_id, module, kind) for kind in (SHOW, EDIT))
            activation = "enabled" if self.is_booked(module) else "disabled"
            permissions[module] = {"activation": activation, EDIT: edit, SHOW: show, "download": show}
        return {"components": [name for name in MODULES if self.is_booked(name)], "permissions": permissions}

    @contextmanager
    def enforced(self, scope: str | None, path: str, ids: Mapping[str, int], user_id: int) -> Iterator[None]:
        """Lets the work of a request see only what the user may; refuses what the user may not."""
        need = needed(scope, path)
        if need is None:
            yield
            return
        module, kind = need
        self._refuse_unbooked(module)
        level = self.level(user_id, module, kind)
        if level == NONE or (level == OWN and self._is_foreign(module, ids, user_id)):
            raise self._no_right(module, kind)
        with self._only_own(module, user_id) if level == OWN else _everything():
            yield

    def require(self, scope: str, scopes: Collection[str], user_id: int) -> None:
        """Refuses the work of a request that touches what needs one more scope, with its right and its module."""
        if not allows(scopes, scope):
            raise self.refusal(f"The scope {scope} is missing.")
        need = needed(scope, "")
        if need is None:
            return
        module, kind = need
        self._refuse_unbooked(module)
        if self.level(user_id, module, kind) == NONE:
            raise self._no_right(module, kind)

    def refusal(self, telling: str) -> ApiError:
        """Return the answer to what is not allowed, which may keep the reason to itself."""
        says_why = self._state.behaviours["forbidden_text"] == "telling"
        return ApiError(403, telling if says_why else "You have no access to this resource.")

    def _refuse_unbooked(self, module: str) -> None:
        if not self.is_booked(module):
            raise self.refusal(f"The module {module} is not booked.")

    def _no_right(self, module: str, kind: str) -> ApiError:
        return self.refusal(f"The user has no right to {kind} this in the module {module}.")

    def _row(self, user_id: int, module: str) -> Row | None:
        rows = self._state.tables["rights"].values()
        return next((row for row in rows if row["user_id"] == user_id and row["module"] == module), None)

    def _is_foreign(self, module: str, ids: Mapping[str, int], user_id: int) -> bool:
        if module not in _OWNED:
            return False
        table, name = _OWNED[module]
        row = self._state.tables[table].get(ids.get(name, 0))
        return row is not None and not _is_own(row, user_id)

    @contextmanager
    def _only_own(self, module: str, user_id: int) -> Iterator[None]:
        """Keeps the rows of others out of sight for as long as the block lasts."""
        if module not in _OWNED:
            yield
            return
        rows = self._state.tables[_OWNED[module][0]]
        foreign = [number for number, row in rows.items() if not _is_own(row, user_id)]
        taken = {number: rows.pop(number) for number in foreign}
        try:
            yield
        finally:
            rows.update(taken)


@contextmanager
def _everything() -> Iterator[None]:
    yield


def _is_own(row: Row, user_id: int) -> bool:
    return user_id in (row.get("user_id"), row.get("owner_id"))


def _refuse_unknown(module: str) -> None:
    if module not in MODULES:
        raise ValueError(f"there is no module {module!r}; there are {', '.join(MODULES)}")
