"""Which ledgers and shops there are, by the `type` that a profile names; a package is imported when it is named.

Only `wiring` opens adapters. Settings and texts need what a package says about its ledger or shop before that.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bexsync.errors import ProfileProblem
from bexsync.ports.ledger_description import LedgerDescription

if TYPE_CHECKING:  # which help texts need not wait for
    from bexsync.ports.shop_package import ShopPackage

DEFAULT_LEDGER = "bexio"
BUILT_IN_LEDGERS = {"bexio": "bexsync.ledgers.bexio"}
LEDGER_GROUP = "bexsync.ledgers"
DEFAULT_SHOP = "folder"
BUILT_IN_SHOPS = {"folder": "bexsync.shops.folder"}
SHOP_GROUP = "bexsync.shops"


@cache
def ledger_package(type_: str) -> ModuleType:
    """The package of a ledger that is built in, else of an installed one; raises KeyError where there is none."""
    if type_ in BUILT_IN_LEDGERS:
        return import_module(BUILT_IN_LEDGERS[type_])
    from importlib.metadata import entry_points  # takes long to import

    package: ModuleType = entry_points(group=LEDGER_GROUP)[type_].load()
    return package


def ledger_description(type_: str = DEFAULT_LEDGER) -> LedgerDescription:
    """What the package of a ledger says about it; raises KeyError where there is none of that type."""
    description: LedgerDescription = ledger_package(type_).DESCRIPTION
    return description


def is_ledger(type_: str) -> bool:
    """Whether a ledger of this type is built in or installed."""
    try:
        ledger_package(type_)
    except KeyError:
        return False
    return True


@cache
def shop_package(type_: str) -> ShopPackage[Any]:
    """The package of a shop that is built in, else of an installed one; raises KeyError where there is none."""
    if type_ in BUILT_IN_SHOPS:
        package: ShopPackage[Any] = import_module(BUILT_IN_SHOPS[type_]).PACKAGE
        return package
    from importlib.metadata import entry_points  # takes long to import

    entry = entry_points(group=SHOP_GROUP)[type_]
    try:
        return entry.load()()  # type: ignore[no-any-return]
    except Exception as problem:
        raise ProfileProblem(
            f'The shop "{type_}" cannot be loaded from {entry.value}: {type(problem).__name__}: {problem}.',
            "Install its package again, or name another `type` under [shop].",
        ) from problem


def known_shops() -> list[str]:
    """The types of shops that are built in or installed."""
    from importlib.metadata import entry_points

    return sorted({*BUILT_IN_SHOPS, *entry_points(group=SHOP_GROUP).names})
