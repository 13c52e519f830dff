"""Logins: what a person allowed an app once, and the chain of refresh tokens that keeps it alive."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.state.tables import Row, State

GRACE_SECONDS = 60


@dataclass(frozen=True)
class Login:
    """A login as tests and pages see it."""

    id: int
    client_id: str
    user_id: int
    scopes: tuple[str, ...]
    refreshes: int
    is_alive: bool
    # Why it ended; empty while it is alive.
    end: str


class Logins:
    """All logins, the ended ones too."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens

    def all(self) -> list[Login]:
        """Returns the logins, the oldest first."""
        with self._state.lock:
            return [_shown(row) for _, row in sorted(self._state.tables["logins"].items())]

    def begin(self, client_id: str, user_id: int, scopes: Iterable[str], sid: str, auth_time: int) -> Row:
        """Begins a login."""
        facts = {"client_id": client_id, "user_id": user_id, "scopes": list(scopes), "sid": sid}
        return self._state.add("logins", {**facts, "auth_time": auth_time, "refreshes": 0, "end": ""})

    def get(self, login_id: int) -> Row:
        """Returns a login."""
        return self._state.tables["logins"][login_id]

    def count_refresh(self, login: Row) -> Row:
        """Counts a refresh of a login."""
        return self._state.put("logins", {**login, "refreshes": login["refreshes"] + 1})

    def end(self, login_id: int, reason: str) -> None:
        """Ends a login; its refresh tokens and access tokens are worthless from now on."""
        login = self.get(login_id)
        if not login["end"]:
            self._state.put("logins", {**login, "end": reason})
        self._tokens.end_login(login_id)

    def end_of(self, reason: str, *, user_id: int | None = None, sid: str | None = None, offline: bool = True) -> None:
        """Ends the logins of a user or a browser session, or all of them."""
        for login in list(self._state.tables["logins"].values()):
            is_meant = user_id in (None, login["user_id"]) and sid in (None, login["sid"])
            if is_meant and (offline or "offline_access" not in login["scopes"]):
                self.end(login["id"], reason)

    def covers(self, client_id: str, user_id: int, scopes: Iterable[str]) -> bool:
        """Says whether a living login of the app allows all these scopes already."""
        asked, of_them = set(scopes), (client_id, user_id)
        living = (row for row in self._state.tables["logins"].values() if not row["end"])
        return any((row["client_id"], row["user_id"]) == of_them and asked <= set(row["scopes"]) for row in living)

    def add_refresh_token(self, login_id: int, lifetime: int) -> Row:
        """Adds a refresh token to the chain of a login; its name is the `jti` of the token itself."""
        expires_at = int(self._state.clock().timestamp()) + lifetime
        row = {"jti": str(uuid.uuid4()), "login_id": login_id, "expires_at": expires_at, "rotated_at": None}
        return self._state.add("refresh_tokens", row)

    def find_refresh_token(self, jti: str) -> Row | None:
        """Returns a refresh token, rotated out or not."""
        return next((row for row in self._state.tables["refresh_tokens"].values() if row["jti"] == jti), None)

    def rotate_out(self, row: Row) -> None:
        """Marks a refresh token as replaced by the next one of its chain."""
        if row["rotated_at"] is None:
            self._state.put("refresh_tokens", {**row, "rotated_at": self._now()})

    def prolong(self, row: Row, lifetime: int) -> None:
        """Lets a refresh token that is not replaced last anew from now on."""
        self._state.put("refresh_tokens", {**row, "expires_at": int(self._now()) + lifetime})

    def is_expired(self, row: Row) -> bool:
        """Says whether a refresh token lay unused for too long."""
        return self._now() >= float(row["expires_at"])

    def is_in_grace(self, row: Row) -> bool:
        """Says whether a refresh token was rotated out only just now."""
        return row["rotated_at"] is not None and self._now() < float(row["rotated_at"]) + GRACE_SECONDS

    def _now(self) -> float:
        return self._state.clock().timestamp()


def _shown(row: Row) -> Login:
    scopes = tuple(row["scopes"])
    return Login(row["id"], row["client_id"], row["user_id"], scopes, row["refreshes"], not row["end"], row["end"])
