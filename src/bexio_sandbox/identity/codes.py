"""Authorization codes: for one app, one redirect URI and one try."""

from __future__ import annotations

import hmac
import secrets

from bexio_sandbox.state.tables import Row, State

# Used codes are remembered so that their second use is noticed.
_REMEMBERED = 3600


class Codes:
    """The codes that were given out."""

    def __init__(self, state: State) -> None:
        self._state = state

    def give_out(self, lifetime: int, **facts: object) -> str:
        """Returns a new code for a login that was allowed."""
        now = self._now()
        for row in list(self._state.tables["codes"].values()):
            if row["expires_at"] + _REMEMBERED < now:
                self._state.remove("codes", row["id"])
        code = f"{secrets.token_urlsafe(24)}.{secrets.token_hex(16)}"
        fresh = {"code": code, "expires_at": now + lifetime, "is_used": False, "login_id": None}
        self._state.add("codes", {**fresh, **facts})
        return code

    def find(self, code: str) -> Row | None:
        """Returns a code, used or not."""
        rows = self._state.tables["codes"].values()
        return next((row for row in rows if hmac.compare_digest(row["code"].encode(), code.encode())), None)

    def is_expired(self, row: Row) -> bool:
        """Says whether a code came too late."""
        return self._now() >= float(row["expires_at"])

    def use(self, row: Row, login_id: int | None = None) -> None:
        """Uses a code up, for a login or for nothing."""
        self._state.put("codes", {**row, "is_used": True, "login_id": login_id})

    def _now(self) -> float:
        return self._state.clock().timestamp()
