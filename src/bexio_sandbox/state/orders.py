"""Orders: how they come about, what may be changed, and how a person closes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bexio_sandbox.errors import form_error
from bexio_sandbox.state import fulfilment, positions
from bexio_sandbox.state.documents import HEADER_FIELDS, Documents, remove_rows, summed
from bexio_sandbox.state.fulfilment import CANCELLED, DONE, PARTIAL, PENDING, Share
from bexio_sandbox.state.tables import Row, State

STATUS_NAMES = {PENDING: "pending", DONE: "done", PARTIAL: "partial", CANCELLED: "cancelled"}
OWN_ADDRESS = 1


def find(state: State, order_id: int) -> Row:
    """Return an order."""
    return ORDERS.find(state, order_id)


def create(state: State, values: dict[str, Any], lines: list[tuple[str, dict[str, Any]]], language: str) -> Row:
    """Adds a pending order with its positions."""
    document_nr = ORDERS.next_document_number(state, values.get("document_nr"), language)
    order = {
        "delivery_address_type": 0,
        **ORDERS.blank(state, values),
        "document_nr": document_nr,
        "delivery_address_manual": values.get("delivery_address_manual"),
        "kb_item_status_id": PENDING,
        "is_recurring": False,
        "invoice_ids": [],
        "delivery_ids": [],
        "reservations": {},
        "closed_as": None,
    }
    ORDERS.add_lines(state, order, lines)
    ORDERS.put(state, _recounted(state, order))
    return find(state, order["id"])


def edit(state: State, order_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes header fields of an order that is not closed."""
    order = find(state, order_id)
    _refuse_frozen(state, order)
    return change_header(state, order, values, language)


def change_header(state: State, order: Row, values: dict[str, Any], language: str) -> Row:
    """Changes header fields in any status, as a person can."""
    changed = ORDERS.change_header(state, order, values, language)
    if "delivery_address_manual" in values:
        changed["delivery_address_manual"] = values["delivery_address_manual"]
    return ORDERS.save(state, _recounted(state, changed))


def delivery_address(order: Row) -> str:
    """Return where the goods go: the address of the invoice, unless the order has one of its own for them."""
    own = order["delivery_address_manual"] if order["delivery_address_type"] == OWN_ADDRESS else None
    return str(own or order["contact_address"])


def delete(state: State, order_id: int, *, is_person: bool = False) -> None:
    """Deletes an order for good; documents made from it stay."""
    order = find(state, order_id)
    is_refused = not is_person and state.behaviours["delete_used_order"] == "refused"
    if is_refused and fulfilment.has_documents(state, order):
        raise form_error("global: There are documents of this order.")
    fulfilment.store(state, {**order, "closed_as": CANCELLED})
    remove_rows(state, order)
    state.remove("orders", order_id)


def close(state: State, order_id: int, status: int | None) -> Row:
    """Marks an order as done or cancelled whatever was delivered, or opens it again, as a person can."""
    return ORDERS.save(state, {**find(state, order_id), "closed_as": status})


def refuse_closed(order: Row) -> None:
    """Refuses what needs an order that a person has not finished or cancelled."""
    if order["closed_as"]:
        raise form_error("global: The order is closed.")


def _refuse_frozen(state: State, order: Row) -> None:
    if order["kb_item_status_id"] in (DONE, CANCELLED) and state.behaviours["edit_issued"] == "refused":
        raise form_error("global: The order is closed.")


def _recounted(state: State, order: Row) -> Row:
    amounts = {tuple(positions.key(row)): row.get("amount", "1") for row in positions.of_document(state, order)}
    for table in (fulfilment.INVOICES, fulfilment.DELIVERIES):
        for key, share in fulfilment.shares(state, order, table).items():
            if key in amounts and abs(Decimal(amounts[key])) < abs(share.taken) and key[0] in positions.PRICED:
                raise form_error(f"amount: {share.taken:f} are on other documents already.")
            if key not in amounts and share != Share():
                raise form_error("global: The position is on other documents already.")
    return summed(state, order)


ORDERS = Documents(
    "orders",
    "KbOrder",
    "order_id",
    (*HEADER_FIELDS, "delivery_address_type"),
    _recounted,
    _refuse_frozen,
    fulfilment.store,
)
