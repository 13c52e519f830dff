"""The environment variables of bexsync, besides those that speak over a key of the profile."""

from __future__ import annotations

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


def secret_variable(name: str) -> str:
    """The variable that holds a secret of the shop."""
    return f"{SHOP_SECRET}{name.upper()}"


def profile_variable(*key: str) -> str:
    """The variable that speaks over a key of the profile."""
    return "BEXSYNC_" + "__".join(key).upper()
