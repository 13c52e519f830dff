"""What is made of orders: deliveries and invoices of some of their positions, which bexio calls by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bexsync.errors import Changed, Refused, Unanswered
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api, Row, criterion
from bexsync.ledgers.bexio.contents import begins_with, content_of
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.models import PositionAnswer
from bexsync.ledgers.bexio.order_finder import DELIVERIES, ORDERS, OrderFinder
from bexsync.ledgers.bexio.order_records import delivery_done, delivery_from, order_of
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, row_of, understood
from bexsync.ledgers.bexio.records import document_done, document_from, document_of, embedded_position
from bexsync.ports.documents import (
    DeliveryState,
    DocumentState,
    DocumentStatus,
    EffectResult,
    LookupResult,
    OrderStatus,
)
from bexsync.ports.order_effects import CreateDelivery, CreateOrderInvoice, IssueDelivery, OrderPart

_UNPRICED = ("type", "text")


class FulfillingEffects:
    """Makes and issues deliveries, and makes invoices, of orders."""

    def __init__(self, api: Api, orders: OrderFinder, invoices: DocumentFinder, shown: JustShown, web_url: str) -> None:
        self._api = api
        self._orders = orders
        self._invoices = invoices
        self._shown = shown
        self._web_url = web_url

    @property
    def handlers(self) -> Handlers:
        """The effects that fulfil orders."""
        return (
            Handler(CreateDelivery, self.deliver, self.find_delivery, prepare=self.with_highest_delivery),
            Handler(IssueDelivery, self.issue, self.find_issued),
            Handler(CreateOrderInvoice, self.invoice, self.find_invoice, prepare=self.with_highest_invoice),
        )

    # deliveries

    def with_highest_delivery(self, effect: CreateDelivery) -> CreateDelivery:
        """Only a delivery that is newer than all of now can be ours."""
        return replace(effect, highest_before=self._api.highest_id(DELIVERIES))

    def deliver(self, effect: CreateDelivery) -> EffectResult:
        """Makes a delivery of some positions of an order."""
        order = self._order_to_fulfil(effect)
        body = {"positions": _named_parts(_chosen(order, effect.parts), effect.parts)}
        row = self._api.write("POST", f"{ORDERS}/{effect.document_id}/delivery", body)
        with after_the_effect(), understood("the new delivery"):
            state = delivery_from(row, self._web_url)
            if state.contact_id not in (None, effect.contact_id):
                raise NotUnderstood("it is for somebody else")
            self._shown.keep(f"{DELIVERIES}/{state.ledger_id}", row)
            return delivery_done(state)

    def find_delivery(self, effect: CreateDelivery) -> LookupResult:
        """The newer delivery to the same contact, of just these positions of the order."""
        order = self._orders.present_row(effect.known_id)
        if order is None:
            return LookupResult()
        wanted = [
            {name: position.get(name) for name in _UNPRICED} | ({"amount": part.quantity} if part.quantity else {})
            for position, part in zip(_chosen(order, effect.parts), effect.parts, strict=False)
        ]
        before = effect.highest_before or LedgerId("0")
        newer = [state for state in self._orders.deliveries() if state.ledger_id.age > before.age]
        candidates = [state for state in newer if state.contact_id == effect.contact_id and not state.is_cancelled]
        found = [
            state
            for state in candidates
            if (row := self._orders.delivery_row(state.ledger_id)) is not None and _is_just(row, wanted)
        ]
        if len(found) > 1:
            numbers = ", ".join(f"{state.number} ({state.url})" for state in found)
            return LookupResult(conflict=f"bexio has {len(found)} new deliveries that may be it: {numbers}.")
        if found:
            return LookupResult(done=delivery_done(found[0]))
        return self._half_delivery([state for state in candidates if not state.is_issued], wanted)

    def _half_delivery(self, candidates: Sequence[DeliveryState], wanted: Sequence[Row]) -> LookupResult:
        """A question about what a request that failed half-way left behind, which no program can delete in bexio."""
        for state in candidates:
            row = self._orders.delivery_row(state.ledger_id)
            if row is not None and _is_half(row, wanted, at_least=0):
                return LookupResult(
                    conflict=f"bexio made only {len(_positions(row))} of {len(wanted)} positions of the delivery "
                    f"{state.number}. Delete it: {state.url}"
                )
        return LookupResult()

    def issue(self, effect: IssueDelivery) -> EffectResult:
        """Issues a delivery, so that bexio books its stock."""
        row = self._shown.get(f"{DELIVERIES}/{effect.document_id}") or self._orders.delivery_row(effect.known_id)
        state = None if row is None else delivery_from(row, self._web_url)
        if state is None:
            raise Refused("bexio", 404, f"the delivery {effect.known_id} was deleted")
        if state.is_cancelled:
            raise Changed(f"{state.number} was cancelled in bexio, so it was not issued: {state.url}")
        if not state.is_issued:
            self._api.write("POST", f"{DELIVERIES}/{effect.document_id}/issue")
        return delivery_done(state)

    def find_issued(self, effect: IssueDelivery) -> LookupResult:
        """The status of the delivery says whether it was issued."""
        state = self._orders.delivery(effect.known_id)
        return LookupResult(done=delivery_done(state)) if state is not None and state.is_issued else LookupResult()

    # invoices

    def with_highest_invoice(self, effect: CreateOrderInvoice) -> CreateOrderInvoice:
        """Only an invoice that is newer than all of now can be ours."""
        return replace(effect, highest_before=self._api.highest_id(INVOICES))

    def invoice(self, effect: CreateOrderInvoice) -> EffectResult:
        """Makes an invoice of some positions of an order; half of one that a failure leaves behind is deleted."""
        order = self._order_to_fulfil(effect)
        positions = _chosen(order, effect.parts)
        if not begins_with({"positions": positions}, _forms(effect, with_amounts=False)):
            raise self._changed_order(effect.known_id, order)
        body = {"positions": _named_parts(positions, effect.parts)}
        try:
            row = self._api.write("POST", f"{ORDERS}/{effect.document_id}/invoice", body)
        except Unanswered as problem:
            if problem.has_ended:
                self._delete_half(effect)
            raise
        with after_the_effect(), understood("the new invoice"):
            state = document_from(row, self._web_url)
            if state.contact_id != effect.contact_id:
                raise NotUnderstood("it is for somebody else")
            self._shown.keep(f"{INVOICES}/{state.ledger_id}", row)
            return document_done(state)

    def find_invoice(self, effect: CreateOrderInvoice) -> LookupResult:
        """The newer draft for the same contact without a reference, of just these positions."""
        drafts = self._new_drafts(effect)
        wanted = _forms(effect)
        found = [state for state, row in drafts if _is_just(row, wanted)]
        if len(found) > 1:
            numbers = ", ".join(f"{state.number} ({state.url})" for state in found)
            return LookupResult(
                conflict=f"bexio has {len(found)} new invoices that may be it: {numbers}. Delete all but one."
            )
        if found:
            return LookupResult(done=document_done(found[0]))
        half = next((state for state, row in drafts if _is_half(row, wanted, at_least=0)), None)
        if half is None:
            return LookupResult()
        return LookupResult(
            conflict=f"bexio made only {half.positions} of {len(wanted)} positions of the invoice {half.number}. "
            f"Delete it: {half.url}"
        )

    def _delete_half(self, effect: CreateOrderInvoice) -> None:
        """Deletes what a conversion that failed half-way left behind, and holds the record."""
        wanted = _forms(effect)
        halves = [state for state, row in self._new_drafts(effect) if _is_half(row, wanted)]
        if len(halves) != 1:
            return
        half = halves[0]
        self._api.write("DELETE", f"{INVOICES}/{half.ledger_id}")
        raise Changed(
            f"bexio failed while it made the invoice of the order, and left {half.number} with {half.positions} of "
            f"{len(wanted)} positions, which was deleted. Make the invoice in bexio, or retry it."
        )

    def _new_drafts(self, effect: CreateOrderInvoice) -> list[tuple[DocumentState, Row]]:
        """The drafts for the same contact that are newer than the watermark and carry no reference."""
        before = effect.highest_before or LedgerId("0")
        rows = self._api.search(INVOICES, [criterion("id", ">", before.wire)], order_by="id")
        states = [document_from(row, self._web_url) for row in rows]
        found = []
        for state in states:
            is_new = state.ledger_id.age > before.age and not state.reference and state.contact_id == effect.contact_id
            if not is_new or state.standing is not DocumentStatus.DRAFT:
                continue
            row = self._invoices.present_row(state.ledger_id)
            if row is not None:
                found.append((document_of(state.ledger_id, row, self._web_url), row))
        return found

    # the order

    def _order_to_fulfil(self, effect: CreateDelivery | CreateOrderInvoice) -> Row:
        """The order as it is now, whose positions must be those that the parts were planned for."""
        row = self._shown.get(f"{ORDERS}/{effect.document_id}") or self._orders.row(effect.known_id)
        state = order_of(effect.known_id, row, self._web_url)
        if state.standing is OrderStatus.CANCELLED:
            raise Changed(f"{state.number} was cancelled in bexio, so nothing was made of it: {state.url}")
        _, _, known = str(effect.order_content).partition(".")
        _, _, shown = content_of(row).partition(".")
        if known not in ("", shown) or any(part.index >= len(_positions(row)) for part in effect.parts):
            raise self._changed_order(effect.known_id, row)
        return row

    def _changed_order(self, order_id: LedgerId, row: Row) -> Changed:
        state = order_of(order_id, row, self._web_url)
        return Changed(
            f"The positions of {state.number} were changed in bexio, so nothing was made of it. "
            f"Correct them, or deliver and invoice it in bexio: {state.url}"
        )


def _positions(order: Row) -> list[Row]:
    with understood("the positions of an order"):
        positions = order.get("positions")
        if not isinstance(positions, list):
            raise NotUnderstood("`positions` is no list")
        return [row_of(position) for position in positions]


def _chosen(order: Row, parts: Sequence[OrderPart]) -> list[Row]:
    """The positions of the order that the parts name by their place."""
    positions = _positions(order)
    return [positions[part.index] for part in parts if part.index < len(positions)]


def _named_parts(positions: Sequence[Row], parts: Sequence[OrderPart]) -> list[dict[str, Any]]:
    """The parts as bexio wants them: type and id of each position, and how much of it."""
    with understood("a position of the order"):
        answers = [PositionAnswer.read(position) for position in positions]
    return [
        {"id": answer.id, "type": answer.type} | ({"amount": part.quantity} if part.quantity is not None else {})
        for answer, part in zip(answers, parts, strict=True)
    ]


def _forms(effect: CreateOrderInvoice, *, with_amounts: bool = True) -> list[dict[str, Any]]:
    """What each position of the invoice is to say."""
    forms = [embedded_position(position) for position in effect.positions]
    return forms if with_amounts else [{n: v for n, v in form.items() if n != "amount"} for form in forms]


def _is_just(row: Row, wanted: Sequence[Row]) -> bool:
    return len(_positions(row)) == len(wanted) and begins_with(row, wanted)


def _is_half(row: Row, wanted: Sequence[Row], *, at_least: int = 1) -> bool:
    """Whether it holds only the first of the positions; an empty one may be somebody else's, and is never deleted."""
    count = len(_positions(row))
    return at_least <= count < len(wanted) and begins_with(row, wanted)
