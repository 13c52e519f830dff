"""The form of items, which clients fill in through the API and people on bexio's pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.forms import (
    LONG,
    Cleaner,
    Field,
    Form,
    Refused,
    decimal,
    flag,
    integer_or_null,
    number_or_none,
    one_of,
    reference,
    set_reference,
    text,
)
from bexio_sandbox.state.tables import Row, State

PHYSICAL, SERVICE = 1, 2
REQUIRED = ("user_id", "article_type_id", "intern_code", "intern_name")
STOCK_FIELDS = frozenset({"is_stock", "stock_id", "stock_place_id", "stock_nr", "stock_min_nr"})
_HIGHEST = Decimal(10) ** 12
_LONGEST_SIDE = 2**31 - 1
_PLACES = 6


def by_hand(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns fields as a form holds them that a person types into: numbers may come as text, prices as numbers."""
    return {name: _typed(name, value) for name, value in fields.items()}


def _typed(name: str, value: Any) -> Any:
    if name in _WHOLE_NUMBERS and isinstance(value, str):
        return int(value) if value.isdecimal() else value or None
    if name == "is_stock" and isinstance(value, str):
        return value == "true"
    if name in ("purchase_price", "sale_price") and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{Decimal(value):f}"
    return value


def _price(value: Any, state: State) -> str | None:
    return None if value is None else str(decimal(_PLACES)(value, state))


def _number(value: Any, _: State) -> str:
    number = number_or_none(value)
    if number is None or abs(number) >= _HIGHEST or number != round(number, _PLACES):
        raise Refused
    return plain(number)


def _number_or_null(value: Any, state: State) -> str | None:
    return None if value is None else _number(value, state)


def _measure(value: Any, state: State) -> int | None:
    measure = integer_or_null(value, state)
    if measure is not None and not 0 <= measure <= _LONGEST_SIDE:
        raise Refused
    return measure


def _group(value: Any, _: State) -> None:
    # Groups of items have no interface of their own, so none can be named.
    if value is not None:
        raise Refused


def _is_live(contact: Row) -> bool:
    return not contact["is_archived"]


def _is_active(row: Row) -> bool:
    return bool(row["is_active"])


def _is_active_sales_tax(tax: Row) -> bool:
    return _is_active(tax) and not tax["type"].startswith("pre_")


def _is_active_pre_tax(tax: Row) -> bool:
    return _is_active(tax) and bool(tax["type"].startswith("pre_"))


_CLEANERS: dict[str, Cleaner] = {
    "user_id": set_reference("users"),
    "article_type_id": one_of(PHYSICAL, SERVICE),
    "contact_id": reference("contacts", _is_live),
    "deliverer_code": text(),
    "deliverer_name": text(),
    "deliverer_description": text(LONG),
    "intern_code": text(),
    "intern_name": text(),
    "intern_description": text(LONG),
    "purchase_price": _price,
    "sale_price": _price,
    "purchase_total": _number_or_null,
    "sale_total": _number_or_null,
    "currency_id": reference("currencies"),
    "tax_income_id": reference("taxes", _is_active_sales_tax),
    "tax_expense_id": reference("taxes", _is_active_pre_tax),
    "unit_id": reference("units"),
    "is_stock": flag,
    "stock_id": reference("stocks"),
    "stock_place_id": reference("stock_places"),
    "stock_nr": _number,
    "stock_min_nr": _number,
    "width": _measure,
    "height": _measure,
    "weight": _measure,
    "volume": _measure,
    "html_text": text(LONG),
    "remarks": text(LONG),
    "delivery_price": _number_or_null,
    "article_group_id": _group,
    "account_id": reference("accounts", _is_active),
    "expense_account_id": reference("accounts", _is_active),
}
_WHOLE_NUMBERS = frozenset({"width", "height", "weight", "volume", *(n for n in _CLEANERS if n.endswith("_id"))})
# What has to be there may not be emptied later either.
ITEM_FORM = Form({name: Field(clean, is_required=name in REQUIRED) for name, clean in _CLEANERS.items()})
LENIENT_FORM = Form({name: Field(clean) for name, clean in _CLEANERS.items()})
