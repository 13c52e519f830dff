"""The identity provider: who it is, and the messages of OAuth 2 and OpenID Connect."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bexsync.auth.login import App, Grant
from bexsync.errors import BexsyncError, ConfigurationProblem, LoginNeeded, Unanswered, Unreachable
from bexsync.files import write_privately
from bexsync.http.clock import Clock
from bexsync.http.rate_limit import http_date
from bexsync.http.redaction import register_secret
from bexsync.http.responses import Received, RequestEffect, words_of
from bexsync.ports.ledger_description import LedgerDescription

if TYPE_CHECKING:  # a login that holds makes no request
    from bexsync.http.client import Client

_DAY = timedelta(days=1)
_CLOCK_MAY_BE_OFF = timedelta(minutes=2)
_SIGNATURES = ["RS256", "PS256", "ES256"]
_AGAIN = "Run `bexsync auth login` again."
OTHER_LOGIN = "other_login"


class GrantRefused(LoginNeeded):
    """The identity provider said no to a code or refresh token; `error` is its word for why."""

    def __init__(self, error: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.error = error


@dataclass(frozen=True)
class Endpoints:
    """Where the provider takes which message, as its discovery document says; addresses."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    revocation: str
    keys: str
    names_itself: bool = False  # in each answer that the browser brings back (RFC 9207)


