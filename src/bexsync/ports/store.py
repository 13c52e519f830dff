"""The state: what a store must give, and its rows: records, links, the journal of effects, contacts, errors, runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bexsync.errors import StateProblem
from bexsync.ids import LedgerId

if TYPE_CHECKING:
    from bexsync.records import Record

T = TypeVar("T")
V = TypeVar("V")

# The code of what is to be done by hand; it is kept with the errors, but it is none.
WORKLIST = "credit_note"
# The code where a document of the ledger belongs to the link of another record.
DOCUMENT_TAKEN = "document_taken"


def parse_stored(parse: Callable[[V], T], value: V) -> T:
    """Return what `parse` makes of a stored value; raises StateProblem where it is damaged."""
    try:
        return parse(value)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as problem:
        raise StateProblem(
            "The state is damaged: a value in it cannot be read.",
            "Move it away and restore a copy. "
            "Without one bexsync starts empty and finds its invoices in the ledger again.",
        ) from problem


def stored_object(text: str) -> dict[str, Any]:
    """Return an object that was stored as JSON; raises StateProblem where it is damaged."""
    return parse_stored(_object, text)


def stored_objects(*texts: str) -> tuple[dict[str, Any], ...]:
    """Return the objects of one row that were stored as JSON; raises StateProblem where one is damaged."""
    return tuple(parse_stored(_object, text) for text in texts)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


class Row(Protocol):
    """One row, whose values are taken by the name of their column, or in the order of the columns."""

    def __getitem__(self, name: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class Answer(Protocol):
    """What a statement came to."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The first row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Every row."""
        ...


class Transaction(Protocol):
    """A transaction that has begun; values stand in its statements as `?`, or as `:name`."""

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = (), /) -> Answer:
        """Run one statement."""
        ...

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> Answer:
        """Run one statement for each of these values."""
        ...


class Database(Protocol):
    """The tables of one company; every change is one immediate transaction, durable when it ends."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """All or nothing; raises TryLater on a full disk or a lock that stays. One inside another belongs to it."""
        ...

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Every row of a question."""
        ...

    def stream(self, sql: str, *values: object) -> Iterator[Any]:
        """The rows of a question one by one; the tables asked must not be written meanwhile."""
        ...

    def row(self, sql: str, *values: object) -> Any:
        """The first row of a question, or None."""
        ...

    def is_held(self, lock: str) -> bool:
        """Whether a process still holds the lock of a run; "" is the lock of no run."""
        ...

    def rehearsal(self) -> AbstractContextManager[Database]:
        """The same tables for a run that may do everything and leaves nothing behind.

        It shows what others commit meanwhile, but for the tables that it writes: those it shows as they were when it
        first wrote to them, with what it has written. It never writes the real tables, keeps no other process from
        writing them, and has no transaction open between two statements. It costs what it writes, not what there is.
        """
        ...

    def compact(self) -> None:
        """Give the space of what was deleted back."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Locks(Protocol):
    """The locks of one site on one company; each is released when its holder's process ends, however it ends."""

    stopping: Callable[[], bool]

    def job(self, job: str) -> AbstractContextManager[None]:
        """Held for a whole run; raises Busy at once when the same job of the same site is running."""
        ...

    def run(self, job: str) -> AbstractContextManager[str]:
        """A lock of its own for one run, by which others tell that it is alive; its name."""
        ...

    def taking_in(self) -> AbstractContextManager[None]:
        """Held while the shop's records are taken in, by one job of the site at a time; waited for."""
        ...

    def publishing(self) -> AbstractContextManager[None]:
        """Held while the shop's status list is written, by one job of the site at a time; waited for."""
        ...

    def company(self) -> AbstractContextManager[None]:
        """Held while writing to the ledger, by one process at a time; those that wait get it in order of arrival.

        Its holder may take it once more.
        """
        ...

    def is_wanted(self) -> bool:
        """Whether another process waits for the company's lock, which gets it before its holder gets it again.

        It may say yes too often, after a process that waited was killed, and never too rarely.
        """
        ...


class Upkeep(Protocol):
    """What a person does with the state of a company as a whole."""

    def open(self) -> Database:
        """The state with this program's schema; raises Busy where it must be upgraded and a run goes on."""
        ...

    def copy_for(self, now: datetime) -> Path:
        """Where a copy goes when nobody names a place."""
        ...

    def backup(self, target: Path) -> None:
        """Write a whole, consistent copy; raises ConfigurationProblem where the target exists."""
        ...

    def check_copy(self, source: Path) -> None:
        """Raises ConfigurationProblem or StateProblem where the file is no whole copy of this company's state."""
        ...

    def restore(self, source: Path, now: datetime) -> Path:
        """Put a copy in the place of the state; where the state before is kept."""
        ...

    def old_copies(self, before: datetime) -> list[Path]:
        """The copies that were written before a moment."""
        ...


