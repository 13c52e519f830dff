"""The effects that only bexio needs: at most 150 positions are created with a document, and it is edited in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from bexsync.ports.document_effects import AddressedHeader, ExistingDocumentEffect, Position
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.ports.order_effects import OrderEffect
from bexsync.ports.steps import ContentChange, Effect, FoundBy, Wire


@dataclass(frozen=True, kw_only=True)
class WrittenBefore(Wire):
    """What a draft must still show before it is rewritten: its content after the last write, or these positions."""

    content: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, kw_only=True)
class EditDocument(AddressedHeader, ExistingDocumentEffect):
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


@dataclass(frozen=True, kw_only=True)
class AddOrderPosition(OrderEffect):
    """Adds a position at the end of an order, where `index` others stand before it."""

    step_kind: ClassVar[str] = "order_position"
    found_by: ClassVar[FoundBy] = FoundBy.POSITIONS
    content_change: ClassVar[ContentChange] = ContentChange.PART

    index: int
    position: Position


E = TypeVar("E", bound=Effect)


@dataclass(frozen=True)
class Handler(Generic[E]):
    """How bexio performs an effect and looks for it again; an effect without a finder may simply be repeated.

    `rests_on` names the learned fact that decides how the effect is planned or written; a refusal may correct it.
    `prepare` fills in what must be known of the time before it.
    """

    effect: type[E]
    perform: Callable[[E], EffectResult]
    find: Callable[[E], LookupResult] | None = None
    rests_on: str = ""
    prepare: Callable[[E], E] | None = None


Handlers = tuple[Handler[Any], ...]
