"""A company to ask: the sandbox in this process, a client with a token, and a clock that stands still."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest

from bexsync.sandbox import Sandbox
from bexsync.sandbox.server import serving

TOKEN = "pat-of-the-tests"


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 6, 18, 12, 55, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, seconds: float = 1) -> None:
        self.moment += timedelta(seconds=seconds)


class Company:
    """A sandbox with a client of its API."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(clock=self.clock, token=TOKEN, **options)
        self.http = self.client(TOKEN)

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        transport = httpx.WSGITransport(app=self.sandbox.app)
        return httpx.Client(transport=transport, base_url="http://127.0.0.1", headers=headers)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.http.post(path, json=body, **options) if body is not None else self.http.post(path, **options)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path)

    def search(self, resource: str, *conditions: tuple[str, str | None, Any], **query: Any) -> httpx.Response:
        body = [
            {"field": field, "value": value, **({"criteria": criteria} if criteria else {})}
            for field, criteria, value in conditions
        ]
        return self.http.post(f"/2.0/{resource}/search", json=body, params=query)

    def tax(self, code: str = "UN81") -> int:
        return next(row["id"] for row in self.sandbox.books.taxes.values() if row["code"] == code)

    def line(self, unit_price: str = "100", **fields: Any) -> dict[str, Any]:
        basics = {"type": "KbPositionCustom", "amount": "1", "unit_price": unit_price, "text": "Tee"}
        return {**basics, "tax_id": self.tax(), "unit_id": 1, **fields}

    def invoice_body(self, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {"contact_id": 1, "user_id": 1, "positions": list(lines) or [self.line()], **fields}

    def create(self, *lines: dict[str, Any], **fields: Any) -> int:
        response = self.post("/2.0/kb_invoice", self.invoice_body(*lines, **fields))
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def issued(self, *lines: dict[str, Any], **fields: Any) -> int:
        number = self.create(*lines, **fields)
        self.post(f"/2.0/kb_invoice/{number}/issue").raise_for_status()
        return number

    def show(self, number: int) -> dict[str, Any]:
        return self.get(f"/2.0/kb_invoice/{number}").raise_for_status().json()

    def contact_body(self, **fields: Any) -> dict[str, Any]:
        return {"contact_type_id": 1, "name_1": "Muster AG", "user_id": 1, "owner_id": 1, **fields}

    def add_contact(self, **fields: Any) -> dict[str, Any]:
        response = self.post("/2.0/contact", self.contact_body(**fields))
        assert response.status_code == 201, response.text
        return response.json()


Founder = Callable[..., Company]


@pytest.fixture
def founding() -> Iterator[Founder]:
    """Founds companies, with options of the sandbox."""
    companies: list[Company] = []

    def founder(**options: Any) -> Company:
        companies.append(Company(**options))
        return companies[-1]

    yield founder
    for company in companies:
        company.http.close()
        company.sandbox.close()


@pytest.fixture
def bexio(founding: Founder) -> Company:
    """A company that is subject to VAT, with all doubts at their defaults."""
    return founding()


CLIENT = {"client_id": "bexsync-sandbox", "client_secret": "sandbox-secret"}
CALLBACK = "http://127.0.0.1:53172/callback"
OPENID = "/realms/bexio/protocol/openid-connect"
SCOPES = "openid profile email offline_access company_profile contact_edit kb_invoice_show"
REGULA, LUCA = "regula.brunner@bergladen.example", "luca.ferrari@bergladen.example"


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


@pytest.fixture(scope="session")
def port() -> Iterator[Port]:
    shared = Port()
    with serving(shared, 0) as url:
        shared.url = url
        yield shared


@pytest.fixture
def opening(port: Port) -> Iterator[Callable[..., Realm]]:
    """Opens realms, with options of the sandbox; the newest one is served."""
    realms: list[Realm] = []

    def opener(**options: Any) -> Realm:
        realms.append(Realm(port, **options))
        return realms[-1]

    yield opener
    for realm in realms:
        realm.browser.close()
        realm.app.close()
        realm.sandbox.close()


@pytest.fixture
def realm(opening: Callable[..., Realm]) -> Realm:
    """A realm with all doubts at their defaults."""
    return opening()
