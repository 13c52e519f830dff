"""Orders: create, read, edit, and what is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from bexio_sandbox import pdf, serializers
from bexio_sandbox.api.call import Answer, Call, Route, Serializer, listed, searched, success, tagged
from bexio_sandbox.api.document_forms import (
    HEADER,
    SEARCHED,
    SORTED,
    DocumentForms,
    broken,
    printed_lines,
    refuse_bad_logopaper,
)
from bexio_sandbox.errors import form_error
from bexio_sandbox.forms import LONG, Field, Form, Refused, decimal, number_or_none, one_of, text, typed
from bexio_sandbox.limits import SEARCH_AND_PDF
from bexio_sandbox.messages import text as message
from bexio_sandbox.rights import Rights
from bexio_sandbox.search import Searchable
from bexio_sandbox.state import conversions, documents, orders
from bexio_sandbox.state.conversions import Target, Wanted
from bexio_sandbox.state.tables import POSITION_TABLES, Row, State

SHOW, EDIT = "kb_order_show", "kb_order_edit"
_ORDER_HEADER = {
    **HEADER,
    "delivery_address_type": Field(one_of(0, 1)),
    "delivery_address_manual": Field(text(LONG)),
}
_FORMS = DocumentForms(orders.ORDERS, _ORDER_HEADER)
_NET_FORMS = DocumentForms(
    orders.ORDERS, {name: field for name, field in _ORDER_HEADER.items() if name != "mwst_is_net"}
)
_SEARCH = Searchable(SEARCHED, SORTED)


def _kind(value: Any, _: State) -> str:
    if value not in tuple(POSITION_TABLES):
        raise Refused
    return str(value)


def _amount(value: Any, state: State) -> str | None:
    if value is None:
        return None
    number = number_or_none(value)
    return str(decimal(6)(value if isinstance(value, str) or number is None else f"{number:f}", state))


_WANTED = Form(
    {"id": Field(typed(int), is_required=True), "type": Field(_kind, is_required=True), "amount": Field(_amount)}
)


@dataclass(frozen=True)
class Conversion:
    """What an order can become: the scope that needs, and how the answer shows it."""

    target: Target
    scope: str
    show: Any


_INVOICE = Conversion(conversions.INVOICE, "kb_invoice_edit", serializers.invoice)
_DELIVERY = Conversion(conversions.DELIVERY, "kb_delivery_edit", serializers.delivery)


def list_orders(call: Call) -> Answer:
    """Lists orders without their positions."""
    return listed(call, call.state.orders.values(), _SEARCH, _in_list(call))


def search_orders(call: Call) -> Answer:
    """Searches orders."""
    return searched(call, call.state.orders.values(), _SEARCH, _in_list(call))


def show_order(call: Call, order_id: int) -> Answer:
    """Shows an order with its positions."""
    return _single(call, orders.find(call.state, order_id), serializers.READ)


def create_order(call: Call) -> Answer:
    """Creates a pending order."""
    return _forms(call).create(call, orders.create, lambda row: _single(call, row, serializers.FRESH, 201))


def edit_order(call: Call, order_id: int) -> Answer:
    """Edits the sent header fields of an order."""
    orders.find(call.state, order_id)
    values = _forms(call).read_edit(call)
    return _single(call, orders.edit(call.state, order_id, values, call.language), serializers.EDITED)


def delete_order(call: Call, order_id: int) -> Answer:
    """Deletes an order for good."""
    orders.delete(call.state, order_id)
    return success()


def show_pdf(call: Call, order_id: int) -> Answer:
    """Hands out the PDF of an order."""
    order = orders.find(call.state, order_id)
    refuse_bad_logopaper(call)
    return Answer(pdf.envelope(f"{order['document_nr'].lower()}.pdf", printed_lines(call.state, order)))


def convert_order(conversion: Conversion, call: Call, order_id: int) -> Answer:
    """Makes a delivery or an invoice out of an order."""
    Rights(call.state).require(conversion.scope, call.scopes, call.user_id)
    state, order = call.state, orders.find(call.state, order_id)
    orders.refuse_closed(order)
    wanted = _wanted(call, order, conversion.target)
    manner = state.behaviours["large_conversion"]
    if len(wanted) <= documents.MOST_POSITIONS or manner == "accepted":
        row = conversions.convert(state, order, conversion.target, wanted, call.language)
        return tagged(conversion.show(state, row, serializers.CONVERTED, with_positions=True), row, 201)
    if manner == "refused":
        raise form_error(f"positions: {message('invalid', call.language)}")
    left_behind = {"nothing": 0, "half": len(wanted) // 2, "all": len(wanted)}[manner]
    if left_behind:
        conversions.convert(state, order, conversion.target, wanted[:left_behind], call.language)
    return broken()


def _wanted(call: Call, order: Row, target: Target) -> list[Wanted]:
    body = call.body
    if not isinstance(body, dict) or not set(body) <= {"positions"}:
        raise form_error(f"global: {message('invalid', call.language)}")
    named = body.get("positions")
    if not named:
        return _unnamed(call, order, target)
    if not isinstance(named, list):
        raise form_error(f"positions: {message('invalid', call.language)}")
    wanted, errors = [], []
    for index, each in enumerate(named):
        values, wrong = _WANTED.check(each, call.state, call.language, prefix=f"positions[{index}].")
        errors += wrong
        if not wrong:
            wanted.append(Wanted(values["type"], values["id"], values.get("amount")))
    if errors:
        raise form_error(*errors)
    conversions.refuse_wrong(call.state, order, target, wanted, call.language)
    return wanted


def _unnamed(call: Call, order: Row, target: Target) -> list[Wanted]:
    answer = call.state.behaviours["conversion_without_positions"]
    if answer == "refused":
        raise form_error(f"positions: {message('required', call.language)}")
    return conversions.everything_left(call.state, order, target) if answer == "all" else []


def _forms(call: Call) -> DocumentForms:
    return _FORMS if call.state.behaviours["order_mwst_is_net"] == "honoured" else _NET_FORMS


def _in_list(call: Call) -> Serializer:
    return lambda row: serializers.order(call.state, row, serializers.READ, with_positions=False)


def _single(call: Call, row: Row, manner: str, status: int = 200) -> Answer:
    return tagged(serializers.order(call.state, row, manner, with_positions=True), row, status)


_ONE = "/2.0/kb_order/<int:order_id>"
ROUTES = (
    Route("GET", "/2.0/kb_order", list_orders, SHOW),
    Route("POST", "/2.0/kb_order", create_order, EDIT),
    Route("POST", "/2.0/kb_order/search", search_orders, SHOW, SEARCH_AND_PDF),
    Route("GET", _ONE, show_order, SHOW),
    Route("POST", _ONE, edit_order, EDIT),
    Route("DELETE", _ONE, delete_order, EDIT),
    Route("GET", f"{_ONE}/pdf", show_pdf, SHOW, SEARCH_AND_PDF),
    Route("POST", f"{_ONE}/delivery", partial(convert_order, _DELIVERY), EDIT),
    Route("POST", f"{_ONE}/invoice", partial(convert_order, _INVOICE), EDIT),
)
