"""The effects on documents that every ledger knows: creating, linking, issuing, mailing and taking back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from bexsync.ids import LedgerId
from bexsync.ports.documents import EffectResult
from bexsync.ports.steps import ContentChange, Effect, FoundBy, Ref, Wire
from bexsync.ports.store import DocumentEvent


@dataclass(frozen=True, kw_only=True)
class Position(Wire):
    """One position: a sale or deduction of type "custom", an "article", a "text" or a "subtotal".

    Amounts are decimal strings; `item_id` is the item that an article is a sale of.
    """

    type: Literal["custom", "article", "text", "subtotal"]
    text: str
    quantity: str | None = None
    unit_price: str | None = None
    account_id: LedgerId | None = None
    tax_id: LedgerId | None = None
    discount_percent: str | None = None
    unit_id: LedgerId | None = None
    item_id: LedgerId | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentHeader(Wire):
    """What stands above the positions; days are YYYY-MM-DD, `prices` says whether they include VAT."""

    reference: str
    title: str
    user_id: LedgerId
    currency_id: LedgerId
    date: str
    prices: Literal["net", "gross"]
    vat: bool
    language_id: LedgerId | None = None
    due_date: str | None = None
    bank_account_id: LedgerId | None = None
    template: str | None = None
    header: str | None = None
    footer: str | None = None
    customer_reference: str | None = None
    number: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class AddressedHeader(DocumentHeader):
    """A header with the contact that the document is for, and the person there."""

    contact_id: LedgerId | Ref
    contact_sub_id: LedgerId | Ref | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentEffect(Effect):
    """An effect on a document; `content` says what it does to what the document holds."""

    object_kind: ClassVar[str] = "document"
    content_change: ClassVar[ContentChange] = ContentChange.NONE

    @property
    def lasting(self) -> DocumentEvent | None:
        """What of it must be known even after the state was lost."""
        return None

    @property
    def lasting_reference(self) -> str:
        """Our reference under which that is kept; "" where it is the step's own key."""
        return ""


@dataclass(frozen=True, kw_only=True)
class CreateDocument(AddressedHeader, DocumentEffect):
    """A new invoice with its positions; `put_aside` are cancelled documents with the same reference."""

    step_kind: ClassVar[str] = "invoice"
    found_by: ClassVar[FoundBy] = FoundBy.REFERENCE
    content_change: ClassVar[ContentChange] = ContentChange.WHOLE
    counts_as: ClassVar[str] = "documents"
    action: ClassVar[str] = "create"

    positions: tuple[Position, ...]
    put_aside: tuple[LedgerId, ...] | None = None

    def contact_of(self, done: EffectResult) -> LedgerId | None:
        """Whom it is for."""
        del done
        return self.contact_id if isinstance(self.contact_id, LedgerId) else None


@dataclass(frozen=True, kw_only=True)
class ExistingDocumentEffect(DocumentEffect):
    """An effect on a document that is there already, or that an earlier step makes."""

    document_id: LedgerId | Ref

    @property
    def writes(self) -> LedgerId | Ref:
        """The document."""
        return self.document_id

    @property
    def known_id(self) -> LedgerId:
        """The document, once it is there."""
        if isinstance(self.document_id, Ref):
            raise TypeError("The document is not there yet.")
        return self.document_id


@dataclass(frozen=True, kw_only=True)
class LookAtDocument(ExistingDocumentEffect):
    """Looks at a document as a whole and compares it with what is expected."""

    step_kind: ClassVar[str] = "verify"
    content_change: ClassVar[ContentChange] = ContentChange.LOOK
    action: ClassVar[str] = "compare"


@dataclass(frozen=True, kw_only=True)
class LinkDocument(ExistingDocumentEffect):
    """Links a document that the ledger has already; with `positions` it must show these, or the first of them.

    `reference` is set where the document carries none of ours: a person named it, or its number did.
    """

    step_kind: ClassVar[str] = "adopt"
    content_change: ClassVar[ContentChange] = ContentChange.LOOK
    action: ClassVar[str] = "link"

    positions: tuple[Position, ...] | None = None
    reference: str | None = None

    @property
    def lasting(self) -> DocumentEvent | None:
        """A document without our reference is ours from now on."""
        return DocumentEvent.ADOPTED if self.reference is not None else None

    @property
    def lasting_reference(self) -> str:
        """Our reference."""
        return self.reference or ""


@dataclass(frozen=True, kw_only=True)
class ClaimDocument(ExistingDocumentEffect):
    """Writes our reference onto a document that somebody else made."""

    step_kind: ClassVar[str] = "claim"
    found_by: ClassVar[FoundBy] = FoundBy.REFERENCE
    content_change: ClassVar[ContentChange] = ContentChange.WHOLE

    reference: str

    @property
    def lasting(self) -> DocumentEvent:
        """It is ours from now on."""
        return DocumentEvent.ADOPTED

    @property
    def lasting_reference(self) -> str:
        """Our reference."""
        return self.reference


@dataclass(frozen=True, kw_only=True)
class CancelDocument(ExistingDocumentEffect):
    """Cancels an issued invoice that nobody has paid anything of."""

    step_kind: ClassVar[str] = "invoice_cancel"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    requests: ClassVar[int] = 2
    counts_as: ClassVar[str] = "cancels"
    action: ClassVar[str] = "cancel"


@dataclass(frozen=True, kw_only=True)
class DeleteDocument(ExistingDocumentEffect):
    """Deletes a draft that holds `content`, which bexsync wrote, and was never shown to the customer."""

    step_kind: ClassVar[str] = "invoice_delete"
    found_by: ClassVar[FoundBy] = FoundBy.ABSENCE
    requests: ClassVar[int] = 2
    counts_as: ClassVar[str] = "cancels"
    action: ClassVar[str] = "delete"

    content: str


@dataclass(frozen=True, kw_only=True)
class DeleteTestDraft(ExistingDocumentEffect):
    """Deletes the draft of a connection test, which must carry `reference`."""

    step_kind: ClassVar[str] = "draft_delete"
    found_by: ClassVar[FoundBy] = FoundBy.ABSENCE

    reference: str


@dataclass(frozen=True, kw_only=True)
class FinishingEffect(ExistingDocumentEffect):
    """Issues or mails a document, which must hold `content`, a digest; "" and None where that is unknown."""

    content: str | Ref | None = None

    @property
    def lasting(self) -> DocumentEvent:
        """It went out: it is never mailed or rewritten again."""
        return DocumentEvent.FINISHED


@dataclass(frozen=True, kw_only=True)
class IssueDocument(FinishingEffect):
    """Issues a draft; `look` asks for the document afterwards."""

    step_kind: ClassVar[str] = "issue"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    action: ClassVar[str] = "issue"

    look: bool = False


@dataclass(frozen=True, kw_only=True)
class LetterWords(Wire):
    """What stands in a mail for its placeholders."""

    number: str | Ref
    title: str = ""
    total: str | Ref
    currency: str
    due_date: str | Ref = ""
    customer: str = ""


@dataclass(frozen=True, kw_only=True)
class SendDocument(FinishingEffect):
    """Mails a document to the customer; `issue` says that it is a draft which the mail issues as well."""

    step_kind: ClassVar[str] = "send"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    mails: ClassVar[int] = 1
    action: ClassVar[str] = "send"

    to: str
    subject: str
    message: str
    language: str = ""
    issue: bool
    shared_before: str | Ref
    attach_pdf: bool
    words: LetterWords
