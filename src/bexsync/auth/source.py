"""The access token of a profile, for everybody who needs one: from its login, or from the environment."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from bexsync.auth.login import Login, personal_login
from bexsync.auth.refreshing import Renew, TokenRefresher
from bexsync.auth.tokens import environment_token
from bexsync.errors import BexsyncError, LoginNeeded
from bexsync.http.clock import Clock

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
        value = environment_token(self._token_page)
        ended = personal_login(value, self._clock.now()).expires_at
        if ended is not None and ended <= self._clock.now():
            raise LoginNeeded(
                f"The access token of the environment ended on {ended:%Y-%m-%d}.",
                f"Make a new one at {self._token_page}, or take this one away and run `bexsync auth login`.",
            )
        return value

    def warning(self) -> str:
        """Says when it ends within two weeks."""
        return ending_soon(
            personal_login(environment_token(self._token_page), self._clock.now()), self._clock, self._token_page
        )

    def scopes(self) -> frozenset[str]:
        """The scopes in the token itself."""
        return frozenset(personal_login(environment_token(self._token_page), self._clock.now()).scope)


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