class RecordState(StrEnum):
    """OPEN wants work; DONE agrees with the ledger; IGNORED is not ours to book; GIVEN_UP a person let go of."""

    OPEN = "open"
    DONE = "done"
    IGNORED = "ignored"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class RecordRow:
    """One record of the shop as it was last taken in, with where it came from."""

    kind: str
    shop_id: str
    fingerprint: str
    body: str
    source: str
    location: str
    state: RecordState
    reason: str
    taken_at: str

    def record(self) -> Record:
        """The canonical record."""
        from bexsync.records import Reading, read_record  # models take long to make; a run without news reads none

        reading = Reading(is_stored=True)
        return parse_stored(
            lambda body: read_record(self.kind, json.loads(body, parse_float=Decimal), reading), self.body
        )

    def canonical(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return stored_object(self.body)


@dataclass(frozen=True)
class LinkedDocument:
    """One more record of the ledger that a link holds, such as the order and the deliveries of an invoice."""

    role: str
    ledger_kind: str
    ledger_id: LedgerId
    number: str = ""
    url: str = ""


@dataclass(frozen=True)
class Link:
    """Which shop record is which ledger record.

    `agreed` is the shop record as it was last written to the ledger ({} when unknown), `state` what the ledger
    last said of the document, `reported` the part of it that the shop was last told, `events` how many
    events the shop was told of, `notes` what only bexsync cares for. `is_open` says whether the ledger may
    still move it by itself. `documents` are those of the ledger besides the one that all this is about; a document
    belongs to one link.
    """

    kind: str
    shop_id: str
    ledger_kind: str
    ledger_id: LedgerId
    number: str
    url: str
    fingerprint: str = ""
    agreed: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    reported: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    events: int = 0
    is_open: bool = True
    adopted: bool = False
    linked_at: str = ""
    checked_at: str = ""
    documents: tuple[LinkedDocument, ...] = ()


class IntentState(StrEnum):
    """How far an effect has come; docs/design.md draws the transitions."""

    PLANNED = "planned"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    HELD = "held"
    REJECTED = "rejected"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Intent:
    """One row of the journal; `payload` is what was sent, with references already resolved.

    Once it is done, payload, expectation and link draft are no longer kept. `schema` is the version of the form in
    which a step of this kind is written.
    """

    scope: str
    kind: str
    key: str
    state: IntentState
    payload_hash: str
    payload: Mapping[str, Any]
    expect: Mapping[str, str]
    subject_kind: str
    subject_id: str
    site: str
    job: str
    attempt: int = 0
    owner: str = ""
    sent_at: datetime | None = None
    not_before: datetime | None = None
    ledger_id: LedgerId | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    link: Mapping[str, Any] = field(default_factory=dict)
    schema: int = 1


@dataclass(frozen=True)
class Attempt:
    """One attempt at a step: when, by which run, and what came of it; rows are only added."""

    scope: str
    kind: str
    key: str
    at: datetime
    run: int | None
    outcome: str
    reason: str
    payload_hash: str


class DocumentEvent(StrEnum):
    """What was done with a document."""

    FINISHED = "finished"
    ADOPTED = "adopted"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """An address in the parts in which the ledger keeps it; "" and None are unknown."""

    street: str = ""
    house_number: str = ""
    addition: str = ""
    postcode: str = ""
    city: str = ""
    country_id: LedgerId | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names no place; a country alone is none."""
        return not (self.street or self.postcode or self.city)


@dataclass(frozen=True)
class ContactRow:
    """A contact of the ledger, as far as matching and comparing need it; mails are case-folded.

    `written` is what bexsync last wrote there, in the names of a contact's form; {} where somebody else made it.
    """

    ledger_id: LedgerId
    kind: str
    name_1: str
    name_2: str
    mail: str
    mail_second: str
    archived: bool
    updated_at: str
    nr: str = ""
    address: PostalAddress = field(default_factory=PostalAddress)
    language_id: LedgerId | None = None
    phone: str = ""
    phone_mobile: str = ""
    user_id: LedgerId | None = None
    owner_id: LedgerId | None = None
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def postcode(self) -> str:
        """The postal code of its address."""
        return self.address.postcode


@dataclass(frozen=True)
class ErrorRow:
    """One open or past error of one record."""

    id: int
    job: str
    kind: str
    shop_id: str
    code: str
    cause: str
    message: str
    hint: str
    said: str
    first_at: str
    last_at: str
    times: int
    acknowledged_at: str | None
    resolved_at: str | None


class RunState(StrEnum):
    """RUNNING holds its lock; KILLED holds it no more and did not come to its end."""

    RUNNING = "running"
    KILLED = "killed"
    ENDED = "ended"


@dataclass(frozen=True)
class RunRow:
    """One execution of a job."""

    id: int
    job: str
    started_at: str
    ended_at: str | None
    exit_code: int | None
    counts: str
    requests: int
    message: str
    state: RunState
