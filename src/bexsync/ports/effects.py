"""The effects that every ledger and every shop knows: on contacts, documents and items, and what the shop is told.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from bexsync.ports.documents import EffectResult
from bexsync.ports.master_data import PostalAddress
from bexsync.ports.steps import ContentChange, Effect, FoundBy, Ref, Side, Wire
from bexsync.ports.store import ContactRow, DocumentEvent

# contacts


@dataclass(frozen=True, kw_only=True)
class ContactEffect(Effect):
    """An effect on a contact; the index of contacts follows it."""

    @property
    def object_kind(self) -> str:
        """A contact."""
        return "contact"

    @property
    def indexed(self) -> int | None:
        """The contact whose row of the index changes; None for a new one."""
        return None

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The row of the index once the effect is done, None where there is none."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class CreateContact(ContactEffect):
    """A new contact; `name_1` is the company or the last name, `name_2` the first name, `nr` its number of the shop."""

    step_kind: ClassVar[str] = "contact"
    found_by: ClassVar[FoundBy] = FoundBy.CONTACT
    nulls: ClassVar[frozenset[str]] = frozenset({"language_id", "salutation_id"})

    kind: str
    name_1: str
    name_2: str
    mail: str
    phone: str
    owner_id: int
    language_id: int | None = None
    salutation_id: int | None = None
    street: str | None = None
    house_number: str | None = None
    address_addition: str | None = None
    postcode: str | None = None
    city: str | None = None
    country_id: int | None = None
    group_ids: tuple[int, ...] | None = None
    remarks: str | None = None
    nr: int | None = None

    @property
    def address(self) -> PostalAddress:
        """The address in its parts."""
        return PostalAddress(
            street=self.street or "",
            house_number=self.house_number or "",
            addition=self.address_addition or "",
            postcode=self.postcode or "",
            city=self.city or "",
            country_id=self.country_id,
        )

    def contact_of(self, done: EffectResult) -> int | None:
        """The new contact."""
        return done.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact as the index will show it."""
        del known
        if done.ledger_id is None:
            return None
        return ContactRow(
            ledger_id=done.ledger_id,
            kind=self.kind,
            name_1=self.name_1,
            name_2=self.name_2,
            mail=self.mail,
            mail_second="",
            archived=False,
            updated_at="",
            nr=done.number,
            address=self.address,
            language_id=self.language_id,
            phone=self.phone,
            user_id=self.owner_id,
            owner_id=self.owner_id,
            written=self.to_wire(),
        )


@dataclass(frozen=True, kw_only=True)
class RestoreContact(ContactEffect):
    """Takes a contact out of the archive."""

    step_kind: ClassVar[str] = "contact_restore"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS

    ledger_id: int

    @property
    def writes(self) -> int:
        """The contact."""
        return self.ledger_id

    @property
    def indexed(self) -> int:
        """The contact."""
        return self.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact, out of the archive."""
        del done
        return replace(known, archived=False) if known else None


@dataclass(frozen=True, kw_only=True)
class ArchiveContact(ContactEffect):
    """Puts a contact into the archive after looking whether it is called `name_1`."""

    step_kind: ClassVar[str] = "contact_archive"
    found_by: ClassVar[FoundBy] = FoundBy.ABSENCE

    ledger_id: int
    name_1: str

    @property
    def writes(self) -> int:
        """The contact."""
        return self.ledger_id

    @property
    def indexed(self) -> int:
        """The contact."""
        return self.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact, in the archive."""
        del done
        return replace(known, archived=True) if known else None


