"""What is wrong with a shop folder, as far as this computer alone can tell; nothing is changed."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from bexsync.errors import BexsyncError
from bexsync.ports.shop_package import Finding, ShopSite
from bexsync.shops.folder.inbox import TABLES, finished_files
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.layout import Layout, Owner, refuse_another
from bexsync.shops.folder.problems import InputError, explained
from bexsync.shops.folder.settings import FolderSettings
from bexsync.shops.folder.table.reading import describe, read_table

_MOST_TABLES = 10


def diagnose(settings: FolderSettings, site: ShopSite, owner: Owner) -> Iterator[Finding]:
    """Can the folder be used, by whom else, whose is it, and how would the tables that wait be understood?"""
    layout = Layout(settings.folder(site.profile_file))
    sentences = []
    for folder in (layout.root, *layout.folders):
        try:
            with explained(layout):
                _require_open(layout, folder)
        except BexsyncError as problem:
            if problem.message not in sentences:
                sentences.append(problem.message)
                yield Finding("wrong", "shop", problem.message, problem.hint, file=str(folder), key="shop.path")
    if sentences:
        return
    try:
        with explained(layout):
            refuse_another(layout.root, owner)
    except BexsyncError as problem:
        yield Finding("wrong", "shop", problem.message, problem.hint, file=str(layout.root), key="shop.path")
        return
    missing = [folder.name for folder in layout.folders if not folder.exists()]
    later = f" {', '.join(missing)} will be made by the first push." if missing else ""
    yield Finding("ok", "shop", f"{layout.root} can be read and written.{later}", file=str(layout.root))
    if shared := _open_to_others(layout):
        names = ", ".join(str(folder) for folder in shared)
        yield Finding(
            "attention",
            "shop",
            f"Other users may write in {names}, and so decide what is booked and what the shop is told.",
            "Where that is not meant: `chmod go-w` of each, owned by the user that runs bexsync; "
            "a shop needs to write in in/ only.",
            file=str(shared[0]),
            key="shop.path",
        )
    waiting = finished_files(layout.incoming, now=0, quiet_seconds=0)
    tables = [found.path for found in waiting if found.path.suffix.lower() in TABLES]
    yield from (_table(path, settings, site.currency) for path in tables[:_MOST_TABLES])


def _table(path: Path, settings: FolderSettings, currency: str) -> Finding:
    """How a table that waits would be read; a push reports what is wrong with it, record by record."""
    try:
        described = describe(path, settings.csv, currency)
        bad = any(isinstance(found, InputError) for found in read_table(path, settings.csv, currency))
    except UnusableFile:
        bad = True
    except OSError as problem:
        described, bad = f"cannot be read: {problem.strerror or problem}.", True
    return Finding("attention" if bad else "ok", "table", f"{path.name} {described}", file=str(path), key="shop.csv")


def _require_open(layout: Layout, folder: Path) -> None:
    """Raises OSError; a subfolder that is missing is made later."""
    layout.require_root()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _open_to_others(layout: Layout) -> list[Path]:
    """The folders in which others may put or replace files, those they have to write to for a shop left out.

    The shop drops its files into in/, so that a group may write there; everybody may not.
    """
    return [
        folder
        for folder in (layout.root, *layout.folders)
        if folder.is_dir() and _may_others_write(folder.stat(), is_for_the_shop=folder == layout.incoming)
    ]


def _may_others_write(status: os.stat_result, *, is_for_the_shop: bool) -> bool:
    if status.st_mode & stat.S_IWOTH:
        return True
    if is_for_the_shop:
        return False
    is_anothers = status.st_uid not in (0, os.geteuid())
    return is_anothers or bool(status.st_mode & stat.S_IWGRP and not _is_ours_alone(status.st_gid))


def _is_ours_alone(gid: int) -> bool:
    """Whether a group is the one that many systems give each user for himself."""
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
