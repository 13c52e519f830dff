"""The effects that only bexio needs: at most 150 positions are created with a document, and it is edited in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bexsync.ports.contact_effects import ArchiveContact, CreateContact, EditContact, RelateContacts, RestoreContact
from bexsync.ports.document_effects import (
    CancelDocument,
    ClaimDocument,
    CreateDocument,
    DeleteDocument,
    DeleteTestDraft,
    DocumentHeader,
    ExistingDocumentEffect,
    LinkDocument,
    LookAtDocument,
    Position,
)
from bexsync.ports.finishing_effects import IssueDocument, SendDocument
from bexsync.ports.item_effects import CreateItem, EditItem
from bexsync.ports.steps import ContentChange, Effect, FoundBy, Wire


@dataclass(frozen=True, kw_only=True)
class WrittenBefore(Wire):
    """What a draft must still show before it is rewritten: its content after the last write, or these positions."""

    content: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, kw_only=True)
class EditDocument(DocumentHeader, ExistingDocumentEffect):
    """Writes the header of a draft."""

    step_kind: ClassVar[str] = "invoice_edit"
    nulls: ClassVar[frozenset[str]] = frozenset({"address"})
    content_change: ClassVar[ContentChange] = ContentChange.WHOLE
    requests: ClassVar[int] = 2
    action: ClassVar[str] = "update"

    written: WrittenBefore | None = None


@dataclass(frozen=True, kw_only=True)
class ClearPositions(ExistingDocumentEffect):
    """Removes all positions of a draft."""

    step_kind: ClassVar[str] = "positions_clear"
    content_change: ClassVar[ContentChange] = ContentChange.PART
    requests: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class AddPosition(ExistingDocumentEffect):
    """Adds a position at the end, where `index` others stand before it."""

    step_kind: ClassVar[str] = "position"
    found_by: ClassVar[FoundBy] = FoundBy.POSITIONS
    content_change: ClassVar[ContentChange] = ContentChange.PART

    index: int
    position: Position


EFFECTS: tuple[type[Effect], ...] = (
    CreateContact, RestoreContact, ArchiveContact, EditContact, RelateContacts, CreateDocument, LookAtDocument,
    LinkDocument, ClaimDocument, IssueDocument, SendDocument, CancelDocument, DeleteDocument, DeleteTestDraft,
    CreateItem, EditItem, EditDocument, ClearPositions, AddPosition,
)  # fmt: skip
