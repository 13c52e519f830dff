"""Items, and where they lie: stock locations and their areas."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from bexio_sandbox import serializers
from bexio_sandbox.api.call import Answer, Call, Route, listed, searched, success
from bexio_sandbox.forms import Form
from bexio_sandbox.item_form import ITEM_FORM, LENIENT_FORM, STOCK_FIELDS
from bexio_sandbox.limits import ITEMS, SEARCH_AND_PDF
from bexio_sandbox.rights import Rights
from bexio_sandbox.search import NUMBER, TEXT, Searchable
from bexio_sandbox.state import items
from bexio_sandbox.state.tables import Row

SHOW, EDIT, STOCK = "article_show", "article_edit", "stock_edit"
_SEARCH = Searchable({"intern_name": TEXT, "intern_code": TEXT}, ("id", "intern_name"))
_LOCATION = Searchable({"name": TEXT}, ("id", "name"))
_AREA = Searchable({"name": TEXT, "stock_id": NUMBER}, ("id", "name"))


def list_items(call: Call) -> Answer:
    """Lists items."""
    return listed(call, _rows(call), _SEARCH, _shown)


def search_items(call: Call) -> Answer:
    """Searches items."""
    return searched(call, _rows(call), _SEARCH, _shown)


def show_item(call: Call, article_id: int) -> Answer:
    """Shows an item; unlike other single objects it has no etag."""
    return Answer(_shown(items.find(call.state, article_id)))


def create_item(call: Call) -> Answer:
    """Creates an item."""
    _refuse_stock_without_right(call)
    values = _form(call).read(call.body, call.state, call.language)
    return Answer(serializers.item(items.create(call.state, values, call.language), serializers.FRESH), 201)


def edit_item(call: Call, article_id: int) -> Answer:
    """Edits the sent fields of an item."""
    items.stored(call.state, article_id)
    _refuse_stock_without_right(call)
    is_partial = call.state.behaviours["item_edit"] == "partial"
    values = _form(call).read(call.body, call.state, call.language, is_edit=is_partial)
    return Answer(serializers.item(items.edit(call.state, article_id, values, call.language), serializers.EDITED))


def delete_item(call: Call, article_id: int) -> Answer:
    """Deletes an item for good."""
    items.delete(call.state, article_id)
    return success()


def list_places(table: str, searchable: Searchable, call: Call) -> Answer:
    """Lists stock locations or areas."""
    return listed(call, call.state.tables[table].values(), searchable, _named)


def search_places(table: str, searchable: Searchable, call: Call) -> Answer:
    """Searches stock locations or areas."""
    return searched(call, call.state.tables[table].values(), searchable, _named)


def _form(call: Call) -> Form:
    return ITEM_FORM if call.state.behaviours["item_required"] == "four" else LENIENT_FORM


def _rows(call: Call) -> Iterable[Row]:
    return call.state.tables[items.ITEMS].values()


def _shown(row: Row) -> Row:
    return serializers.item({**items.BLANK, **row}, serializers.READ)


def _named(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"]}


def _refuse_stock_without_right(call: Call) -> None:
    if isinstance(call.body, dict) and not STOCK_FIELDS.isdisjoint(call.body):
        Rights(call.state).require(STOCK, call.scopes, call.user_id)


_ONE = "/2.0/article/<int:article_id>"
ROUTES = (
    Route("GET", "/2.0/article", list_items, SHOW, ITEMS),
    Route("POST", "/2.0/article", create_item, EDIT, ITEMS),
    Route("POST", "/2.0/article/search", search_items, SHOW, SEARCH_AND_PDF),
    Route("GET", _ONE, show_item, SHOW, ITEMS),
    Route("POST", _ONE, edit_item, EDIT, ITEMS),
    Route("DELETE", _ONE, delete_item, EDIT, ITEMS),
    Route("GET", "/2.0/stock", partial(list_places, "stocks", _LOCATION), STOCK),
    Route("POST", "/2.0/stock/search", partial(search_places, "stocks", _LOCATION), STOCK),
    Route("GET", "/2.0/stock_place", partial(list_places, "stock_places", _AREA), STOCK),
    Route("POST", "/2.0/stock_place/search", partial(search_places, "stock_places", _AREA), STOCK),
)
