"""Where files of a user lie, the variables that bexsync reads, and what tells this computer from others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

VARIABLES = {
    "BEXSYNC_PROFILE": "the profile where no --profile names one",
    "BEXSYNC_CONFIG_DIR": "where profiles/ lies",
    "BEXSYNC_STATE_DIR": "where the state, its locks and the logins live",
    "BEXSYNC_ACCESS_TOKEN": "a token that speaks over every login",
    "BEXSYNC_ACCESS_TOKEN_FILE": "the path of a file that holds such a token",
    "BEXSYNC_KEY_FILE": "the key of a login that is kept in an encrypted file",
    "BEXSYNC_CLIENT_SECRET": "your app's client secret, for a login without a terminal",
    "BEXSYNC_HOST": "the name of this computer, where the system's changes, as in containers",
}


SHOP_SECRET = "BEXSYNC_SHOP_SECRET_"  # noqa: S105  how such variables begin


def config_folder() -> Path:
    """Where profiles live; raises ConfigurationProblem for a user without a home folder."""
    named = os.environ.get("BEXSYNC_CONFIG_DIR")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return _at_home(user_config_path)


def state_folder() -> Path:
    """Where state and locks live; raises ConfigurationProblem for a user without a home folder."""
    named = os.environ.get("BEXSYNC_STATE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_state_path

    return _at_home(user_state_path)


def _at_home(find: Callable[[str], Path]) -> Path:
    """Containers have users that no password file knows: some versions of platformdirs raise, some leave a ~."""
    try:
        path = find("bexsync")
    except RuntimeError:
        path = Path("~")
    if path.parts[:1] == ("~",):
        from bexsync.errors import ConfigurationProblem

        raise ConfigurationProblem(
            "This user has no home folder: HOME is not set, and no password file names one.",
            "Set HOME, or BEXSYNC_CONFIG_DIR and BEXSYNC_STATE_DIR.",
            code="no_home",
        )
    return path


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


def secret_variable(name: str) -> str:
    """The variable that holds a secret of the shop."""
    return f"{SHOP_SECRET}{name.upper()}"


def profile_variable(*key: str) -> str:
    """The variable that speaks over a key of the profile."""
    return "BEXSYNC_" + "__".join(key).upper()


def this_host() -> str:
    """What tells this computer from another that shares the folder; containers name themselves by BEXSYNC_HOST."""
    import socket

    return os.environ.get("BEXSYNC_HOST") or socket.gethostname()
