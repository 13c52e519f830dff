"""The ledger as bexsync sees it: one company, what can be read of it, and the effects on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bexsync.errors import BexsyncError
from bexsync.ids import LedgerId
from bexsync.ports.document_effects import FinishingEffect
from bexsync.ports.documents import (
    BookedLine,
    DeliveryState,
    DocumentState,
    EffectResult,
    Item,
    LookupResult,
    OrderState,
    Payment,
)
from bexsync.ports.master_data import MasterData
from bexsync.ports.steps import Effect, Step, WasDone
from bexsync.ports.wanted import Want, Wanted
from bexsync.ports.wanted_orders import OrderWant


class Right(StrEnum):
    """How a right of the token's user stands in the ledger."""

    GRANTED = "granted"
    OWN_ONLY = "own only"
    MISSING = "missing"
    NOT_BOOKED = "not booked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Inspection:
    """The ledger as it is at this moment: what could not be read is empty, and the reason stands in `problems`.

    `rights` are by the scope they go with; `drafts` carry the reference asked for.
    """

    master: MasterData
    problems: Mapping[str, BexsyncError] = field(default_factory=dict)
    rights: Mapping[str, Right] = field(default_factory=dict)
    drafts: tuple[DocumentState, ...] = ()


class Ledger(Protocol):
    """One company in the ledger.

    Reads may be repeated and raise TryLater, LoginNeeded or NotPermitted. `perform` raises NotSent (provably
    without effect), Refused (the ledger said no), Changed (somebody else worked on it) or Unanswered (nobody knows).
    """

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        ...

    @property
    def setbacks(self) -> int:
        """How many requests so far were refused for their number, or not answered as they should be."""
        ...

    @property
    def was_limited(self) -> bool:
        """Whether in the last minute a request had to wait since there had been too many."""
        ...

    @property
    def most_in_flight(self) -> int:
        """How many requests it takes at the same time."""
        ...

    @property
    def learned_facts(self) -> int:
        """Grows whenever something was learned about the ledger that may change a plan."""
        ...

    @property
    def send_issues(self) -> bool:
        """Whether sending a draft issues it as well, so that issuing first is not needed."""
        ...

    @property
    def negative_prices(self) -> bool:
        """Whether a position may have a negative price, as deductions do."""
        ...

    @property
    def gross_orders(self) -> bool:
        """Whether an order may have prices that include VAT."""
        ...

    def master(self, *, bank_accounts: bool = False) -> MasterData:
        """Master data, cached for a day; `bank_accounts` asks for those where this login may see them."""
        ...

    def forget_master_data(self) -> None:
        """Reads master data anew next time, because the ledger refused something that came from it."""
        ...

    def refresh_master_data(self) -> None:
        """Reads master data anew unless that was done just now, because something was not found in it."""
        ...

    def refresh_contacts(self) -> None:
        """Brings the contact index of the store up to date."""
        ...

    def find_documents(self, references: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The documents that carry exactly these references."""
        ...

    def documents_numbered(self, numbers: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The documents that have exactly these numbers."""
        ...

    def documents(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, DocumentState]:
        """The documents with these ids; one that is missing in the answer no longer exists."""
        ...

    def documents_changed_since(self, moment: datetime | None) -> Iterator[DocumentState]:
        """Every document that changed at or after a moment, all of them for None."""
        ...

    def document(self, ledger_id: LedgerId) -> DocumentState | None:
        """One document with its positions, None when it no longer exists."""
        ...

    def payments_of(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, Sequence[Payment]]:
        """The payments of several documents."""
        ...

    def payments(self, ledger_id: LedgerId) -> Sequence[Payment]:
        """The payments of a document."""
        ...

    def orders(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, OrderState]:
        """The orders with these ids; one that is missing in the answer no longer exists."""
        ...

    def order(self, ledger_id: LedgerId) -> OrderState | None:
        """One order with its positions, None when it no longer exists."""
        ...

    def orders_above(self, ledger_id: LedgerId) -> Iterator[OrderState]:
        """Every order that is newer than the one with this id."""
        ...

    def orders_changed_since(self, moment: datetime | None) -> Iterator[OrderState]:
        """Every order that changed at or after a moment, all of them for None."""
        ...

    def deliveries(self) -> Iterator[DeliveryState]:
        """Every delivery, page by page (2000 a request)."""
        ...

    def delivery(self, ledger_id: LedgerId) -> DeliveryState | None:
        """One delivery, None when it no longer exists."""
        ...

    def inspect(self, reference: str) -> Inspection:
        """Master data asked for anew, part by part, with rights and the documents that carry a reference."""
        ...

    def documents_with(self, reference: str) -> Sequence[DocumentState]:
        """The documents that carry exactly this reference, by a plain search."""
        ...

    def booked_lines(self, ledger_id: LedgerId) -> Sequence[BookedLine]:
        """What the priced positions of a document are booked on."""
        ...

    def contact_url(self, ledger_id: LedgerId) -> str:
        """The deep link of a contact."""
        ...

    def experiment(self, document: DocumentState, mail: str, negative_price: bool | None) -> Mapping[str, bool]:
        """Tries on a document and a contact of ours what nobody says about the ledger, and keeps what it learned.

        `negative_price` says what became of a position with one, None where none was sent.
        """
        ...

    def items(self) -> Iterator[Item]:
        """Every item, page by page (2000 a request)."""
        ...

    def item(self, ledger_id: LedgerId) -> Item | None:
        """One item as it is now, None when it no longer exists."""
        ...

    def find_items(self, code: str) -> Sequence[Item]:
        """The items with exactly this code; codes need not be unique in the ledger."""
        ...

    def item_url(self, ledger_id: LedgerId) -> str:
        """The deep link of an item."""
        ...

    @property
    def effects(self) -> Sequence[type[Effect]]:
        """The effects that it can perform, for the journal to read back."""
        ...

    def steps(self, wanted: Wanted[Want | OrderWant], was_done: WasDone) -> tuple[Step, ...]:
        """The steps that make what is wanted for a record, in order; pure.

        `was_done` tells of steps on contacts, which all sites share.
        """
        ...

    def changed(self, effect: FinishingEffect) -> str:
        """Say why the document of an issue or a mail is not what `effect` was planned for, "" where it is."""
        ...

    def prepare(self, effect: Effect) -> Effect:
        """The effect with what must be known of the time before it, such as the highest id; reads only."""
        ...

    def looks_first(self, effect: Effect) -> bool:
        """Whether `prepare` makes requests for such an effect."""
        ...

    def is_proved(self, effect: Effect) -> bool:
        """Whether all is known that the effect rests on; else it is sent alone."""
        ...

    def perform(self, effect: Effect) -> EffectResult:
        """One effect, with every reference resolved."""
        ...

    def find(self, effect: Effect) -> LookupResult:
        """Looks for an effect whose outcome is unknown; reads only."""
        ...
