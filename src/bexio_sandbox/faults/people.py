"""A person at work in bexio's own pages just when a client is at work too."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Response

from bexio_sandbox.books import items, positions
from bexio_sandbox.books.state import Books, Row
from bexio_sandbox.faults.context import Scene, Work
from bexio_sandbox.faults.parameters import FaultError, listing
from bexio_sandbox.ui_actions import Person

NEWEST, THIS, ALL = "newest invoice", "this invoice", "all"
_NEWEST_ITEM, _THIS_ITEM = "newest item", "this item"
_SHARED = {"action", "target", "when"}
_INVOICE_IN_PATH = re.compile(r"/kb_invoice/(\d+)(?:/|$)")
_ITEM_IN_PATH = re.compile(r"/article/(\d+)$")


@dataclass(frozen=True)
class Action:
    """What a person does with one invoice, contact or item, or with none, and which keys tell how."""

    do: Callable[[Scene, Row], None]
    keys: tuple[str, ...] = ()
    about: str = "invoice"


def _person(scene: Scene) -> Person:
    return scene.stage.person


def _pay(scene: Scene, invoice: Row) -> None:
    _person(scene).pay(invoice["id"])


def _pay_part(scene: Scene, invoice: Row) -> None:
    half = Decimal(invoice["total_remaining_payments"]) / 2
    _person(scene).pay(invoice["id"], scene.fault["amount"] or half.quantize(Decimal("0.01")))


def _credit(scene: Scene, invoice: Row) -> None:
    _person(scene).credit(invoice["id"], scene.fault["amount"] or invoice["total_remaining_payments"])


def _edit_title(scene: Scene, invoice: Row) -> None:
    _person(scene).edit(invoice["id"], title=scene.fault["title"])


def _edit_price(scene: Scene, invoice: Row) -> None:
    rows = positions.of_document(scene.stage.books, invoice)
    priced = [index for index, row in enumerate(rows) if row["type"] in positions.PRICED]
    if not priced:
        raise ValueError(f"invoice {invoice['id']} has no price to edit")
    _person(scene).edit_price(invoice["id"], priced[0], scene.fault["price"])


def _merge_contacts(scene: Scene, contact: Row) -> None:
    others = [number for number in _living(scene.stage.books) if number != contact["id"]]
    keep = scene.fault["keep"] or min(others, default=0)
    _person(scene).merge_contacts(keep, contact["id"])


def _create_item(scene: Scene, _: Row) -> None:
    body = scene.request.body if isinstance(scene.request.body, dict) else {}
    code = scene.fault["code"] or body.get("intern_code")
    if not code:
        raise ValueError('the request names no code; say which with "code"')
    _person(scene).create_item(code, scene.fault["title"], scene.fault["price"])


def _edit_item(scene: Scene, item: Row) -> None:
    told = {field: scene.fault[key] for key, field in _ITEM_FIELDS.items() if key in scene.fault.parameters}
    _person(scene).edit_item(item["id"], **(told or {"intern_name": scene.fault["title"]}))


_ITEM_FIELDS = {
    "title": "intern_name",
    "price": "sale_price",
    "description": "intern_description",
    "weight": "weight",
    "code": "intern_code",
}
ACTIONS: dict[str, Action] = {
    "pay": Action(_pay),
    "pay_part": Action(_pay_part, ("amount",)),
    "credit": Action(_credit, ("amount",)),
    "cancel": Action(lambda scene, invoice: _person(scene).cancel(invoice["id"])),
    "delete": Action(lambda scene, invoice: _person(scene).delete(invoice["id"])),
    "edit_title": Action(_edit_title, ("title",)),
    "edit_price": Action(_edit_price, ("price",)),
    "merge_contacts": Action(_merge_contacts, ("keep",), "contact"),
    "archive_contact": Action(lambda scene, contact: _person(scene).archive_contact(contact["id"]), about="contact"),
    "create_item": Action(_create_item, ("code", "title", "price"), "nothing"),
    "edit_item": Action(_edit_item, tuple(_ITEM_FIELDS), "item"),
    "book_stock": Action(
        lambda scene, item: _person(scene).book_stock(item["id"], scene.fault["pieces"]), ("pieces",), "item"
    ),
    "delete_item": Action(lambda scene, item: _person(scene).delete_item(item["id"]), about="item"),
}


def check(parameters: dict[str, Any]) -> None:
    """Refuses keys that an action has no use for."""
    action = parameters["action"]
    for key in parameters:
        if key not in _SHARED and key not in ACTIONS[action].keys:
            users = [name for name, other in ACTIONS.items() if key in other.keys]
            raise FaultError(key, f'the action "{action}" has no use for it, only {listing(users)}; take it out.')


def act(scene: Scene, work: Work) -> Response:
    """Lets a person act before the work of a request, or after it."""
    if scene.fault["when"] == "before":
        _act_on_all(scene)
        return work()
    response = work()
    _act_on_all(scene)
    return response


def _act_on_all(scene: Scene) -> None:
    action = ACTIONS[scene.fault["action"]]
    with scene.stage.books.lock:
        meant = _MEANT[action.about](scene)
        if not meant:
            scene.fired.problem = f"nothing is meant by {scene.fault['target']!r}"
        for row in meant:
            try:
                action.do(scene, row)
            except ValueError as impossible:
                scene.fired.problem = str(impossible)


def _invoices(scene: Scene) -> list[Row]:
    rows = sorted(scene.stage.books.invoices.values(), key=lambda row: int(row["id"]))
    target = scene.fault["target"]
    if target == ALL:
        return rows
    if target == NEWEST:
        return rows[-1:]
    if target == THIS:
        return _this(scene, rows, _INVOICE_IN_PATH)
    field = "id" if isinstance(target, int) else "api_reference"
    return [row for row in rows if row[field] == target]


def _this(scene: Scene, rows: list[Row], in_path: re.Pattern[str]) -> list[Row]:
    named = in_path.search(scene.request.path)
    if named:
        return [row for row in rows if row["id"] == int(named[1])]
    # A create names none; after it, its own is the newest one.
    return rows[-1:] if scene.fault["when"] == "after" else []


def _contacts(scene: Scene) -> list[Row]:
    living = _living(scene.stage.books)
    target = scene.fault["target"]
    if isinstance(target, int):
        meant = [target]
    elif target == ALL:
        meant = list(living)
    else:
        meant = [row["contact_id"] for row in _invoices(scene)]
    return [living[number] for number in dict.fromkeys(meant) if number in living]


def _items(scene: Scene) -> list[Row]:
    rows = sorted(scene.stage.books.tables[items.ITEMS].values(), key=lambda row: int(row["id"]))
    target = scene.fault["target"]
    if target == ALL:
        return rows
    if target in (NEWEST, _NEWEST_ITEM):
        return rows[-1:]
    if target in (THIS, _THIS_ITEM):
        return _this(scene, rows, _ITEM_IN_PATH)
    field = "id" if isinstance(target, int) else "intern_code"
    return [row for row in rows if row[field] == target]


def _nothing(_: Scene) -> list[Row]:
    return [{}]


_MEANT: dict[str, Callable[[Scene], list[Row]]] = {
    "invoice": _invoices,
    "contact": _contacts,
    "item": _items,
    "nothing": _nothing,
}


def _living(books: Books) -> dict[int, Row]:
    return {number: row for number, row in books.contacts.items() if not row["is_archived"]}