@dataclass(frozen=True, kw_only=True)
class EditContact(ContactEffect):
    """Writes some fields of a contact, beside those that every edit has to repeat."""

    step_kind: ClassVar[str] = "contact_edit"
    found_by: ClassVar[FoundBy] = FoundBy.REPEAT

    ledger_id: int
    kind: str
    name_1: str
    user_id: int
    owner_id: int
    fields: Mapping[str, Any]

    @property
    def writes(self) -> int:
        """The contact."""
        return self.ledger_id

    @property
    def indexed(self) -> int:
        """The contact."""
        return self.ledger_id

    def index_after(self, known: ContactRow | None, done: EffectResult) -> ContactRow | None:
        """The contact with the fields that were written."""
        del done
        if known is None:
            return None
        parts = {"addition" if name == "address_addition" else name: value for name, value in self.fields.items()}
        address = {f.name: parts.pop(f.name) for f in fields(PostalAddress) if f.name in parts}
        written = {**known.written, **self.fields}
        return replace(known, **parts, address=replace(known.address, **address), written=written)


@dataclass(frozen=True, kw_only=True)
class RelateContacts(Effect):
    """Says that a person belongs to a company."""

    step_kind: ClassVar[str] = "contact_relation"
    found_by: ClassVar[FoundBy] = FoundBy.RELATION

    contact_id: int | Ref
    person_id: int | Ref

    @property
    def writes(self) -> int | Ref:
        """The company's contact."""
        return self.contact_id

    @property
    def object_kind(self) -> str:
        """A contact."""
        return "contact"


# documents


@dataclass(frozen=True, kw_only=True)
class Position(Wire):
    """One position: a sale or deduction of type "custom", a "text", or a "subtotal"; amounts are decimal strings."""

    type: Literal["custom", "text", "subtotal"]
    text: str
    quantity: str | None = None
    unit_price: str | None = None
    account_id: int | None = None
    tax_id: int | None = None
    discount_percent: str | None = None
    unit_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentHeader(Wire):
    """What stands above the positions; days are YYYY-MM-DD, `prices` says whether they include VAT."""

    reference: str
    title: str
    contact_id: int | Ref
    user_id: int
    currency_id: int
    date: str
    prices: Literal["net", "gross"]
    vat: bool
    contact_sub_id: int | Ref | None = None
    language_id: int | None = None
    due_date: str | None = None
    bank_account_id: int | None = None
    template: str | None = None
    header: str | None = None
    footer: str | None = None
    customer_reference: str | None = None
    number: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentEffect(Effect):
    """An effect on a document; `content` says what it does to what the document holds."""

    content_change: ClassVar[ContentChange] = ContentChange.NONE

    @property
    def object_kind(self) -> str:
        """A document."""
        return "document"

    @property
    def lasting(self) -> DocumentEvent | None:
        """What of it must be known even after the state was lost."""
        return None

    @property
    def lasting_reference(self) -> str:
        """Our reference under which that is kept; "" where it is the step's own key."""
        return ""


@dataclass(frozen=True, kw_only=True)
class CreateDocument(DocumentHeader, DocumentEffect):
    """A new invoice with its positions; `put_aside` are cancelled documents with the same reference."""

    step_kind: ClassVar[str] = "invoice"
    found_by: ClassVar[FoundBy] = FoundBy.REFERENCE
    content_change: ClassVar[ContentChange] = ContentChange.WHOLE
    counts_as: ClassVar[str] = "documents"
    action: ClassVar[str] = "create"

    positions: tuple[Position, ...]
    put_aside: tuple[int, ...] | None = None

    def contact_of(self, done: EffectResult) -> int | None:
        """Whom it is for."""
        del done
        return self.contact_id if isinstance(self.contact_id, int) else None


