"""Positions of orders and invoices: their forms, shared with the create of a document, and their own endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from bexio_sandbox import search, serializers
from bexio_sandbox.api.call import Answer, Call, Route, success
from bexio_sandbox.errors import form_error
from bexio_sandbox.forms import (
    LONG,
    Field,
    Form,
    Refused,
    decimal,
    flag,
    one_of,
    or_null,
    reference,
    set_reference,
    text,
)
from bexio_sandbox.messages import text as message
from bexio_sandbox.state import invoices, orders, positions
from bexio_sandbox.state.documents import Documents
from bexio_sandbox.state.tables import POSITION_TABLES, Row, State

_SALES_TYPES = ("sales_tax", "opted_sales_tax", "not_taxable_turnover", "non_consideration_sales_tax")


def _is_active_sales_tax(tax: Row) -> bool:
    return bool(tax["is_active"]) and tax["type"] in _SALES_TYPES


def _unit_price(value: Any, state: State) -> str:
    price = str(decimal(6)(value, state))
    if Decimal(price) < 0 and state.behaviours["negative_unit_price"] == "refused":
        raise Refused
    return price


_PRICED = {
    "amount": Field(decimal(6), is_required=True),
    "unit_id": Field(reference("units")),
    "account_id": Field(reference("accounts", lambda account: bool(account["is_active"]))),
    "tax_id": Field(reference("taxes", _is_active_sales_tax)),
    "text": Field(text(LONG)),
    "unit_price": Field(_unit_price, is_required=True),
    "discount_in_percent": Field(or_null(decimal(4, lowest=Decimal(0), highest=Decimal(100)))),
}
_ARTICLE = {"article_id": Field(set_reference("articles"), is_required=True)}
_TEXT = {"text": Field(text(LONG), is_required=True), "show_pos_nr": Field(flag)}
_SUBTOTAL = {"text": Field(text(LONG), is_required=True)}
_PAGEBREAK = {"pagebreak": Field(one_of(True), is_required=True)}
_DISCOUNT = {
    "text": Field(text(LONG)),
    "is_percentual": Field(flag, is_required=True),
    "value": Field(decimal(6, lowest=Decimal(0)), is_required=True),
}
_FIELDS: dict[str, dict[str, Field]] = {
    "KbPositionCustom": _PRICED,
    "KbPositionArticle": {
        **_PRICED,
        "unit_price": Field(_unit_price),
        **_ARTICLE,
    },
    "KbPositionText": _TEXT,
    "KbPositionSubtotal": _SUBTOTAL,
    "KbPositionPagebreak": _PAGEBREAK,
    "KbPositionDiscount": _DISCOUNT,
    "KbPositionSubposition": _TEXT,
}
_PARENT = {"parent_id": Field(reference("kb_position_subposition"))}
_OPTIONAL = {"is_optional": Field(flag)}


@dataclass(frozen=True)
class PositionForms:
    """The forms of a position by its type: within the create of a document, added to one, and edited."""

    within: dict[str, Form]
    added: dict[str, Form]
    edited: dict[str, Form]


def _forms(priced: dict[str, Field]) -> PositionForms:
    fields = {kind: {**each, **(priced if kind in positions.PRICED else {})} for kind, each in _FIELDS.items()}
    return PositionForms(
        {kind: Form(each, is_widget=True) for kind, each in fields.items() if kind != positions.GROUP},
        {kind: Form({**each, **_PARENT}, is_widget=True) for kind, each in fields.items()},
        {
            kind: Form({name: field for name, field in each.items() if name != "article_id"}, is_widget=True)
            for kind, each in fields.items()
        },
    )


# Only orders take optional positions.
_FORMS = {"KbInvoice": _forms({}), "KbOrder": _forms(_OPTIONAL)}


def read_lines(documents: Documents, call: Call, body: Any, mwst_type: int) -> list[tuple[str, dict[str, Any]]]:
    """Reads the positions of a create; `type` says which form each of them has."""
    if not isinstance(body, list):
        raise form_error(f"positions: {message('invalid', call.language)}")
    forms = _FORMS[documents.document_class].within
    lines: list[tuple[str, dict[str, Any]]] = []
    errors: list[str] = []
    for index, each in enumerate(body):
        prefix = f"positions[{index}]."
        kind = each.get("type") if isinstance(each, dict) else None
        if kind not in forms:
            reason = "required" if kind is None else "invalid"
            errors.append(f"{prefix}type: {message(reason, call.language)}")
            continue
        fields = {name: value for name, value in each.items() if name != "type"}
        values, wrong = forms[kind].check(fields, call.state, call.language, prefix=prefix)
        errors += wrong or _tax_errors(call, kind, values, mwst_type, prefix)
        lines.append((kind, values))
    if errors:
        raise form_error(*errors)
    return lines


def _tax_errors(call: Call, kind: str, values: dict[str, Any], mwst_type: int, prefix: str = "") -> list[str]:
    is_needed = kind in positions.PRICED and mwst_type == 0 and values.get("tax_id") is None
    if is_needed and call.state.behaviours["missing_tax_id"] == "refused":
        return [f"{prefix}tax_id: {message('required', call.language)}"]
    return []


def list_positions(documents: Documents, kind: str, call: Call, **ids: int) -> Answer:
    """Lists the positions of one type."""
    document = _document(documents, call, ids)
    page = search.page_of(call.query, ("id",), call.state.behaviours)
    shown = serializers.document_positions(call.state, document, serializers.READ)
    rows = [row for row in shown if row["type"] == kind]
    return Answer(search.page_through(rows, page, call.state.behaviours))


def show_position(documents: Documents, kind: str, call: Call, position_id: int, **ids: int) -> Answer:
    """Shows one position."""
    document = _document(documents, call, ids)
    row = positions.find(call.state, document, kind, position_id)
    return Answer(serializers.position(call.state, document, row, serializers.READ))


def create_position(documents: Documents, kind: str, call: Call, **ids: int) -> Answer:
    """Adds a position at the end of a document."""
    document = _document(documents, call, ids)
    values = _FORMS[documents.document_class].added[kind].read(call.body, call.state, call.language)
    errors = _tax_errors(call, kind, values, document["mwst_type"])
    parent = values.get("parent_id")
    if parent is not None and [positions.GROUP, parent] not in document["positions"]:
        errors.append(f"parent_id: {message('invalid', call.language)}")
    if errors:
        raise form_error(*errors)
    changed, row = documents.add_position(call.state, document["id"], kind, values)
    return Answer(serializers.position(call.state, changed, row, serializers.FRESH), 201)


def edit_position(documents: Documents, kind: str, call: Call, position_id: int, **ids: int) -> Answer:
    """Changes the sent fields of a position."""
    document = _document(documents, call, ids)
    current = positions.find(call.state, document, kind, position_id)
    if not call.body:
        raise form_error(f"global: {message('invalid', call.language)}")
    form = _FORMS[documents.document_class].edited[kind]
    values = form.read(call.body, call.state, call.language, is_edit=True)
    errors = _tax_errors(call, kind, {**current, **values}, document["mwst_type"])
    if errors:
        raise form_error(*errors)
    kept = {name: value for name, value in values.items() if value is not None or name.endswith("_id")}
    changed, row = documents.edit_position(call.state, document["id"], kind, position_id, kept)
    return Answer(serializers.position(call.state, changed, row, serializers.EDITED))


def delete_position(documents: Documents, kind: str, call: Call, position_id: int, **ids: int) -> Answer:
    """Deletes a position."""
    documents.remove_position(call.state, ids[documents.id_name], kind, position_id)
    return success()


def _document(documents: Documents, call: Call, ids: dict[str, int]) -> Row:
    return documents.find(call.state, ids[documents.id_name])


def _routes(documents: Documents, name: str, kind: str, segment: str) -> tuple[Route, ...]:
    every = f"/2.0/{name}/<int:{documents.id_name}>/{segment}"
    one = f"{every}/<int:position_id>"
    show, edit = f"{name}_show", f"{name}_edit"
    return (
        Route("GET", every, partial(list_positions, documents, kind), show),
        Route("POST", every, partial(create_position, documents, kind), edit),
        Route("GET", one, partial(show_position, documents, kind), show),
        Route("POST", one, partial(edit_position, documents, kind), edit),
        Route("DELETE", one, partial(delete_position, documents, kind), edit),
    )


ROUTES = tuple(
    route
    for documents, name in ((orders.ORDERS, "kb_order"), (invoices.INVOICES, "kb_invoice"))
    for kind, segment in POSITION_TABLES.items()
    for route in _routes(documents, name, kind, segment)
)
