"""A login: the tokens of one profile, and what is needed to renew them. All of it is secret."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bexsync.http.redaction import register_secret

_VERSION = 1
_SHORTEST_MARGIN = timedelta(minutes=5)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class App:
    """The user's own app in the ledger's developer portal; a confidential one has a secret."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """What an identity provider gave: `expires_at` is absolute, counted from before the request was sent."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(default="", repr=False)
    refresh_expires_at: datetime | None = None
    scope: tuple[str, ...] = ()
    id_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Login:
    """The login of one profile, as its token store keeps it.

    `id` stays the same for as long as the login is renewed, `generation` counts the renewals. A personal access
    token is a login that cannot be renewed; `expires_at` is None where nobody knows when it ends.
    """

    id: str
    kind: Literal["app", "personal"]
    access_token: str = field(repr=False)
    obtained_at: datetime
    expires_at: datetime | None
    since: datetime
    app: App | None = None
    refresh_token: str = field(default="", repr=False)
    refresh_expires_at: datetime | None = None
    scope: tuple[str, ...] = ()
    issuer: str = ""
    generation: int = 1

    def remaining(self, now: datetime) -> timedelta:
        """How long the access token still holds."""
        return (self.expires_at or _NEVER) - now

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token holds long enough that nobody needs to renew it yet."""
        remaining = self.remaining(now)
        if not self.renewable or self.expires_at is None:
            return remaining > timedelta(0)
        lifetime = self.expires_at - self.obtained_at
        if remaining > lifetime + _SHORTEST_MARGIN:  # obtained in the future: the clock was ahead then
            return False
        return remaining > min(max(_SHORTEST_MARGIN, lifetime / 10), lifetime / 2)

    @property
    def renewable(self) -> bool:
        """Whether there is a refresh token."""
        return bool(self.refresh_token)

    def renewed(self, grant: Grant, now: datetime) -> Login:
        """The login after a refresh; without a new refresh token the old one goes on."""
        return replace(
            self,
            access_token=grant.access_token,
            obtained_at=now,
            expires_at=grant.expires_at,
            refresh_token=grant.refresh_token or self.refresh_token,
            refresh_expires_at=grant.refresh_expires_at,
            scope=grant.scope or self.scope,
            generation=self.generation + 1,
        )

    def to_text(self) -> str:
        """As a token store keeps it."""
        return json.dumps({"v": _VERSION, **asdict(self)}, default=datetime.isoformat, separators=(",", ":"))

    def hide(self) -> Login:
        """Keeps its secrets out of every message from now on."""
        for secret in (self.access_token, self.refresh_token, self.app.client_secret if self.app else ""):
            register_secret(secret)
        return self


def new_login(grant: Grant, app: App, issuer: str, now: datetime) -> Login:
    """The login that a first grant begins."""
    return Login(
        id=secrets.token_hex(8),
        kind="app",
        access_token=grant.access_token,
        obtained_at=now,
        expires_at=grant.expires_at,
        since=now,
        app=app,
        refresh_token=grant.refresh_token,
        refresh_expires_at=grant.refresh_expires_at,
        scope=grant.scope,
        issuer=issuer,
    )


def personal_login(token: str, now: datetime) -> Login:
    """The login that a personal access token is; its end is read from the token itself."""
    claims = token_claims(token)
    scope = claims.get("scope", "")
    return Login(
        id=secrets.token_hex(8),
        kind="personal",
        access_token=token,
        obtained_at=_moment_of(claims.get("iat")) or now,
        expires_at=_moment_of(claims.get("exp")),
        since=now,
        scope=tuple(scope.split()) if isinstance(scope, str) else (),
    )


def login_from(text: str) -> Login:
    """The login that a token store kept; raises ValueError, whose text holds nothing of it."""
    try:
        values: dict[str, Any] = json.loads(text)
        if values.pop("v") != _VERSION:
            raise TypeError
        for name in ("expires_at", "refresh_expires_at", "obtained_at", "since"):
            values[name] = _stored(values[name])
        values["app"] = App(**values["app"]) if values["app"] else None
        values["scope"] = tuple(str(name) for name in values["scope"])
        login = Login(**values)
        if not isinstance(login.access_token, str) or not login.access_token:
            raise TypeError
        _ = login.remaining(login.since)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        login = None
    if login is None:
        raise ValueError("it is not a login that bexsync wrote")
    return login.hide()


def token_claims(token: str) -> Mapping[str, Any]:
    """What a token says of itself, as a hint only: nothing is trusted because of it."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _moment_of(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _stored(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
