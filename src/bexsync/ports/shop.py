"""The shop as bexsync sees it: the records it hands over, and what is written back to it.

source    what records come from together: a file of the folder shop, the list of orders of a web shop
location  where in its source a record stands: `record 3`, `row 17`
cursor    how far the shop was read, as a text that only the shop understands
event     something that happened to a record, reported to the shop at least once
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # models, which take long to make
    from bexsync.records import Record


class WriteBack(StrEnum):
    """What can be written back to a shop."""

    EVENTS = "events"
    STATUS_LIST = "status_list"
    PRODUCT_FIELDS = "product_fields"
    STOCK = "stock"


@dataclass(frozen=True)
class Capabilities:
    """What a shop hands over and takes back.

    `changes` names the kinds of records of which only what is new or changed is handed over, and stored; `lists` those
    that it hands over as whole lists, which are read through and not stored. `statuses` are those a record may have,
    `order_statuses` those of orders, as far as the shop can list them.
    A shop that lists products takes their fields and their stock; one that compares stock refuses a number for a
    product whose stock has changed meanwhile. A shop with sources is told when all records of one have been dealt with.
    """

    changes: frozenset[str]
    lists: frozenset[str] = frozenset()
    write_backs: frozenset[WriteBack] = frozenset()
    statuses: frozenset[str] = frozenset()
    has_sources: bool = False
    compares_stock: bool = False
    order_statuses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class IncomingRecord:
    """One record as the shop has it now; `source` and `location` say where a person finds it.

    From the texts in `cleaned` something that nobody sees was removed.
    """

    kind: str
    record: Record
    source: str
    location: str = ""
    cleaned: tuple[str, ...] = ()


@dataclass(frozen=True)
class InvalidInput:
    """A piece of input that is no record: one sentence that names what is wrong and what to do."""

    source: str
    location: str
    message: str
    hint: str
    kind: str = ""
    shop_id: str = ""


class LeftoverState(StrEnum):
    """Whether something that is not handed over takes care of itself, is worth a word, or needs a person."""

    PASSING = "passing"
    NAMED = "named"
    WRONG = "wrong"


@dataclass(frozen=True)
class Leftover:
    """Something at the shop that is not handed over; `source` names it the same in every run, `message` has no stop."""

    source: str
    message: str
    hint: str
    state: LeftoverState = LeftoverState.WRONG

    @property
    def sentence(self) -> str:
        """What is the matter and what to do about it."""
        return f"{self.message}. {self.hint}"


@dataclass(frozen=True)
class ImportNote:
    """How a source was understood where that had to be found out: part of a sentence, and the same as data."""

    source: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Incoming = IncomingRecord | InvalidInput | ImportNote


@dataclass(frozen=True)
class Batch:
    """What is stored in one transaction, together with the cursor from which the shop continues.

    A shop that keeps its place by itself has no cursor.
    """

    items: Sequence[Incoming]
    cursor: str = ""


class SourceState(StrEnum):
    """What has become of all records of one source together."""

    OPEN = "open"
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class SourceReport:
    """The state of one source; where something failed for good, a sentence per record, and how it was understood."""

    source: str
    state: SourceState
    sentences: tuple[str, ...] = ()
    understood: str = ""


@dataclass(frozen=True)
class Event:
    """Something reported to the shop; repeated after a crash with the same `event_id`, so the shop can drop repeats.

    `name` is one of: linked, updated, issued, sent, paid, partly_paid, reopened, credited, cancelled,
    deleted, changed_in_ledger, and of orders status. `data` holds strings: number, url, status, total, paid_amount,
    paid_date, currency, message (those that apply). An event `status` asks for the order to be given `status` where it
    still has the status `expected`; of orders no other event has a status.
    """

    event_id: str
    at: datetime
    name: str
    kind: str
    shop_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusRow:
    """One record in the shop's status list; amounts are decimal strings, "" is unknown.

    `error` also says why a record is left alone; `kind` tells orders from invoices, which may have the same id.
    """

    shop_id: str
    number: str = ""
    status: str = ""
    url: str = ""
    paid_amount: str = ""
    paid_date: str = ""
    error: str = ""
    kind: str = "invoice"


@dataclass(frozen=True)
class ShopOverview:
    """Where a shop is, and how many records or files wait there to be taken in."""

    location: str
    waiting: int


@dataclass(frozen=True, slots=True)
class ProductChange:
    """What the shop's product should say from now on; values are decimal strings or texts.

    `fields` holds those of title, description, weight (grams), price (net or gross as the shop's product is) that are
    to change, and whenever it is known `ledger_id`, `ledger_code` and `url` of the item.
    """

    shop_id: str
    sku: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StockChange:
    """The stock a shop's product should have; `expected` is what the shop said before, None if it said nothing.

    A shop that can compare and set writes only where its number still is `expected`, so that no sale is lost.
    """

    shop_id: str
    sku: str
    stock: Decimal
    expected: Decimal | None


class Catalog(Protocol):
    """The products side of a shop: whole lists as they are now, and what the ledger says back.

    Reading raises ConfigurationProblem where there is no list, or it cannot be used at all, and TryLater when time
    mends it. Writes are set operations: repeating one after a crash is harmless.
    """

    def products(self) -> Iterator[Incoming]:
        """Every product of the shop, one record per sellable variant, with its stock where the shop says it."""
        ...

    def tax_rates(self) -> Iterator[Incoming]:
        """Every tax rate of the shop; none where the shop lists none."""
        ...

    def change_products(self, changes: Sequence[ProductChange]) -> None:
        """Tell the shop what its products should say, durably before returning; each replaces what was told before."""
        ...

    def change_stock(self, changes: Sequence[StockChange]) -> Sequence[StockChange]:
        """Tell the shop what stock its products should have; gives back those whose stock was not `expected`."""
        ...


class Shop(Protocol):
    """Where sales come from.

    All writes are set operations or carry an id, so that repeating one after a crash is harmless. Events and a status
    list that are not among the capabilities are never asked for. A class that inherits this one defines what its shop
    has. Methods raise ConfigurationProblem when the shop cannot be used at all, and TryLater when time mends it.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this shop hands over and takes back."""
        ...

    def changes(self, cursor: str, *, claim: bool) -> Iterator[Batch]:
        """What is new or changed since `cursor` ("" at first), oldest first; with `claim=False` the shop is only read.

        The same record may come again; it counts as changed only where its content differs. Each cursor is stored with
        its batch, so that a run which ends in between loses nothing. A shop without a cursor hands over again what it
        was not told to put away.
        """
        ...

    def acknowledge(self, cursor: str) -> None:
        """Note that everything up to `cursor` is stored.

        A run that ends before this call does not repeat it: `changes` with that cursor says the same.
        """
        ...

    def left_behind(self) -> Sequence[Leftover]:
        """Everything that waits at the shop and is not handed over now, with the reason."""
        return ()

    def examine(self) -> ShopOverview:
        """Check that the shop can be read and written; changes nothing."""
        ...

    def deliver(self, event: Event) -> None:
        """Tell the shop of one event, durably before returning."""

    def publish(self, rows: Iterable[StatusRow]) -> None:
        """Replace the shop's status list as a whole, row by row as they come; unchanged rows cause no write."""

    def has_status_list(self) -> bool:
        """Whether the list that was published last is still there; else it is published again."""
        return True

    def archive(self, reports: Sequence[SourceReport]) -> Sequence[str]:
        """Put away the sources that are done or given up; open ones stay where they are.

        A source that was added to since it was handed over stays as well, and is named in the answer.
        """
        del reports
        return ()
