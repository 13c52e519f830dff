"""Browsers that are logged in: whoever comes back need not type the password again."""

from __future__ import annotations

import hmac
import secrets
import uuid

from bexio_sandbox.state.tables import Row, State


class Sessions:
    """The sessions of browsers; a cookie names each."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(self, user_id: int) -> Row:
        """Begins a session of a user who has typed the password."""
        row = {
            "sid": str(uuid.uuid4()),
            "cookie": secrets.token_urlsafe(32),
            "user_id": user_id,
            "began_at": int(self._state.clock().timestamp()),
        }
        return self._state.add("browser_sessions", row)

    def of_cookie(self, cookie: str) -> Row | None:
        """Returns the session that a cookie names."""
        for row in self._state.tables["browser_sessions"].values():
            if hmac.compare_digest(row["cookie"].encode(), cookie.encode()):
                return row
        return None

    def end(self, sid: str) -> None:
        """Ends a session."""
        for row in list(self._state.tables["browser_sessions"].values()):
            if row["sid"] == sid:
                self._state.remove("browser_sessions", row["id"])
