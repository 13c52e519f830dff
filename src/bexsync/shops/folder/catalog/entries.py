"""What stands in a list, piece by piece, before anybody asks whether it is a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bexsync.records import Malformed


@dataclass(frozen=True, slots=True)
class Entry:
    """A value where a record should be; what an envelope around it says stands in `head`."""

    location: str
    value: Any
    head: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvalidEntry:
    """A piece that cannot be read; `names` holds what of `shop_id` and `sku` it still says."""

    location: str
    message: str
    hint: str
    names: Mapping[str, Any]


NOTHING: Mapping[str, Any] = {}


class Source(Protocol):
    """A list in one of its forms."""

    def entries(self) -> Iterator[Entry | InvalidEntry]:
        """Everything in it, at least one thing, without holding it all; raises UnusableFile."""
        ...

    def remarks(self) -> Iterator[str]:
        """What of it was left out or is worth knowing, each part of a sentence, once all of it is read."""
        ...

    def blame(self, entry: Entry, problem: Malformed) -> tuple[str, str]:
        """Where in the file the fault of a record lies, and what it is."""
        ...
