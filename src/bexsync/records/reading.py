"""From untrusted JSON values to records, or to one clear sentence about the first thing that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bexsync.records.base import Record
from bexsync.records.customer import Customer
from bexsync.records.invoice import Invoice

KINDS: Mapping[str, type[Record]] = {"invoice": Invoice, "customer": Customer}
_ENVELOPE = ("schema", "kind")


class Malformed(ValueError):
    """A value is not a record; the message is one sentence, `field` a path like `lines[2].unit_price`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def read_record(kind: str, value: Any) -> Record:
    """The record in a JSON value (parsed with `parse_float=Decimal`); raises Malformed."""
    if not isinstance(value, Mapping):
        raise Malformed(f"is {_named(value)} where a record, that is an object with fields, belongs")
    try:
        return KINDS[kind].model_validate({k: v for k, v in value.items() if k not in _ENVELOPE})
    except ValidationError as problem:
        raise _first_problem(kind, problem) from problem


def _first_problem(kind: str, problem: ValidationError) -> Malformed:
    errors = problem.errors(include_url=False, include_context=True)
    first = min(errors, key=lambda e: (e["type"] in ("missing", "too_short"), len(e["loc"])))
    more = f" ({len(errors) - 1} more after it)" if len(errors) > 1 else ""
    field = _path(first["loc"])
    return Malformed(f"{_sentence(kind, field, first)}{more}", field)


def _sentence(kind: str, field: str, error: Mapping[str, Any]) -> str:
    given = error.get("input")
    match error["type"]:
        case "missing":
            return f"field `{field}` is missing"
        case "extra_forbidden":
            return f"field `{field}` is unknown{_suggestion(kind, error['loc'])}"
        case "value_error":
            return f"field `{field}` {str(error['msg']).removeprefix('Value error, ')}, it says {_shown(given)}"
        case "literal_error":
            return f"field `{field}` must be {error['ctx']['expected']}, it says {_shown(given)}"
        case "string_pattern_mismatch":
            return f"field `{field}` has not the right form, it says {_shown(given)}"
        case "too_short":
            return f"field `{field}` is empty"
        case kind_of if kind_of.startswith("date_"):
            return f"field `{field}` must be a date like 2026-11-20, it says {_shown(given)}"
        case _:
            wish = str(error["msg"]).removeprefix("Input ").replace("Decimal", "number")
            return f"field `{field}` {wish}, it says {_shown(given)}"


def _suggestion(kind: str, loc: tuple[int | str, ...]) -> str:
    """The nearest field name of the model that the path leads to."""
    model: Any = KINDS[kind]
    for part in loc[:-1]:
        if isinstance(part, str):
            model = _model_of(model.model_fields[part].annotation)
    close = difflib.get_close_matches(str(loc[-1]), list(model.model_fields), n=1)
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
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _named(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
