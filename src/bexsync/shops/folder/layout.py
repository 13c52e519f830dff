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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bexsync.shops.folder.durable import Folder, is_foreign_link, locked, opened_folder


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
        """Raises OSError when there is no shop folder, or another user's link stands for a subfolder."""
        self.root.stat()
        if not self.root.is_dir():
            raise NotADirectoryError(self.root)
        for folder in self.folders:
            if is_foreign_link(folder):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))

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

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Folder]:
        """Holds the root or a folder below it open; raises OSError."""
        with opened_folder(self.root, *folder.relative_to(self.root).parts) as opened:
            yield opened

    @contextmanager
    def locked(self, folder: Path) -> Iterator[Folder]:
        """Holds a folder open and keeps other bexsync processes from placing files in it; raises OSError."""
        with self.opened(folder) as opened, locked(opened.handle):
            yield opened
