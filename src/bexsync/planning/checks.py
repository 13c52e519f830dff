"""What a connection test has to say: one check each, and what the login must be allowed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, NotPermitted
from bexsync.ports.ledger import Inspection, Right
from bexsync.ports.ledger_description import LedgerWords, Operation
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


@dataclass(frozen=True)
class Need:
    """What is to be allowed, and the module that has to be booked for it."""

    operation: Operation
    module: str

    def scope(self, words: LedgerWords) -> str:
        """The token's scope that goes with it, "" where there is none."""
        return words.scopes.get(self.operation, "")


READ_CONTACTS = Need(Operation.READ_CONTACTS, "contacts")
READ_INVOICES = Need(Operation.READ_INVOICES, "invoices")
WRITE_CONTACTS = Need(Operation.WRITE_CONTACTS, "contacts")
WRITE_INVOICES = Need(Operation.WRITE_INVOICES, "invoices")
READ_ITEMS = Need(Operation.READ_ITEMS, "items")
WRITE_ITEMS = Need(Operation.WRITE_ITEMS, "items")
READ_ORDERS = Need(Operation.READ_ORDERS, "orders")
WRITE_ORDERS = Need(Operation.WRITE_ORDERS, "orders")
READ_DELIVERIES = Need(Operation.READ_DELIVERIES, "deliveries")
ISSUE_DELIVERIES = Need(Operation.ISSUE_DELIVERIES, "deliveries")
READ_BANKING = Need(Operation.READ_BANKING, "banking")
READ_SETTINGS = Need(Operation.READ_SETTINGS, "accounting")


def explained(problem: BexsyncError, need: Need, inspection: Inspection) -> tuple[str, str]:
    """A sentence and a hint: the scope, the right and the module are three reasons for one status 403."""
    if not isinstance(problem, NotPermitted):
        return problem.message, problem.hint
    words = inspection.master.words
    scope = need.scope(words)
    right = inspection.rights.get(scope, Right.UNKNOWN)
    if scope and "scope" in problem.message.lower():
        return scope_missing(need, words, problem.message)
    if right in (Right.NOT_BOOKED, Right.MISSING):
        return right_missing(need, right, inspection, problem.message)
    speaks_of_rights = any(word in problem.message.lower() for word in ("right", "module"))
    if scope and right is not Right.UNKNOWN and not speaks_of_rights:
        return scope_missing(need, words, problem.message)  # module and right are there, so that only the token is left
    return problem.message, problem.hint


def scope_missing(need: Need, words: LedgerWords, said: str) -> tuple[str, str]:
    """A sentence and a hint for a token that was not granted enough."""
    return (
        f"The token lacks the scope {need.scope(words)}, so it may not {need.operation}. {said}",
        "Log in again with `bexsync auth login` and allow it, or get a personal access token, which has all scopes.",
    )


def right_missing(need: Need, right: Right, inspection: Inspection, said: str) -> tuple[str, str]:
    """A sentence and a hint for a module that is not booked, or a user who may not use it."""
    words = inspection.master.words
    if right is Right.NOT_BOOKED:
        return (
            f"The company has not booked the module for {need.module}, so nobody may {need.operation}. {said}",
            f"An administrator books it in {words.name} ({words.modules_place}).",
        )
    user = inspection.master.me.mail or inspection.master.me.name or "The token's user"
    return (
        f"{user} has no right in {words.name} to {need.operation}. {said}",
        f"An administrator gives it in {words.name} ({words.rights_place}).",
    )
