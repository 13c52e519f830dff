"""From the pieces of one file to records; what is wrong with one leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bexsync.ports.shop import ImportNote, Incoming, IncomingRecord, InvalidInput
from bexsync.records import Malformed, Order, Reading, Record, read_record
from bexsync.records.quoting import named, shown
from bexsync.shops.folder.catalog.lists import LISTS
from bexsync.shops.folder.inbox import TABLES, WORKBOOKS
from bexsync.shops.folder.json_source import EXPORT_AGAIN, BrokenLine, JsonEntry, UnusableFile, entries_in
from bexsync.shops.folder.json_values import flaw_in
from bexsync.shops.folder.problems import CORRECT, InputError, id_in
from bexsync.shops.folder.settings import CsvSection

SCHEMA = "bexsync/1"
_SAY_WHAT_IT_IS = f'Each record, or the envelope around them, says "schema": "{SCHEMA}" and its "kind".'
_MOST_ERRORS = 100
_DROPPED = ("invoice", "order", "customer")


def read_file(path: Path, csv: CsvSection | None = None, currency: str = "") -> Iterator[Incoming]:
    """Everything in a file, at least one thing; nothing when the file is gone."""
    try:
        yield from _summed_up(path.name, _outcomes(path, csv or CsvSection(), currency))
    except FileNotFoundError:
        return
    except PermissionError as problem:
        yield InvalidInput(path.name, "", f"may not be read: {problem.strerror}", "Let bexsync's user read it.")
    except UnusableFile as problem:
        yield InvalidInput(path.name, "", problem.message, problem.hint)


def _outcomes(path: Path, csv: CsvSection, currency: str) -> Iterator[IncomingRecord | InputError | ImportNote]:
    if path.suffix.lower() not in (*TABLES, *WORKBOOKS):
        return _Reader(path.name).read(path)
    from bexsync.shops.folder.table import read_table  # most shops have none

    return read_table(path, csv, currency)


class _NoRecord(ValueError):
    """An entry is no record; `is_format` when that says more of the file than of the entry."""

    def __init__(self, message: str, hint: str = CORRECT, *, is_format: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.is_format = is_format


@dataclass
class _Reader:
    """Reads one file, and knows what stood in it before."""

    source: str
    known: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    dated: set[tuple[str, str]] = field(default_factory=set)

    def read(self, path: Path) -> Iterator[IncomingRecord | InputError]:
        for entry in entries_in(path):
            outcome = self._outcome(entry)
            if outcome is not None:
                yield outcome

    def _outcome(self, entry: JsonEntry | BrokenLine) -> IncomingRecord | InputError | None:
        if isinstance(entry, BrokenLine):
            return InputError(InvalidInput(self.source, entry.location, entry.message, entry.hint), is_format=True)
        kind, shop_id = _known_kind(entry), _known_id(entry.value)
        try:
            reading = Reading()
            record = _record(entry, reading)
            is_dated = isinstance(record, Order) and record.updated_at is not None
            if self._is_repeated(kind, shop_id, entry.location, record.fingerprint(), is_dated=is_dated):
                return None
        except _NoRecord as problem:
            self.known.setdefault((kind, shop_id), (entry.location, ""))
            said = InvalidInput(self.source, entry.location, problem.message, problem.hint, kind, shop_id)
            return InputError(said, problem.is_format)
        return IncomingRecord(kind, record, self.source, entry.location, tuple(reading.cleaned))

    def _is_repeated(self, kind: str, shop_id: str, location: str, content: str, *, is_dated: bool) -> bool:
        """Whether the same record stood in the file before; with other content it is a question for a person.

        Versions of an order tell by themselves which of them counts.
        """
        earlier, known = self.known.setdefault((kind, shop_id), (location, content))
        if earlier == location:
            self.dated.update({(kind, shop_id)} if is_dated else ())
            return False
        if known != content:
            if is_dated and (kind, shop_id) in self.dated:
                return False
            word, first = earlier.split()
            raise _NoRecord(
                f"{kind} {shown(shop_id)} occurs twice, {word}s {first} and {location.split()[1]}, "
                "with different content",
                "Keep the one that is right and drop the file into in/ again.",
            )
        return True


def _summed_up(source: str, outcomes: Iterator[IncomingRecord | InputError | ImportNote]) -> Iterator[Incoming]:
    """All records; a file of garbage is one error, and endless errors end in a count."""
    held: list[InvalidInput] = []
    is_recognised, countless = False, 0
    for outcome in outcomes:
        if isinstance(outcome, ImportNote):
            yield outcome
            continue
        if isinstance(outcome, IncomingRecord):
            yield from held
            yield outcome
            held, is_recognised = [], True
            continue
        countless += outcome.is_countless
        if not outcome.is_countless or countless <= _MOST_ERRORS:
            held.append(outcome.invalid)
        is_recognised = is_recognised or not outcome.is_format
        if is_recognised:
            yield from held
            held = []
    if not is_recognised:
        yield _one_for_all(source, held, countless)
    elif countless > _MOST_ERRORS:
        yield InvalidInput(source, "", f"holds {countless - _MOST_ERRORS} more pieces like these", EXPORT_AGAIN)


def _one_for_all(source: str, held: list[InvalidInput], errors: int) -> InvalidInput:
    if not held:
        return InvalidInput(source, "", "is empty", EXPORT_AGAIN)
    first = held[0]
    if errors == 1 and first.kind + first.shop_id:
        return first
    more = f" (and {errors - 1} more like it)" if errors > 1 else ""
    return replace(
        first, location="", kind="", shop_id="", message=f"holds no record: {first.location} {_as_clause(first)}{more}"
    )


def _as_clause(invalid: InvalidInput) -> str:
    said = invalid.message
    return f"says: {said}" if said.startswith("field ") else said


def _record(entry: JsonEntry, reading: Reading) -> Record:
    value = entry.value
    if not isinstance(value, Mapping):
        raise _NoRecord(f"is {named(value)} where a record, that is an object with fields, belongs", is_format=True)
    if said := flaw_in(value):
        raise _NoRecord(said)
    kind = _checked_kind(entry)
    try:
        record = read_record(kind, value, reading)
    except Malformed as problem:
        raise _NoRecord(problem.message) from problem
    if getattr(record, "shop_id", None) is None:
        raise _NoRecord("field `shop_id` is missing")  # inside an invoice a customer needs none
    return record


def _checked_kind(entry: JsonEntry) -> str:
    for name, outer in (("schema", entry.schema), ("kind", entry.kind)):
        if outer is None and entry.value.get(name) is None:
            raise _NoRecord(f"field `{name}` is missing", _SAY_WHAT_IT_IS, is_format=True)
    schemas = [s for s in (entry.schema, entry.value.get("schema")) if s is not None]
    if wrong := [s for s in schemas if s != SCHEMA]:
        raise _NoRecord(
            f'field `schema` must be "{SCHEMA}", it says {shown(wrong[0])}',
            f"Export in the format {SCHEMA}, or install a bexsync that reads the other.",
            is_format=True,
        )
    inner = entry.value.get("kind")
    kind = inner if entry.kind is None else entry.kind
    if isinstance(kind, str) and kind in LISTS:
        raise _NoRecord(
            f"is of the kind {shown(kind)}, which is not dropped into in/ but listed in catalog/",
            f"Export the whole list to catalog/{LISTS[kind]}.json, .ndjson or .csv beside in/; it is read there.",
            is_format=True,
        )
    if not isinstance(kind, str) or kind not in _DROPPED:
        raise _NoRecord(f"field `kind` must be {_kinds()}, it says {shown(kind)}", _SAY_WHAT_IT_IS, is_format=True)
    if isinstance(inner, str) and inner in _DROPPED and inner != kind:
        raise _NoRecord(f"field `kind` says {shown(inner)} in an envelope of kind {shown(kind)}")
    return kind


def _kinds() -> str:
    *others, last = (f'"{kind}"' for kind in _DROPPED)
    return f"{', '.join(others)} or {last}"


def _known_kind(entry: JsonEntry) -> str:
    """The kind as far as the entry says it, for an error."""
    inner = entry.value.get("kind") if isinstance(entry.value, Mapping) else None
    said = inner if entry.kind is None else entry.kind
    return said if isinstance(said, str) and said in _DROPPED else ""


def _known_id(value: Any) -> str:
    """The id as far as it can be one, for an error."""
    said = value.get("shop_id") if isinstance(value, Mapping) else None
    if isinstance(said, bool) or not isinstance(said, str | int):
        return ""
    return id_in(str(said))
