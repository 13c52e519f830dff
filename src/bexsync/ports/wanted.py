"""What planning wants of the ledger for one invoice; the ledger's package turns it into steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bexsync.ids import LedgerId
from bexsync.ports.document_effects import DocumentHeader, Position
from bexsync.ports.documents import DocumentState
from bexsync.ports.steps import Step, Subject


@dataclass(frozen=True)
class InvoiceName:
    """Which invoice it is: the shop's record, the reference that its document carries, and the site."""

    subject: Subject
    reference: str
    site: str


@dataclass(frozen=True)
class WantedDocument:
    """A document as it is to stand in the ledger, and the record that it is made from.

    `expect` is what an answer that shows it must say; `source` names the content it is made from, `customer_key` the
    shop's customer whose contact it is for.
    """

    header: DocumentHeader
    positions: tuple[Position, ...]
    expect: Mapping[str, str]
    fingerprint: str
    record: Mapping[str, Any]
    source: str
    customer: str
    customer_key: str
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class KnownDocument:
    """A document that the ledger has: its id, and what its link says of it.

    `fingerprint` and `record` are those of the content last agreed on, `content` what it held after the last write.
    """

    ledger_id: LedgerId
    number: str
    total: str = ""
    due_date: str = ""
    content: str = ""
    fingerprint: str = ""
    record: Mapping[str, Any] | None = None
    revision: int = 0


@dataclass(frozen=True)
class Create:
    """A new document; `put_aside` are cancelled ones with the same reference, `note` is for a person."""

    document: WantedDocument
    note: str = ""
    put_aside: tuple[LedgerId, ...] = ()


@dataclass(frozen=True)
class Complete:
    """What may be missing of a document that was created from just this content."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Rewrite:
    """A draft of ours that is to follow the shop."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Compare:
    """A look at a document that the state knows too little of."""

    document: WantedDocument
    known: KnownDocument


@dataclass(frozen=True)
class Adopt:
    """A document that the ledger has already is linked; with `document` it must be that one, else nothing is said.

    `with_positions` compares its positions as well, where it is going to be finished.
    """

    found: DocumentState
    document: WantedDocument | None = None
    with_positions: bool = False


@dataclass(frozen=True)
class TakeBack:
    """A document of an invoice that the shop cancelled is cancelled, or deleted where it `is_draft`."""

    known: KnownDocument
    is_draft: bool


@dataclass(frozen=True)
class Letter:
    """The mail to the customer; its words may hold placeholders, whose dates are written as `language` has them."""

    to: str
    subject: str
    message: str
    language: str
    attach_pdf: bool
    title: str
    customer: str


@dataclass(frozen=True)
class Finish:
    """A document that is right is issued, and mailed where there is a letter.

    `known` is None where steps before it make the document right; `due_date` is "" where the ledger decides.
    """

    letter: Letter | None
    currency: str
    due_date: str = ""
    known: KnownDocument | None = None


Want = Create | Complete | Rewrite | Compare | Adopt | TakeBack | Finish


@dataclass(frozen=True)
class WantedInvoice:
    """Everything that is wanted for one invoice, in order; contacts come first."""

    name: InvoiceName
    contacts: tuple[Step, ...] = ()
    wants: tuple[Want, ...] = ()
