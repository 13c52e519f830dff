"""What is wrong with a profile, key by key: a sentence each, and where it stands."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bexsync.config.profile import Profile, profile_model
from bexsync.config.sources import shop_type_in
from bexsync.errors import ProfileProblem
from bexsync.records.quoting import printable

Key = tuple[int | str, ...]


_FORMS = {
    "site": "must be of small letters, digits, - and _, at most 32, beginning with a letter or digit",
    "currency": 'must be a currency code like "CHF"',
    "language": 'must be a language code like "de"',
    "country": 'must be a country code like "CH"',
    **dict.fromkeys(
        ("gift_card_account", "tip_account", "rounding_account"), 'must be the number of an account, like "2030"'
    ),
    **dict.fromkeys(("tip_tax", "rounding_tax"), 'must be a tax code, like "UN81"'),
}


# By how pydantic's name of the error begins.
_WISHES = {
    "model": "must be a table with keys of its own",
    "dict": "must be a table with keys of its own",
    "date": "must be a date like 2026-11-20",
    "int": "must be a whole number",
    "float": "must be a number",
    "decimal": "must be a number",
    "finite": "must be a number",
    "bool": "must be true or false",
    "tuple": 'must be a list like ["program", "argument"]',
}
_PARSER_WORDS = (
    (r"Cannot declare \('(.+)',\) twice", r"the table [\1] stands there twice"),
    (r"Cannot declare \(.+\) twice", "a table stands there twice"),
    (r"Cannot overwrite a value", "a key stands there twice"),
    (r"Invalid value", "a value cannot be read; texts stand in quotes"),
    (r"Expected newline or end of document after a statement", "something follows a value; texts stand in quotes"),
    (r"Expected '=' after a key in a key/value pair", "a line is no `key = value`"),
    (r"Expected '\]' at the end of a table declaration", "the name of a table has no ] at its end"),
    (r"Unterminated string", "a text has no quote at its end"),
    (r"Unclosed array", "a list has no ] at its end"),
    (r"\(at end of document\)", "(at the end of the file)"),
)


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong; `line` is 0 where it is not known, `variable` is empty where the file says it."""

    message: str
    hint: str
    key: str = ""
    line: int = 0
    variable: str = ""

    def as_problem(self) -> ProfileProblem:
        """To be raised."""
        return ProfileProblem(self.message, self.hint)


def explained(path: Path, problem: ValidationError) -> list[Wrong]:
    """What pydantic has found, in our words."""
    lines, model = KeyLines(path), profile_model(shop_type_in(path))
    return [_explained(path, error, lines, model) for error in problem.errors(include_url=False)]


def _explained(path: Path, error: ErrorDetails, lines: KeyLines, model: type[Profile]) -> Wrong:
    loc = error["loc"]
    key = printable(_written_key(loc))
    variable = overriding_variable(loc)
    where = f"The variable {variable}" if variable else f"The profile {path}"
    line = 0 if variable else lines.line_of(loc)
    if error["type"] == "extra_forbidden":
        import difflib  # wanted by mistakes alone

        close = difflib.get_close_matches(str(loc[-1]), _keys_beside(loc, model), n=1)
        hint = f"Did you mean `{close[0]}`?" if close else "`bexsync config example` lists every key."
        return Wrong(f"{where} has the unknown key `{key}`.", hint, key, line, variable)
    hint = "`bexsync config example` explains the key."
    if error["type"] == "missing":
        return Wrong(f"{where} lacks the key `{key}`.", hint, key, line, variable)
    if len(loc) == 1 and isinstance(error["input"], Mapping):  # about the table as a whole
        return Wrong(f"{where} has a table [{key}] that {_wish(error)}.", hint, key, line, variable)
    return Wrong(f"{where} says `{key} = {_as_toml(error['input'])}`, which {_wish(error)}.", hint, key, line, variable)


def _written_key(loc: Key) -> str:
    """The path of a key, entries of lists counted from one: `orders.rules[1].actions`."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _wish(error: ErrorDetails) -> str:
    """What the value must be, in words that a reader of TOML knows."""
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "string_pattern_mismatch":
            return _FORMS.get(str(error["loc"][-1]), "has not the right form")
        case "string_type":
            is_bare = type(error["input"]) in (int, float, date)
            return "must be a text in quotes" + (f', like "{error["input"]}"' if is_bare else "")
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), chr(34))}"
        case "greater_than_equal":
            return f"must be at least {_figure(context['ge'])}"
        case "greater_than":
            return f"must be more than {_figure(context['gt'])}"
        case "less_than_equal":
            return f"must be at most {_figure(context['le'])}"
        case "decimal_max_places":
            return f"may have {context['decimal_places']} decimal places at most"
    return _WISHES.get(kind.partition("_")[0], str(error["msg"]).removeprefix("Value error, ").removeprefix("Input "))


def _figure(limit: Any) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def not_toml(said: str) -> str:
    """What Python's parser says of a file, so that it helps somebody who knows no Python."""
    for pattern, words in _PARSER_WORDS:
        said = re.sub(pattern, words, said)
    return said


def _as_toml(value: object) -> str:
    """As a person would have written it; long values are not repeated."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return printable(text)


def overriding_variable(key: Key) -> str:
    """The variable that speaks over a key of the profile, "" where the file has the last word."""
    present = {variable.upper() for variable in os.environ}
    for end in range(len(key), 0, -1):
        name = "BEXSYNC_" + "__".join(str(part) for part in key[:end]).upper()
        if name in present:
            return name
    return ""


def _keys_beside(loc: Key, profile: type[Profile]) -> list[str]:
    model: Any = profile
    for part in loc[:-1]:
        fields = getattr(model, "model_fields", None)
        if fields is None:
            return []
        if part not in fields:  # the name of a table that a person chose, such as a language
            continue
        model = _model_in(fields[part].annotation)
    return list(getattr(model, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The table a key holds, or that each of its tables is."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


_PART = r"""[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'"""
_HEADER = re.compile(rf"\s*\[\[?\s*((?:{_PART})(?:\s*\.\s*(?:{_PART}))*)\s*\]\]?\s*(?:#.*)?$")
_ENTRY = re.compile(rf"\s*((?:{_PART})(?:\s*\.\s*(?:{_PART}))*)\s*=(.*)$")


class KeyLines:
    """On which line of a TOML file which key stands; Python's parser does not tell."""

    def __init__(self, path: Path) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        for key, line in keys_in(text):
            self._lines.setdefault(key, line)

    def line_of(self, key: Key) -> int:
        """The line of a key, else of the innermost table that is written down, else 0."""
        parts = tuple(str(part) for part in key)
        return next((self._lines[parts[:n]] for n in range(len(parts), 0, -1) if parts[:n] in self._lines), 0)

    def names(self, key: Key) -> bool:
        """Whether the file itself says this key, alone or within an inline table."""
        parts = tuple(str(part) for part in key)
        return parts in self._lines


def keys_in(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    table: tuple[str, ...] = ()
    entries: Counter[tuple[str, ...]] = Counter()
    open_text = ""
    for number, line in enumerate(text.splitlines(), 1):
        if open_text:
            open_text = "" if line.count(open_text) % 2 else open_text
            continue
        if header := _HEADER.match(line):
            table = _parts(header[1])
            yield table, number
            if line.lstrip().startswith("[["):
                entries[table] += 1
                table = (*table, str(entries[table] - 1))
                yield table, number
        elif entry := _ENTRY.match(line):
            yield (*table, *_parts(entry[1])), number
            open_text = next((mark for mark in ('"""', "'''") if entry[2].count(mark) % 2), "")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
