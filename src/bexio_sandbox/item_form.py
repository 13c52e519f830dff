"""The form of items, which clients fill in through the API and people on bexio's pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import pydantic

from bexio_sandbox.decimals import plain
from bexio_sandbox.forms import (
    LONG,
    Cleaner,
    Field,
    Form,
    Refused,
    decimal,
    flag,
    nothing,
    number_or_none,
    one_of,
    or_null,
    reference,
    set_reference,
    text,
    typed,
)
from bexio_sandbox.state.tables import Row, State

PHYSICAL, SERVICE = 1, 2
REQUIRED = ("user_id", "article_type_id", "intern_code", "intern_name")
STOCK_FIELDS = frozenset({"is_stock", "stock_id", "stock_place_id", "stock_nr", "stock_min_nr"})
_HIGHEST = Decimal(10) ** 12
_MEASURE = typed(Annotated[int, pydantic.Field(ge=0, le=2**31 - 1)] | None)
_PLACES = 6


def by_hand(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as a form holds them that a person types into: numbers may come as text, prices as numbers."""
    return {name: _typed(name, value) for name, value in fields.items()}


def _typed(name: str, value: Any) -> Any:
    if name in _WHOLE_NUMBERS and isinstance(value, str):
        return int(value) if value.isdecimal() else value or None
    if name == "is_stock" and isinstance(value, str):
        return value == "true"
    if name in ("purchase_price", "sale_price") and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{Decimal(value):f}"
    return value


def _number(value: Any, _: State) -> str:
    number = number_or_none(value)
    if number is None or abs(number) >= _HIGHEST or number != round(number, _PLACES):
        raise Refused
    return plain(number)


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
    "purchase_price": or_null(decimal(_PLACES)),
    "sale_price": or_null(decimal(_PLACES)),
    "purchase_total": or_null(_number),
    "sale_total": or_null(_number),
    "currency_id": reference("currencies"),
    "tax_income_id": reference("taxes", _is_active_sales_tax),
    "tax_expense_id": reference("taxes", _is_active_pre_tax),
    "unit_id": reference("units"),
    "is_stock": flag,
    "stock_id": reference("stocks"),
    "stock_place_id": reference("stock_places"),
    "stock_nr": _number,
    "stock_min_nr": _number,
    "width": _MEASURE,
    "height": _MEASURE,
    "weight": _MEASURE,
    "volume": _MEASURE,
    "html_text": text(LONG),
    "remarks": text(LONG),
    "delivery_price": or_null(_number),
    "article_group_id": nothing,  # groups of items have no interface of their own, so none can be named
    "account_id": reference("accounts", _is_active),
    "expense_account_id": reference("accounts", _is_active),
}
_WHOLE_NUMBERS = frozenset({"width", "height", "weight", "volume", *(n for n in _CLEANERS if n.endswith("_id"))})
# What has to be there may not be emptied later either.
ITEM_FORM = Form({name: Field(clean, is_required=name in REQUIRED) for name, clean in _CLEANERS.items()})
LENIENT_FORM = Form({name: Field(clean) for name, clean in _CLEANERS.items()})
