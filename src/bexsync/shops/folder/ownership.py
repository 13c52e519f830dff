"""Whose a shop folder is: one site of one company, for ever.

Two sites in one folder would take each other's invoices, and an invoice that is dropped again would be booked twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bexsync.errors import ConfigurationProblem
from bexsync.shops.folder.layout import Layout


@dataclass(frozen=True)
class Owner:
    """A site; `companies` are the names of its one company, none where they are not known yet.

    `profile` only tells a person where to look.
    """

    site: str
    companies: frozenset[str] = frozenset()
    profile: str = ""

    def is_same(self, other: Owner) -> bool:
        """Whether both are one site of one company, as far as that is known."""
        of_one_company = not self.companies or not other.companies or self.companies & other.companies
        return self.site == other.site and bool(of_one_company)


@dataclass(frozen=True)
class Ownership:
    """A shop folder and who uses it; without an owner nothing is checked."""

    layout: Layout
    owner: Owner | None = None

    def check(self) -> None:
        """Raises ConfigurationProblem where the folder is another's; changes nothing."""
        if self.owner is not None:
            _refuse_another(self.layout, self.owner, owner_of(self.layout))

    def claim(self) -> None:
        """Mark the folder as the owner's and make its subfolders; raises ConfigurationProblem where it is another's."""
        if self.owner is not None and not self._is_known(self.owner):
            self.layout.require_root()
            with self.layout.locked(self.layout.root) as root:
                known = owner_of(self.layout)
                _refuse_another(self.layout, self.owner, known)
                root.replace(self.layout.mark.name, _written(self.owner, known))
        self.layout.create()

    def _is_known(self, owner: Owner) -> bool:
        known = owner_of(self.layout)
        _refuse_another(self.layout, owner, known)
        return known is not None and owner.companies <= known.companies


def owner_of(layout: Layout) -> Owner | None:
    """Whom the folder's mark names, None where there is none; raises ConfigurationProblem where it says nothing."""
    try:
        with layout.opened(layout.root) as root, root.reading(layout.mark.name) as mark:
            return _read(json.loads(mark.read()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise ConfigurationProblem(
            f"{layout.mark} no longer says whose folder this is.",
            "Delete it if no other shop uses the folder; the next run writes it anew.",
            code="shop_folder",
        ) from problem


def refuse_another(folder: Path, wanted: Owner) -> None:
    """Raises ConfigurationProblem where the folder is another's, OSError where that cannot be read."""
    Ownership(Layout(folder), wanted).check()


def _refuse_another(layout: Layout, wanted: Owner, known: Owner | None) -> None:
    if known is None or known.is_same(wanted):
        return
    whose = f'"{known.site}"' if known.site != wanted.site else f'"{known.site}" of another company'
    by = f" (profile {known.profile})" if known.profile else ""
    raise ConfigurationProblem(
        f'The folder {layout.root} belongs to the shop {whose}{by}, not to "{wanted.site}" of this profile.',
        "Every shop needs a folder of its own: name another as `path` under [shop]. "
        f"Only if that shop is given up, delete {layout.mark}.",
        code="shop_taken",
    )


def _read(value: Mapping[str, Any]) -> Owner:
    companies = value["company"]
    if not all(isinstance(name, str) for name in (value["site"], value["profile"], *companies)):
        raise TypeError("its parts have the wrong type")
    return Owner(value["site"], frozenset(companies), value["profile"])


def _written(owner: Owner, known: Owner | None) -> bytes:
    companies = owner.companies | (known.companies if known else frozenset())
    value = {"site": owner.site, "company": sorted(companies), "profile": owner.profile}
    return f"{json.dumps(value)}\n".encode()
