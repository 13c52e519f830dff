"""Items and their stock: what may be written when, and what is there."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.messages import text
from bexio_sandbox.state.tables import Row, State

ITEMS = "articles"
SERVICE = 2
BLANK: Row = {
    "user_id": 1,
    "article_type_id": 1,
    "contact_id": None,
    "deliverer_code": "",
    "deliverer_name": "",
    "deliverer_description": "",
    "intern_code": "",
    "intern_name": "",
    "intern_description": "",
    "purchase_price": None,
    "sale_price": None,
    "purchase_total": None,
    "sale_total": None,
    "currency_id": None,
    "tax_income_id": None,
    "tax_expense_id": None,
    "unit_id": None,
    "is_stock": False,
    "stock_id": None,
    "stock_place_id": None,
    "stock_nr": "0",
    "stock_min_nr": "0",
    "width": None,
    "height": None,
    "weight": None,
    "volume": None,
    "html_text": "",
    "remarks": "",
    "delivery_price": None,
    "article_group_id": None,
    "account_id": None,
    "expense_account_id": None,
    # What was booked by hand since the first stock, null before the first booking, and what is promised to customers.
    "booked_nr": None,
    "reserved_nr": "0",
}
# What an edit that empties all it does not name cannot touch.
_LASTING = ("article_type_id", "stock_nr", "booked_nr", "reserved_nr")
_ALWAYS_KEPT = ("user_id", "intern_code", "intern_name")
_LOADED_AT_ONCE = 5000


def find(state: State, item_id: int) -> Row:
    """Return an item with all its fields."""
    return {**BLANK, **stored(state, item_id)}


def stored(state: State, item_id: int) -> Row:
    """Return an item as it is kept: without what is blank."""
    row = state.tables[ITEMS].get(item_id)
    if row is None:
        raise not_found()
    return row


def create(state: State, values: dict[str, Any], language: str) -> Row:
    """Adds an item, in the company's own currency if none is given."""
    item = {**BLANK, "currency_id": 1, **_cleaned(values)}
    _refuse_odd(state, item, {}, language)
    return {**BLANK, **state.add(ITEMS, _without_blanks(item))}


def edit(state: State, item_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes the given fields of an item; the others stay, or become blank."""
    current = find(state, item_id)
    kept = current
    if state.behaviours["item_edit"] == "emptied":
        kept = {**BLANK, "id": item_id, **{name: current[name] for name in _LASTING}}
    return _replace(state, current, kept, values, language)


def change(state: State, item_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes the given fields of an item and no others, as bexio's own pages do."""
    current = find(state, item_id)
    return _replace(state, current, current, values, language)


def delete(state: State, item_id: int) -> None:
    """Deletes an item for good."""
    stored(state, item_id)
    state.remove(ITEMS, item_id)


def book(state: State, item_id: int, amount: Decimal) -> Row:
    """Books some pieces in, or out if the amount is negative; from then on no form can set the stock."""
    item = _with_stock(state, item_id)
    booked = plain(Decimal(item["booked_nr"] or 0) + amount)
    return state.put(ITEMS, {**stored(state, item_id), "booked_nr": booked})


def reserve(state: State, item_id: int, amount: Decimal) -> Row:
    """Promises some pieces to customers, or frees them if the amount is negative."""
    item = _with_stock(state, item_id)
    reserved = Decimal(item["reserved_nr"]) + amount
    if reserved < 0:
        raise form_error(f"stock_reserved_nr: only {item['reserved_nr']} are reserved.")
    return state.put(ITEMS, {**stored(state, item_id), "reserved_nr": plain(reserved)})


def move_reservation(state: State, item_id: int, amount: Decimal) -> None:
    """Reserves pieces for an order, or frees them; an item that is gone by then needs none."""
    if amount and item_id in state.tables[ITEMS]:
        reserved = Decimal(find(state, item_id)["reserved_nr"]) + amount
        state.put(ITEMS, {**stored(state, item_id), "reserved_nr": plain(max(reserved, Decimal(0)))})


def is_in_stock(state: State, item_id: int) -> bool:
    """Return whether an item is there and kept in stock."""
    row = state.tables[ITEMS].get(item_id)
    return row is not None and bool(row.get("is_stock"))


def in_stock(item: Row) -> Decimal:
    """Return how many pieces lie in the stock."""
    return Decimal(item["stock_nr"]) + Decimal(item["booked_nr"] or 0)


def available(item: Row) -> Decimal:
    """Return how many pieces can still be promised."""
    return in_stock(item) - Decimal(item["reserved_nr"])


def load(state: State, count: int, first: int, values: dict[str, Any]) -> None:
    """Adds many numbered items at once that hold the same otherwise."""
    common = _without_blanks({"user_id": 1, "currency_id": 1, **_cleaned(values)})
    numbers = iter(range(first, first + count))
    while chunk := list(islice(numbers, _LOADED_AT_ONCE)):
        with state.transaction():
            for number in chunk:
                state.add(ITEMS, {**common, "intern_code": f"ITEM-{number:06}", "intern_name": f"Item {number}"})


def _with_stock(state: State, item_id: int) -> Row:
    item = find(state, item_id)
    if not item["is_stock"]:
        raise form_error(f"is_stock: the item {item_id} is not kept in stock.")
    return item


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    # A null in a text that knows no null is an empty text.
    return {name: "" if value is None and isinstance(BLANK[name], str) else value for name, value in values.items()}


def _replace(state: State, current: Row, kept: Row, values: dict[str, Any], language: str) -> Row:
    if "stock_nr" in values and current["booked_nr"] is not None:
        raise form_error("stock_nr: The stock can not be set once there are stock bookings.")
    item = {**kept, **_cleaned(values)}
    _refuse_odd(state, item, current, language)
    return {**BLANK, **state.put(ITEMS, {"id": current["id"], **_without_blanks(item)})}


def _refuse_odd(state: State, item: Row, before: Row, language: str) -> None:
    errors = []
    if before and item["article_type_id"] != before["article_type_id"]:
        errors.append("article_type_id: The type of an item can not be changed.")
    if item["is_stock"] and item["article_type_id"] == SERVICE:
        errors.append(f"is_stock: {text('invalid', language)}")
    place = state.tables["stock_places"].get(item["stock_place_id"] or 0)
    if place is not None and place["stock_id"] != item["stock_id"]:
        errors.append(f"stock_place_id: {text('invalid', language)}")
    if item["intern_code"] != before.get("intern_code") and _is_taken(state, item):
        errors.append(f"intern_code: {text('taken', language)}")
    if errors:
        raise form_error(*errors)


def _is_taken(state: State, item: Row) -> bool:
    if state.behaviours["item_codes"] == "many":
        return False
    return any(row["intern_code"] == item["intern_code"] for row in state.tables[ITEMS].values())


def _without_blanks(item: Row) -> Row:
    # A hundred thousand items are kept in the memory of a small computer.
    return {name: value for name, value in item.items() if name in _ALWAYS_KEPT or value != BLANK.get(name)}
