"""Who is logged in: sessions of browsers, authorization codes, and the logins of apps with their refresh tokens."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.state.tables import Row, State

GRACE_SECONDS = 60
# Used codes are remembered so that their second use is noticed.
_CODES_REMEMBERED_SECONDS = 3600


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
    """All sessions, codes, logins and refresh tokens, the ended ones too."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens

    def all(self) -> list[Login]:
        """Return the logins, the oldest first."""
        with self._state.lock:
            return [_shown(row) for _, row in sorted(self._state.tables["logins"].items())]

    def begin(self, client_id: str, user_id: int, scopes: Iterable[str], sid: str, auth_time: int) -> Row:
        """Begin a login."""
        facts = {"client_id": client_id, "user_id": user_id, "scopes": list(scopes), "sid": sid}
        return self._state.add("logins", {**facts, "auth_time": auth_time, "refreshes": 0, "end": ""})

    def get(self, login_id: int) -> Row:
        """Return a login."""
        return self._state.tables["logins"][login_id]

    def count_refresh(self, login: Row) -> Row:
        """Count a refresh of a login."""
        return self._state.put("logins", {**login, "refreshes": login["refreshes"] + 1})

    def end(self, login_id: int, reason: str) -> None:
        """End a login; its refresh tokens and access tokens are worthless from now on."""
        login = self.get(login_id)
        if not login["end"]:
            self._state.put("logins", {**login, "end": reason})
        self._tokens.end_login(login_id)

    def end_of(self, reason: str, *, user_id: int | None = None, sid: str | None = None, offline: bool = True) -> None:
        """End the logins of a user or a browser session, or all of them."""
        for login in list(self._state.tables["logins"].values()):
            is_meant = user_id in (None, login["user_id"]) and sid in (None, login["sid"])
            if is_meant and (offline or "offline_access" not in login["scopes"]):
                self.end(login["id"], reason)

    def covers(self, client_id: str, user_id: int, scopes: Iterable[str]) -> bool:
        """Return whether a living login of the app allows all these scopes already."""
        asked, of_them = set(scopes), (client_id, user_id)
        living = (row for row in self._state.tables["logins"].values() if not row["end"])
        return any((row["client_id"], row["user_id"]) == of_them and asked <= set(row["scopes"]) for row in living)

    def add_refresh_token(self, login_id: int, lifetime: int) -> Row:
        """Add a refresh token to the chain of a login; its name is the `jti` of the token itself."""
        row = {"jti": str(uuid.uuid4()), "login_id": login_id, "expires_at": int(self._now()) + lifetime}
        return self._state.add("refresh_tokens", {**row, "rotated_at": None})

    def find_refresh_token(self, jti: str) -> Row | None:
        """Return a refresh token, rotated out or not."""
        return self._secretly_named("refresh_tokens", "jti", jti)

    def rotate_out(self, row: Row) -> None:
        """Mark a refresh token as replaced by the next one of its chain."""
        if row["rotated_at"] is None:
            self._state.put("refresh_tokens", {**row, "rotated_at": self._now()})

    def prolong(self, row: Row, lifetime: int) -> None:
        """Let the lifetime of a refresh token that is not replaced begin again."""
        self._state.put("refresh_tokens", {**row, "expires_at": int(self._now()) + lifetime})

    def is_expired(self, row: Row) -> bool:
        """Return whether a code or a refresh token came too late."""
        return self._now() >= float(row["expires_at"])

    def is_in_grace(self, row: Row) -> bool:
        """Return whether a refresh token was rotated out only just now."""
        return row["rotated_at"] is not None and self._now() < float(row["rotated_at"]) + GRACE_SECONDS

    def add_code(self, lifetime: int, **facts: object) -> str:
        """Return a new authorization code for a login that was allowed."""
        now = self._now()
        for row in list(self._state.tables["codes"].values()):
            if row["expires_at"] + _CODES_REMEMBERED_SECONDS < now:
                self._state.remove("codes", row["id"])
        code = f"{secrets.token_urlsafe(24)}.{secrets.token_hex(16)}"
        fresh = {"code": code, "expires_at": now + lifetime, "is_used": False, "login_id": None}
        self._state.add("codes", {**fresh, **facts})
        return code

    def find_code(self, code: str) -> Row | None:
        """Return a code, used or not."""
        return self._secretly_named("codes", "code", code)

    def use_code(self, row: Row, login_id: int | None = None) -> None:
        """Use a code up, for a login or for nothing."""
        self._state.put("codes", {**row, "is_used": True, "login_id": login_id})

    def begin_session(self, user_id: int) -> Row:
        """Begin the session of a browser whose user has typed the password."""
        row = {"sid": str(uuid.uuid4()), "cookie": secrets.token_urlsafe(32), "user_id": user_id}
        return self._state.add("browser_sessions", {**row, "began_at": int(self._now())})

    def session_of(self, cookie: str) -> Row | None:
        """Return the session of a browser that a cookie names."""
        return self._secretly_named("browser_sessions", "cookie", cookie)

    def end_session(self, sid: str) -> None:
        """End the session of a browser."""
        for row in list(self._state.tables["browser_sessions"].values()):
            if row["sid"] == sid:
                self._state.remove("browser_sessions", row["id"])

    def _secretly_named(self, table: str, field: str, value: str) -> Row | None:
        rows = self._state.tables[table].values()
        return next((row for row in rows if hmac.compare_digest(row[field].encode(), value.encode())), None)

    def _now(self) -> float:
        return self._state.clock().timestamp()


def _shown(row: Row) -> Login:
    scopes = tuple(row["scopes"])
    return Login(row["id"], row["client_id"], row["user_id"], scopes, row["refreshes"], not row["end"], row["end"])
