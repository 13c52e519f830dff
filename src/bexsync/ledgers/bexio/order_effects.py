"""Effects on orders: creating them, adding positions beyond the first, comparing and deleting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bexsync.errors import Changed, Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.contents import begins_with, says_the_same
from bexsync.ledgers.bexio.effects import AddOrderPosition, Handler, Handlers
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.learned_facts import NEGATIVE_PRICES, LearnedFacts
from bexsync.ledgers.bexio.models import Identified
from bexsync.ledgers.bexio.order_finder import ORDERS, OrderFinder
from bexsync.ledgers.bexio.order_records import order_done, order_from, order_of, order_to
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, understood
from bexsync.ledgers.bexio.records import embedded_position, position_to, segment
from bexsync.ports.documents import EffectResult, LookupResult, OrderState, OrderStatus
from bexsync.ports.order_effects import CreateOrder, DeleteOrder, LookAtOrder


class OrderEffects:
    """Creates, compares and deletes orders; bexio's answers are compared with what was sent."""

    def __init__(self, api: Api, finder: OrderFinder, learned: LearnedFacts, shown: JustShown, web_url: str) -> None:
        self._api = api
        self._finder = finder
        self._learned = learned
        self._shown = shown
        self._web_url = web_url
        self._highest: LedgerId | None = None

    @property
    def handlers(self) -> Handlers:
        """The effects on orders."""
        return (
            Handler(CreateOrder, self.create, self.find_created, NEGATIVE_PRICES, self.with_highest),
            Handler(AddOrderPosition, self.add_position, self.find_position, NEGATIVE_PRICES),
            Handler(LookAtOrder, self.look),
            Handler(DeleteOrder, self.delete, self.find_deleted),
        )

    def with_highest(self, effect: CreateOrder) -> CreateOrder:
        """Only an order that is newer than all of now can be ours.

        The highest of a moment ago does as well, since an order is told from those of others by its reference.
        """
        if self._highest is None:
            self._highest = self._api.highest_id(ORDERS)
        return replace(effect, highest_before=self._highest)

    def create(self, effect: CreateOrder) -> EffectResult:
        """Creates an order with its first positions."""
        row = self._created(effect)
        with after_the_effect(), understood("the new order"):
            state = order_from(row, self._web_url)
            if state.reference != effect.reference:
                raise NotUnderstood("it is another one")
            self._highest = max(self._highest or state.ledger_id, state.ledger_id, key=lambda one: one.age)
            self._shown.keep(f"{ORDERS}/{state.ledger_id}", row)
            return order_done(state)

    def _created(self, effect: CreateOrder) -> Any:
        """What bexio answers; where an order may not say what its prices are, they are net."""
        is_net = effect.prices == "net" or not effect.vat
        says_prices = self._learned.order_prices
        if not says_prices and not is_net:
            raise Refused("bexio", 422, "an order cannot have prices that include VAT here")
        positions = [embedded_position(position) for position in effect.positions]
        try:
            body = order_to(effect, says_prices=says_prices)
            return self._api.write("POST", ORDERS, body | {"positions": positions})
        except Refused as problem:
            if not says_prices or not self._learned.refused_order_prices(problem) or not is_net:
                raise
        body = order_to(effect, says_prices=False)
        return self._api.write("POST", ORDERS, body | {"positions": positions})

    def find_created(self, effect: CreateOrder) -> LookupResult:
        """The newer order that carries our reference, if it is for the same customer and holds what was sent."""
        newer = self._finder.above(effect.highest_before or LedgerId("0"))
        found = [state for state in newer if state.reference == effect.reference]
        if len(found) > 1:
            numbers = ", ".join(f"{state.number} ({state.url})" for state in found)
            return LookupResult(
                conflict=f"bexio has {len(found)} orders with our reference: {numbers}. Delete all but one."
            )
        row = self._finder.present_row(found[0].ledger_id) if found else None
        if row is None:
            return LookupResult()
        state = order_of(found[0].ledger_id, row, self._web_url)
        if state.contact_id != effect.contact_id or state.currency_id != effect.currency_id:
            return LookupResult(conflict=f"{state.number} carries our reference but is for somebody else: {state.url}")
        if not begins_with(row, [embedded_position(position) for position in effect.positions]):
            return LookupResult(
                conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
            )
        return LookupResult(done=order_done(state))

    def add_position(self, effect: AddOrderPosition) -> EffectResult:
        """Adds a position at the end."""
        kind, body = position_to(effect.position)
        self._shown.forget(f"{ORDERS}/{effect.document_id}")
        row = self._api.write("POST", f"{ORDERS}/{effect.document_id}/{segment(kind)}", body)
        with after_the_effect(), understood("the new position"):
            return EffectResult(LedgerId(Identified.read(row).id))

    def find_position(self, effect: AddOrderPosition) -> LookupResult:
        """Positions are added in order, so how many there are says whether this one is."""
        row = self._finder.present_row(effect.known_id)
        shown = row.get("positions") if row is not None else None
        if row is None or not isinstance(shown, list) or len(shown) == effect.index:
            return LookupResult()
        state = order_of(effect.known_id, row, self._web_url)
        here: Mapping[str, Any] = {"positions": shown[effect.index : effect.index + 1]}
        if here["positions"] and begins_with(here, [embedded_position(effect.position)]):
            return LookupResult(done=EffectResult(state.ledger_id))
        return LookupResult(
            conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
        )

    def look(self, effect: LookAtOrder) -> EffectResult:
        """Looks at the whole order, and at its positions where they matter."""
        row = self._finder.row(effect.known_id)
        state = order_of(effect.known_id, row, self._web_url)
        wanted = effect.positions
        if wanted is not None and not says_the_same(row, [embedded_position(position) for position in wanted]):
            raise Changed(
                f"bexio has {state.number} with our reference, but its positions are not what the shop says. "
                f"Correct one of the two: {state.url}"
            )
        return order_done(state)

    def delete(self, effect: DeleteOrder) -> EffectResult:
        """Deletes an order that holds what bexsync wrote, and of which nothing was delivered or invoiced."""
        state = self._finder.whole(effect.known_id)
        if state.standing is not OrderStatus.PENDING or state.content != effect.content or _is_begun(state):
            raise Changed(
                f"{state.number} was changed, delivered or invoiced in bexio, so it was not deleted: {state.url}"
            )
        self._api.write("DELETE", f"{ORDERS}/{state.ledger_id}")
        return EffectResult(state.ledger_id, state.number, state.url, seen={"standing": OrderStatus.DELETED.value})

    def find_deleted(self, effect: DeleteOrder) -> LookupResult:
        """An order that is gone was deleted."""
        if self._finder.present_row(effect.known_id) is not None:
            return LookupResult()
        return LookupResult(done=EffectResult(effect.known_id, seen={"standing": OrderStatus.DELETED.value}))


def _is_begun(state: OrderState) -> bool:
    """Whether something of it stands on a delivery or an invoice, as far as bexio tells."""
    return any(one.completed or one.open not in (None, one.quantity) for one in state.positions or ())
