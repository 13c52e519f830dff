"""Browsers that are logged in: whoever comes back need not type the password again."""

from __future__ import annotations

import hmac
import secrets
import uuid

from bexio_sandbox.books.state import Books, Row


class Sessions:
    """The sessions of browsers; a cookie names each."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def begin(self, user_id: int) -> Row:
        """Begins a session of a user who has typed the password."""
        row = {
            "sid": str(uuid.uuid4()),
            "cookie": secrets.token_urlsafe(32),
            "user_id": user_id,
            "began_at": int(self._books.clock().timestamp()),
        }
        return self._books.add("browser_sessions", row)

    def of_cookie(self, cookie: str) -> Row | None:
        """Returns the session that a cookie names."""
        for row in self._books.tables["browser_sessions"].values():
            if hmac.compare_digest(row["cookie"].encode(), cookie.encode()):
                return row
        return None

    def end(self, sid: str) -> None:
        """Ends a session."""
        for row in list(self._books.tables["browser_sessions"].values()):
            if row["sid"] == sid:
                self._books.remove("browser_sessions", row["id"])
