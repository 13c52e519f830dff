"""A company to ask: the sandbox in this process, a client with a token, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from realms import TOKEN, Clock, Port, Realm

from bexio_sandbox import Sandbox
from bexio_sandbox.server import serving


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
        return next(row["id"] for row in self.sandbox.state.taxes.values() if row["code"] == code)

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

    def create_order(self, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
        response = self.post("/2.0/kb_order", self.invoice_body(*lines, **fields))
        assert response.status_code == 201, response.text
        return response.json()

    def order(self, number: int) -> dict[str, Any]:
        return self.get(f"/2.0/kb_order/{number}").raise_for_status().json()

    def convert(self, order: dict[str, Any], into: str, **amounts: str) -> httpx.Response:
        """Converts an order as a whole, or as much of each position as its text says."""
        wanted = []
        for row in order["positions"]:
            amount = amounts.get(row.get("text", "")) if amounts else row.get("amount")
            if amount is not None or not amounts:
                named = {"id": row["id"], "type": row["type"]}
                wanted.append({**named, "amount": amount} if amount is not None else named)
        return self.post(f"/2.0/kb_order/{order['id']}/{into}", {"positions": wanted})

    def show(self, number: int) -> dict[str, Any]:
        return self.get(f"/2.0/kb_invoice/{number}").raise_for_status().json()

    def contact_body(self, **fields: Any) -> dict[str, Any]:
        return {"contact_type_id": 1, "name_1": "Muster AG", "user_id": 1, "owner_id": 1, **fields}

    def add_contact(self, **fields: Any) -> dict[str, Any]:
        response = self.post("/2.0/contact", self.contact_body(**fields))
        assert response.status_code == 201, response.text
        return response.json()

    def item_body(self, **fields: Any) -> dict[str, Any]:
        return {"user_id": 1, "article_type_id": 1, "intern_code": "CUP", "intern_name": "Tasse", **fields}

    def add_item(self, **fields: Any) -> dict[str, Any]:
        response = self.post("/2.0/article", self.item_body(**fields))
        assert response.status_code == 201, response.text
        return response.json()

    def item(self, number: int) -> dict[str, Any]:
        return self.get(f"/2.0/article/{number}").raise_for_status().json()


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