@dataclass(frozen=True, kw_only=True)
class ExistingDocumentEffect(DocumentEffect):
    """An effect on a document that is there already, or that an earlier step makes."""

    document_id: int | Ref

    @property
    def writes(self) -> int | Ref:
        """The document."""
        return self.document_id

    @property
    def known_id(self) -> int:
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

    `reference` is set where a person named the document.
    """

    step_kind: ClassVar[str] = "adopt"
    content_change: ClassVar[ContentChange] = ContentChange.LOOK
    action: ClassVar[str] = "link"

    positions: tuple[Position, ...] | None = None
    reference: str | None = None

    @property
    def lasting(self) -> DocumentEvent | None:
        """A document that a person named is ours from now on."""
        return DocumentEvent.ADOPTED if self.reference is not None else None

    @property
    def lasting_reference(self) -> str:
        """Our reference."""
        return self.reference or ""


@dataclass(frozen=True, kw_only=True)
class ClaimDocument(ExistingDocumentEffect):
    """Writes our reference onto a document that somebody else made."""

    step_kind: ClassVar[str] = "claim"
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


# items


@dataclass(frozen=True, kw_only=True)
class ItemEffect(Effect):
    """An effect on an item; the ledger may round or tidy in its own way what was written."""

    is_new: ClassVar[bool] = False

    @property
    def object_kind(self) -> str:
        """An item."""
        return "item"

    @property
    def written(self) -> Mapping[str, Any]:
        """The fields that were written."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class CreateItem(ItemEffect):
    """A new item; price, weight (grams) and stock are decimal strings."""

    step_kind: ClassVar[str] = "item"
    found_by: ClassVar[FoundBy] = FoundBy.CODE
    is_new: ClassVar[bool] = True

    code: str
    physical: bool
    user_id: int
    account_id: int
    currency_id: int
    tax_id: int | None = None
    unit_id: int | None = None
    remarks: str | None = None
    title: str | None = None
    description: str | None = None
    weight: str | None = None
    price: str | None = None
    stock: str | None = None

    @property
    def written(self) -> Mapping[str, Any]:
        """All that was sent."""
        return self.to_wire()


@dataclass(frozen=True, kw_only=True)
class EditItem(ItemEffect):
    """Writes some fields of an item."""

    step_kind: ClassVar[str] = "item_edit"
    found_by: ClassVar[FoundBy] = FoundBy.VALUES

    ledger_id: int
    fields: Mapping[str, Any]

    @property
    def writes(self) -> int:
        """The item."""
        return self.ledger_id

    @property
    def written(self) -> Mapping[str, Any]:
        """The fields."""
        return self.fields


# the shop


@dataclass(frozen=True, kw_only=True)
class DeliverEvent(Effect):
    """Tells the shop of something that happened to one of its records; `at` is a moment as the state writes it."""

    step_kind: ClassVar[str] = "event"
    side: ClassVar[Side] = Side.SHOP
    requests: ClassVar[int] = 0

    event_id: str
    at: str
    name: str
    kind: str
    shop_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProductValues(Wire):
    """What one product of the shop should say, as the journal has it."""

    shop_id: str
    sku: str
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TellProducts(Effect):
    """Tells the shop what its products should say."""

    step_kind: ClassVar[str] = "catalog"
    side: ClassVar[Side] = Side.SHOP
    requests: ClassVar[int] = 0

    changes: tuple[ProductValues, ...]


@dataclass(frozen=True, kw_only=True)
class StockValue(Wire):
    """What stock one product should have; `expected` is what the shop said before, None if it said nothing."""

    nulls: ClassVar[frozenset[str]] = frozenset({"expected"})

    shop_id: str
    sku: str
    stock: str
    expected: str | None


@dataclass(frozen=True, kw_only=True)
class TellStock(Effect):
    """Tells the shop what stock its products should have."""

    step_kind: ClassVar[str] = "stock"
    side: ClassVar[Side] = Side.SHOP
    requests: ClassVar[int] = 0

    changes: tuple[StockValue, ...]


OF_THE_LEDGER: tuple[type[Effect], ...] = (
    CreateContact, RestoreContact, ArchiveContact, EditContact, RelateContacts, CreateDocument, LookAtDocument,
    LinkDocument, ClaimDocument, IssueDocument, SendDocument, CancelDocument, DeleteDocument, DeleteTestDraft,
    CreateItem, EditItem,
)  # fmt: skip
OF_THE_SHOP: tuple[type[Effect], ...] = (DeliverEvent, TellProducts, TellStock)
