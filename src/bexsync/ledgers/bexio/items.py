"""bexio's items: reading the whole list, and writing single fields (contract 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bexsync.errors import Refused
from bexsync.ledgers.bexio.api import Api, Row, criterion
from bexsync.ledgers.bexio.reading import (
    NotUnderstood,
    after_the_effect,
    amount,
    flag,
    number,
    optional_number,
    record_id,
    row_of,
    spare_text,
    understood,
)
from bexsync.ledgers.bexio.records import markup, unmarked
from bexsync.ports import Done, Finding, Item

ITEMS = "/2.0/article"
BUCKET = "items"
_PHYSICAL, _SERVICE = 1, 2
# Our word for a field, and bexio's.
_TEXTS = {"code": "intern_code", "title": "intern_name", "remarks": "remarks"}
_NUMBERS = {
    "currency_id": "currency_id",
    "tax_id": "tax_income_id",
    "unit_id": "unit_id",
    "account_id": "account_id",
    "user_id": "user_id",
}
_AMOUNTS = {"price": "sale_price", "weight": "weight", "stock": "stock_nr"}


class ItemBook:
    """The items of one company."""

    def __init__(self, api: Api, web_url: str) -> None:
        self._api = api
        self._web_url = web_url

    def all(self) -> Iterator[Item]:
        """Every item, page by page."""
        for row in self._api.list(ITEMS, bucket=BUCKET):
            yield item_from(row)

    def one(self, ledger_id: int) -> Item | None:
        """One item, None when it no longer exists."""
        try:
            row = self._api.show(f"{ITEMS}/{ledger_id}", bucket=BUCKET)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise
        with understood("an item"):
            return item_from(row_of(row))

    def with_code(self, code: str) -> Sequence[Item]:
        """The items with exactly this code; what the search thinks equal is compared again here."""
        rows = self._api.search(ITEMS, [criterion("intern_code", "=", code)])
        return [item for item in map(item_from, rows) if item.code == code]

    def url(self, ledger_id: int) -> str:
        """The deep link of an item."""
        return f"{self._web_url}/index.php/article/show/id/{ledger_id}"

    def create(self, payload: Mapping[str, Any]) -> Done:
        """A new item."""
        body = item_to(payload) | {"article_type_id": _PHYSICAL if payload["physical"] else _SERVICE}
        if payload.get("stock") is not None:
            body["is_stock"] = True
        row = self._api.write("POST", ITEMS, body, bucket=BUCKET)
        with after_the_effect(), understood("the new item"):
            item = item_from(row_of(row))
            if item.code != payload["code"]:
                raise NotUnderstood("it is another one")
            return self._done(item)

    def find_created(self, payload: Mapping[str, Any]) -> Finding:
        """The item that was to be created carries its code; several are for a person to judge."""
        found = self.with_code(payload["code"])
        if len(found) > 1:
            links = ", ".join(self.url(item.ledger_id) for item in found)
            return Finding(conflict=f"bexio has {len(found)} items with the code {payload['code']}: {links}")
        return Finding(done=self._done(found[0])) if found else Finding()

    def edit(self, payload: Mapping[str, Any]) -> Done:
        """Some fields of an item; the others stay as they are."""
        path = f"{ITEMS}/{payload['ledger_id']}"
        row = self._api.write("POST", path, item_to(payload["fields"]), bucket=BUCKET)
        with after_the_effect(), understood("the edited item"):
            item = item_from(row_of(row))
            if item.ledger_id != payload["ledger_id"]:
                raise NotUnderstood("it is another one")
            return self._done(item)

    def find_edited(self, payload: Mapping[str, Any]) -> Finding:
        """An edit took effect when the item says what was written; otherwise it may simply be repeated."""
        item = self.one(payload["ledger_id"])
        if item is None:
            return Finding(conflict=f"The item {payload['ledger_id']} was deleted in bexio.")
        says = fields_of(item)
        is_written = all(says.get(name) == value for name, value in payload["fields"].items() if name in says)
        return Finding(done=self._done(item)) if is_written else Finding()

    def _done(self, item: Item) -> Done:
        return Done(item.ledger_id, item.code, self.url(item.ledger_id), data=fields_of(item))


def item_from(row: Row) -> Item:
    """An item as bexio shows it."""
    with understood(f"the item {row.get('intern_code') or row.get('id')!r}"):
        tracked = flag(row, "is_stock")
        return Item(
            ledger_id=record_id(row),
            code=spare_text(row, "intern_code"),
            title=unmarked(spare_text(row, "intern_name")),
            description=unmarked(spare_text(row, "intern_description")),
            price=_optional_amount(row, "sale_price"),
            weight=_optional_amount(row, "weight"),
            currency_id=optional_number(row, "currency_id"),
            tax_id=optional_number(row, "tax_income_id"),
            unit_id=optional_number(row, "unit_id"),
            physical=number(row, "article_type_id") == _PHYSICAL,
            stock=_optional_amount(row, "stock_nr") if tracked else None,
            available=_optional_amount(row, "stock_available_nr") if tracked else None,
        )


def fields_of(item: Item) -> dict[str, str]:
    """The fields that are synchronised, as decimal strings and texts; "" where bexio holds nothing."""
    return {
        "title": item.title,
        "description": item.description,
        "weight": _written(item.weight),
        "price": _written(item.price),
    }


def item_to(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as bexio's form wants them; what is not named is not sent, and "" empties a field."""
    body: dict[str, Any] = {}
    for name, theirs in _TEXTS.items():
        if name in values:
            body[theirs] = values[name]
    if "description" in values:
        body["intern_description"] = markup(values["description"])
    for name, theirs in _NUMBERS.items():
        if values.get(name) is not None:
            body[theirs] = values[name]
    for name, theirs in _AMOUNTS.items():
        if values.get(name) is not None:
            body[theirs] = values[name] or None
    return body


def _optional_amount(row: Row, key: str) -> Decimal | None:
    if row.get(key) in (None, ""):
        return None
    return plain(amount(row, key))


def plain(value: Decimal) -> Decimal:
    """One spelling per number, so that 1.50 and 1.5 are the same."""
    if not value:
        return Decimal(0)
    value = value.normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def _written(value: Decimal | None) -> str:
    return "" if value is None else f"{plain(value):f}"
