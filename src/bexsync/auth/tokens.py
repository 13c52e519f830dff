"""The access token that the environment brings, as for a CI job."""

from __future__ import annotations

import os
import stat

from bexsync.errors import LoginNeeded
from bexsync.http.redaction import register_secret

VARIABLE = "BEXSYNC_ACCESS_TOKEN"
FILE_VARIABLE = "BEXSYNC_ACCESS_TOKEN_FILE"


def names_token() -> bool:
    """Whether the environment brings a token, which then speaks over every login."""
    return bool(os.environ.get(VARIABLE, "").strip() or os.environ.get(FILE_VARIABLE, "").strip())


def environment_token(token_page: str) -> str:
    """The token of the environment, read-only; raises LoginNeeded, which names `token_page`, when there is none."""
    token = os.environ.get(VARIABLE, "").strip() or _token_file()
    if not token:
        raise LoginNeeded(
            "There is no access token.",
            f"Run `bexsync auth login`, or set {VARIABLE} to a personal access token from {token_page}, "
            f"or {FILE_VARIABLE} to a file that holds one.",
        )
    register_secret(token)
    return token


def _token_file() -> str:
    path = os.environ.get(FILE_VARIABLE, "").strip()
    if not path:
        return ""
    try:
        # A pipe without a writer must not keep the program waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8") as file:  # noqa: PTH123
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise LoginNeeded(
                    f"The token file {path} is no plain file.",
                    f"Write the token into a file of its own: {FILE_VARIABLE} is read more than once.",
                )
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise LoginNeeded(
                    f"The token file {path} may be written by other users.", f"Take that right away: chmod go-w {path}"
                )
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise LoginNeeded(
            f"The token file {path} cannot be read.", f"Check {FILE_VARIABLE} and the file's rights."
        ) from problem
