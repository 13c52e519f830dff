"""The subfolders of a shop folder.

in      what exporters drop; only finished files are taken
catalog whole lists of products, stock and taxes, read where they are
work    what bexsync has claimed and is not through with
done    what is settled, by month
failed  what a person must correct, each with its reasons beside it
out     what bexsync tells the shop

A file .bexsync beside them says whose folder it is.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Where things are, below one root that must exist: a missing one may be a share that is not mounted."""

    root: Path

    @property
    def incoming(self) -> Path:
        """What exporters drop."""
        return self.root / "in"

    @property
    def work(self) -> Path:
        """What bexsync has claimed."""
        return self.root / "work"

    @property
    def done(self) -> Path:
        """What is settled."""
        return self.root / "done"

    @property
    def failed(self) -> Path:
        """What a person must correct."""
        return self.root / "failed"

    @property
    def out(self) -> Path:
        """What bexsync tells the shop."""
        return self.root / "out"

    @property
    def catalog(self) -> Path:
        """The shop's own lists; theirs alone, so nothing is made or moved there."""
        return self.root / "catalog"

    @property
    def mark(self) -> Path:
        """Says whose folder it is."""
        return self.root / ".bexsync"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All subfolders."""
        return (self.incoming, self.work, self.done, self.failed, self.out)

    def require_root(self) -> None:
        """Raises FileNotFoundError or NotADirectoryError when there is no shop folder."""
        self.root.stat()
        if not self.root.is_dir():
            raise NotADirectoryError(self.root)

    def require_open(self) -> None:
        """Raises OSError when the shop folder, or a subfolder that is there, cannot be read and written."""
        self.require_root()
        for folder in (self.root, *self.folders):
            if folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    def create(self) -> None:
        """Makes the subfolders that are missing, never the root."""
        self.require_root()
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
