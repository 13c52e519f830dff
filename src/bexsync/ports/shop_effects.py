"""What the shop is told.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bexsync.ports.steps import Effect, Side, Wire


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


SHOP_EFFECTS: tuple[type[Effect], ...] = (DeliverEvent, TellProducts, TellStock)
