"""Which deliveries an order gets, and which of its positions each of them holds.

A delivery holds goods: lines of type product that are not virtual. Services, shipping, fees, tips, gift cards,
discounts and texts are never delivered; they stand on the invoice alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from bexsync.errors import RecordProblem
from bexsync.money import decimal_text, product, rounded
from bexsync.planning.amounts import FINEST
from bexsync.planning.documents import Document
from bexsync.ports.order_effects import OrderPart
from bexsync.records import Fulfillment, Order, OrderLine

# The key of the one delivery of an order whose shipments the shop does not name.
EVERYTHING = "all"
# The ledger fails half-way through a longer delivery; what is more becomes another one.
_AT_ONCE = 150


@dataclass(frozen=True)
class Shipment:
    """One delivery: the shop's shipment that it is for, and its parts."""

    key: str
    parts: tuple[OrderPart, ...]


def is_goods(line: OrderLine) -> bool:
    """Whether the line is something that is shipped."""
    return line.type == "product" and not line.virtual and line.quantity > 0


def shipments(order: Order, document: Document, done: Collection[str] = ()) -> tuple[Shipment, ...]:
    """The deliveries that are still to be made; `done` are the keys of those that were, as `delivery_keys` lists them.

    Without shipments in the record everything goes at once. Where nobody says how much was shipped it raises
    RecordProblem.
    """
    is_partial = order.fulfillment_status == "partial"
    if is_partial and not (order.fulfillments and all(one.lines for one in order.fulfillments)):
        raise _no_quantities(order)
    goods = {index: line.quantity for index, line in enumerate(order.lines) if is_goods(line)}
    pieces_of_all = {EVERYTHING, *_further_keys(EVERYTHING, order)}
    if pieces_of_all.intersection(done) or not (order.fulfillments or done):
        everything = Shipment(EVERYTHING, _parts(goods, order, document))
        return tuple(one for one in _pieces(everything) if one.key not in done)
    found: list[Shipment] = []
    for one in sorted(order.fulfillments, key=lambda one: (one.shipped_at, one.shop_id)):
        shipped = _shipped(one, order, goods) if one.lines else dict(goods)
        goods = {index: quantity - shipped.get(index, Decimal(0)) for index, quantity in goods.items()}
        found += _pieces(Shipment(one.shop_id, _parts(shipped, order, document)))
    return tuple(one for one in found if one.key not in done)


def delivery_keys(order: Order) -> list[str]:
    """The keys that deliveries of the order may have."""
    keys = [EVERYTHING, *(one.shop_id for one in order.fulfillments)]
    return [piece for key in keys for piece in (key, *_further_keys(key, order))]


def all_parts(document: Document) -> tuple[OrderPart, ...]:
    """Every position as a whole, as the invoice of an order holds them."""
    return tuple(OrderPart(index=index, quantity=one.quantity) for index, one in enumerate(document.positions))


def _pieces(shipment: Shipment) -> Iterator[Shipment]:
    """The shipment in deliveries that are not too long; none where it held nothing but virtual goods."""
    for number, start in enumerate(range(0, len(shipment.parts), _AT_ONCE), 1):
        yield Shipment(_piece_key(shipment.key, number), shipment.parts[start : start + _AT_ONCE])


def _further_keys(key: str, order: Order) -> list[str]:
    return [_piece_key(key, number) for number in range(2, (len(order.lines) - 1) // _AT_ONCE + 2)]


def _piece_key(key: str, number: int) -> str:
    return key if number == 1 else f"{key}~{number}"


def _shipped(one: Fulfillment, order: Order, left: dict[int, Decimal]) -> dict[int, Decimal]:
    """How much of which line the shipment holds; never more than what was left to ship."""
    places = {line.line_id: index for index, line in enumerate(order.lines) if line.line_id is not None}
    shipped: dict[int, Decimal] = {}
    for part in one.lines:
        index = places[part.line_id]
        if index in left:
            shipped[index] = shipped.get(index, Decimal(0)) + part.quantity
    for index, quantity in shipped.items():
        if quantity > left[index]:
            line = order.lines[index]
            raise RecordProblem(
                f"Shipment {one.shop_id} holds {decimal_text(quantity)} of line {index + 1} "
                f"({line.name or line.line_id}), "
                f"of which {decimal_text(left[index])} were left to ship.",
                "Correct the shipments or the order in the shop; nothing of it was delivered.",
                code="shipped_too_much",
                field="fulfillments",
                subject=f"shipment:{one.shop_id}",
            )
    return shipped


def _parts(shipped: dict[int, Decimal], order: Order, document: Document) -> tuple[OrderPart, ...]:
    """The positions of these lines; one that is sold once in all is delivered by its share."""
    parts = []
    for index, line in enumerate(document.lines):
        quantity = shipped.get(line, Decimal(0)) if line is not None else Decimal(0)
        if line is None or not quantity:
            continue
        sold, ordered = Decimal(document.positions[index].quantity or "1"), order.lines[line].quantity
        share = sold if quantity == ordered else rounded(product(sold, quantity) / ordered, FINEST)
        parts.append(OrderPart(index=index, quantity=decimal_text(share)))
    return tuple(parts)


def _no_quantities(order: Order) -> RecordProblem:
    return RecordProblem(
        f"Order {order.name} was shipped in part, and the shop does not say how much of which line.",
        "Let the shop give the quantities of its shipments (`fulfillments[].lines`), or deliver it by hand.",
        code="shipped_in_part",
        field="fulfillments",
    )
