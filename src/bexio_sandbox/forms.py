"""Strict forms: what may be sent, what must be sent, and of which type it has to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError

from bexio_sandbox.errors import form_error
from bexio_sandbox.messages import text as message
from bexio_sandbox.state.tables import Row, State

_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_MONEY = re.compile(r"-?\d{1,12}(\.\d+)?")
LONG = 65_000


class Refused(Exception):
    """A value that a field does not take; carries the name of the message."""

    def __init__(self, reason: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason


Cleaner = Callable[[Any, State], Any]


@dataclass(frozen=True)
class Field:
    """One field of a form: how its value is cleaned, and whether it has to be there."""

    clean: Cleaner
    is_required: bool = False


class Form:
    """The fields that an operation takes, and nothing else."""

    def __init__(self, fields: Mapping[str, Field], *, is_widget: bool = False) -> None:
        self.fields = fields
        self._is_widget = is_widget

    def read(self, body: Any, state: State, language: str, *, is_edit: bool = False) -> dict[str, Any]:
        """Return the cleaned fields that were sent, or refuses the form."""
        values, errors = self.check(body, state, language, is_edit=is_edit)
        if errors:
            raise form_error(*errors)
        return values

    def check(
        self, body: Any, state: State, language: str, *, is_edit: bool = False, prefix: str = ""
    ) -> tuple[dict[str, Any], list[str]]:
        """Return the cleaned fields that were sent, and what is wrong with the others."""
        if not isinstance(body, dict):
            return {}, [f"global: {message('invalid', language)}"]
        values: dict[str, Any] = {}
        errors: list[str] = []
        for name, field in self.fields.items():
            try:
                if name in body:
                    values[name] = _clean(field, body[name], state)
                elif field.is_required and not is_edit:
                    raise Refused("required")
            except Refused as refusal:
                errors.append(f"{prefix}{name}: {message(refusal.reason, language)}")
        return values, errors + self._unknown([name for name in body if name not in self.fields])

    def _unknown(self, names: list[str]) -> list[str]:
        if not names:
            return []
        if self._is_widget:
            listed = ", ".join(f'"{name}"' for name in names)
            return [f"global: Widget schema does not include the following field(s): {listed}."]
        return [f'global: Unexpected extra form field named "{name}".' for name in names]


def _clean(field: Field, value: Any, state: State) -> Any:
    if field.is_required and (value is None or value == ""):
        raise Refused("required")
    return field.clean(value, state)


def typed(annotation: Any) -> Cleaner:
    """Take what is of a type already; nothing is converted."""
    adapter = TypeAdapter(annotation, config=ConfigDict(strict=True))

    def clean(value: Any, _: State) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError:
            raise Refused from None

    return clean


def or_null(cleaner: Cleaner) -> Cleaner:
    """Take null, too."""
    return lambda value, state: None if value is None else cleaner(value, state)


@cache
def text(longest: int = 255) -> Cleaner:
    """Take a string of limited length, or null."""
    return typed(Annotated[str, StringConstraints(max_length=longest)] | None)


flag = typed(bool)
integer_or_null = typed(int | None)
nothing = typed(None)


def one_of(*choices: int) -> Cleaner:
    """Take one of some integers, or of true and false."""

    def clean(value: Any, _: State) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise Refused
        return value

    return clean


def set_reference(table: str, is_usable: Callable[[Row], bool] = lambda _: True) -> Cleaner:
    """Take the id of a row that exists and can be used."""

    def clean(value: Any, state: State) -> int:
        row = state.tables[table].get(value) if type(value) is int else None
        if row is None or not is_usable(row):
            raise Refused
        return int(value)

    return clean


def reference(table: str, is_usable: Callable[[Row], bool] = lambda _: True) -> Cleaner:
    """Take the id of a row that exists and can be used, or null."""
    return or_null(set_reference(table, is_usable))


def references(table: str) -> Cleaner:
    """Takes ids of rows in a comma string, or null."""

    def clean(value: Any, state: State) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not re.fullmatch(r"\d+(,\d+)*", value):
            raise Refused
        if not all(int(part) in state.tables[table] for part in value.split(",")):
            raise Refused
        return value

    return clean


def decimal(places: int = 6, lowest: Decimal | None = None, highest: Decimal | None = None) -> Cleaner:
    """Takes a number in a string with limited decimals and keeps it as it was written."""

    def clean(value: Any, state: State) -> str:
        written = _written_number(value, state)
        if not _MONEY.fullmatch(written):
            raise Refused
        _, _, fraction = written.partition(".")
        number = Decimal(written)
        if len(fraction) > places or (lowest is not None and number < lowest):
            raise Refused
        if highest is not None and number > highest:
            raise Refused
        return written

    return clean


def _written_number(value: Any, state: State) -> str:
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and state.behaviours["json_number_as_money"] == "accepted":
        return f"{Decimal(value):f}"
    raise Refused


def day(value: Any, _: State) -> str:
    """Takes a date like 2026-01-31."""
    if not isinstance(value, str) or not is_day(value):
        raise Refused
    return value


def is_day(value: str) -> bool:
    """Return whether a string is a date like 2026-01-31."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def mail(value: Any, _: State) -> str | None:
    """Takes a mail address, an empty string, or null."""
    if value is None or value == "":
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str) or not _MAIL.fullmatch(value) or len(value) > 255:
        raise Refused
    return value


def network_message(value: Any, _: State) -> str:
    """Takes the text of a mail that holds the placeholder of the document's link."""
    if not isinstance(value, str) or "[Network Link]" not in value:
        raise Refused
    return value


def number_or_none(value: Any) -> Decimal | None:
    """Return a JSON number or a numeric string as a number, else nothing."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
