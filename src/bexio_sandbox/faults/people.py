"""A person at work in bexio's own pages just when a client is at work too."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Response

from bexio_sandbox.faults.context import FaultContext
from bexio_sandbox.faults.parameters import FaultError, listing
from bexio_sandbox.requests import Work
from bexio_sandbox.state import items, positions
from bexio_sandbox.state.tables import Row, State
from bexio_sandbox.ui_actions import UiActions

NEWEST, THIS, ALL = "newest invoice", "this invoice", "all"
_SHARED = {"action", "target", "when"}


@dataclass(frozen=True)
class Action:
    """What a person does with one document, contact or item, or with none, and which keys tell how."""

    do: Callable[[FaultContext, Row], None]
    keys: tuple[str, ...] = ()
    about: str = "invoice"


def _person(context: FaultContext) -> UiActions:
    return context.sandbox.person


def _pay(context: FaultContext, invoice: Row) -> None:
    _person(context).pay(invoice["id"])


def _pay_part(context: FaultContext, invoice: Row) -> None:
    half = Decimal(invoice["total_remaining_payments"]) / 2
    _person(context).pay(invoice["id"], context.fault["amount"] or half.quantize(Decimal("0.01")))


def _credit(context: FaultContext, invoice: Row) -> None:
    _person(context).credit(invoice["id"], context.fault["amount"] or invoice["total_remaining_payments"])


def _edit_title(context: FaultContext, invoice: Row) -> None:
    _person(context).edit(invoice["id"], title=context.fault["title"])


def _edit_price(context: FaultContext, invoice: Row) -> None:
    _person(context).edit_price(invoice["id"], _first_priced(context, invoice), context.fault["price"])


def _edit_order_price(context: FaultContext, order: Row) -> None:
    _person(context).edit_order_price(order["id"], _first_priced(context, order), context.fault["price"])


def _first_priced(context: FaultContext, document: Row) -> int:
    rows = positions.of_document(context.sandbox.state, document)
    priced = [index for index, row in enumerate(rows) if row["type"] in positions.PRICED]
    if not priced:
        raise ValueError(f"{document['document_nr']} has no price to edit")
    return priced[0]


def _merge_contacts(context: FaultContext, contact: Row) -> None:
    others = [number for number in _living(context.sandbox.state) if number != contact["id"]]
    keep = context.fault["keep"] or min(others, default=0)
    _person(context).merge_contacts(keep, contact["id"])


def _create_item(context: FaultContext, _: Row) -> None:
    body = context.request.body if isinstance(context.request.body, dict) else {}
    code = context.fault["code"] or body.get("intern_code")
    if not code:
        raise ValueError('the request names no code; say which with "code"')
    _person(context).create_item(code, context.fault["title"], context.fault["price"])


def _edit_item(context: FaultContext, item: Row) -> None:
    told = {field: context.fault[key] for key, field in _ITEM_FIELDS.items() if key in context.fault.parameters}
    _person(context).edit_item(item["id"], **(told or {"intern_name": context.fault["title"]}))


_ITEM_FIELDS = {
    "title": "intern_name",
    "price": "sale_price",
    "description": "intern_description",
    "weight": "weight",
    "code": "intern_code",
}


def _order_action(name: str) -> Action:
    return Action(lambda context, order: getattr(_person(context), name)(order["id"]), about="order")


def _delivery_action(name: str) -> Action:
    return Action(lambda context, delivery: getattr(_person(context), name)(delivery["id"]), about="delivery")


ACTIONS: dict[str, Action] = {
    "pay": Action(_pay),
    "pay_part": Action(_pay_part, ("amount",)),
    "credit": Action(_credit, ("amount",)),
    "cancel": Action(lambda context, invoice: _person(context).cancel(invoice["id"])),
    "delete": Action(lambda context, invoice: _person(context).delete(invoice["id"])),
    "edit_title": Action(_edit_title, ("title",)),
    "edit_price": Action(_edit_price, ("price",)),
    "finish_order": _order_action("finish_order"),
    "cancel_order": _order_action("cancel_order"),
    "delete_order": _order_action("delete_order"),
    "deliver_order": _order_action("deliver_order"),
    "invoice_order": _order_action("invoice_order"),
    "edit_order_title": Action(
        lambda context, order: _person(context).edit_order(order["id"], title=context.fault["title"]),
        ("title",),
        "order",
    ),
    "edit_order_price": Action(_edit_order_price, ("price",), "order"),
    "issue_delivery": _delivery_action("issue_delivery"),
    "cancel_delivery": _delivery_action("cancel_delivery"),
    "delete_delivery": _delivery_action("delete_delivery"),
    "merge_contacts": Action(_merge_contacts, ("keep",), "contact"),
    "archive_contact": Action(
        lambda context, contact: _person(context).archive_contact(contact["id"]), about="contact"
    ),
    "create_item": Action(_create_item, ("code", "title", "price"), "nothing"),
    "edit_item": Action(_edit_item, tuple(_ITEM_FIELDS), "item"),
    "book_stock": Action(
        lambda context, item: _person(context).book_stock(item["id"], context.fault["pieces"]), ("pieces",), "item"
    ),
    "delete_item": Action(lambda context, item: _person(context).delete_item(item["id"]), about="item"),
}


def check(parameters: dict[str, Any]) -> None:
    """Refuses keys that an action has no use for."""
    action = parameters["action"]
    for key in parameters:
        if key not in _SHARED and key not in ACTIONS[action].keys:
            users = [name for name, other in ACTIONS.items() if key in other.keys]
            raise FaultError(key, f'the action "{action}" has no use for it, only {listing(users)}; take it out.')


def act(context: FaultContext, work: Work) -> Response:
    """Lets a person act before the work of a request, or after it."""
    if context.fault["when"] == "before":
        _act_on_all(context)
        return work()
    response = work()
    _act_on_all(context)
    return response


def _act_on_all(context: FaultContext) -> None:
    action = ACTIONS[context.fault["action"]]
    with context.sandbox.state.lock:
        meant = _MEANT[action.about](context)
        if not meant:
            context.fired.problem = f"nothing is meant by {context.fault['target']!r}"
        for row in meant:
            try:
                action.do(context, row)
            except ValueError as impossible:
                context.fired.problem = str(impossible)


@dataclass(frozen=True)
class Meant:
    """How a fault names the rows of one table: how paths do, and which field a text is compared with."""

    noun: str
    table: str
    in_path: re.Pattern[str]
    field: str

    def rows(self, context: FaultContext) -> list[Row]:
        """Return the rows that the target of a fault means."""
        rows = sorted(context.sandbox.state.tables[self.table].values(), key=lambda row: int(row["id"]))
        target = context.fault["target"]
        if target == ALL:
            return rows
        if target in (NEWEST, f"newest {self.noun}"):
            return rows[-1:]
        if target in (THIS, f"this {self.noun}"):
            return self._named_in_path(context, rows)
        field = "id" if isinstance(target, int) else self.field
        return [row for row in rows if row[field] == target]

    def _named_in_path(self, context: FaultContext, rows: list[Row]) -> list[Row]:
        named = self.in_path.search(context.request.path)
        if named:
            return [row for row in rows if row["id"] == int(named[1])]
        # A create names none; after it, its own is the newest one.
        return rows[-1:] if context.fault["when"] == "after" else []


_INVOICES = Meant("invoice", "invoices", re.compile(r"/kb_invoice/(\d+)(?:/|$)"), "api_reference")
_ORDERS = Meant("order", "orders", re.compile(r"/kb_order/(\d+)(?:/|$)"), "api_reference")
_DELIVERIES = Meant("delivery", "deliveries", re.compile(r"/kb_delivery/(\d+)(?:/|$)"), "document_nr")
_ITEMS = Meant("item", items.ITEMS, re.compile(r"/article/(\d+)$"), "intern_code")


def _contacts(context: FaultContext) -> list[Row]:
    living = _living(context.sandbox.state)
    target = context.fault["target"]
    if isinstance(target, int):
        meant = [target]
    elif target == ALL:
        meant = list(living)
    else:
        documents = _ORDERS if str(target).endswith(" order") else _INVOICES
        meant = [row["contact_id"] for row in documents.rows(context)]
    return [living[number] for number in dict.fromkeys(meant) if number in living]


def _nothing(_: FaultContext) -> list[Row]:
    return [{}]


_MEANT: dict[str, Callable[[FaultContext], list[Row]]] = {
    "invoice": _INVOICES.rows,
    "order": _ORDERS.rows,
    "delivery": _DELIVERIES.rows,
    "contact": _contacts,
    "item": _ITEMS.rows,
    "nothing": _nothing,
}


def _living(state: State) -> dict[int, Row]:
    return {number: row for number, row in state.contacts.items() if not row["is_archived"]}
