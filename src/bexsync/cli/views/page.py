"""A page of text for a person: rows in columns, what belongs to a row beneath it, nothing torn apart needlessly."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.text import Text

from bexsync.characters import as_printed
from bexsync.cli.views import write

_LONGEST_CELL = 36
_SHORTEST_CELL = 10
_ENDLESS = 100_000
_GAP = "  "
_WORTH_A_BAR = 20


@dataclass(frozen=True)
class Row:
    """One line of cells, and the lines beneath it; `last` joins either, whichever has room for all the rows'."""

    cells: tuple[Text, ...]
    last: Text = field(default_factory=Text)
    beneath: tuple[Text, ...] = ()


class Page:
    """Collects what is to be shown and prints it in one go; off a terminal every line stays one line."""

    def __init__(self) -> None:
        self._on_terminal = sys.stdout.isatty()
        self._text = io.StringIO()
        self._console = Console(
            file=self._text,
            force_terminal=True if self._on_terminal else None,
            width=None if self._on_terminal else _ENDLESS,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def width(self) -> int:
        """How many characters fit a line."""
        return self._console.width

    @property
    def is_endless(self) -> bool:
        """Whether nobody minds how long a line is."""
        return not self._on_terminal

    def line(self, text: Text | str = "", *, indent: int = 0) -> None:
        """A sentence, wrapped at words; a single long word, such as a link, stays whole so that it can be clicked."""
        styled = text if isinstance(text, Text) else Text(text)
        whole = " " not in styled.plain
        parts = [styled] if whole else styled.wrap(self._console, max(self.width - indent, 20))
        for part in parts:
            self._print(Text(" " * indent) + part)

    def paragraph(self, label: Text, texts: Sequence[Text]) -> None:
        """A label and, beside it, texts: on one line where they fit, else each wrapped below the other."""
        room = max(self.width - label.cell_len, 20)
        joined = Text(_GAP).join(texts)
        if joined.cell_len <= room:
            self._print(label + joined)
            return
        for text in texts:
            for part in text.wrap(self._console, room) if " " in text.plain else [text]:
                self._print(label + part)
                label = Text(" " * label.cell_len)

    def whole(self, line: Text) -> None:
        """A line that is to be copied, and so never wrapped."""
        self._print(line)

    def table(
        self,
        names: Sequence[str],
        rows: Sequence[Row],
        *,
        right: Sequence[str] = (),
        shorten: Sequence[str] = (),
        drop: Sequence[str] = (),
    ) -> None:
        """Rows under their names, the last of which is that of `Row.last`; empty columns are left out.

        Where the terminal is too narrow, columns in `shorten` become narrower, then those in `drop` are left out,
        the first one first.
        """
        kept = [i for i in range(len(names) - 1) if any(row.cells[i].plain for row in rows)]
        cells = [[self._shortened(cell, self._longest) for cell in row.cells] for row in rows]
        header = [Text(name, style="bold") for name in names]
        widths = [max(line[i].cell_len for line in (header, *cells)) for i in range(len(names) - 1)]
        if self._on_terminal:
            kept = self._fit(names, kept, widths, shorten, drop)
            cells = [[self._shortened(cell, widths[i]) for i, cell in enumerate(line)] for line in cells]
        shown = [widths[i] for i in kept]
        beside = sum(shown) + len(_GAP) * len(kept) + max(row.last.cell_len for row in rows) <= self.width
        aligned = [names[i] in right for i in kept]
        has_last = beside and any(row.last.plain for row in rows)
        heading = _joined([header[i] for i in kept], shown, aligned)
        self._print(heading + Text(names[-1] if has_last else "", style="bold"))
        for row, line in zip(rows, cells, strict=True):
            self._print(_joined([line[i] for i in kept], shown, aligned) + (row.last if beside else Text()))
            for text in row.beneath if beside or not row.last.plain else (row.last, *row.beneath):
                self.line(text, indent=4)

    def _fit(
        self, names: Sequence[str], kept: Sequence[int], widths: list[int], shorten: Sequence[str], drop: Sequence[str]
    ) -> list[int]:
        """The columns that remain; `widths` of those that may be shortened are changed."""
        columns, whole, droppable = list(kept), list(widths), [name for name in drop if name in names]
        while True:
            widths[:] = whole
            room = self.width - len(_GAP) * (len(columns) - 1)
            elastic = [i for i in columns if names[i] in shorten]
            while sum(widths[i] for i in columns) > room:
                widest = max(elastic, key=lambda i: widths[i], default=None)
                if widest is None or widths[widest] <= max(_SHORTEST_CELL, len(names[widest])):
                    break
                widths[widest] -= 1
            if sum(widths[i] for i in columns) <= room or not droppable:
                return columns
            dropped = names.index(droppable.pop(0))
            columns = [i for i in columns if i != dropped]

    def _print(self, line: Text) -> None:
        """What stands in the ledger or a file never steers the terminal; the styles of the line stay where they are."""
        line.rstrip()
        if not line.plain.isprintable():
            line = line.copy()
            line.plain = as_printed(line.plain)
        self._console.print(line, soft_wrap=True)

    @property
    def _longest(self) -> int:
        """A very long id must not push all others off the screen."""
        return min(_LONGEST_CELL, self.width // 3)

    def _shortened(self, cell: Text, longest: int) -> Text:
        """The cell without its middle, since ids differ at both ends."""
        if not self._on_terminal or cell.cell_len <= longest:
            return cell
        head, tail = cell.copy(), cell.copy()
        head.truncate((longest + 1) // 2, overflow="ellipsis")
        kept = longest // 2
        return head + tail[-kept:] if kept else head

    def show(self) -> None:
        """Prints the page."""
        write(self._text.getvalue())


def _joined(cells: Sequence[Text], widths: Sequence[int], aligned: Sequence[bool]) -> Text:
    line = Text()
    for cell, width, is_right in zip(cells, widths, aligned, strict=True):
        room = Text(" " * (width - cell.cell_len))
        line += (room + cell if is_right else cell + room) + Text(_GAP)
    return line


def local_time(stored: str) -> str:
    """A moment of the state in this computer's time, "" for none."""
    return f"{datetime.fromisoformat(stored).astimezone():%Y-%m-%d %H:%M}" if stored else ""


@contextmanager
def bar() -> Iterator[Callable[..., None]]:
    """Yields a function that is told what is done, how many, of how many, and why no faster; few records get no bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn

    class Rate(TextColumn):
        """How many are done in a minute."""

        def render(self, task: Task) -> Text:
            return Text(f"{60 * task.speed:.0f} a minute" if task.speed else "")

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(""), TimeRemainingColumn()),
        TextColumn("{task.fields[pace_setter]}"),
    )
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, of: int, pace_setter: str = "") -> None:
        if of < _WORTH_A_BAR:
            return
        if what not in tasks:
            progress.start()
            tasks[what] = progress.add_task(what, total=of, pace_setter=pace_setter)
        progress.update(tasks[what], completed=done, total=of, pace_setter=pace_setter)

    try:
        yield tell
    finally:
        if tasks:
            progress.stop()
