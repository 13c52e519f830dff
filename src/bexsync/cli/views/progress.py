"""A progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_WORTH_A_BAR = 20


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a function that is told what is done, how many, of how many; few records get no bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, of: int) -> None:
        if of < _WORTH_A_BAR:
            return
        if what not in tasks:
            progress.start()
            tasks[what] = progress.add_task(what, total=of)
        progress.update(tasks[what], completed=done, total=of)

    try:
        yield tell
    finally:
        if tasks:
            progress.stop()
