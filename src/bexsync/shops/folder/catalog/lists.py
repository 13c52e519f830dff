"""Which file in catalog/ is which list, and whether it can be read now."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bexsync.errors import ConfigurationProblem, TryLater
from bexsync.shops.folder.inbox import RECORD_LINES, TABLES, WORKBOOKS, Found, being_written
from bexsync.shops.folder.json_source import AS_UTF8, EXPORT_AGAIN, UnusableFile, opened
from bexsync.shops.folder.layout import Layout
from bexsync.shops.folder.problems import CORRECT
from bexsync.shops.folder.table.cells import FLAW_HINT

LISTS = {"product": "products", "stock_level": "stock", "tax_rate": "taxes"}
LARGEST_LIST = 500 * 1024 * 1024
CORRECT_THERE = "Correct it there; the list is read anew with each run."
_SUFFIXES = (".json", *RECORD_LINES, *TABLES, *WORKBOOKS)
_IN_PLACE = {
    CORRECT: CORRECT_THERE,
    EXPORT_AGAIN: "Export the list again.",
    AS_UTF8: "Save the list as UTF-8.",
    FLAW_HINT: "Correct the cell in the spreadsheet and save the list again.",
}

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True)
class ListFile:
    """One list as it lies there, and what it holds by its name."""

    path: Path
    kind: str
    stamp: Stamp

    @property
    def source(self) -> str:
        """How a person finds it."""
        return f"{self.path.parent.name}/{self.path.name}"

    @contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """The list as it is at one moment; raises TryLater where somebody writes to it meanwhile.

        What the reader within finds unusable becomes a ConfigurationProblem.
        """
        try:
            stream = opened(self.path, LARGEST_LIST)
        except FileNotFoundError as problem:
            raise self._in_motion() from problem
        except UnusableFile as problem:
            raise self._unusable(problem) from problem
        except PermissionError as problem:
            raise ConfigurationProblem(
                f"{self.path} may not be read: {problem.strerror}.",
                f"Give the user that runs bexsync (uid {os.geteuid()}) the right to read it.",
                code="catalog",
            ) from problem
        with stream:
            before = _stamp(os.fstat(stream.fileno()))
            try:
                yield stream
            except UnusableFile as problem:
                if _stamp(os.fstat(stream.fileno())) != before:
                    raise self._in_motion() from problem  # half a list, since it was caught half way
                raise self._unusable(problem) from problem
            if _stamp(os.fstat(stream.fileno())) != before:
                raise self._in_motion()

    def _unusable(self, problem: UnusableFile) -> ConfigurationProblem:
        return ConfigurationProblem(f"{self.path} {problem.message}.", in_place(problem.hint), code="catalog")

    def _in_motion(self) -> TryLater:
        return TryLater(f"{self.path} is being written at this moment.", "The next run reads it.", code="catalog")


def in_place(hint: str) -> str:
    """A hint for files that are dropped, said of one that stays where it is."""
    return _IN_PLACE.get(hint, hint)


def find_list(layout: Layout, kind: str, *, now: float, quiet_seconds: float) -> ListFile | None:
    """The file that holds a list, None where there is none; raises ConfigurationProblem and TryLater."""
    layout.require_root()
    files = _candidates(layout.catalog, LISTS[kind])
    if not files:
        return None
    if len(files) > 1:
        names = " and ".join(path.name for path in files)
        raise ConfigurationProblem(
            f"{layout.catalog} holds {names}, and nobody can say which one counts.",
            "Remove the one that is out of date.",
            code="catalog",
        )
    [path] = files
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationProblem(
            f"{path} is no plain file.",
            "Let the shop write the list itself there; links are not followed.",
            code="catalog",
        )
    if being_written(Found(path, status.st_mtime), now, quiet_seconds):
        raise TryLater(
            f"{path} is still being written.",
            f"It is read once nobody has written to it for {quiet_seconds:g} seconds; the next run tries again.",
            code="catalog",
        )
    return ListFile(path, kind, _stamp(status))


def no_list(layout: Layout, kind: str) -> ConfigurationProblem:
    """What is said where a list is needed; nothing is ever taken for an empty one."""
    name = LISTS[kind]
    return ConfigurationProblem(
        f"There is no list of {name}: {layout.catalog} holds no {name}.json, {name}.ndjson, {name}.csv or {name}.xlsx.",
        "Let the shop export it there; `bexsync docs format` says what it holds.",
        code="catalog",
    )


def _candidates(folder: Path, stem: str) -> list[Path]:
    wanted = {stem + suffix for suffix in _SUFFIXES}
    try:
        return sorted(path for path in folder.iterdir() if path.name.lower() in wanted)
    except FileNotFoundError:
        return []


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
