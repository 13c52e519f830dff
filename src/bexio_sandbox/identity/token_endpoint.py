"""The token endpoint: codes and refresh tokens in, tokens out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from oauthlib.oauth2.rfc6749.grant_types.authorization_code import (
    code_challenge_method_plain,
    code_challenge_method_s256,
)
from werkzeug.wrappers import Request as WerkzeugRequest

from bexio_sandbox.identity.directory import App, Apps, People
from bexio_sandbox.identity.keys import Keys
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.identity.responses import OAuthError
from bexio_sandbox.identity.settings import Settings
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.scopes import in_order
from bexio_sandbox.seed import made_up_uuid
from bexio_sandbox.state.tables import Row, State

_FORM = "application/x-www-form-urlencoded"
# The realm knows these grants, but no app of a partner is allowed them.
_NOT_FOR_APPS = (
    "password",
    "client_credentials",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)


def authenticated(incoming: WerkzeugRequest, apps: Apps) -> tuple[App, dict[str, str]]:
    """Return the app that sent a request, if its secret is right, and the form in the body of the request."""
    form = _form(incoming)
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    basic = incoming.authorization if incoming.authorization and incoming.authorization.type == "basic" else None
    if basic is not None:
        named = unquote_plus(basic.username or "")
        if secret or client_id not in ("", named):
            raise OAuthError("invalid_request", "The app says twice who it is")
        client_id, secret = named, unquote_plus(basic.password or "")
    app = apps.find(client_id)
    if app is None or not app.knows_secret(secret):
        headers = {"WWW-Authenticate": 'Basic realm="bexio"'} if basic is not None else {}
        raise OAuthError("invalid_client", "Invalid client or Invalid client credentials", 401, headers)
    return app, form


def _form(incoming: WerkzeugRequest) -> dict[str, str]:
    # Parameters stand in the body, each once, and nowhere else.
    if incoming.method != "POST":
        raise OAuthError("HTTP 405 Method Not Allowed", status=405, headers={"Allow": "POST"})
    if incoming.args:
        raise OAuthError("invalid_request", "Parameters belong into the body, not into the address")
    if incoming.mimetype != _FORM:
        raise OAuthError("HTTP 415 Unsupported Media Type", status=415)
    if any(len(values) > 1 for _, values in incoming.form.lists()):
        raise OAuthError("invalid_request", "duplicated parameter")
    return incoming.form.to_dict()


class TokenEndpoint:
    """Exchanges codes and refresh tokens for new tokens."""

    def __init__(
        self, state: State, settings: Settings, keys: Keys, people: People, logins: Logins, tokens: Tokens
    ) -> None:
        self._state = state
        self._settings = settings
        self._keys = keys
        self._people = people
        self._logins = logins
        self._tokens = tokens

    def grant(self, app: App, form: dict[str, str], issuer: str) -> dict[str, Any]:
        """Return the tokens that a form earns; what a refusal changed is to be kept, too."""
        grant_type = form.get("grant_type")
        if not grant_type:
            raise OAuthError("invalid_request", "Missing form parameter: grant_type")
        if grant_type == "authorization_code":
            return self._by_code(app, form, issuer)
        if grant_type == "refresh_token":
            return self._by_refresh_token(app, form, issuer)
        if grant_type in _NOT_FOR_APPS:
            raise OAuthError("unauthorized_client", "Client not allowed for this grant type")
        raise OAuthError("unsupported_grant_type", "Unsupported grant_type")

    def _by_code(self, app: App, form: dict[str, str], issuer: str) -> dict[str, Any]:
        if not form.get("code"):
            raise OAuthError("invalid_request", "Missing parameter: code")
        code = self._logins.find_code(form["code"])
        if code is None:
            raise OAuthError("invalid_grant", "Code not valid")
        if code["is_used"]:
            if code["login_id"] is not None:
                self._logins.end(code["login_id"], "its code was used twice")
            raise OAuthError("invalid_grant", "Code not valid")
        # One try is all a code has.
        self._logins.use_code(code)
        self._refuse_wrong_code(code, app, form)
        login = self._logins.begin(app.client_id, code["user_id"], code["scopes"], code["sid"], code["auth_time"])
        self._logins.use_code(code, login["id"])
        refresh_token = None
        if "offline_access" in login["scopes"]:
            refresh_token = self._refresh_token(login, issuer)
        return self._answer(login, login["scopes"], refresh_token, issuer, code["nonce"])

    def _refuse_wrong_code(self, code: Row, app: App, form: dict[str, str]) -> None:
        if code["client_id"] != app.client_id or self._logins.is_expired(code):
            raise OAuthError("invalid_grant", "Code not valid")
        if form.get("redirect_uri") != code["redirect_uri"]:
            raise OAuthError("invalid_grant", "Incorrect redirect_uri")
        verifier = form.get("code_verifier")
        if code["challenge"] is None:
            if verifier:
                raise OAuthError(
                    "invalid_grant", "PKCE code verifier specified but challenge not present in authorization"
                )
            return
        if not verifier:
            raise OAuthError("invalid_grant", "PKCE code verifier not specified")
        fits = code_challenge_method_plain if code["challenge_method"] == "plain" else code_challenge_method_s256
        if not fits(verifier, code["challenge"]):
            raise OAuthError("invalid_grant", "PKCE verification failed: Code mismatch")

    def _by_refresh_token(self, app: App, form: dict[str, str], issuer: str) -> dict[str, Any]:
        if not form.get("refresh_token"):
            raise OAuthError("invalid_request", "No refresh token")
        row = self.find_refresh_token(form["refresh_token"])
        if row is None:
            raise OAuthError("invalid_grant", "Invalid refresh token")
        login = self._logins.get(row["login_id"])
        if login["client_id"] != app.client_id:
            raise OAuthError("invalid_grant", "Invalid refresh token. Token client and authorized client don't match")
        if login["end"]:
            raise OAuthError("invalid_grant", "Session not active")
        if self._logins.is_expired(row):
            raise OAuthError("invalid_grant", "Token is not active")
        self._refuse_reuse(row)
        scopes = self._narrowed(login, form)
        login = self._logins.count_refresh(login)
        return self._answer(login, scopes, self._next_refresh_token(login, row, form, issuer), issuer)

    def _refuse_reuse(self, row: Row) -> None:
        reuse = self._state.behaviours["refresh_reuse"]
        if row["rotated_at"] is None or reuse == "ignored" or (reuse == "grace" and self._logins.is_in_grace(row)):
            return
        self._logins.end(row["login_id"], "a refresh token was used twice")
        raise OAuthError("invalid_grant", "Maximum allowed refresh token reuse exceeded")

    def _narrowed(self, login: Row, form: dict[str, str]) -> list[str]:
        if not form.get("scope"):
            return list(login["scopes"])
        asked = form["scope"].split()
        if not set(asked) <= set(login["scopes"]):
            raise OAuthError("invalid_scope", f"Invalid scopes: {form['scope']}")
        return in_order(asked)

    def _next_refresh_token(self, login: Row, row: Row, form: dict[str, str], issuer: str) -> str | None:
        rotation = self._state.behaviours["refresh_rotation"]
        if rotation == "rotate":
            self._logins.rotate_out(row)
            return self._refresh_token(login, issuer)
        self._logins.prolong(row, self._settings.refresh_lifetime)
        return form["refresh_token"] if rotation == "keep" else None

    def find_refresh_token(self, token: str) -> Row | None:
        """Return what is known of a refresh token."""
        claims = self._keys.read_own(token)
        return self._logins.find_refresh_token(str(claims.get("jti"))) if claims else None

    def _refresh_token(self, login: Row, issuer: str) -> str:
        row = self._logins.add_refresh_token(login["id"], self._settings.refresh_lifetime)
        claims = {
            "iat": self.now(),
            "jti": row["jti"],
            "iss": issuer,
            "aud": issuer,
            "sub": self._people.claims(login["user_id"], ())["sub"],
            "typ": "Offline",
            "azp": login["client_id"],
            "sid": login["sid"],
            "scope": " ".join(login["scopes"]),
        }
        return self._keys.sign_for_itself(claims)

    def _answer(
        self, login: Row, scopes: Iterable[str], refresh_token: str | None, issuer: str, nonce: str | None = None
    ) -> dict[str, Any]:
        granted = in_order(scopes)
        access_token = self._access_token(login, granted, issuer)
        answer: dict[str, Any] = {
            "access_token": access_token,
            "expires_in": self._settings.access_lifetime,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": login["sid"],
            "scope": " ".join(granted),
        }
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        if "openid" in granted:
            answer["id_token"] = self._id_token(login, granted, access_token, issuer, nonce)
        return answer

    def _access_token(self, login: Row, scopes: list[str], issuer: str) -> str:
        claims = {
            **self._times(),
            "auth_time": login["auth_time"],
            "jti": made_up_uuid(f"{self._state.count('access_tokens')} {login['sid']}"),
            "iss": issuer,
            "sub": self._people.claims(login["user_id"], ())["sub"],
            "typ": "Bearer",
            "azp": login["client_id"],
            "sid": login["sid"],
            "scope": " ".join(scopes),
            "company_id": self._settings.company_id,
            "company_user_id": login["user_id"],
        }
        token = self._keys.sign(claims)
        end = self._state.clock() + timedelta(seconds=self._settings.access_lifetime)
        self._tokens.forget_expired(login["id"])
        self._tokens.add(token, scopes, login["user_id"], end, login["id"])
        return token

    def _id_token(self, login: Row, scopes: list[str], access_token: str, issuer: str, nonce: str | None) -> str:
        claims = {
            **self._times(),
            "auth_time": login["auth_time"],
            "iss": issuer,
            "aud": login["client_id"],
            "azp": login["client_id"],
            "typ": "ID",
            "sid": login["sid"],
            "at_hash": _at_hash(access_token),
            **({"nonce": nonce} if nonce is not None else {}),
            **self._people.claims(login["user_id"], scopes),
        }
        return self._keys.sign(claims)

    def _times(self) -> dict[str, int]:
        now = self.now()
        return {"iat": now, "exp": now + self._settings.access_lifetime}

    def now(self) -> int:
        """Return the time by the identity server's clock, which may be off."""
        return int(self._state.clock().timestamp() + self._settings.clock_offset)


def _at_hash(access_token: str) -> str:
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
