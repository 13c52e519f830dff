"""What the tests of the token stores share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bexsync.auth.stores import StoreChoice, TokenStore, open_store
from bexsync.config.profile import TokenCommandSection

PROFILE = "/home/anna/.config/bexsync/profiles/default.toml"
SECRET = '{"refresh_token": "canary-6d1f0b7e55c94a38-\\u00e9\U0001f511", "generation": 1}'
NO_COMMAND = TokenCommandSection()
ROOT = os.name == "posix" and os.geteuid() == 0


def opened(name: str, folder: Path, **settings: str) -> TokenStore:
    return open_store(StoreChoice(name, settings), PROFILE, folder, NO_COMMAND)


def login_file(folder: Path) -> Path:
    """The one file with a secret below the folder."""
    (found,) = (path for path in (folder / "logins").iterdir() if path.suffix in (".json", ".enc"))
    return found


@contextmanager
def small_disk(folder: Path, size: str = "64k") -> Iterator[Path]:
    """A disk of its own, for filling it up and making it read-only."""
    folder.mkdir()
    if not ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> None:
    """Writes a file named ballast until there is no room left."""
    with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass
