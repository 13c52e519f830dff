"""A ledger whose apps have no secret: none is asked for, and none is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bexsync.auth.login import App
from bexsync.auth.provider import IdentityProvider
from bexsync.http.client import Client, Received
from bexsync.http.clock import SystemClock
from bexsync.registry import ledger_description

ISSUER = "https://login.test"
BEXIO = ledger_description()
PUBLIC = replace(BEXIO, login=replace(BEXIO.login, confidential=False))


class LoginServer:
    """Answers every request with its configuration or with tokens, and keeps the forms."""

    def __init__(self) -> None:
        self.forms: list[Mapping[str, str]] = []

    def exchange(self, method: str, path: str, *, form: Mapping[str, str] | None = None, **_: Any) -> Received:
        if form is not None:
            self.forms.append(form)
        names = (
            *("authorization_endpoint", "token_endpoint", "userinfo_endpoint"),
            *("revocation_endpoint", "jwks_uri"),
        )
        body = {"issuer": ISSUER, "access_token": "a-new-token", "token_type": "Bearer", "expires_in": 3600}
        return Received(200, {}, json.dumps(body | {name: f"{ISSUER}/{name}" for name in names}).encode())

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("app", "sends_secret"), [(App("me", ""), False), (App("me", "hidden-secret"), True)])
def test_a_secret_is_sent_where_the_app_has_one(tmp_path: Path, app: App, sends_secret: bool) -> None:
    server = LoginServer()
    provider = IdentityProvider(ISSUER, PUBLIC, lambda _: cast(Client, server), SystemClock(), tmp_path / "issuer.json")
    attempt = provider.attempt(app, "http://127.0.0.1:1/callback", ["openid"])
    provider.redeem(app, attempt, "a-code")
    provider.refresh(app, "a-refresh-token", ["openid"])
    provider.revoke(app, "a-refresh-token")
    assert len(server.forms) == 3
    assert all(("client_secret" in form) is sends_secret for form in server.forms)
    assert all(form["client_id"] == "me" for form in server.forms[1:])
