"""What came of a run: outcomes, counts and totals, from which text, JSON and exit code are derived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bexsync.errors import Exit
from bexsync.ids import LedgerId

# Of one kind of trouble so many are kept; the rest is only counted.
MOST_KEPT = 1000


class Status(StrEnum):
    """How one record fared; BY_HAND is for a person to do in the ledger, and no failure."""

    DONE = "done"
    PLANNED = "planned"
    IGNORED = "ignored"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    FAILED = "failed"
    HELD = "held"
    IN_DOUBT = "in_doubt"
    OPEN = "open"
    BY_HAND = "by_hand"


_WELL = frozenset({Status.BY_HAND, Status.DONE, Status.PLANNED, Status.IGNORED, Status.UNCHANGED})
_LATER = frozenset({Status.IN_DOUBT, Status.OPEN})
_TROUBLES = frozenset({Status.BLOCKED, Status.FAILED, Status.HELD, Status.IN_DOUBT})


@dataclass(frozen=True)
class StepOutcome:
    """One step of a record: what it does, what became of it or is planned, and the most that it costs."""

    step: str
    title: str
    status: str
    requests: int = 0
    mails: int = 0
    said: str = ""


@dataclass(frozen=True)
class Outcome:
    """One record of the run; `code`, `reason` and `hint` say why when it did not go well.

    `passing` marks a trouble that no later run meets again, such as a file that was put away; `customer` and
    `amount` are those of the shop's record, `steps` those of a record that has several.
    """

    kind: str
    action: str
    shop_id: str
    status: Status
    ledger_id: LedgerId | None = None
    number: str = ""
    url: str = ""
    reason: str = ""
    hint: str = ""
    code: str = ""
    said: str = ""
    subject: str = ""
    passing: bool = False
    customer: str = ""
    amount: str = ""
    currency: str = ""
    steps: tuple[StepOutcome, ...] = ()

    @property
    def is_trouble(self) -> bool:
        """Whether it did not go well."""
        return self.status in _TROUBLES

    @property
    def needs_a_word(self) -> bool:
        """Whether a person has to hear of it: it did not go well, or is to be done by hand."""
        return self.is_trouble or self.status is Status.BY_HAND

    @property
    def is_left_alone(self) -> bool:
        """Whether the record is not ours to book; one that rests because a person said so has a code."""
        return self.status is Status.IGNORED and bool(self.reason) and not self.code


@dataclass
class Result:
    """Everything a command has to say, before anybody decided how to show it.

    `unlisted` counts records that have no line of their own: they fared well, or are too many of one kind, which
    `unlisted_troubles` counts by code. `remarks` are sentences about the whole for whoever asked for them,
    `mentions` are sentences by a lasting key that reach cron's mail as well, and a `verdict` stands over what the
    outcomes would come to.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    totals: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    requests: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    later: str = ""
    disabled: bool = False
    unlisted: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    mentions: dict[str, str] = field(default_factory=dict)
    verdict: Exit | None = None
    unlisted_troubles: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many records fared how."""
        return Counter(outcome.status.value for outcome in self.outcomes) + self.unlisted

    @property
    def exit_code(self) -> Exit:
        """What the shell is told: a person is needed before time is."""
        if self.verdict is not None:
            return self.verdict
        statuses = {outcome.status for outcome in self.outcomes}
        if statuses - _WELL - _LATER:
            return Exit.SOME_FAILED
        if self.later or statuses & _LATER:
            return Exit.TRY_LATER
        return Exit.OK

    def add_money(self, currency: str, name: str, amount: Decimal) -> None:
        """Adds an amount to the totals of a currency."""
        of_currency = self.totals.setdefault(currency, {})
        of_currency[name] = of_currency.get(name, Decimal(0)) + amount
