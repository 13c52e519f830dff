"""From untrusted JSON values to records, or to one clear sentence about the first thing that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bexsync.records.base import Reading, Record
from bexsync.records.customer import Customer
from bexsync.records.invoice import Invoice
from bexsync.records.order import Order
from bexsync.records.product import Product, StockLevel, TaxRate
from bexsync.records.quoting import named, printable, shown

KINDS: Mapping[str, type[Record]] = {
    "invoice": Invoice,
    "order": Order,
    "customer": Customer,
    "product": Product,
    "stock_level": StockLevel,
    "tax_rate": TaxRate,
}
_FORMS = {
    "currency": "must be a currency code like CHF",
    "country_code": "must be a country code like CH",
    "language": "must be a language code like de or fr",
}
# By how pydantic's name of the error begins.
_WISHES = {
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "model_": "must be an object with fields",
    "dict_type": "must be an object with fields",
    "finite_number": "must be a number like 1234.50",
    "bool_": "must be true or false",
    "datetime_": "must be a moment with its offset, like 2026-11-20T09:30:00+01:00 or 2026-11-20T08:30:00Z",
    "date_": "must be a date like 2026-11-20",
}


class Malformed(ValueError):
    """A value is not a record; the message is one sentence, `field` a path like `lines[2].unit_price`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def read_record(kind: str, value: Any, reading: Reading | None = None) -> Record:
    """The record in a JSON value (parsed with `parse_float=Decimal`); raises Malformed.

    `reading` is told in which texts something that nobody sees was removed.
    """
    if not isinstance(value, Mapping):
        raise Malformed(f"is {named(value)} where a record, that is an object with fields, belongs")
    if "schema" in value or "kind" in value:
        value = {k: v for k, v in value.items() if not _is_envelope(kind, k, v)}
    try:
        return KINDS[kind].model_validate(value, context=reading)
    except ValidationError as problem:
        raise _first_problem(kind, problem) from problem


def _is_envelope(kind: str, name: str, value: Any) -> bool:
    """A customer has a `kind` of its own, so that name is the envelope's only where it says the record's kind."""
    return name == "schema" or (name == "kind" and value == kind)


def _first_problem(kind: str, problem: ValidationError) -> Malformed:
    errors = _causes(problem)
    first = min(errors, key=lambda e: (e["type"] in ("missing", "too_short"), len(e["loc"])))
    more = f" ({len(errors) - 1} more after it)" if len(errors) > 1 else ""
    field = _path(first["loc"])
    return Malformed(f"{_sentence(kind, field, first)}{more}", field)


def _causes(problem: ValidationError) -> list[ErrorDetails]:
    """All errors but those of a list that is only too short because its parts are wrong."""
    errors = problem.errors(include_url=False, include_context=True)
    inside = {e["loc"][:-depth] for e in errors for depth in range(1, len(e["loc"]))}
    return [e for e in errors if e["type"] != "too_short" or e["loc"] not in inside]


def _sentence(kind: str, field: str, error: ErrorDetails) -> str:
    given = error.get("input")
    match error["type"]:
        case "missing":
            return f"field `{field}` is missing"
        case "extra_forbidden":
            return f"field `{field}` is unknown{_suggestion(kind, error['loc'])}"
        case "too_short" | "string_too_short":
            return f"field `{field}` is empty"
        case "string_too_long":
            return f"field `{field}` is longer than {error['ctx']['max_length']} characters"
        case "string_unicode":
            return f"field `{field}` holds half a character (a lone surrogate)"
        case _ if not field:
            return _wish(error)
        case _:
            return f"field `{field}` {_wish(error)}, it says {shown(given)}"


def _wish(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "string_pattern_mismatch":
            return _FORMS.get(str(error["loc"][-1]), "has not the right form")
        case kind:
            plain = next((wish for start, wish in _WISHES.items() if kind.startswith(start)), "")
            return plain or error["msg"].removeprefix("Input ")


def _suggestion(kind: str, loc: tuple[int | str, ...]) -> str:
    """The nearest field name of the model that the path leads to."""
    model: Any = KINDS[kind]
    for part in loc[:-1]:
        if isinstance(part, str):
            model = _model_of(model.model_fields[part].annotation)
    close = difflib.get_close_matches(printable(str(loc[-1])), list(model.model_fields), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _model_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_of(part)
        if found is not None:
            return found
    return None


def _path(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{printable(part)}" if text else printable(part)
    return text
