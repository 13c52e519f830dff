"""A realm to log in at: a sandbox behind a port, a browser, and an app."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx  # noqa: TID251 - the tests are a client of their own

from bexio_sandbox import Sandbox

TOKEN = "pat-of-the-tests"
CLIENT = {"client_id": "bexsync-sandbox", "client_secret": "sandbox-secret"}
CALLBACK = "http://127.0.0.1:27182/callback"
OPENID = "/realms/bexio/protocol/openid-connect"
SCOPES = "openid profile email offline_access company_profile contact_edit kb_invoice_show"
REGULA, LUCA = "regula.brunner@bergladen.example", "luca.ferrari@bergladen.example"


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 6, 18, 12, 55, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, seconds: float = 1) -> None:
        self.moment += timedelta(seconds=seconds)


class Port:
    """A port that serves one sandbox after the other."""

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


class Realm:
    """A sandbox behind a port, a browser with cookies, and an app without."""

    def __init__(self, port: Port, **options: Any) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(clock=self.clock, token=TOKEN, **options)
        self.identity = self.sandbox.identity
        port.app, self.url = self.sandbox.app, port.url
        self.browser = httpx.Client(base_url=port.url, verify=False)
        self.app = httpx.Client(base_url=port.url, verify=False)
        self.verifier = secrets.token_urlsafe(48)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        usual = {
            "client_id": CLIENT["client_id"],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPES,
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def authorize(self, **changes: str | None) -> httpx.Response:
        return self.browser.get(f"{OPENID}/auth", params=self.request(**changes))

    def press(self, page: httpx.Response, **filled: str) -> httpx.Response:
        """Sends the form of a page."""
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        fields = {html.unescape(name): html.unescape(value) for name, value in found}
        return self.browser.post(re.search(r'action="([^"]*)"', page.text)[1], data={**fields, **filled})

    def consent_page(self, mail: str = REGULA, **changes: str | None) -> httpx.Response:
        page = self.authorize(**changes)
        if 'name="password"' not in page.text:
            return page
        answer = self.press(page, username=mail, password="sandbox")
        assert answer.status_code == 303, answer.text
        return self.browser.get(answer.headers["location"])

    def code(self, mail: str = REGULA, **changes: str | None) -> str:
        return came_back(self.press(self.consent_page(mail, **changes), decision="allow"))["code"]

    def token(self, **form: str | None) -> httpx.Response:
        sent = {name: value for name, value in {**CLIENT, **form}.items() if value is not None}
        return self.app.post(f"{OPENID}/token", data=sent)

    def exchange(self, code: str, **form: str | None) -> httpx.Response:
        usual = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": self.verifier}
        return self.token(code=code, **{**usual, **form})

    def login(self, mail: str = REGULA, **changes: str | None) -> dict[str, Any]:
        """Goes all the way and returns the tokens."""
        return self.exchange(self.code(mail, **changes)).raise_for_status().json()

    def refresh(self, refresh_token: str, **form: str | None) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def api(self, access_token: str, path: str = "/2.0/contact", method: str = "GET") -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return self.app.request(method, path, headers=headers)


def came_back(answer: httpx.Response) -> dict[str, str]:
    """What a redirect to the app's address tells it."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query, keep_blank_values=True))
