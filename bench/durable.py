"""How often a run waits for the disk: commits of the state, and files that are forced onto it.

`python -m bench.durable ARGUMENTS` runs bexsync with these arguments and prints the count as the last line of stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bexsync.hooks import set_observer


@dataclass
class DurableWrites:
    """Commits of the state and calls of fsync since the count began; checkpoints of SQLite are not among them."""

    commits: int = 0
    files: int = 0

    @property
    def total(self) -> int:
        """Both."""
        return self.commits + self.files


@contextmanager
def durable_writes() -> Iterator[DurableWrites]:
    """Count those of this process until the block ends."""
    count = DurableWrites()
    fsync = os.fsync

    def on_fsync(handle: int) -> None:
        count.files += 1
        fsync(handle)

    def on_point(point: str, **facts: str) -> None:
        count.commits += point == "commit:before"
        if before is not None:
            before(point, **facts)

    before = set_observer(on_point)
    os.fsync = on_fsync  # type: ignore[assignment]
    try:
        yield count
    finally:
        os.fsync = fsync
        set_observer(before)


def main() -> None:
    """Run bexsync and print the count."""
    from bexsync.__main__ import main as run

    with durable_writes() as count:
        try:
            run()
        finally:
            print(f"{count.total} durable writes: {count.commits} commits, {count.files} files", file=sys.stderr)


if __name__ == "__main__":
    main()