@dataclass(frozen=True)
class Attempt:
    """One attempt to log in: what was sent with the browser, to be held against what comes back."""

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass
class _Server:
    """The login server: its addresses, from the discovery document, and its answers."""

    issuer: str
    connect: Callable[[str], Client]
    clock: Clock
    cache: Path
    _endpoints: Endpoints | None = None

    def endpoints(self) -> Endpoints:
        """From the discovery document, which is asked for once a day."""
        if self._endpoints is None:
            self._endpoints = self._remembered() or self._discovered()
        return self._endpoints

    def _remembered(self) -> Endpoints | None:
        try:
            kept = json.loads(self.cache.read_text(encoding="utf-8"))
            age = self.clock.now() - datetime.fromisoformat(kept["at"])
            if not timedelta(0) <= age <= _DAY or kept["issuer"] != self.issuer:
                return None
            return Endpoints(**kept["endpoints"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _discovered(self) -> Endpoints:
        document = self.document(f"{self.issuer}/.well-known/openid-configuration", "its configuration")
        try:
            found = Endpoints(
                issuer=str(document["issuer"]),
                authorization=str(document["authorization_endpoint"]),
                token=str(document["token_endpoint"]),
                userinfo=str(document["userinfo_endpoint"]),
                revocation=str(document["revocation_endpoint"]),
                keys=str(document["jwks_uri"]),
                names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            )
        except KeyError as problem:
            raise _no_provider(self.issuer, f"its configuration lacks {problem.args[0]}") from None
        if found.issuer != self.issuer:
            raise _no_provider(self.issuer, f"it calls itself {found.issuer}")
        kept = {"at": self.clock.now().isoformat(), "issuer": self.issuer, "endpoints": asdict(found)}
        write_privately(self.cache, json.dumps(kept).encode())
        return found

    def document(self, address: str, what: str) -> Mapping[str, Any]:
        """A public document of the server; raises Unreachable or ConfigurationProblem."""
        received = self.ask("GET", address, RequestEffect.READ)
        body = _json(received)
        if received.status >= 500 or received.status == 429:
            raise Unreachable(
                f"{urlsplit(address).hostname} does not show {what} ({received.status}).", "Try again later."
            )
        if received.status != 200 or not isinstance(body, dict):
            raise _no_provider(self.issuer, f"it does not show {what} ({received.status})")
        return body

    def ask(
        self, method: str, address: str, effect: RequestEffect, form: Mapping[str, str] | None = None, bearer: str = ""
    ) -> Received:
        """The answer to one request, whatever its status."""
        parts = urlsplit(address)
        client = self.connect(f"{parts.scheme}://{parts.netloc}")
        try:
            return client.exchange(
                method, parts.path, params=dict(parse_qsl(parts.query)), form=form, bearer=bearer, effect=effect
            )
        finally:
            client.close()


class IdentityProvider:
    """One issuer; `connect` opens a client on an address."""

    def __init__(
        self, issuer: str, ledger: LedgerDescription, connect: Callable[[str], Client], clock: Clock, cache: Path
    ) -> None:
        self._ledger = ledger.words.name
        self.login = ledger.login
        self._clock = clock
        self._server = _Server(issuer, connect, clock, cache)

    def attempt(self, app: App, redirect_uri: str, scopes: Iterable[str]) -> Attempt:
        """Begins a login; its `url` is for the person's browser."""
        client = _client(app)
        verifier = client.create_code_verifier(96)
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        for secret in (verifier, state, nonce):
            register_secret(secret)
        url = client.prepare_request_uri(
            self._server.endpoints().authorization,
            redirect_uri=redirect_uri,
            scope=list(scopes),
            state=state,
            nonce=nonce,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
        )
        return Attempt(url, redirect_uri, state, nonce, verifier)

    def check(self, attempt: Attempt) -> None:
        """Whether the provider would show its login page; raises ConfigurationProblem when it knows not the app."""
        received = self._server.ask("GET", attempt.url, RequestEffect.READ)
        if 400 <= received.status < 500 and received.status != 429:
            raise ConfigurationProblem(
                f"The login page cannot be shown: {words_of(received).rstrip('.')}.",
                f"Compare the client id, and the redirect URI {attempt.redirect_uri} to the letter, "
                f"with your app at {self.login.portal}.",
                code="app",
            )

    def code_of(self, attempt: Attempt, returned: str) -> str:
        """The code in the address the browser was sent back to; raises LoginNeeded, in words, where it has none."""
        from oauthlib.oauth2 import MissingCodeError, OAuth2Error

        query = parse_qs(urlsplit(returned).query)
        state = query.get("state", [""])[-1]
        if not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise LoginNeeded(
                "This answer belongs to another login.", "Use the page that was opened last.", code=OTHER_LOGIN
            )
        issuer = query.get("iss", [""])[-1]
        endpoints = self._server.endpoints()
        if issuer != endpoints.issuer and (issuer or endpoints.names_itself):
            raise LoginNeeded(f"Somebody else than the login page of {self._ledger} answered.", _AGAIN)
        try:
            client = _client(App("", ""))
            answer = client.parse_request_uri_response(returned, state=attempt.state)
        except MissingCodeError:
            raise LoginNeeded("The answer brings no code.", f"{_AGAIN} Paste the whole address.") from None
        except OAuth2Error as problem:
            self._not_allowed(problem.error, problem.description or "")
        code = str(answer["code"])
        register_secret(code)
        return code

    def redeem(self, app: App, attempt: Attempt, code: str) -> Grant:
        """Tokens for a code; raises GrantRefused, Unreachable or ConfigurationProblem."""
        body = _client(app).prepare_request_body(
            code=code,
            redirect_uri=attempt.redirect_uri,
            code_verifier=attempt.verifier,
            client_secret=app.client_secret or None,
        )
        return self._granted(body, RequestEffect.READ, None)

    def refresh(self, app: App, refresh_token: str, scope: Iterable[str]) -> Grant:
        """New tokens for a refresh token; raises GrantRefused, NotSent, Unanswered or ConfigurationProblem."""
        body = _client(app).prepare_refresh_body(
            refresh_token=refresh_token,
            scope="",  # it does not change, and is left out then (RFC 6749, section 6)
            client_id=app.client_id,
            client_secret=app.client_secret or None,
        )
        return self._granted(body, RequestEffect.WRITE, tuple(scope))

    def revoke(self, app: App, refresh_token: str) -> None:
        """Makes a login worthless (RFC 7009); raises Unreachable or ConfigurationProblem when that failed."""
        form = {
            "token": refresh_token,
            "token_type_hint": "refresh_token",
            "client_id": app.client_id,
            **({"client_secret": app.client_secret} if app.client_secret else {}),
        }
        received = self._server.ask("POST", self._server.endpoints().revocation, RequestEffect.READ, form)
        if received.status != 200:
            raise Unreachable(f"{self._ledger} did not revoke the login ({received.status}): {words_of(received)}")

    def claims(self, app: App, id_token: str, nonce: str) -> Mapping[str, Any]:
        """What the id_token says, after its signature, issuer, audience, time and nonce were checked."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        keys = self._server.document(self._server.endpoints().keys, "its keys")
        now = int(self._clock.now().timestamp())
        rules = jwt.JWTClaimsRegistry(
            now=now,
            leeway=int(_CLOCK_MAY_BE_OFF.total_seconds()),
            iss={"essential": True, "value": self._server.endpoints().issuer},
            aud={"essential": True, "value": app.client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=_SIGNATURES)  # type: ignore[arg-type]
            rules.validate(token.claims)
        except (JoseError, ValueError, KeyError, TypeError) as problem:
            raise LoginNeeded(
                f"The id_token of the login is not to be trusted ({type(problem).__name__}).",
                f"{_AGAIN} If it happens again, check this computer's clock and the issuer in the profile.",
            ) from None
        return dict(token.claims)

    def userinfo(self, access_token: str) -> Mapping[str, Any]:
        """Who logged in, and to which company (contract 1.5); empty where the provider does not tell."""
        received = self._server.ask("GET", self._server.endpoints().userinfo, RequestEffect.READ, bearer=access_token)
        body = _json(received)
        return body if received.status == 200 and isinstance(body, dict) else {}

    def _granted(self, body: str, effect: RequestEffect, scope: tuple[str, ...] | None) -> Grant:
        from oauthlib.oauth2 import OAuth2Error

        form = {name: values[-1] for name, values in parse_qs(body).items()}
        asked_at = self._clock.now()
        received = self._server.ask("POST", self._server.endpoints().token, effect, form)
        if received.status >= 500 or received.status == 429:
            self._late(received.status, effect)
        _check_clock(received, asked_at)
        try:
            token = _client(App(form["client_id"], "")).parse_request_body_response(
                received.content.decode("utf-8", "replace"), scope=scope
            )
        except OAuth2Error as problem:
            self._refused(problem.error, problem.description or "")
        except (ValueError, TypeError):
            self._refused("", words_of(received))
        return _grant(token, asked_at)

    def _late(self, status: int, effect: RequestEffect) -> NoReturn:
        said = f"The login server of {self._ledger} cannot answer ({status})."
        if effect is RequestEffect.WRITE and status != 429:
            raise Unanswered(said, "The next run tries again.")
        raise Unreachable(said, "Try again later.")

    def _not_allowed(self, error: str | None, said: str) -> NoReturn:
        words = f" It says: {said.rstrip('.')}." if said else ""
        if error == "access_denied":
            raise LoginNeeded("The access was declined.", f"{_AGAIN} Click Allow on {self._ledger}'s page.")
        if error == "invalid_scope":
            raise ConfigurationProblem(
                f"{self._ledger} does not give your app a scope that was asked for.{words}",
                f"Allow your app these scopes at {self.login.portal}, or log in without --all-scopes.",
                code="scope",
            )
        if error in ("temporarily_unavailable", "server_error"):
            raise Unreachable(f"The login server of {self._ledger} cannot answer now.{words}", "Try again later.")
        raise LoginNeeded(f"{self._ledger} ended the login ({error}).{words}", _AGAIN)

    def _refused(self, error: str | None, said: str) -> NoReturn:
        words = f" It says: {said.rstrip('.')}." if said else ""
        if error in ("invalid_client", "unauthorized_client"):
            raise ConfigurationProblem(
                f"{self._ledger} does not accept the client id and secret of your app.{words}",
                f"Copy both again from {self.login.portal}: `bexsync auth login --new-app`.",
                code="app",
            )
        raise GrantRefused(
            error or "", f"{self._ledger} does not renew the login ({error or 'no reason'}).{words}", _AGAIN
        )


def _client(app: App) -> Any:
    """oauthlib's side of the talk; plain http is http on this computer only, which the HTTP client sees to."""
    os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")
    os.environ.setdefault("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")  # what was not granted is told in words, not raised
    from oauthlib.oauth2 import WebApplicationClient

    return WebApplicationClient(app.client_id)


def _grant(token: Mapping[str, Any], asked_at: datetime) -> Grant:
    scope = token.get("scope") or ()
    refresh_seconds = _seconds(token.get("refresh_expires_in"))
    grant = Grant(
        access_token=str(token["access_token"]),
        expires_at=asked_at + timedelta(seconds=_seconds(token.get("expires_in")) or 3600),
        refresh_token=str(token.get("refresh_token") or ""),
        # Zero is Keycloak's way to say that an offline session has no such end.
        refresh_expires_at=asked_at + timedelta(seconds=refresh_seconds) if refresh_seconds else None,
        scope=tuple(scope.split() if isinstance(scope, str) else scope),
        id_token=str(token.get("id_token") or ""),
    )
    for secret in (grant.access_token, grant.refresh_token, grant.id_token):
        register_secret(secret)
    return grant


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < 10**9 else 0.0


def _json(received: Received) -> Any:
    try:
        return json.loads(received.content)
    except (ValueError, RecursionError):
        return None


def _check_clock(received: Received, now: datetime) -> None:
    """Tokens have times in them, so a clock that is far off makes every one of them look old or not yet valid."""
    theirs = http_date(received.headers.get("date", ""))
    if theirs is None:
        return
    off = now - theirs
    if abs(off) > timedelta(minutes=5):
        direction = "fast" if off > timedelta(0) else "slow"
        raise ConfigurationProblem(
            f"This computer's clock is {_spoken(abs(off))} {direction}.",
            "Set it (`timedatectl set-ntp true`), then try again.",
            code="clock",
        )


def _spoken(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _no_provider(issuer: str, why: str) -> BexsyncError:
    return ConfigurationProblem(f"{issuer} is no login server: {why}.", "Check issuer in the profile.", code="issuer")
