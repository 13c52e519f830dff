"""What a developer or a user does about apps, tokens and logins in pages of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from bexio_sandbox.identity.server import Identity
from bexio_sandbox.identity.tokens import Tokens

_LONGEST = 60


class TokenAdmin:
    """The actions of the page under /sandbox that are about logging in."""

    def __init__(self, identity: Identity, tokens: Tokens) -> None:
        self._identity = identity
        self._tokens = tokens

    def actions(self) -> dict[str, Callable[..., Any]]:
        """Return the actions under their names."""
        return {
            "register_app": self.register_app,
            "create_token": self.create_token,
            "approve": self.approve,
            "end_logins": self._identity.end_logins,
            "set_access_lifetime": self.set_access_lifetime,
            "set_clock_offset": self.set_clock_offset,
        }

    def register_app(self, client_id: str, secret: str, redirect_uris: Iterable[str], name: str | None = None) -> str:
        """Registers an app, or changes the one of this client id."""
        return self._identity.apps.register(client_id, secret, redirect_uris, name).client_id

    def create_token(self, user_id: int = 1, scopes: Iterable[str] | str | None = None, days: int = _LONGEST) -> str:
        """Makes a personal access token and returns it."""
        if not 1 <= days <= _LONGEST:
            raise ValueError(f"a personal access token lasts from 1 to {_LONGEST} days, not {days}")
        wanted = scopes.split() if isinstance(scopes, str) else scopes
        return self._tokens.create(wanted, user_id, None, timedelta(days=days))

    def approve(self, url: str, user_id: int = 1, decision: str = "allow") -> str:
        """Goes through login and consent for a person, and returns where the browser would go."""
        return self._identity.approve(url, user_id, is_allowed=decision == "allow")

    def set_access_lifetime(self, seconds: int) -> None:
        """Sets how long the access tokens of logins last from now on."""
        if seconds < 1:
            raise ValueError("an access token lasts at least a second")
        self._identity.settings.access_lifetime = seconds

    def set_clock_offset(self, seconds: int) -> None:
        """Puts the clock of the identity server ahead of everybody else's, or back."""
        self._identity.settings.clock_offset = seconds
