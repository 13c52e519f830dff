"""What a browser sees of a login: the pages, their forms, and the ways back to the app."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.identity import authorization
from bexio_sandbox.identity.authorization import AuthorizationRequest, PageError, Refusal, with_parameters
from bexio_sandbox.identity.directory import Apps, People
from bexio_sandbox.identity.keys import Keys
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.identity.responses import COMMON_HEADERS, OAuthError, Pages
from bexio_sandbox.identity.settings import OPENID, REALM, Settings
from bexio_sandbox.state.tables import Row, State

AUTH, LOGIN, CONSENT = f"{OPENID}/auth", f"{REALM}/login-actions/authenticate", f"{REALM}/login-actions/consent"
_SESSION, _BROWSER = "SANDBOX_IDENTITY", "SANDBOX_BROWSER"
_DECLINED = ("access_denied", "User denied consent")
_EXPIRED = "This page has expired. Go back to the app and begin again."


class LoginPages:
    """Leads a person through login, consent and logout."""

    def __init__(
        self, state: State, settings: Settings, keys: Keys, people: People, apps: Apps, logins: Logins
    ) -> None:
        self._state = state
        self._settings = settings
        self._keys = keys
        self._people = people
        self._apps = apps
        self._logins = logins
        self._pages = Pages()
        self._secret = secrets.token_bytes(32)

    def stopped(self, error: PageError) -> Response:
        """Return the page for what no app may be told."""
        return self._pages.show("notice", 400, title="This login cannot go on", text=str(error))

    def sent_back(self, incoming: WerkzeugRequest, refusal: Refusal) -> Response:
        """Return the way back to the app with an error."""
        return _redirect(_way_back(issuer_of(incoming), refusal))

    def approve(self, url: str, user_id: int = 1, *, is_allowed: bool = True) -> str:
        """Does what a person does in the pages behind an authorization address; returns where the browser goes then."""
        parts = urlsplit(url)
        if parts.path != AUTH:
            raise ValueError(f"{parts.path} is not where apps ask for a login; that is {AUTH}")
        issuer = f"{parts.scheme}://{parts.netloc}{REALM}"
        with self._state.transaction():
            if self._people.get(user_id) is None:
                raise ValueError(f"there is no user {user_id}")
            try:
                request = self._request(MultiDict(parse_qsl(parts.query, keep_blank_values=True)))
                if not is_allowed:
                    raise request.refusal(*_DECLINED)
                return self._code_answer(issuer, request, self._logins.begin_session(user_id))
            except PageError as error:
                raise ValueError(str(error)) from None
            except Refusal as refusal:
                return _way_back(issuer, refusal)

    def authorize(self, incoming: WerkzeugRequest) -> Response:
        """Answers an app that sends a browser: with a page, or at once."""
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
        return _redirect(self._code_answer(issuer_of(incoming), request, session))

    def _login_page(
        self, incoming: WerkzeugRequest, request: AuthorizationRequest, problem: str = "", mail: str = ""
    ) -> Response:
        browser = _cookie(incoming, _BROWSER) or secrets.token_urlsafe(24)
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
            action=LOGIN,
            parameters=request.parameters,
            csrf=self._csrf(browser, request),
        )
        _set_cookie(incoming, response, _BROWSER, browser)
        return response

    def _consent_page(self, request: AuthorizationRequest, session: Row) -> Response:
        return self._pages.show(
            "consent",
            leads_to=request.redirect_uri,
            app=request.app,
            company=self._people.company_name,
            user=self._people.get(session["user_id"]),
            scopes=request.scopes,
            action=CONSENT,
            parameters=request.parameters,
            csrf=self._csrf(session["cookie"], request),
            other_user=f"{AUTH}?{request.query(prompt='login')}",
        )

    def log_in(self, incoming: WerkzeugRequest) -> Response:
        """Takes the login form."""
        request = self._posted(incoming, _cookie(incoming, _BROWSER))
        mail = incoming.form.get("username", "")
        user = self._people.with_password(mail, incoming.form.get("password", ""))
        if user is None:
            return self._login_page(incoming, request, "This password does not belong to this person.", mail)
        before = self._session(incoming)
        if before is not None and before["user_id"] != user["id"]:
            self._logins.end_session(before["sid"])
            before = None
        session = before or self._logins.begin_session(user["id"])
        response = _redirect(f"{AUTH}?{request.query(without_prompt=True)}")
        _set_cookie(incoming, response, _SESSION, session["cookie"])
        return response

    def consent(self, incoming: WerkzeugRequest) -> Response:
        """Takes the consent form."""
        session = self._session(incoming)
        request = self._posted(incoming, session["cookie"] if session else "")
        if session is None:
            raise PageError(_EXPIRED)
        if incoming.form.get("decision") != "allow":
            raise request.refusal(*_DECLINED)
        return _redirect(self._code_answer(issuer_of(incoming), request, session))

    def _code_answer(self, issuer: str, request: AuthorizationRequest, session: Row) -> str:
        code = self._logins.add_code(
            self._settings.code_lifetime,
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
        return authorization.read(sent, self._apps, self._state.behaviours)

    def _posted(self, incoming: WerkzeugRequest, bound_to: str) -> AuthorizationRequest:
        """Return the request that a form of our own pages repeats, if the form is one of this browser."""
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
        return self._logins.session_of(_cookie(incoming, _SESSION))

    def end_session(self, incoming: WerkzeugRequest, sent: MultiDict[str, str]) -> Response:
        """Ends the session of a browser, and the logins that hang on it."""
        hint = self._hint(sent)
        target = self._after_logout(sent, hint)
        session = self._session(incoming)
        if hint is None and session is not None:
            expected = hmac.new(self._secret, f"logout\n{session['cookie']}".encode(), hashlib.sha256).hexdigest()
            if not hmac.compare_digest(sent.get("csrf", "").encode(), expected.encode()):
                return self._pages.show("logout", csrf=expected, action=f"{OPENID}/logout")
        for sid in {found["sid"] for found in (hint, session) if found and "sid" in found}:
            self._logins.end_session(sid)
            ends_offline = self._state.behaviours["logout_ends_offline"] == "yes"
            self._logins.end_of("the person logged out", sid=sid, offline=ends_offline)
        text = "This browser is not logged in any more. You may close this page."
        response = _redirect(target) if target else self._pages.show("notice", title="You are logged out", text=text)
        response.delete_cookie(_cookie_name(incoming, _SESSION), path=f"{REALM}/")
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
        app = self._apps.find(str(hint["aud"]) if hint else sent.get("client_id", ""))
        if app is None or uri not in app.redirect_uris:
            raise PageError(f"The address “{uri}” is not registered for this app.")
        return with_parameters(uri, state=sent.get("state"))


def issuer_of(incoming: WerkzeugRequest) -> str:
    """Return the issuer at the address that a request came to."""
    return f"{incoming.root_url.rstrip('/')}{REALM}"


def _way_back(issuer: str, refusal: Refusal) -> str:
    told = {"error": refusal.error, "error_description": refusal.description}
    return with_parameters(refusal.redirect_uri, **told, state=refusal.state, iss=issuer)


def _redirect(location: str) -> Response:
    return Response(b"", 303, {**COMMON_HEADERS, "Location": location})


def _cookie_name(incoming: WerkzeugRequest, name: str) -> str:
    # A browser shows the cookies of one host to all its ports, so that two sandboxes would log each other out.
    return f"{name}_{incoming.environ.get('SERVER_PORT', '')}"


def _cookie(incoming: WerkzeugRequest, name: str) -> str:
    return incoming.cookies.get(_cookie_name(incoming, name), "")


def _set_cookie(incoming: WerkzeugRequest, response: Response, name: str, value: str) -> None:
    name = _cookie_name(incoming, name)
    response.set_cookie(name, value, path=f"{REALM}/", httponly=True, samesite="Lax")
