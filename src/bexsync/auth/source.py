"""The access token of a profile, for everybody who needs one: from its login, or from the environment."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from bexsync.auth.login import Login, personal_login
from bexsync.errors import BexsyncError, LoginNeeded
from bexsync.http.clock import Clock
from bexsync.http.redaction import register_secret

if TYPE_CHECKING:  # of which the environment's token needs nothing
    from bexsync.auth.refreshing import Renew, TokenRefresher

VARIABLE = "BEXSYNC_ACCESS_TOKEN"
FILE_VARIABLE = "BEXSYNC_ACCESS_TOKEN_FILE"
_WARNED_BEFORE = timedelta(days=14)
_STILL_ENOUGH = timedelta(seconds=30)


class TokenSource(Protocol):
    """Gives an access token whenever it is asked."""

    @property
    def stable_id(self) -> str:
        """What stays the same for as long as the token opens the same company."""
        ...

    def token(self) -> str:
        """A token that holds; raises LoginNeeded, TokenStoreProblem or TryLater."""
        ...

    def warning(self) -> str:
        """A sentence about an end that comes near, "" while there is none."""
        ...

    def scopes(self) -> frozenset[str]:
        """The scopes that were granted as far as the token says, empty where it says nothing."""
        ...


class EnvironmentToken:
    """The token of the environment, read-only."""

    def __init__(self, clock: Clock, token_page: str) -> None:
        self._clock = clock
        self._token_page = token_page

    @property
    def stable_id(self) -> str:
        """The token itself."""
        return environment_token(self._token_page)

    def token(self) -> str:
        """The token; raises LoginNeeded when its end has passed."""
        login = self._login()
        ended = login.expires_at
        if ended is not None and ended <= self._clock.now():
            raise LoginNeeded(
                f"The access token of the environment ended on {ended:%Y-%m-%d}.",
                f"Make a new one at {self._token_page}, or take this one away and run `bexsync auth login`.",
            )
        return login.access_token

    def warning(self) -> str:
        """Says when it ends within two weeks."""
        return ending_soon(self._login(), self._clock, self._token_page)

    def scopes(self) -> frozenset[str]:
        """The scopes in the token itself."""
        return frozenset(self._login().scope)

    def _login(self) -> Login:
        return personal_login(self.stable_id, self._clock.now())


class LoginToken:
    """The token of a login, renewed in time; the store is only asked again when that is due."""

    def __init__(self, keeper: TokenRefresher, renew: Renew) -> None:
        self._keeper = keeper
        self._renew = renew
        self._login: Login | None = None

    @property
    def stable_id(self) -> str:
        """The login's; a renewal never leads to another company."""
        return self._current().id

    def token(self) -> str:
        """The access token, renewed early enough that a renewal that fails does not stop this run."""
        return self._current().access_token

    def warning(self) -> str:
        """Says when a login that cannot be renewed ends within two weeks."""
        return ending_soon(self._current(), self._keeper.clock, self._keeper.provider.login.token_page)

    def scopes(self) -> frozenset[str]:
        """The scopes that the login was granted."""
        return frozenset(self._current().scope)

    def _current(self) -> Login:
        now = self._keeper.clock.now()
        if self._login is None or not self._login.is_fresh(now):
            self._login = self._keeper.login()
        if not self._login.is_fresh(now):
            self._login = self._renewed(self._login)
        return self._login

    def _renewed(self, login: Login) -> Login:
        now = self._keeper.clock.now()
        if not login.renewable:
            raise LoginNeeded(
                f"The personal access token ended on {login.expires_at:%Y-%m-%d}.",
                f"Make a new one at {self._keeper.provider.login.token_page} "
                "and give it to `bexsync auth login --token-stdin`.",
            )
        try:
            return self._renew(self._keeper)
        except BexsyncError:
            if login.remaining(now) > _STILL_ENOUGH:
                return login
            raise


def ending_soon(login: Login, clock: Clock, token_page: str) -> str:
    """The warning about a token that cannot be renewed."""
    if login.renewable or login.expires_at is None or login.remaining(clock.now()) > _WARNED_BEFORE:
        return ""
    return (
        f"The access token ends on {login.expires_at:%Y-%m-%d}. Make a new one at {token_page}, "
        "or log in with an app of your own, whose login renews itself: `bexsync auth login`."
    )


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
