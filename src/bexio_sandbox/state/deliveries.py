"""Deliveries: made from an order, issued once, and what issuing one does to the stock."""

from __future__ import annotations

from decimal import Decimal

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error
from bexio_sandbox.state import fulfilment, items, positions
from bexio_sandbox.state.documents import HEADER_FIELDS, Documents, remove_rows, summed
from bexio_sandbox.state.tables import Row, State

DRAFT, DONE, CANCELLED = 10, 18, 20
STATUS_NAMES = {DRAFT: "draft", DONE: "done", CANCELLED: "cancelled"}


def find(state: State, delivery_id: int) -> Row:
    """Return a delivery."""
    return DELIVERIES.find(state, delivery_id)


def issue(state: State, delivery_id: int) -> Row:
    """Issues a draft, and books its goods out of the stock."""
    delivery = find(state, delivery_id)
    if delivery["kb_item_status_id"] != DRAFT:
        raise form_error("global: The delivery is not in draft state.")
    booked: dict[str, str] = {}
    for row in positions.of_document(state, delivery):
        if row["type"] == "KbPositionArticle" and items.is_in_stock(state, row["article_id"]):
            items.book(state, row["article_id"], -Decimal(row["amount"]))
            number = str(row["article_id"])
            booked[number] = plain(Decimal(booked.get(number, "0")) + Decimal(row["amount"]))
    return DELIVERIES.save(state, {**delivery, "kb_item_status_id": DONE, "booked_out": booked})


def cancel(state: State, delivery_id: int) -> Row:
    """Cancels a delivery, as a person can; its goods are in the stock again."""
    delivery = find(state, delivery_id)
    _book_back(state, delivery)
    return DELIVERIES.save(state, {**delivery, "kb_item_status_id": CANCELLED, "booked_out": {}})


def delete(state: State, delivery_id: int) -> None:
    """Deletes a delivery for good, as a person can; its goods are in the stock again."""
    delivery = find(state, delivery_id)
    _book_back(state, delivery)
    remove_rows(state, delivery)
    state.remove("deliveries", delivery_id)
    fulfilment.refresh(state, delivery)


def _book_back(state: State, delivery: Row) -> None:
    for number, amount in delivery["booked_out"].items():
        if items.is_in_stock(state, int(number)):
            items.book(state, int(number), Decimal(amount))


def _refuse_frozen(_: State, __: Row) -> None:
    raise form_error("global: A delivery can not be edited.")


DELIVERIES = Documents(
    "deliveries", "KbDelivery", "delivery_id", HEADER_FIELDS, summed, _refuse_frozen, fulfilment.refresh
)
