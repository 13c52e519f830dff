"""Access tokens and what they allow."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from bexio_sandbox.errors import ApiError
from bexio_sandbox.identity.keys import Keys
from bexio_sandbox.identity.settings import Settings
from bexio_sandbox.scopes import SCOPES, in_order, unknown
from bexio_sandbox.seed import user_uuid
from bexio_sandbox.state.tables import Row, State

LIFETIME = timedelta(days=60)


class Tokens:
    """The tokens that were given out for a company."""

    def __init__(self, state: State, keys: Keys, settings: Settings) -> None:
        self._state = state
        self._keys = keys
        self._settings = settings

    def create(
        self, scopes: Iterable[str] | None, user_id: int, token: str | None, lifetime: timedelta | None = None
    ) -> str:
        """Gives out a personal token; one that the caller made up never expires unless a lifetime is given."""
        granted = SCOPES if scopes is None else frozenset(scopes)
        if granted - SCOPES:
            raise ValueError(f"unknown scope: {', '.join(unknown(sorted(granted)))}")
        if user_id not in self._state.tables["users"]:
            raise ValueError(f"there is no user {user_id}")
        expiry = None if token and lifetime is None else self._state.clock() + (lifetime or LIFETIME)
        value = token or self._personal(user_id, in_order(granted), expiry or self._state.clock())
        with self._state.transaction():
            self.revoke(value)
            self.add(value, sorted(granted), user_id, expiry)
        return value

    def add(
        self, token: str, scopes: Iterable[str], user_id: int, expiry: datetime | None, login_id: int | None = None
    ) -> None:
        """Accepts a token from now on; a token of a login ends with it."""
        expires_at = None if expiry is None else int(expiry.timestamp())
        row = {"token": token, "scopes": list(scopes), "user_id": user_id, "expires_at": expires_at}
        self._state.add("tokens", {**row, "login_id": login_id})

    def revoke(self, token: str) -> None:
        """Makes a token worthless."""
        self._remove("token", token)

    def end_login(self, login_id: int) -> None:
        """Makes all tokens of a login worthless."""
        self._remove("login_id", login_id)

    def forget_expired(self, login_id: int) -> None:
        """Drops the tokens of a login that nobody would accept any more."""
        for row in list(self._state.tables["tokens"].values()):
            if row.get("login_id") == login_id and self._is_expired(row):
                self._state.remove("tokens", row["id"])

    def revoke_user(self, user_id: int) -> None:
        """Makes all tokens of a user worthless."""
        with self._state.transaction():
            self._remove("user_id", user_id)

    def expire(self, token: str) -> None:
        """Lets a token end now."""
        now = int(self._state.clock().timestamp())
        with self._state.transaction():
            for row in list(self._state.tables["tokens"].values()):
                if row["token"] == token:
                    self._state.put("tokens", {**row, "expires_at": now})

    def of_header(self, authorization: str) -> Row:
        """Return the token of an Authorization header."""
        kind, _, value = authorization.partition(" ")
        found = self.find(value.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise ApiError(401, "Invalid token.")
        return found

    def find(self, token: str) -> Row | None:
        """Return a token that is accepted now."""
        for row in self._state.tables["tokens"].values():
            if hmac.compare_digest(row["token"].encode(), token.encode()) and not self._is_expired(row):
                return row
        return None

    def _remove(self, field: str, value: str | int) -> None:
        with self._state.lock:
            for row in list(self._state.tables["tokens"].values()):
                if row.get(field) == value:
                    self._state.remove("tokens", row["id"])

    def _is_expired(self, row: Row) -> bool:
        return row["expires_at"] is not None and self._state.clock().timestamp() >= row["expires_at"]

    def _personal(self, user_id: int, scopes: list[str], expiry: datetime) -> str:
        claims = {
            "iss": self._settings.issuer,
            "sub": user_uuid(user_id),
            "company_id": self._settings.company_id,
            "company_user_id": user_id,
            "scope": " ".join(scopes),
            "iat": int(self._state.clock().timestamp()),
            "exp": int(expiry.timestamp()),
            "jti": secrets.token_hex(8),
        }
        return self._keys.sign(claims)
