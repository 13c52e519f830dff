"""The two sides bexsync stands between, written as contracts.

shop      where sales come from; it hands over records and takes reports
ledger    bexio, later Xero: one company in it
intake    one record as it came from the shop, with its origin
origin    what the shop calls the place a record came from: a file's name for the folder shop
event     something that happened to a record, reported back to the shop at least once
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bexsync.records import Record


@dataclass(frozen=True)
class Intake:
    """One record as the shop has it now; `origin` and `place` say where a person finds it."""

    kind: str
    record: Record
    origin: str
    place: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A piece of input that is no record: one sentence that names what is wrong and what to do."""

    origin: str
    place: str
    message: str
    hint: str
    kind: str = ""
    shop_id: str = ""


class OriginState(StrEnum):
    """What has become of all records of one origin together."""

    OPEN = "open"
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class OriginReport:
    """The state of one origin and, where something failed for good, a sentence per record."""

    origin: str
    state: OriginState
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something the shop is told; repeated after a crash with the same `event_id`, so the shop can drop repeats.

    `name` is one of: linked, updated, issued, sent, paid, partly_paid, reopened, credited, cancelled,
    deleted, changed_in_ledger. `data` holds strings: number, url, status, total, paid_amount,
    paid_date, currency, message (those that apply).
    """

    event_id: str
    at: datetime
    name: str
    kind: str
    shop_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusRow:
    """What the shop's status list says of one record; amounts are decimal strings, "" is unknown."""

    shop_id: str
    number: str = ""
    status: str = ""
    url: str = ""
    paid_amount: str = ""
    paid_date: str = ""
    error: str = ""


class Shop(Protocol):
    """Where sales come from.

    All writes are set operations or carry an id, so that repeating one after a crash is harmless.
    Methods raise ConfigurationProblem when the shop cannot be used at all, and TryLater when time mends it.
    """

    def take_in(self, *, claim: bool) -> Iterator[Intake | Unreadable]:
        """Everything that is new or still open, oldest first; with `claim=False` nothing is moved or written."""
        ...

    def deliver(self, event: Event) -> None:
        """Tell the shop of one event, durably before returning."""
        ...

    def publish(self, rows: Sequence[StatusRow]) -> None:
        """Replace the shop's status list as a whole; unchanged rows cause no write."""
        ...

    def tidy(self, reports: Sequence[OriginReport]) -> None:
        """Put away the origins that are done or given up; open ones stay where they are."""
        ...
