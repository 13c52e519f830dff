"""A person at work in bexio's own pages just when a client is at work too."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Response

from bexsync.sandbox.books import positions
from bexsync.sandbox.books.state import Books, Row
from bexsync.sandbox.faults.parameters import FaultError, listing
from bexsync.sandbox.faults.scene import Scene, Work
from bexsync.sandbox.person import Person

NEWEST, THIS, ALL = "newest invoice", "this invoice", "all"
_SHARED = {"action", "target", "when"}
_IN_PATH = re.compile(r"/kb_invoice/(\d+)(?:/|$)")


@dataclass(frozen=True)
class Action:
    """What a person does with one invoice or contact, and which keys tell how."""

    do: Callable[[Scene, Row], None]
    keys: tuple[str, ...] = ()
    is_about_contact: bool = False


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


ACTIONS: dict[str, Action] = {
    "pay": Action(_pay),
    "pay_part": Action(_pay_part, ("amount",)),
    "credit": Action(_credit, ("amount",)),
    "cancel": Action(lambda scene, invoice: _person(scene).cancel(invoice["id"])),
    "delete": Action(lambda scene, invoice: _person(scene).delete(invoice["id"])),
    "edit_title": Action(_edit_title, ("title",)),
    "edit_price": Action(_edit_price, ("price",)),
    "merge_contacts": Action(_merge_contacts, ("keep",), is_about_contact=True),
    "archive_contact": Action(
        lambda scene, contact: _person(scene).archive_contact(contact["id"]), is_about_contact=True
    ),
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
        meant = _contacts(scene) if action.is_about_contact else _invoices(scene)
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
        return _this(scene, rows)
    field = "id" if isinstance(target, int) else "api_reference"
    return [row for row in rows if row[field] == target]


def _this(scene: Scene, rows: list[Row]) -> list[Row]:
    named = _IN_PATH.search(scene.request.path)
    if named:
        return [row for row in rows if row["id"] == int(named[1])]
    # A create names no invoice; after it, its own is the newest one.
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


def _living(books: Books) -> dict[int, Row]:
    return {number: row for number, row in books.contacts.items() if not row["is_archived"]}
