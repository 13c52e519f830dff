"""A long text in a keyring whose entries are short, so that a crash leaves the old text or the new one.

The parts of a text lie under names of their own that hold its generation. The manifest under the plain name says which
generation holds, and is written after the parts of the new one and before those of the old one are deleted.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Protocol

LONGEST_PART = 1200
_MOST_PARTS = 1000
_READINGS = 3


class Entries(Protocol):
    """Short texts by name; `delete` does nothing where there is none."""

    def read(self, name: str) -> str | None: ...
    def write(self, name: str, text: str) -> None: ...
    def delete(self, name: str) -> None: ...


class Damaged(Exception):
    """A part is missing or wrong; what is left is never handed out."""


@dataclass(frozen=True)
class Manifest:
    """Version, generation, number of parts, digest of the whole."""

    v: int
    gen: int
    n: int
    sha256: str


def load_chunks(entries: Entries, name: str) -> str | None:
    """The text, None when there is none; raises Damaged."""
    seen = entries.read(name)
    for _ in range(_READINGS):
        if seen is None:
            return None
        manifest = _manifest(seen)
        whole = "".join(entries.read(_part(name, manifest.gen, i)) or "" for i in range(manifest.n))
        if _digest(whole) == manifest.sha256:
            return _unpacked(whole)
        # Another process may have saved a new text and deleted these parts meanwhile.
        before, seen = seen, entries.read(name)
        if seen == before:
            break
    raise Damaged("a part is missing")


def save_chunks(entries: Entries, name: str, text: str) -> None:
    """Puts the text in place of the one before; two savers at once have to be kept apart by a lock."""
    old = _present(entries, name)
    gen = old.gen + 1 if old else 1
    whole = json.dumps(text)  # ASCII, so that a character is one unit wherever lengths are counted
    parts = [whole[i : i + LONGEST_PART] for i in range(0, len(whole), LONGEST_PART)]
    if len(parts) > _MOST_PARTS:
        raise ValueError("the text is too long")
    _delete_from(entries, name, gen - 2, 0)  # what a crash in the last lines of an earlier save left
    for i, part in enumerate(parts):
        entries.write(_part(name, gen, i), part)
    _delete_from(entries, name, gen, len(parts))  # what a crash before the manifest left
    entries.write(name, json.dumps(asdict(Manifest(1, gen, len(parts), _digest(whole)))))
    if old:
        _delete_from(entries, name, old.gen, 0)


def erase_chunks(entries: Entries, name: str) -> None:
    """Forgets the text; the manifest goes last, since without it nobody would find the parts again."""
    old = _present(entries, name)
    for gen in (old.gen - 1, old.gen + 1, old.gen) if old else (1,):
        _delete_from(entries, name, gen, 0)
    entries.delete(name)


def _delete_from(entries: Entries, name: str, gen: int, first: int) -> None:
    """Deletes the last part first, so that a crash leaves no gap that would hide the rest."""
    last = first
    while last < _MOST_PARTS and entries.read(_part(name, gen, last)) is not None:
        last += 1
    for i in reversed(range(first, last)):
        entries.delete(_part(name, gen, i))


def _part(name: str, gen: int, i: int) -> str:
    return f"{name}#{gen}.{i + 1}"


def _present(entries: Entries, name: str) -> Manifest | None:
    seen = entries.read(name)
    try:
        return None if seen is None else _manifest(seen)
    except Damaged:
        return None


def _manifest(text: str) -> Manifest:
    try:
        values = json.loads(text)
        manifest = Manifest(v=values["v"], gen=values["gen"], n=values["n"], sha256=values["sha256"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged("the manifest is unreadable") from None
    counts = (manifest.v, manifest.gen, manifest.n)
    if any(type(count) is not int for count in counts) or manifest.v != 1 or not 1 <= manifest.n <= _MOST_PARTS:
        raise Damaged("the manifest is unreadable")
    return manifest


def _digest(whole: str) -> str:
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def _unpacked(whole: str) -> str:
    try:
        text = json.loads(whole)
    except (ValueError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise Damaged("the text is unreadable")
    return text
