"""Documents, payments and items as the ledger shows them, and what came of an effect on one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bexsync.ids import LedgerId


class DocumentStatus(StrEnum):
    """How a document stands in the ledger."""

    DRAFT = "draft"
    ISSUED = "issued"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CANCELLED = "cancelled"
    UNPAID = "unpaid"
    DELETED = "deleted"


@dataclass(frozen=True)
class DocumentState:
    """A document as the ledger shows it now; amounts are decimals in the document's currency.

    `shared` says that the customer has a link to it; `positions` is None where the answer did not show them, and
    `content`, a digest of header and positions for comparing, is "" there; so is `address`, the addressee's name and
    address.
    """

    ledger_id: LedgerId
    number: str
    url: str
    reference: str
    standing: DocumentStatus
    total: Decimal
    received: Decimal
    credited: Decimal
    remaining: Decimal
    shared: bool
    contact_id: LedgerId | None
    currency_id: LedgerId | None
    due_date: str
    updated_at: str
    positions: int | None = None
    texts: tuple[str, ...] = ()
    day: str = ""
    content: str = ""
    address: str = ""

    @property
    def position_count(self) -> int | None:
        """How many positions it has, None where they were not shown."""
        return self.positions

    @property
    def names_the_addressee(self) -> bool:
        """Whether a person has not yet taken over whom it is addressed to."""
        return self.standing is DocumentStatus.DRAFT


@dataclass(frozen=True)
class Payment:
    """One payment that the ledger shows; `day` is YYYY-MM-DD."""

    ledger_id: LedgerId
    value: Decimal
    day: str
    bank_account_id: LedgerId | None = None


class OrderStatus(StrEnum):
    """How an order stands in the ledger."""

    PENDING = "pending"
    PARTIAL = "partial"
    DONE = "done"
    CANCELLED = "cancelled"
    DELETED = "deleted"


@dataclass(frozen=True)
class OrderPositionState:
    """One position of an order: how much was ordered, and how much is open or was completed; None where not shown."""

    type: str
    quantity: Decimal | None
    open: Decimal | None
    completed: Decimal | None


@dataclass(frozen=True)
class OrderState:
    """An order as the ledger shows it now; `content` is a digest for comparing, "" where positions were not shown."""

    ledger_id: LedgerId
    number: str
    url: str
    reference: str
    standing: OrderStatus
    total: Decimal
    contact_id: LedgerId | None
    currency_id: LedgerId | None
    day: str
    updated_at: str
    title: str = ""
    content: str = ""
    positions: tuple[OrderPositionState, ...] | None = None
    address: str = ""

    @property
    def position_count(self) -> int | None:
        """How many positions it has, None where they were not shown."""
        return None if self.positions is None else len(self.positions)

    @property
    def names_the_addressee(self) -> bool:
        """Whether a person has not yet taken over whom it is addressed to."""
        return self.standing is OrderStatus.PENDING


@dataclass(frozen=True)
class DeliveryState:
    """A delivery as the ledger shows it; `is_issued` says that its stock is booked."""

    ledger_id: LedgerId
    number: str
    url: str
    contact_id: LedgerId | None
    is_issued: bool
    is_cancelled: bool
    day: str
    updated_at: str = ""


@dataclass(frozen=True)
class BookedLine:
    """What a position is booked on; None where the ledger does not show it."""

    account_id: LedgerId | None
    tax_id: LedgerId | None


@dataclass(frozen=True)
class EffectResult:
    """What an effect came to: the ledger's id, number and deep link.

    `state` is the document where the answer showed it, `seen` the part of a link's state that follows from
    the effect where it did not.
    """

    ledger_id: LedgerId | None = None
    number: str = ""
    url: str = ""
    state: DocumentState | OrderState | None = None
    seen: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LookupResult:
    """What a look for an effect in doubt found: it, nothing, or something only a person can judge."""

    done: EffectResult | None = None
    conflict: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there is no trace of the effect."""
        return self.done is None and not self.conflict


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the ledger; texts are plain, `weight` is in grams, None is unset.

    `price` has no net or gross of its own: the profile says which. `stock` is what lies there, `available` what of it
    nobody has reserved; both are None where the ledger does not track it.
    """

    ledger_id: LedgerId
    code: str
    title: str
    description: str
    price: Decimal | None
    weight: Decimal | None
    currency_id: LedgerId | None
    tax_id: LedgerId | None
    unit_id: LedgerId | None
    physical: bool
    stock: Decimal | None
    available: Decimal | None
