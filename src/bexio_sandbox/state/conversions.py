"""Deliveries and invoices out of an order: which positions, how much of each, and what the new draft keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error
from bexio_sandbox.messages import text
from bexio_sandbox.state import deliveries, fulfilment, invoices, orders, positions
from bexio_sandbox.state.documents import HEADER_FIELDS, Documents
from bexio_sandbox.state.fulfilment import Share, Shares
from bexio_sandbox.state.tables import Row, State

# What a draft has of its own; all else in the header is that of the order.
_OWN = ("document_nr", "title", "header", "footer", "is_valid_from", "api_reference", "template_slug")


@dataclass(frozen=True)
class Wanted:
    """A position that a new document takes over, and how much of it where it has an amount."""

    kind: str
    position_id: int
    amount: str | None


@dataclass(frozen=True)
class Target:
    """A class of documents that an order can become, and how a draft of it begins."""

    documents: Documents
    blank: Callable[[State, dict[str, Any]], Row]


def _blank_delivery(state: State, values: dict[str, Any]) -> Row:
    blank = deliveries.DELIVERIES.blank(state, values)
    return {**blank, "kb_item_status_id": deliveries.DRAFT, "booked_out": {}}


INVOICE = Target(invoices.INVOICES, invoices.blank)
DELIVERY = Target(deliveries.DELIVERIES, _blank_delivery)


def everything_left(state: State, order: Row, target: Target) -> list[Wanted]:
    """Return all positions of an order with what of them is not on such a document yet."""
    taken = fulfilment.shares(state, order, target.documents.table)
    wanted = []
    for row in positions.of_document(state, order):
        left = _left(row, taken)
        if row["type"] not in positions.PRICED and (left or not _is_taken_once(row)):
            wanted.append(Wanted(row["type"], row["id"], None))
        elif row["type"] in positions.PRICED and left:
            wanted.append(Wanted(row["type"], row["id"], plain(left)))
    if all(each.kind not in positions.PRICED for each in wanted):
        raise form_error("positions: Nothing of the order is left.")
    return wanted


def refuse_wrong(state: State, order: Row, target: Target, wanted: Sequence[Wanted], language: str) -> None:
    """Refuses positions that the order has not, or of which less is left."""
    rows = {tuple(positions.key(row)): row for row in positions.of_document(state, order)}
    taken = fulfilment.shares(state, order, target.documents.table)
    errors, seen = [], set()
    for index, each in enumerate(wanted):
        key = (each.kind, each.position_id)
        if key not in rows or key in seen:
            errors.append(f"positions[{index}].id: {text('invalid', language)}")
        else:
            errors += [f"positions[{index}].{wrong}" for wrong in _wrong(rows[key], each, taken, language)]
        seen.add(key)
    if errors:
        raise form_error(*errors)


def _wrong(row: Row, wanted: Wanted, taken: Shares, language: str) -> list[str]:
    left = _left(row, taken)
    if row["type"] not in positions.PRICED:
        return [] if left or not _is_taken_once(row) else ["id: The discount is on another document already."]
    if wanted.amount is None:
        return [f"amount: {text('required', language)}"]
    amount = Decimal(wanted.amount)
    is_of_nothing = amount == 0 and Decimal(row["amount"]) == 0
    is_possible = amount * left > 0 and abs(amount) <= abs(left)
    return [] if is_possible or is_of_nothing else [f"amount: Only {plain(left)} of the position is left."]


def _left(row: Row, taken: Shares) -> Decimal:
    return Decimal(row.get("amount", "1")) - taken.get((row["type"], row["id"]), Share()).taken


def _is_taken_once(row: Row) -> bool:
    return row["type"] == positions.DISCOUNT and not row["is_percentual"]


def convert(state: State, order: Row, target: Target, wanted: Sequence[Wanted], language: str) -> Row:
    """Makes a draft out of some positions of an order, which have been checked."""
    documents = target.documents
    number = ""
    if documents.numbers_itself(state) or state.behaviours["conversion_numbering"] == "refused":
        number = documents.next_document_number(state, None, language)
    header = {name: order[name] for name in HEADER_FIELDS if name not in _OWN}
    if state.behaviours["conversion_title"] == "kept":
        header["title"] = order["title"]
    draft = target.blank(state, header)
    draft |= {"document_nr": number, "order_id": order["id"], "contact_address": order["contact_address"]}
    draft |= {"reference": None} if documents is invoices.INVOICES else _goods_address(order)
    amounts = {(each.kind, each.position_id): each.amount for each in wanted}
    draft["positions"] = positions.copied(state, draft, _chosen(state, order, amounts))
    state.put(documents.table, documents.recounted(state, draft))
    fulfilment.store(state, fulfilment.link(orders.find(state, order["id"]), documents.table, draft))
    return documents.find(state, draft["id"])


def _goods_address(order: Row) -> Row:
    kept = ("delivery_address_type", "delivery_address_manual")
    return {name: order[name] for name in kept}


def _chosen(state: State, order: Row, amounts: dict[tuple[str, int], str | None]) -> list[Row]:
    rows = []
    for row in positions.of_document(state, order):
        key = (row["type"], row["id"])
        if key not in amounts:
            continue
        amount = {} if amounts[key] is None or row["type"] not in positions.PRICED else {"amount": amounts[key]}
        rows.append({**row, **amount, "source": list(key), "is_optional": False})
    return rows
