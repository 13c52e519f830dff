"""One request to the API and its answer, without HTTP around them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bexio_sandbox import search
from bexio_sandbox.limits import DEFAULT
from bexio_sandbox.state.tables import Row, State


@dataclass(frozen=True)
class Call:
    """What a handler gets: the books, the parsed body, and who asks."""

    state: State
    body: Any
    query: Mapping[str, str]
    language: str
    user_id: int
    scopes: Collection[str] = ()


@dataclass(frozen=True)
class Answer:
    """What a handler gives back."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """An operation: where it is, what it does, which scope it needs and which limit it counts against."""

    method: str
    path: str
    handler: Callable[..., Answer]
    scope: str | None = None
    bucket: str = DEFAULT


Serializer = Callable[[Row], Any]
SUCCESS = {"success": True}


def success() -> Answer:
    """Return the answer of actions and deletions."""
    return Answer(SUCCESS)


def tagged(body: Any, source: Row, status: int = 200) -> Answer:
    """Return a single object with the etag of the row it shows."""
    # bexio's etag follows the second of the last change, so two changes in one second share it.
    stamp = source.get("updated_at") or json.dumps(source, sort_keys=True)
    etag = hashlib.md5(stamp.encode(), usedforsecurity=False).hexdigest()
    return Answer(body, status, {"etag": etag})


def listed(call: Call, rows: Iterable[Row], searchable: search.Searchable, serializer: Serializer) -> Answer:
    """Return a page of a list as version 2.0 gives it."""
    page = search.page_of(call.query, searchable.orders, call.state.behaviours)
    return Answer([serializer(row) for row in search.page_through(rows, page, call.state.behaviours)])


def searched(call: Call, rows: Iterable[Row], searchable: search.Searchable, serializer: Serializer) -> Answer:
    """Return a page of what a search finds."""
    page = search.page_of(call.query, searchable.orders, call.state.behaviours)
    found = search.matching(rows, call.body, searchable, call.state.behaviours)
    return Answer([serializer(row) for row in search.page_through(found, page, call.state.behaviours)])


def counted(
    call: Call, rows: Iterable[Row], serializer: Serializer, default_limit: int = search.DEFAULT_LIMIT
) -> Answer:
    """Return a page of a list as version 3.0 gives it, with the number of all rows in a header."""
    everything = list(rows)
    page = search.page_of(call.query, (), call.state.behaviours, default_limit)
    headers = {
        "x-total-count": str(len(everything)),
        "x-limit": str(page.limit),
        "x-offset": str(page.offset),
    }
    shown = [serializer(row) for row in search.page_through(everything, page, call.state.behaviours)]
    return Answer(shown, 200, headers)


def as_it_is(row: Row) -> Row:
    """Shows a row with all it holds."""
    return row
