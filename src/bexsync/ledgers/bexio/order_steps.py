"""From what is wanted of an order and its deliveries to the steps in bexio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatchmethod
from typing import Any

from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.effects import AddOrderPosition
from bexsync.ledgers.bexio.step_list import POSITIONS_AT_ONCE, StepList, numbering
from bexsync.ports.order_effects import CreateDelivery, CreateOrder, DeleteOrder, IssueDelivery, LookAtOrder
from bexsync.ports.steps import LinkDraft, Ref
from bexsync.ports.wanted import KnownDocument, WantedDocument
from bexsync.ports.wanted_orders import AdoptOrder, Deliver, PlaceOrder, RemoveOrder

_ORDER = LinkDraft("order")
_DELIVERY = LinkDraft("delivery", role="delivery")


@dataclass(frozen=True)
class OrderTarget:
    """The order that something is made of, known already or made by steps before.

    `key` is that of the step that made it, and of its invoice.
    """

    order_id: LedgerId | Ref
    content: str | Ref
    key: str
    after: tuple[Ref, ...] = ()


class OrderSteps:
    """Adds the steps of one order: placing and removing it, and its deliveries."""

    def __init__(self, steps: StepList) -> None:
        self._steps = steps
        self._made: OrderTarget | None = None

    @singledispatchmethod
    def add(self, want: Any) -> None:
        """Adds the steps of one thing that is wanted."""
        raise TypeError(f"{want!r} is nothing that can be wanted of an order.")

    @add.register
    def _(self, want: PlaceOrder) -> None:
        replaced, document = want.replaces, want.document
        after: tuple[Ref, ...] = ()
        if replaced is not None:
            after = (self._delete(replaced, "which changed in the shop"),)
        key = self._key(want.revision if replaced is None else replaced.revision + 1)
        first = document.positions[:POSITIONS_AT_ONCE]
        is_complete = len(first) == len(document.positions)
        made = self._steps.add(
            CreateOrder(
                **self._steps.header(document), positions=first, delivery_address=want.delivery_address or None
            ),
            key,
            replace(
                _agreement(document) if is_complete else replace(_ORDER, source=document.source),
                contact_of=document.customer_key,
            ),
            expect=document.expect if is_complete else {"positions": str(len(first))},
            after=after,
            title=f"order for {document.customer}",
            **numbering("order", document.header),
        )
        tail = made if is_complete else self._add_beyond_the_first(document, made, key)
        # A journal that was restored may not say what the order held.
        self._made = OrderTarget(made, replace(tail, field="content", default=""), key, (tail,))

    @add.register
    def _(self, want: AdoptOrder) -> None:
        found, document = want.found, want.document
        link = _ORDER if document is None else _agreement(document)
        linked = self._steps.add(
            LookAtOrder(document_id=found.ledger_id, positions=None if document is None else document.positions),
            f"{self._steps.reference}@{found.ledger_id}",
            replace(link, adopted=True),
            expect={} if document is None else document.expect,
            title=f"link {found.number}, which bexio already has",
        )
        content = replace(linked, field="content", default="")
        self._made = OrderTarget(found.ledger_id, content, self._key(0), (linked,))

    @add.register
    def _(self, want: RemoveOrder) -> None:
        self._delete(want.known, "which the shop cancelled")

    @add.register
    def _(self, want: Deliver) -> None:
        key = f"{self._steps.reference}!{want.key}"
        delivery: LedgerId | Ref | None = want.delivery_id
        after: tuple[Ref, ...] = ()
        if delivery is None:
            target = self.target(want.order)
            effect = CreateDelivery(
                document_id=target.order_id,
                contact_id=want.contact_id or self._steps.contact(),
                parts=want.parts,
                order_content=target.content,
            )
            title = f"deliver {want.key}" if want.key else "deliver"
            delivery = self._steps.add(
                effect, key, replace(_DELIVERY, source=want.key), after=target.after, title=title
            )
            after = (delivery,)
        self._steps.add(IssueDelivery(document_id=delivery), key, _DELIVERY, after=after, title="issue the delivery")

    def target(self, known: KnownDocument | None) -> OrderTarget:
        """The order that something is to be made of."""
        if known is not None:
            return OrderTarget(known.ledger_id, known.content, self._key(known.revision))
        if self._made is None:
            raise Defect("No order is known or made that something could be made of.")
        return self._made

    def _key(self, revision: int) -> str:
        """The key of an order that was made anew so often."""
        return f"{self._steps.reference}@{revision}" if revision else self._steps.reference

    def _delete(self, known: KnownDocument, why: str) -> Ref:
        effect = DeleteOrder(document_id=known.ledger_id, content=known.content)
        key = f"{self._steps.reference}@{known.ledger_id}"
        after = (self._steps.taken_back,) if self._steps.taken_back is not None else ()
        return self._steps.add(effect, key, _ORDER, after=after, title=f"delete order {known.number}, {why}")

    def _add_beyond_the_first(self, document: WantedDocument, made: Ref, key: str) -> Ref:
        """The positions that do not fit the create, one by one, and a look at the whole in the end."""
        before = made
        for index, position in enumerate(document.positions[POSITIONS_AT_ONCE:], POSITIONS_AT_ONCE):
            before = self._steps.add(
                AddOrderPosition(document_id=made, index=index, position=position),
                f"{key}#{index}",
                _ORDER,
                after=(before,),
                title=f"position {index + 1} of the order",
            )
        look = LookAtOrder(document_id=made)
        link = _agreement(document)
        return self._steps.add(look, key, link, expect=document.expect, after=(before,), title="compare the order")


def _agreement(document: WantedDocument) -> LinkDraft:
    return replace(_ORDER, fingerprint=document.fingerprint, agreed=document.record, source=document.source)
