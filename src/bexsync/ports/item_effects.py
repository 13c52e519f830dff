"""Effects on items.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bexsync.ids import LedgerId
from bexsync.ports.steps import Effect, FoundBy


@dataclass(frozen=True, kw_only=True)
class ItemEffect(Effect, ABC):
    """An effect on an item; the ledger may round or tidy in its own way what was written."""

    object_kind: ClassVar[str] = "item"
    is_new: ClassVar[bool] = False

    @property
    @abstractmethod
    def written(self) -> Mapping[str, Any]:
        """The fields that were written."""


@dataclass(frozen=True, kw_only=True)
class CreateItem(ItemEffect):
    """A new item; price, weight (grams) and stock are decimal strings."""

    step_kind: ClassVar[str] = "item"
    found_by: ClassVar[FoundBy] = FoundBy.CODE
    is_new: ClassVar[bool] = True

    code: str
    physical: bool
    user_id: LedgerId
    account_id: LedgerId
    currency_id: LedgerId
    tax_id: LedgerId | None = None
    unit_id: LedgerId | None = None
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

    ledger_id: LedgerId
    fields: Mapping[str, Any]

    @property
    def writes(self) -> LedgerId:
        """The item."""
        return self.ledger_id

    @property
    def written(self) -> Mapping[str, Any]:
        """The fields."""
        return self.fields


# the shop
