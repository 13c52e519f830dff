"""The folders of a shop's folder, and the mark that says whose it is."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bexsync.errors import ConfigurationProblem
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


@dataclass(frozen=True)
class Owner:
    """A site; `companies` are the names of its one company, none where they are not known yet.

    `profile` only tells a person where to look.
    """

    site: str
    companies: frozenset[str] = frozenset()
    profile: str = ""

    def is_same(self, other: Owner) -> bool:
        """Whether both are one site of one company, as far as that is known."""
        of_one_company = not self.companies or not other.companies or self.companies & other.companies
        return self.site == other.site and bool(of_one_company)


@dataclass(frozen=True)
class Ownership:
    """A shop folder and who uses it; without an owner nothing is checked."""

    layout: Layout
    owner: Owner | None = None

    def check(self) -> None:
        """Raises ConfigurationProblem where the folder is another's; changes nothing."""
        if self.owner is not None:
            _refuse_another(self.layout, self.owner, owner_of(self.layout))

    def claim(self) -> None:
        """Mark the folder as the owner's and make its subfolders; raises ConfigurationProblem where it is another's."""
        if self.owner is not None and not self._is_known(self.owner):
            self.layout.require_root()
            with self.layout.locked(self.layout.root) as root:
                known = owner_of(self.layout)
                _refuse_another(self.layout, self.owner, known)
                root.replace(self.layout.mark.name, _written(self.owner, known))
        self.layout.create()

    def _is_known(self, owner: Owner) -> bool:
        known = owner_of(self.layout)
        _refuse_another(self.layout, owner, known)
        return known is not None and owner.companies <= known.companies


def owner_of(layout: Layout) -> Owner | None:
    """Whom the folder's mark names, None where there is none; raises ConfigurationProblem where it says nothing."""
    try:
        with layout.opened(layout.root) as root, root.reading(layout.mark.name) as mark:
            return _read(json.loads(mark.read()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise ConfigurationProblem(
            f"{layout.mark} no longer says whose folder this is.",
            "Delete it if no other shop uses the folder; the next run writes it anew.",
            code="shop_folder",
        ) from problem


def refuse_another(folder: Path, wanted: Owner) -> None:
    """Raises ConfigurationProblem where the folder is another's, OSError where that cannot be read."""
    Ownership(Layout(folder), wanted).check()


def _refuse_another(layout: Layout, wanted: Owner, known: Owner | None) -> None:
    if known is None or known.is_same(wanted):
        return
    whose = f'"{known.site}"' if known.site != wanted.site else f'"{known.site}" of another company'
    by = f" (profile {known.profile})" if known.profile else ""
    raise ConfigurationProblem(
        f'The folder {layout.root} belongs to the shop {whose}{by}, not to "{wanted.site}" of this profile.',
        "Every shop needs a folder of its own: name another as `path` under [shop]. "
        f"Only if that shop is given up, delete {layout.mark}.",
        code="shop_taken",
    )


def _read(value: Mapping[str, Any]) -> Owner:
    companies = value["company"]
    if not all(isinstance(name, str) for name in (value["site"], value["profile"], *companies)):
        raise TypeError("its parts have the wrong type")
    return Owner(value["site"], frozenset(companies), value["profile"])


def _written(owner: Owner, known: Owner | None) -> bytes:
    companies = owner.companies | (known.companies if known else frozenset())
    value = {"site": owner.site, "company": sorted(companies), "profile": owner.profile}
    return f"{json.dumps(value)}\n".encode()
