"""Who else may write in the shop's folder."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from bexsync.shops.folder.layout import Layout


def open_to_others(layout: Layout) -> list[Path]:
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
