"""Orders and deliveries: our effects to bexio's forms, bexio's rows to what we know."""

from __future__ import annotations

from typing import Any

from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Row, moment_of
from bexsync.ledgers.bexio.contents import content_of
from bexsync.ledgers.bexio.order_models import CANCELLED, ISSUED, DeliveryAnswer, OrderAnswer
from bexsync.ledgers.bexio.reading import NotUnderstood, understood
from bexsync.ledgers.bexio.records import invoice_to
from bexsync.money import format_amount
from bexsync.ports.documents import DeliveryState, EffectResult, OrderPositionState, OrderState
from bexsync.ports.order_effects import CreateOrder

_ONLY_OF_INVOICES = ("is_valid_to", "reference")
_OWN_ADDRESS = 1  # of a delivery; 0 is the address of the invoice


def order_to(effect: CreateOrder, *, says_prices: bool) -> dict[str, Any]:
    """The header of an order as bexio's form wants it (contract 5)."""
    body = {name: value for name, value in invoice_to(effect).items() if name not in _ONLY_OF_INVOICES}
    if not says_prices:
        del body["mwst_is_net"]
    if effect.delivery_address:
        body |= {"delivery_address_type": _OWN_ADDRESS, "delivery_address_manual": effect.delivery_address}
    return body


def order_from(row: Row, web_url: str) -> OrderState:
    """An order as bexio shows it; a list or search shows no positions."""
    with understood(f"the order {_name(row)}"):
        found = OrderAnswer.read(row)
    positions = None
    if found.positions is not None:
        positions = tuple(
            OrderPositionState(one.type, one.amount, one.amount_open, one.amount_completed) for one in found.positions
        )
    return OrderState(
        ledger_id=LedgerId(found.id),
        number=found.document_nr,
        url=f"{web_url}/index.php/kb_order/show/id/{found.id}",
        reference=found.api_reference,
        standing=found.kb_item_status_id,
        total=found.total,
        contact_id=LedgerId.known(found.contact_id),
        currency_id=LedgerId.known(found.currency_id),
        day=found.is_valid_from,
        updated_at=moment_of(found.updated_at),
        title=found.title,
        content=content_of(row),
        positions=positions,
        address=found.contact_address,
    )


def order_of(ledger_id: LedgerId, row: Row, web_url: str) -> OrderState:
    """An order as bexio shows it, which must be the one that was asked for."""
    state = order_from(row, web_url)
    with understood(f"the order {ledger_id}"):
        if state.ledger_id != ledger_id:
            raise NotUnderstood(f"it is the order {state.ledger_id}")
    return state


def order_done(state: OrderState) -> EffectResult:
    """An effect whose answer is the order."""
    data = {"total": format_amount(state.total), "content": state.content}
    return EffectResult(state.ledger_id, state.number, state.url, state, data=data)


def delivery_from(row: Row, web_url: str) -> DeliveryState:
    """A delivery as bexio shows it."""
    with understood(f"the delivery {_name(row)}"):
        found = DeliveryAnswer.read(row)
    return DeliveryState(
        ledger_id=LedgerId(found.id),
        number=found.document_nr,
        url=f"{web_url}/index.php/kb_delivery/show/id/{found.id}",
        contact_id=LedgerId.known(found.contact_id),
        is_issued=found.kb_item_status_id == ISSUED,
        is_cancelled=found.kb_item_status_id == CANCELLED,
        day=found.is_valid_from,
        updated_at=moment_of(found.updated_at),
    )


def delivery_done(state: DeliveryState) -> EffectResult:
    """An effect whose answer is the delivery."""
    return EffectResult(state.ledger_id, state.number, state.url)


def _name(row: Any) -> str:
    found = row.get("id") if isinstance(row, dict) else None
    return str(found) if isinstance(found, int) and 0 < found < 2**53 else "of an unknown id"
