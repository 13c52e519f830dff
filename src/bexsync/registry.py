"""Which ledgers there are, by the `type` that a profile names; a package is imported when it is named.

Only `wiring` opens adapters. Settings and texts need what a package says about its ledger before that.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from bexsync.ports.ledger_description import LedgerDescription

DEFAULT_LEDGER = "bexio"
BUILT_IN_LEDGERS = {"bexio": "bexsync.ledgers.bexio"}
LEDGER_GROUP = "bexsync.ledgers"


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
