"""From one list to its records; what is wrong with one leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from bexsync.ports.shop import ImportNote, InvalidInput
from bexsync.records import Malformed, Reading, Record, read_record
from bexsync.records.quoting import named, shown
from bexsync.shops.folder.catalog.entries import Entry, InvalidEntry, Source
from bexsync.shops.folder.catalog.json_lists import JsonArray, JsonLines
from bexsync.shops.folder.catalog.lists import CORRECT_THERE, ListFile, in_place
from bexsync.shops.folder.inbox import RECORD_LINES, TABLES, WORKBOOKS
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.json_values import flaw_in
from bexsync.shops.folder.problems import id_in
from bexsync.shops.folder.settings import CsvSection

SCHEMA = "bexsync/1"
_MOST_NAMELESS = 100
_MOST_CLEANED = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """One record of a list and where it stands."""

    location: str
    record: Record


@dataclass(frozen=True, slots=True)
class ListError:
    """Something in a list that is no record, and which product it is about as far as it says so."""

    invalid: InvalidInput
    shop_id: str = ""
    sku: str = ""


def read_list(file: ListFile, csv: CsvSection) -> Iterator[Listed | ListError | ImportNote]:
    """Everything in a list, and how it was read; raises ConfigurationProblem and TryLater, at the latest at its end."""
    with file.reading() as stream:
        source = _source(file, stream, csv)
        cleaned: list[str] = []
        yield from _summed_up(file.source, _outcomes(source, file, cleaned))
        yield from (ImportNote(file.source, said) for said in source.remarks())
        if cleaned:
            more = f" and {len(cleaned) - _MOST_CLEANED} more" if len(cleaned) > _MOST_CLEANED else ""
            said = f"characters that nobody sees were removed from texts in {', '.join(cleaned[:_MOST_CLEANED])}{more}"
            yield ImportNote(file.source, said)


def _source(file: ListFile, stream: BinaryIO, csv: CsvSection) -> Source:
    suffix = file.path.suffix.lower()
    if suffix in RECORD_LINES:
        return JsonLines(stream)
    if suffix not in (*TABLES, *WORKBOOKS):
        return JsonArray(stream)
    from bexsync.shops.folder.catalog.tables import TableList, TextRows, WorkbookRows  # most shops have none

    rows = WorkbookRows if suffix in WORKBOOKS else TextRows
    return TableList(rows(stream, file.kind, csv), file.kind, csv)


def _outcomes(source: Source, file: ListFile, cleaned: list[str]) -> Iterator[Listed | ListError]:
    for entry in source.entries():
        if isinstance(entry, InvalidEntry):
            yield _list_error(file, entry.location, entry.message, in_place(entry.hint), entry.names)
            continue
        if said := _objection(entry, file.kind):
            yield _list_error(file, entry.location, said, CORRECT_THERE, entry.value)
            continue
        try:
            reading = Reading()
            record = read_record(file.kind, entry.value, reading)
        except Malformed as problem:
            location, message = source.blame(entry, problem)
            yield _list_error(file, location, message, CORRECT_THERE, entry.value)
            continue
        if reading.cleaned:
            cleaned.append(entry.location)
        yield Listed(entry.location, record)


def _objection(entry: Entry, kind: str) -> str | None:
    """What keeps a value from being a record of this list at all; its kind need not be said, the file's name does."""
    value = entry.value
    if not isinstance(value, Mapping):
        return f"is {named(value)} where a record, that is an object with fields, belongs"
    if said := flaw_in(value):
        return said
    for where in (entry.head, value):
        for field, right in (("schema", SCHEMA), ("kind", kind)):
            if where.get(field, right) != right:
                return f"field `{field}` must be {shown(right)} in this list, it says {shown(where[field])}"
    return None


def _list_error(file: ListFile, location: str, message: str, hint: str, names: Any) -> ListError:
    shop_id, sku = (_text(names, field) for field in ("shop_id", "sku"))
    return ListError(InvalidInput(file.source, location, message, hint, file.kind, shop_id), shop_id, sku)


def _text(names: Any, field: str) -> str:
    said = names.get(field) if isinstance(names, Mapping) else None
    return id_in(str(said)) if isinstance(said, str | int) and not isinstance(said, bool) else ""


def _summed_up(source: str, outcomes: Iterator[Listed | ListError]) -> Iterator[Listed | ListError]:
    """A list in which nothing can be recognised is unusable; endless errors end in a count."""
    held: list[ListError] = []
    nameless, is_recognised = 0, False
    for outcome in outcomes:
        is_nameless = isinstance(outcome, ListError) and not outcome.shop_id and not outcome.sku
        nameless += is_nameless
        if isinstance(outcome, ListError) and is_nameless:
            if nameless <= _MOST_NAMELESS:
                held.append(outcome)
        else:
            is_recognised = True
        if is_recognised:
            yield from held
            held = []
            if not is_nameless:
                yield outcome
    if not is_recognised:
        raise _nothing_in_it(held[0].invalid if held else None, nameless)
    if nameless > _MOST_NAMELESS:
        more = f"holds {nameless - _MOST_NAMELESS} more pieces like these"
        yield ListError(InvalidInput(source, "", more, "Export the list again."))


def _nothing_in_it(first: InvalidInput | None, errors: int) -> UnusableFile:
    if first is None:
        return UnusableFile("holds no records", "Leave the file away when there is nothing to hand over.")
    more = f" (and {errors - 1} more like it)" if errors > 1 else ""
    said = f"says: {first.message}" if first.message.startswith("field ") else first.message
    return UnusableFile(f"holds no record: {first.location} {said}{more}", first.hint)
