"""The WSGI side of the identity server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.errors import ApiError
from bexio_sandbox.identity.authorization import PageError, Refusal
from bexio_sandbox.identity.directory import App, Apps, People
from bexio_sandbox.identity.keys import Keys
from bexio_sandbox.identity.login_pages import AUTH, CONSENT, LOGIN, LoginPages, issuer_of
from bexio_sandbox.identity.logins import Login, Logins
from bexio_sandbox.identity.responses import OAuthError, answer, empty
from bexio_sandbox.identity.settings import OPENID, REALM, Settings
from bexio_sandbox.identity.token_endpoint import TokenEndpoint, authenticated
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.requests import Dispatcher, Interceptor, is_for_this_machine
from bexio_sandbox.scopes import WORDS
from bexio_sandbox.state.tables import State

_CLIENT_METHODS = ["client_secret_basic", "client_secret_post"]
_Handler = Callable[[WerkzeugRequest], Response]


class Identity:
    """Logs people in; `settings` holds the knobs, `requests` and `logins` what happened."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        keys: Keys,
        tokens: Tokens,
        logins: Logins,
        interceptor: Interceptor,
    ) -> None:
        self.settings = settings
        self._dispatcher = Dispatcher(state.lock, interceptor, state.clock)
        self.hooks, self.requests = self._dispatcher.hooks, self._dispatcher.requests
        self.apps = Apps(state)
        self._state = state
        self._keys = keys
        self._tokens = tokens
        self._logins = logins
        self._people = People(state, settings)
        self._login_pages = LoginPages(state, settings, keys, self._people, self.apps, logins)
        self._token_endpoint = TokenEndpoint(state, settings, keys, self._people, logins, tokens)
        self._handlers: dict[str, _Handler] = {
            f"{REALM}/.well-known/openid-configuration": self._show_configuration,
            AUTH: self._login_pages.authorize,
            LOGIN: self._login_pages.log_in,
            CONSENT: self._login_pages.consent,
            f"{OPENID}/certs": self._show_keys,
            f"{OPENID}/token": self._give_tokens,
            f"{OPENID}/token/introspect": self._introspect,
            f"{OPENID}/userinfo": self._show_user,
            f"{OPENID}/revoke": self._revoke,
            f"{OPENID}/logout": self._log_out,
        }
        self.apps.register_standard()

    @property
    def issuer(self) -> str:
        """The issuer, at the address where the sandbox is served."""
        return self.settings.issuer

    @property
    def logins(self) -> list[Login]:
        """All logins since the books began, the ended ones too."""
        return self._logins.all()

    @property
    def refreshes(self) -> int:
        """How many refreshes were answered with new tokens."""
        return sum(login.refreshes for login in self.logins)

    def is_alive(self, login_id: int | None = None) -> bool:
        """Return whether a login still works, the newest one if none is named."""
        logins = [login for login in self.logins if login_id in (None, login.id)]
        return bool(logins) and logins[-1].is_alive

    def end_logins(self, user_id: int | None = None, reason: str = "it was taken back") -> None:
        """Ends all logins, or those of a user, as a person does who takes an app's access back."""
        with self._state.transaction():
            self._logins.end_of(reason, user_id=user_id)

    def approve(self, url: str, user_id: int = 1, *, is_allowed: bool = True) -> str:
        """Does what a person does in the pages behind an authorization address; returns where the browser goes then."""
        return self._login_pages.approve(url, user_id, is_allowed=is_allowed)

    def rotate_keys(self, *, forget_old: bool = False) -> None:
        """Signs with a new key from now on; the old keys stay published unless they are to be forgotten."""
        self._keys.rotate()
        if forget_old:
            self._keys.forget_old()

    def serve(self, incoming: WerkzeugRequest) -> Response:
        """Answers one request."""
        # Read in any case: what stays unread would be taken for the next request of a kept connection.
        incoming.get_data(parse_form_data=True)
        body = incoming.form.to_dict() if incoming.form else None
        return self._dispatcher.serve(incoming, body, "identity", partial(self._answered, incoming))

    def _answered(self, incoming: WerkzeugRequest) -> Response:
        if not is_for_this_machine(incoming):
            return answer({"error": "This identity server is for this machine only."}, 403)
        handler = self._handlers.get(incoming.path)
        if handler is None:
            return answer({"error": "HTTP 404 Not Found"}, 404)
        self._keys.ensure()
        # Errors become answers in here: a refusal that ends a login has to be kept.
        with self._state.transaction():
            try:
                return handler(incoming)
            except OAuthError as error:
                return error.response()
            except PageError as error:
                return self._login_pages.stopped(error)
            except Refusal as refusal:
                return self._login_pages.sent_back(incoming, refusal)

    def _show_configuration(self, incoming: WerkzeugRequest) -> Response:
        return answer(_configuration(issuer_of(incoming)))

    def _show_keys(self, _: WerkzeugRequest) -> Response:
        return answer(self._keys.public())

    def _give_tokens(self, incoming: WerkzeugRequest) -> Response:
        app, form = authenticated(incoming, self.apps)
        return answer(self._token_endpoint.grant(app, form, issuer_of(incoming)))

    def _introspect(self, incoming: WerkzeugRequest) -> Response:
        _, form = authenticated(incoming, self.apps)
        return answer(self._facts(_needed(form, "token")))

    def _facts(self, token: str) -> dict[str, Any]:
        access = self._tokens.find(token)
        if access is not None:
            claims = self._keys.read(token) or {}
            known = {"scope": " ".join(access["scopes"]), "token_type": "Bearer", "client_id": claims.get("azp")}
            return {**claims, **known, "active": True}
        row = self._token_endpoint.find_refresh_token(token)
        if row is None or self._logins.get(row["login_id"])["end"]:
            return {"active": False}
        if row["rotated_at"] is not None or self._logins.is_expired(row):
            return {"active": False}
        claims = self._keys.read_own(token) or {}
        return {**claims, "client_id": claims.get("azp"), "token_type": "Offline", "active": True}

    def _show_user(self, incoming: WerkzeugRequest) -> Response:
        header = incoming.headers.get("Authorization", "")
        try:
            token = self._tokens.of_header(header)
        except ApiError:
            description = "Token verification failed" if header else "Missing token"
            raise _bad_bearer("invalid_token", description, 401) from None
        if "openid" not in token["scopes"]:
            raise _bad_bearer("insufficient_scope", "Missing openid scope", 403)
        return answer(self._people.claims(token["user_id"], token["scopes"]))

    def _revoke(self, incoming: WerkzeugRequest) -> Response:
        app, form = authenticated(incoming, self.apps)
        self._end_by_token(app, _needed(form, "token"), "it was revoked")
        return empty(200)

    def _end_by_token(self, app: App, token: str, reason: str) -> None:
        row = self._token_endpoint.find_refresh_token(token)
        if row is not None and self._logins.get(row["login_id"])["client_id"] == app.client_id:
            self._logins.end(row["login_id"], reason)
            return
        claims = self._keys.read(token)
        if claims is not None and claims.get("azp") == app.client_id:
            self._tokens.revoke(token)

    def _log_out(self, incoming: WerkzeugRequest) -> Response:
        sent = incoming.form if incoming.method == "POST" else incoming.args
        if incoming.method == "POST" and "refresh_token" in sent:
            app, form = authenticated(incoming, self.apps)
            if self._token_endpoint.find_refresh_token(form["refresh_token"]) is None:
                raise OAuthError("invalid_grant", "Invalid refresh token")
            self._end_by_token(app, form["refresh_token"], "it was logged out")
            return empty(204)
        return self._login_pages.end_session(incoming, sent)


def _configuration(issuer: str) -> dict[str, Any]:
    """Return the OpenID configuration of the realm."""
    endpoint = issuer.removesuffix(REALM) + OPENID
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{endpoint}/auth",
        "token_endpoint": f"{endpoint}/token",
        "introspection_endpoint": f"{endpoint}/token/introspect",
        "userinfo_endpoint": f"{endpoint}/userinfo",
        "end_session_endpoint": f"{endpoint}/logout",
        "jwks_uri": f"{endpoint}/certs",
        "revocation_endpoint": f"{endpoint}/revoke",
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "introspection_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "revocation_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "claims_supported": ["aud", "sub", "iss", "auth_time", "given_name", "family_name", "email"],
        "claim_types_supported": ["normal"],
        "scopes_supported": list(WORDS),
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise OAuthError("invalid_request", f"Missing parameter: {name}")
    return form[name]


def _bad_bearer(error: str, description: str, status: int) -> OAuthError:
    challenge = f'Bearer realm="bexio", error="{error}", error_description="{description}"'
    return OAuthError(error, description, status, {"WWW-Authenticate": challenge})
