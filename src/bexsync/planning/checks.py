"""What a check of one setting says, and what all of them are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError
from bexsync.planning.permissions import Need, explained
from bexsync.ports.ledger import Inspection
from bexsync.ports.master_data import MasterData
from bexsync.ports.shop import ShopOverview
from bexsync.vat import VatMap


class Verdict(StrEnum):
    """How one setting stands."""

    OK = "ok"
    ATTENTION = "attention"
    WRONG = "wrong"


@dataclass(frozen=True)
class Check:
    """One setting: its value, a sentence about it, and what to do where that is needed."""

    name: str
    status: Verdict
    value: str
    sentence: str = ""
    hint: str = ""


def ok(name: str, value: str, sentence: str = "") -> Check:
    """A check that is well."""
    return Check(name, Verdict.OK, value, sentence)


def attention(name: str, value: str, sentence: str, hint: str = "") -> Check:
    """A check that a person should know of."""
    return Check(name, Verdict.ATTENTION, value, sentence, hint)


def wrong(name: str, value: str, sentence: str, hint: str = "") -> Check:
    """A check that failed."""
    return Check(name, Verdict.WRONG, value, sentence, hint)


def failures(checks: Sequence[Check]) -> list[Check]:
    """Those that a person has to mend."""
    return [check for check in checks if check.status is Verdict.WRONG]


@dataclass(frozen=True)
class Surroundings:
    """What the checks are about: the ledger as it is, the profile, and the shop or why it cannot be used.

    `scopes` are those that the token says it has, empty where it says nothing.
    """

    inspection: Inspection
    profile: Profile
    vat_map: VatMap
    today: date
    site: str
    shop: ShopOverview | BexsyncError
    misfits: Mapping[str, BexsyncError] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()

    @property
    def master(self) -> MasterData:
        """The ledger's master data."""
        return self.inspection.master

    def unread(self, name: str, value: str, part: str, need: Need) -> Check | None:
        """The check of a setting whose master data could not be read; None where they were."""
        problem = self.inspection.problems.get(part)
        return None if problem is None else wrong(name, value, *explained(problem, need, self.inspection))
