"""The directory of the realm: the apps that may ask for a login, and the users who log in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bexio_sandbox.identity.settings import Settings
from bexio_sandbox.seed import made_up_uuid, user_uuid
from bexio_sandbox.state.tables import Row, State

STANDARD_ID = "bexsync-sandbox"
PASSWORD = "sandbox"  # noqa: S105  everybody's, and written on the login page
STANDARD_SECRET = "sandbox-secret"  # noqa: S105  it opens nothing but a sandbox on this computer
_STANDARD_REDIRECTS = ("http://127.0.0.1:27182/callback", "http://localhost:27182/callback")
_MOST_REDIRECTS = 10


@dataclass(frozen=True)
class App:
    """A registered app."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]
    name: str

    def knows_secret(self, secret: str) -> bool:
        """Return whether this is the app's secret."""
        return hmac.compare_digest(self.secret.encode(), secret.encode())


class Apps:
    """All registered apps."""

    def __init__(self, state: State) -> None:
        self._state = state

    def register_standard(self) -> None:
        """Registers the app of every sandbox, unless it is there."""
        if self.find(STANDARD_ID) is None:
            self.register(STANDARD_ID, STANDARD_SECRET, _STANDARD_REDIRECTS, "bexsync")

    def register(self, client_id: str, secret: str, redirect_uris: Iterable[str], name: str | None = None) -> App:
        """Registers an app, or changes the one of this client id."""
        # One address may come as it is; taken for a list it would be one of letters.
        uris = tuple(redirect_uris.split() if isinstance(redirect_uris, str) else redirect_uris)
        _refuse_odd(client_id, secret, uris)
        row = {"client_id": client_id, "secret": secret, "redirect_uris": list(uris), "name": name or client_id}
        with self._state.transaction():
            known = self._row(client_id)
            if known:
                self._state.put("apps", {"id": known["id"], **row})
            else:
                self._state.add("apps", row)
        return _app(row)

    def find(self, client_id: str) -> App | None:
        """Return the app of a client id."""
        row = self._row(client_id)
        return _app(row) if row else None

    def all(self) -> list[App]:
        """Return all apps, the oldest first."""
        return [_app(row) for _, row in sorted(self._state.tables["apps"].items())]

    def _row(self, client_id: str) -> Row | None:
        rows = self._state.tables["apps"].values()
        return next((row for row in rows if row["client_id"] == client_id), None)


class People:
    """The users of the company."""

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._settings = settings

    def all(self) -> list[Row]:
        """Return the users in the order of their ids."""
        return [row for _, row in sorted(self._state.tables["users"].items())]

    def get(self, user_id: int) -> Row | None:
        """Return a user."""
        return self._state.tables["users"].get(user_id)

    def with_password(self, mail: str, password: str) -> Row | None:
        """Return the user of a mail address if the password is right."""
        if password != PASSWORD:
            return None
        return next((row for row in self.all() if row["email"].casefold() == mail.strip().casefold()), None)

    @property
    def company_name(self) -> str:
        """The company's name."""
        return str(self._state.tables["company_profiles"][1]["name"])

    def claims(self, user_id: int, scopes: Iterable[str]) -> dict[str, Any]:
        """Return what is told about a user under these scopes."""
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


def _app(row: Row) -> App:
    return App(row["client_id"], row["secret"], tuple(row["redirect_uris"]), row["name"])


def _refuse_odd(client_id: str, secret: str, redirect_uris: tuple[str, ...]) -> None:
    if not client_id or not secret:
        raise ValueError("an app needs a client id and a secret")
    if not 1 <= len(redirect_uris) <= _MOST_REDIRECTS:
        raise ValueError(f"an app has between 1 and {_MOST_REDIRECTS} redirect URIs")
    for uri in redirect_uris:
        parts = _split(uri)
        if not parts.scheme or "#" in uri or not (parts.netloc or parts.path) or not uri.isascii():
            raise ValueError(f"{uri!r} is no redirect URI like {_STANDARD_REDIRECTS[0]}")
        # The address goes into a header that says where forms may lead.
        if any(character in uri for character in " ;,'\"\\") or not uri.isprintable():
            raise ValueError(f"{uri!r} holds characters that no redirect URI holds")


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:
        raise ValueError(f"{uri!r} is no redirect URI") from None
