"""Where profiles and the state live; imports next to nothing, because the shell waits for it while completing."""

from __future__ import annotations

import os
from pathlib import Path


def config_folder() -> Path:
    """Where profiles live."""
    named = os.environ.get("BEXSYNC_CONFIG_DIR")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("bexsync")


def state_folder() -> Path:
    """Where state and locks live."""
    named = os.environ.get("BEXSYNC_STATE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("bexsync")


def profile_path(name: str) -> Path:
    """The file of a profile that was given by name or by path."""
    if is_path(name):
        return expanded(Path(name))
    return config_folder() / "profiles" / f"{name}.toml"


def is_path(name: str) -> bool:
    """Whether a profile was given by the path of its file."""
    return name.endswith(".toml") or "/" in name or "\\" in name


def expanded(path: Path) -> Path:
    """With the home folder for ~; where nobody has that name, ~ is a name like any other."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
