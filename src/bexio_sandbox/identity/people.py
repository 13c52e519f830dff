"""Who logs in, and what an app learns about them under which scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bexio_sandbox.books.state import Books, Row
from bexio_sandbox.identity.settings import Settings
from bexio_sandbox.seed import made_up_uuid, user_uuid

PASSWORD = "sandbox"  # noqa: S105  everybody's, and written on the login page


class People:
    """The users of the company."""

    def __init__(self, books: Books, settings: Settings) -> None:
        self._books = books
        self._settings = settings

    def all(self) -> list[Row]:
        """Returns the users in the order of their ids."""
        return [row for _, row in sorted(self._books.tables["users"].items())]

    def get(self, user_id: int) -> Row | None:
        """Returns a user."""
        return self._books.tables["users"].get(user_id)

    def with_password(self, mail: str, password: str) -> Row | None:
        """Returns the user of a mail address if the password is right."""
        if password != PASSWORD:
            return None
        return next((row for row in self.all() if row["email"].casefold() == mail.strip().casefold()), None)

    @property
    def company_name(self) -> str:
        """The company's name."""
        return str(self._books.tables["company_profiles"][1]["name"])

    def claims(self, user_id: int, scopes: Iterable[str]) -> dict[str, Any]:
        """Returns what is told about a user under these scopes."""
        user, granted = self._books.tables["users"][user_id], set(scopes)
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
