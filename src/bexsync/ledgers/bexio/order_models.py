"""bexio's orders and deliveries as models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from bexsync.ledgers.bexio.models import Amount, AmountOrNone, DocumentNumber, Model, Number, RecordId, Text, TextOrNull
from bexsync.ledgers.bexio.reading import number_of
from bexsync.ports.documents import OrderStatus

DRAFT, ISSUED, CANCELLED = 10, 18, 20  # of a delivery, contract 7
_STANDINGS = {5: OrderStatus.PENDING, 6: OrderStatus.DONE, 15: OrderStatus.PARTIAL, 21: OrderStatus.CANCELLED}


def _standing(value: Any) -> OrderStatus:
    found = _STANDINGS.get(number_of(value))
    if found is None:
        raise ValueError
    return found


def _delivery_status(value: Any) -> int:
    found = number_of(value)
    if found not in (DRAFT, ISSUED, CANCELLED):
        raise ValueError
    return found


class OrderPositionAnswer(Model):
    """A position of an order; what is open of it is null in the answer to a create."""

    type: Text
    amount: AmountOrNone = None
    amount_open: AmountOrNone = None
    amount_completed: AmountOrNone = None


class OrderAnswer(Model):
    """An order; a list or search shows no positions."""

    id: RecordId
    document_nr: DocumentNumber
    title: TextOrNull = ""
    api_reference: TextOrNull
    kb_item_status_id: Annotated[OrderStatus, BeforeValidator(_standing)]
    total: Amount
    contact_id: Number | None
    currency_id: Number | None
    is_valid_from: TextOrNull
    updated_at: TextOrNull
    contact_address: TextOrNull = ""
    positions: list[OrderPositionAnswer] | None = None


class DeliveryAnswer(Model):
    """A delivery."""

    id: RecordId
    document_nr: DocumentNumber
    kb_item_status_id: Annotated[int, BeforeValidator(_delivery_status)]
    contact_id: Number | None
    is_valid_from: TextOrNull = ""
    updated_at: TextOrNull = ""
