"""The front door of the identity server."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexsync.sandbox.api.door import Hooks, Request
from bexsync.sandbox.books.state import Books, Row
from bexsync.sandbox.errors import ApiError
from bexsync.sandbox.faults.plan import Faults
from bexsync.sandbox.identity import authorization
from bexsync.sandbox.identity.answers import COMMON_HEADERS, OAuthError, answer, empty
from bexsync.sandbox.identity.apps import App, Apps
from bexsync.sandbox.identity.authorization import AuthorizationRequest, PageError, Refusal, with_parameters
from bexsync.sandbox.identity.codes import Codes
from bexsync.sandbox.identity.discovery import configuration
from bexsync.sandbox.identity.keys import Keys
from bexsync.sandbox.identity.logins import Login, Logins
from bexsync.sandbox.identity.pages import Pages
from bexsync.sandbox.identity.people import People
from bexsync.sandbox.identity.sessions import Sessions
from bexsync.sandbox.identity.settings import REALM, Settings
from bexsync.sandbox.identity.token_endpoint import TokenEndpoint, client_of, read_form
from bexsync.sandbox.tokens import Tokens

_OPENID = f"{REALM}/protocol/openid-connect"
_AUTH, _LOGIN, _CONSENT = f"{_OPENID}/auth", f"{REALM}/login-actions/authenticate", f"{REALM}/login-actions/consent"
_SESSION, _BROWSER = "SANDBOX_IDENTITY", "SANDBOX_BROWSER"
_DECLINED = ("access_denied", "User denied consent")
_EXPIRED = "This page has expired. Go back to the app and begin again."
# Other names would let a page from elsewhere reach this one through a name server of its own.
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_Handler = Callable[[WerkzeugRequest], Response]


class Identity:
    """Logs people in; `settings` holds the knobs, `requests` and `logins` what happened."""

    def __init__(self, books: Books, settings: Settings, keys: Keys, tokens: Tokens, logins: Logins) -> None:
        self.settings = settings
        self.hooks = Hooks()
        self.requests: list[Request] = []
        self.apps = Apps(books)
        self._books = books
        self._keys = keys
        self._tokens = tokens
        self._logins = logins
        self._people = People(books, settings)
        self._sessions = Sessions(books)
        self._codes = Codes(books)
        self._pages = Pages()
        self._secret = secrets.token_bytes(32)
        self._token_endpoint = TokenEndpoint(books, settings, keys, self._people, self._codes, logins, tokens)
        self._handlers: dict[str, _Handler] = {
            f"{REALM}/.well-known/openid-configuration": self._show_configuration,
            _AUTH: self._authorize,
            _LOGIN: self._log_in,
            _CONSENT: self._consent,
            f"{_OPENID}/certs": self._show_keys,
            f"{_OPENID}/token": self._give_tokens,
            f"{_OPENID}/token/introspect": self._introspect,
            f"{_OPENID}/userinfo": self._show_user,
            f"{_OPENID}/revoke": self._revoke,
            f"{_OPENID}/logout": self._log_out,
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
        """Says whether a login still works, the newest one if none is named."""
        logins = [login for login in self.logins if login_id in (None, login.id)]
        return bool(logins) and logins[-1].is_alive

    def end_logins(self, user_id: int | None = None, reason: str = "it was taken back") -> None:
        """Ends all logins, or those of a user, as a person does who takes an app's access back."""
        with self._books.transaction():
            self._logins.end_of(reason, user_id=user_id)

    def approve(self, url: str, user_id: int = 1, *, is_allowed: bool = True) -> str:
        """Does what a person does in the pages behind an authorization address; returns where the browser goes then."""
        parts = urlsplit(url)
        if parts.path != _AUTH:
            raise ValueError(f"{parts.path} is not where apps ask for a login; that is {_AUTH}")
        issuer = f"{parts.scheme}://{parts.netloc}{REALM}"
        with self._books.transaction():
            if self._people.get(user_id) is None:
                raise ValueError(f"there is no user {user_id}")
            try:
                request = self._request(MultiDict(parse_qsl(parts.query, keep_blank_values=True)))
                if not is_allowed:
                    raise request.refusal(*_DECLINED)
                return self._code_answer(issuer, request, self._sessions.begin(user_id))
            except PageError as error:
                raise ValueError(str(error)) from None
            except Refusal as refusal:
                return _way_back(issuer, refusal)

    def rotate_keys(self, *, forget_old: bool = False) -> None:
        """Signs with a new key from now on; the old keys stay published unless they are to be forgotten."""
        self._keys.rotate()
        if forget_old:
            self._keys.forget_old()

    def serve(self, incoming: WerkzeugRequest, faults: Faults) -> Response:
        """Answers one request."""
        # Read in any case: what stays unread would be taken for the next request of a kept connection.
        incoming.get_data(parse_form_data=True)
        request = self._noted(incoming)
        for hook in self.hooks.before:
            hook(request)
        work = partial(self._committed, request, incoming)
        return faults.serve(request, incoming, work) if faults.is_armed else work()

    def _noted(self, incoming: WerkzeugRequest) -> Request:
        body = incoming.form.to_dict() if incoming.form else None
        with self._books.lock:
            number = len(self.requests) + 1
            request = Request(number, incoming.method, incoming.path, incoming.args.to_dict(), body, bucket="identity")
            self.requests.append(request)
        return request

    def _committed(self, request: Request, incoming: WerkzeugRequest) -> Response:
        response = self._answered(incoming)
        request.status = response.status_code
        for hook in self.hooks.after_commit:
            hook(request)
        return response

    def _answered(self, incoming: WerkzeugRequest) -> Response:
        if incoming.host.rsplit(":", 1)[0] not in _HOSTS and incoming.host not in _HOSTS:
            return answer({"error": "This identity server is for this machine only."}, 403)
        handler = self._handlers.get(incoming.path)
        if handler is None:
            return answer({"error": "HTTP 404 Not Found"}, 404)
        self._keys.ensure()
        # Errors become answers in here: a refusal that ends a login has to be kept.
        with self._books.transaction():
            try:
                return handler(incoming)
            except OAuthError as error:
                return error.response()
            except PageError as error:
                return self._pages.show("notice", 400, title="This login cannot go on", text=str(error))
            except Refusal as refusal:
                return _redirect(_way_back(_issuer(incoming), refusal))

    def _show_configuration(self, incoming: WerkzeugRequest) -> Response:
        return answer(configuration(_issuer(incoming)))

    def _show_keys(self, _: WerkzeugRequest) -> Response:
        return answer(self._keys.public())

    def _authorize(self, incoming: WerkzeugRequest) -> Response:
        if incoming.method not in ("GET", "POST"):
            raise OAuthError("HTTP 405 Method Not Allowed", status=405, headers={"Allow": "GET, POST"})
        request = self._request(incoming.args if incoming.method == "GET" else incoming.form)
        session = self._session(incoming)
        if "none" in request.prompts:
            return self._silent(incoming, request, session)
        if session is None or request.prompts & {"login", "select_account"}:
            return self._login_page(incoming, request)
        return self._consent_page(request, session)

    def _silent(self, incoming: WerkzeugRequest, request: AuthorizationRequest, session: Row | None) -> Response:
        if session is None:
            raise request.refusal("login_required", "Nobody is logged in")
        if not self._logins.covers(request.app.client_id, session["user_id"], request.scopes):
            raise request.refusal("consent_required", "The app was not allowed this before")
        return _redirect(self._code_answer(_issuer(incoming), request, session))

    def _login_page(
        self, incoming: WerkzeugRequest, request: AuthorizationRequest, problem: str = "", mail: str = ""
    ) -> Response:
        browser = incoming.cookies.get(_BROWSER) or secrets.token_urlsafe(24)
        users = self._people.all()
        known = [user["email"] for user in users]
        chosen = next((each for each in (mail, request.login_hint) if each in known), known[0])
        response = self._pages.show(
            "login",
            leads_to=request.redirect_uri,
            app=request.app,
            company=self._people.company_name,
            users=users,
            chosen=chosen,
            problem=problem,
            action=_LOGIN,
            parameters=request.parameters,
            csrf=self._csrf(browser, request),
        )
        _set_cookie(response, _BROWSER, browser)
        return response

    def _consent_page(self, request: AuthorizationRequest, session: Row) -> Response:
        return self._pages.show(
            "consent",
            leads_to=request.redirect_uri,
            app=request.app,
            company=self._people.company_name,
            user=self._people.get(session["user_id"]),
            scopes=request.scopes,
            action=_CONSENT,
            parameters=request.parameters,
            csrf=self._csrf(session["cookie"], request),
            other_user=f"{_AUTH}?{request.query(prompt='login')}",
        )

    def _log_in(self, incoming: WerkzeugRequest) -> Response:
        request = self._posted(incoming, incoming.cookies.get(_BROWSER, ""))
        mail = incoming.form.get("username", "")
        user = self._people.with_password(mail, incoming.form.get("password", ""))
        if user is None:
            return self._login_page(incoming, request, "This password does not belong to this person.", mail)
        before = self._session(incoming)
        if before is not None and before["user_id"] != user["id"]:
            self._sessions.end(before["sid"])
            before = None
        session = before or self._sessions.begin(user["id"])
        response = _redirect(f"{_AUTH}?{request.query(without_prompt=True)}")
        _set_cookie(response, _SESSION, session["cookie"])
        return response

    def _consent(self, incoming: WerkzeugRequest) -> Response:
        session = self._session(incoming)
        request = self._posted(incoming, session["cookie"] if session else "")
        if session is None:
            raise PageError(_EXPIRED)
        if incoming.form.get("decision") != "allow":
            raise request.refusal(*_DECLINED)
        return _redirect(self._code_answer(_issuer(incoming), request, session))

    def _code_answer(self, issuer: str, request: AuthorizationRequest, session: Row) -> str:
        code = self._codes.give_out(
            self.settings.code_lifetime,
            client_id=request.app.client_id,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
            challenge_method=request.challenge_method,
            scopes=list(request.scopes),
            nonce=request.nonce,
            user_id=session["user_id"],
            sid=session["sid"],
            auth_time=session["began_at"],
        )
        told = {"state": request.state, "session_state": session["sid"], "iss": issuer, "code": code}
        return with_parameters(request.redirect_uri, **told)

    def _request(self, sent: MultiDict[str, str]) -> AuthorizationRequest:
        return authorization.read(sent, self.apps, self._books.doubts)

    def _posted(self, incoming: WerkzeugRequest, bound_to: str) -> AuthorizationRequest:
        """Returns the request that a form of our own pages repeats, if the form is one of this browser."""
        if incoming.method != "POST":
            raise PageError(_EXPIRED)
        request = self._request(incoming.form)
        token = incoming.form.get("csrf", "")
        if not bound_to or not hmac.compare_digest(token.encode(), self._csrf(bound_to, request).encode()):
            raise PageError(_EXPIRED)
        return request

    def _csrf(self, bound_to: str, request: AuthorizationRequest) -> str:
        return hmac.new(self._secret, f"{bound_to}\n{request.query()}".encode(), hashlib.sha256).hexdigest()

    def _session(self, incoming: WerkzeugRequest) -> Row | None:
        return self._sessions.of_cookie(incoming.cookies.get(_SESSION, ""))

    def _give_tokens(self, incoming: WerkzeugRequest) -> Response:
        form = read_form(incoming)
        app = client_of(incoming, form, self.apps)
        return answer(self._token_endpoint.grant(app, form, _issuer(incoming)))

    def _introspect(self, incoming: WerkzeugRequest) -> Response:
        form = read_form(incoming)
        client_of(incoming, form, self.apps)
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
        form = read_form(incoming)
        app = client_of(incoming, form, self.apps)
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
            form = read_form(incoming)
            app = client_of(incoming, form, self.apps)
            if self._token_endpoint.find_refresh_token(form["refresh_token"]) is None:
                raise OAuthError("invalid_grant", "Invalid refresh token")
            self._end_by_token(app, form["refresh_token"], "it was logged out")
            return empty(204)
        return self._end_session(incoming, sent)

    def _end_session(self, incoming: WerkzeugRequest, sent: MultiDict[str, str]) -> Response:
        hint = self._hint(sent)
        target = self._after_logout(sent, hint)
        session = self._session(incoming)
        if hint is None and session is not None:
            expected = hmac.new(self._secret, f"logout\n{session['cookie']}".encode(), hashlib.sha256).hexdigest()
            if not hmac.compare_digest(sent.get("csrf", "").encode(), expected.encode()):
                return self._pages.show("logout", csrf=expected, action=f"{_OPENID}/logout")
        for sid in {found["sid"] for found in (hint, session) if found and "sid" in found}:
            self._sessions.end(sid)
            ends_offline = self._books.doubts["logout_ends_offline"] == "yes"
            self._logins.end_of("the person logged out", sid=sid, offline=ends_offline)
        text = "This browser is not logged in any more. You may close this page."
        response = _redirect(target) if target else self._pages.show("notice", title="You are logged out", text=text)
        response.delete_cookie(_SESSION, path=f"{REALM}/")
        return response

    def _hint(self, sent: MultiDict[str, str]) -> dict[str, Any] | None:
        if "id_token_hint" not in sent:
            return None
        claims = self._keys.read(sent["id_token_hint"])
        if claims is None or claims.get("typ") != "ID":
            raise PageError("The parameter id_token_hint is no id_token of this identity server.")
        return claims

    def _after_logout(self, sent: MultiDict[str, str], hint: dict[str, Any] | None) -> str | None:
        uri = sent.get("post_logout_redirect_uri")
        if uri is None:
            return None
        app = self.apps.find(str(hint["aud"]) if hint else sent.get("client_id", ""))
        if app is None or uri not in app.redirect_uris:
            raise PageError(f"The address “{uri}” is not registered for this app.")
        return with_parameters(uri, state=sent.get("state"))


def _issuer(incoming: WerkzeugRequest) -> str:
    return f"{incoming.root_url.rstrip('/')}{REALM}"


def _way_back(issuer: str, refusal: Refusal) -> str:
    told = {"error": refusal.error, "error_description": refusal.description}
    return with_parameters(refusal.redirect_uri, **told, state=refusal.state, iss=issuer)


def _redirect(location: str) -> Response:
    return Response(b"", 303, {**COMMON_HEADERS, "Location": location})


def _set_cookie(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path=f"{REALM}/", httponly=True, samesite="Lax")


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise OAuthError("invalid_request", f"Missing parameter: {name}")
    return form[name]


def _bad_bearer(error: str, description: str, status: int) -> OAuthError:
    challenge = f'Bearer realm="bexio", error="{error}", error_description="{description}"'
    return OAuthError(error, description, status, {"WWW-Authenticate": challenge})
