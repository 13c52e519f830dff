"""The ledger as bexsync sees it: one company's master data, contacts, documents and items, and the effects on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from bexsync.errors import BexsyncError
from bexsync.vat import Tax


class DocumentStatus(StrEnum):
    """How a document stands in the ledger (bexio contract 6.5)."""

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

    ledger_id: int
    number: str
    url: str
    reference: str
    standing: DocumentStatus
    total: Decimal
    received: Decimal
    credited: Decimal
    remaining: Decimal
    shared: bool
    contact_id: int | None
    currency_id: int | None
    due_date: str
    updated_at: str
    positions: int | None = None
    texts: tuple[str, ...] = ()
    day: str = ""
    content: str = ""
    address: str = ""


@dataclass(frozen=True)
class Payment:
    """One payment that the ledger shows; `day` is YYYY-MM-DD."""

    ledger_id: int
    value: Decimal
    day: str


@dataclass(frozen=True)
class Account:
    """A ledger account; `tax_id` is the tax that belongs to it, if any."""

    id: int
    number: str
    name: str
    tax_id: int | None
    active: bool
    is_income: bool
    is_expense: bool = False


@dataclass(frozen=True)
class Currency:
    """A currency; totals are rounded to multiples of `round_to`."""

    id: int
    code: str
    round_to: Decimal


@dataclass(frozen=True)
class User:
    """A user of the ledger."""

    id: int
    mail: str
    name: str


@dataclass(frozen=True)
class Named:
    """A row of master data that is known by its name or code."""

    id: int
    name: str


@dataclass(frozen=True)
class Country(Named):
    """A country: `name` is its ISO code, `title` what stands on a letter."""

    title: str = ""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """An address in the parts in which the ledger keeps it; "" and None are unknown."""

    street: str = ""
    house_number: str = ""
    addition: str = ""
    postcode: str = ""
    city: str = ""
    country_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names no place; a country alone is none."""
        return not (self.street or self.postcode or self.city)


@dataclass(frozen=True)
class BankAccount:
    """A bank account of the company."""

    id: int
    iban: str
    currency_id: int | None = None


@dataclass(frozen=True)
class VatYear:
    """Whether the company is subject to VAT in a business year, and which sales tax it takes by default."""

    start: date
    end: date
    subject: bool
    default_tax_id: int | None


@dataclass(frozen=True)
class MasterData:
    """The ledger's master data, at most a day old."""

    company: str
    me: User
    users: tuple[User, ...]
    accounts: tuple[Account, ...]
    taxes: tuple[Tax, ...]
    currencies: tuple[Currency, ...]
    languages: tuple[Named, ...]
    countries: tuple[Country, ...]
    units: tuple[Named, ...]
    salutations: tuple[Named, ...]
    contact_groups: tuple[Named, ...]
    bank_accounts: tuple[BankAccount, ...]
    templates: tuple[str, ...]
    vat_years: tuple[VatYear, ...]
    automatic_numbering: bool


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


@dataclass(frozen=True)
class BookedLine:
    """What a position is booked on; None where the ledger does not show it."""

    account_id: int | None
    tax_id: int | None


@dataclass(frozen=True)
class EffectResult:
    """What an effect came to: the ledger's id, number and deep link.

    `state` is the document where the answer showed it, `seen` the part of a link's state that follows from
    the effect where it did not.
    """

    ledger_id: int | None = None
    number: str = ""
    url: str = ""
    state: DocumentState | None = None
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
    """An item of the ledger (bexio contract 4); texts are plain, `weight` is in grams, None is unset.

    `price` has no net or gross of its own: the profile says which. `stock` is what lies there, `available` what of it
    nobody has reserved; both are None where the ledger does not track it.
    """

    ledger_id: int
    code: str
    title: str
    description: str
    price: Decimal | None
    weight: Decimal | None
    currency_id: int | None
    tax_id: int | None
    unit_id: int | None
    physical: bool
    stock: Decimal | None
    available: Decimal | None


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

    def documents(self, ledger_ids: Sequence[int]) -> dict[int, DocumentState]:
        """The documents with these ids; one that is missing in the answer no longer exists."""
        ...

    def documents_changed_since(self, moment: datetime | None) -> Iterator[DocumentState]:
        """Every document that changed at or after a moment, all of them for None."""
        ...

    def document(self, ledger_id: int) -> DocumentState | None:
        """One document with its positions, None when it no longer exists."""
        ...

    def payments(self, ledger_id: int) -> Sequence[Payment]:
        """The payments of a document."""
        ...

    def inspect(self, reference: str) -> Inspection:
        """Master data asked for anew, part by part, with rights and the documents that carry a reference."""
        ...

    def documents_with(self, reference: str) -> Sequence[DocumentState]:
        """The documents that carry exactly this reference, by a plain search."""
        ...

    def booked_lines(self, ledger_id: int) -> Sequence[BookedLine]:
        """What the priced positions of a document are booked on."""
        ...

    def contact_url(self, ledger_id: int) -> str:
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

    def item(self, ledger_id: int) -> Item | None:
        """One item as it is now, None when it no longer exists."""
        ...

    def find_items(self, code: str) -> Sequence[Item]:
        """The items with exactly this code; codes need not be unique in the ledger."""
        ...

    def item_url(self, ledger_id: int) -> str:
        """The deep link of an item."""
        ...

    def changed(self, payload: Mapping[str, Any]) -> str:
        """Say why the document of an issue or a mail is not what `payload` was planned for, "" where it is."""
        ...

    def perform(self, kind: str, payload: Mapping[str, Any]) -> EffectResult:
        """One effect; `payload` has every reference resolved."""
        ...

    def find(self, kind: str, payload: Mapping[str, Any]) -> LookupResult:
        """Looks for an effect whose outcome is unknown; reads only."""
        ...
