"""Who logs in, and what an app learns about them under which scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bexio_sandbox.identity.settings import Settings
from bexio_sandbox.seed import made_up_uuid, user_uuid
from bexio_sandbox.state.tables import Row, State

PASSWORD = "sandbox"  # noqa: S105  everybody's, and written on the login page


class People:
    """The users of the company."""

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._settings = settings

    def all(self) -> list[Row]:
        """Returns the users in the order of their ids."""
        return [row for _, row in sorted(self._state.tables["users"].items())]

    def get(self, user_id: int) -> Row | None:
        """Returns a user."""
        return self._state.tables["users"].get(user_id)

    def with_password(self, mail: str, password: str) -> Row | None:
        """Returns the user of a mail address if the password is right."""
        if password != PASSWORD:
            return None
        return next((row for row in self.all() if row["email"].casefold() == mail.strip().casefold()), None)

    @property
    def company_name(self) -> str:
        """The company's name."""
        return str(self._state.tables["company_profiles"][1]["name"])

    def claims(self, user_id: int, scopes: Iterable[str]) -> dict[str, Any]:
        """Returns what is told about a user under these scopes."""
        user, granted = self._state.tables["users"][user_id], set(scopes)
        claims: dict[str, Any] = {"sub": user_uuid(user_id)}
        if "profile" in granted:
            claims |= {"gender": user["salutation_type"], "given_name": user["firstname"]}
            claims |= {"family_name": user["lastname"], "locale": "de-CH"}
        if "email" in granted:
            claims |= {"email": user["email"], "email_verified": True}
        if "company_profile" in granted:
            claims |= {"company_id": self._settings.company_id, "company_name": self.company_name}
            claims |= {"company_user_id": user_id, "shard_id": made_up_uuid("shard")}
        return claims
