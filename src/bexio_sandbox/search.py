"""Lists and searches: criteria, searchable fields, order, pages."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bexio_sandbox.behaviours import Behaviours
from bexio_sandbox.errors import ApiError, form_error
from bexio_sandbox.forms import is_day, number_or_none
from bexio_sandbox.state.tables import Row

DEFAULT_LIMIT = 500
HIGHEST_LIMIT = 2000

# A field's kind says how its values compare.
NUMBER, TEXT, MAIL, MOMENT, DAY, ID_LIST = "number", "text", "mail", "moment", "day", "id list"


@dataclass(frozen=True)
class Searchable:
    """What a resource can be searched by and sorted by."""

    fields: Mapping[str, str]
    orders: Sequence[str] = ("id",)


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted, and in which order."""

    limit: int
    offset: int
    order: tuple[tuple[str, bool], ...]


CRITERIA = {
    "=": "=",
    "equal": "=",
    "!=": "!=",
    "not_equal": "!=",
    ">": ">",
    "greater_than": ">",
    ">=": ">=",
    "greater_equal": ">=",
    "<": "<",
    "less_than": "<",
    "<=": "<=",
    "less_equal": "<=",
    "like": "like",
    "not_like": "not_like",
    "is_null": "is_null",
    "not_null": "not_null",
    "in": "in",
    "not_in": "not_in",
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
Test = Callable[[Row], bool]


def page_of(
    query: Mapping[str, str], orders: Sequence[str], behaviours: Behaviours, default: int = DEFAULT_LIMIT
) -> Page:
    """Reads limit, offset and order_by of a request."""
    limit = _whole_number(query, "limit", default)
    if limit > HIGHEST_LIMIT:
        if behaviours["limit_over_2000"] == "422":
            raise form_error(f"limit: This value should be {HIGHEST_LIMIT} or less.")
        limit = HIGHEST_LIMIT
    if limit < 1:
        raise form_error("limit: This value should be 1 or more.")
    return Page(limit, _whole_number(query, "offset", 0), _order(query.get("order_by", ""), orders))


def _whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    written = query.get(name)
    if written is None:
        return default
    if not re.fullmatch(r"\d{1,9}", written):
        raise form_error(f"{name}: This value is not valid.")
    return int(written)


def _order(written: str, orders: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in filter(None, (part.strip() for part in written.split(","))):
        name = part.removesuffix("_desc").removesuffix("_asc")
        if name not in orders:
            raise form_error(f'order_by: Sorting by "{name}" is not possible.')
        order.append((name, part.endswith("_desc")))
    return tuple(order)


def page_through(rows: Iterable[Row], page: Page, behaviours: Behaviours) -> list[Row]:
    """Return the wanted part of some rows."""
    ordered = sorted(rows, key=lambda row: row["id"])
    for name, is_descending in reversed(page.order):
        if name == "updated_at" and behaviours["same_second_order"] == "reversed":
            ordered.reverse()
        ordered.sort(key=lambda row: _sort_key(name, row.get(name)), reverse=is_descending)
    return ordered[page.offset : page.offset + page.limit]


def _sort_key(name: str, value: Any) -> tuple[bool, Any]:
    if name.startswith("total"):
        return value is not None, Decimal(value or 0)
    if isinstance(value, str):
        return True, value.casefold()
    return value is not None, value or 0


def matching(rows: Iterable[Row], body: Any, searchable: Searchable, behaviours: Behaviours) -> list[Row]:
    """Return the rows that meet all conditions of a search."""
    if not isinstance(body, list):
        raise ApiError(400, "The search has to be a list of conditions.")
    tests = [_test(condition, searchable, behaviours) for condition in body]
    return [row for row in rows if all(test(row) for test in tests)]


def _test(condition: Any, searchable: Searchable, behaviours: Behaviours) -> Test:
    if not isinstance(condition, dict) or not set(condition) <= {"field", "value", "criteria"}:
        raise form_error("global: A condition has field, value and criteria.")
    field, value = condition.get("field"), condition.get("value")
    if not isinstance(field, str) or field not in searchable.fields:
        return _unsearchable(field, behaviours)
    kind = searchable.fields[field]
    criterion = _criterion(condition.get("criteria", "like"), behaviours)
    if criterion in ("is_null", "not_null"):
        return _null_test(field, wants_null=criterion == "is_null")
    if criterion in ("in", "not_in"):
        return _set_test(field, kind, value, criterion == "in", behaviours)
    if criterion in ("like", "not_like"):
        return _like_test(field, value, criterion == "like", _minds_case(kind, behaviours), behaviours)
    return _comparison_test(field, kind, criterion, value, _minds_case(kind, behaviours))


def _unsearchable(field: Any, behaviours: Behaviours) -> Test:
    answer = behaviours["unknown_search_field"]
    if answer == "ignored":
        return lambda _: True
    if answer == "400":
        raise ApiError(400, f'The field "{field}" can not be searched.')
    raise form_error(f'field: The field "{field}" can not be searched.')


def _criterion(written: Any, behaviours: Behaviours) -> str:
    if isinstance(written, str) and written in CRITERIA:
        return CRITERIA[written]
    if behaviours["unknown_criterion"] == "like":
        return "like"
    raise form_error(f'criteria: The criterion "{written}" does not exist.')


def _minds_case(kind: str, behaviours: Behaviours) -> bool:
    return behaviours["mail_search_case" if kind == MAIL else "text_search_case"] == "sensitive"


def _null_test(field: str, wants_null: bool) -> Test:
    return lambda row: (row.get(field) is None) is wants_null


def _set_test(field: str, kind: str, value: Any, is_in: bool, behaviours: Behaviours) -> Test:
    behaviour = f"in_on_{field}"
    answer = behaviours[behaviour] if behaviour in behaviours.answers() else "yes"
    if answer == "refused":
        raise form_error(f'criteria: The criterion "in" is not possible for "{field}".')
    if not isinstance(value, list):
        raise form_error("value: A list is needed.")
    if answer == "ignored":
        return lambda _: False
    minds_case = _minds_case(kind, behaviours)
    wanted = {_comparable(kind, item, minds_case) for item in value}

    def test(row: Row) -> bool:
        found = _stored(kind, row.get(field), minds_case)
        if kind == ID_LIST:
            return found is not None and bool(found & frozenset().union(*wanted)) is is_in
        return found is not None and (found in wanted) is is_in

    return test


def _like_test(field: str, value: Any, is_like: bool, minds_case: bool, behaviours: Behaviours) -> Test:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise form_error("value: A text is needed.")
    pattern = str(value)
    if "%" not in pattern and behaviours["like_bare"] == "contains":
        pattern = f"%{pattern}%"
    expression = "".join(".*" if part == "%" else re.escape(part) for part in re.split("(%)", pattern))
    compiled = re.compile(expression, re.DOTALL | (re.NOFLAG if minds_case else re.IGNORECASE))

    def test(row: Row) -> bool:
        found = row.get(field)
        return found is not None and bool(compiled.fullmatch(str(found))) is is_like

    return test


def _comparison_test(field: str, kind: str, criterion: str, value: Any, minds_case: bool) -> Test:
    if value is None:
        raise form_error("value: A value is needed.")
    wanted = _comparable(kind, value, minds_case)
    compare = _COMPARISONS[criterion]
    if kind == ID_LIST:
        if criterion not in ("=", "!="):
            raise form_error(f'criteria: The criterion "{criterion}" is not possible for "{field}".')
        return lambda row: (
            bool(_stored(kind, row.get(field), minds_case) or set())
            and ((wanted <= (_stored(kind, row.get(field), minds_case) or set())) is (criterion == "="))
        )

    def test(row: Row) -> bool:
        found = _stored(kind, row.get(field), minds_case)
        # As in SQL, nothing compares with a missing value.
        return found is not None and compare(found, wanted)

    return test


def _comparable(kind: str, value: Any, minds_case: bool) -> Any:
    """Turns the value of a condition into what stored values of this kind are compared with."""
    if kind == NUMBER:
        number = number_or_none(value)
        if number is None:
            raise form_error("value: A number is needed.")
        return number
    if kind == ID_LIST:
        parts = str(value).split(",")
        if not all(part.isdigit() for part in parts):
            raise form_error("value: Ids are needed.")
        return frozenset(int(part) for part in parts)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise form_error("value: A text is needed.")
    if kind in (MOMENT, DAY):
        return _moment(kind, str(value))
    return str(value) if minds_case else str(value).casefold()


def _moment(kind: str, value: str) -> str:
    if is_day(value):
        return value if kind == DAY else f"{value} 00:00:00"
    try:
        moment = datetime.strptime(value, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - bexio's times name no offset
    except ValueError:
        raise form_error("value: A date is needed.") from None
    return moment.strftime("%Y-%m-%d" if kind == DAY else "%Y-%m-%d %H:%M:%S")


def _stored(kind: str, value: Any, minds_case: bool) -> Any:
    if value is None:
        return None
    if kind == NUMBER:
        return value if isinstance(value, int) else Decimal(str(value))
    if kind == ID_LIST:
        return frozenset(int(part) for part in str(value).split(","))
    if kind in (MOMENT, DAY) or minds_case:
        return str(value)
    return str(value).casefold()
