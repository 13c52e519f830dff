"""What the tests of the login share: a sandbox with an identity server in real time, a profile, a person."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urljoin

import tomli_w

import dates
from bexio_sandbox import Sandbox
from bexsync.auth.login import App
from bexsync.auth.service import LoginService, scopes_to_ask_for
from bexsync.auth.stores import StoreChoice
from bexsync.wiring import open_auth_desk

ROOT = Path(__file__).parent.parent.parent
VISITOR = ROOT / "examples" / "visitor.py"
BEXSYNC = Path(sys.executable).with_name("bexsync")
CLIENT_ID, CLIENT_SECRET = "app-of-the-test", "canary-client-secret-5b1e"
FILE_STORE = StoreChoice("file")


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to other servers and connections meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port


@dataclass
class LoginWorld:
    """A sandbox with an app, and a profile that nobody is logged in for yet."""

    folder: Path
    sandbox: Sandbox
    url: str
    redirect_uri: str
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def app(self) -> App:
        return App(CLIENT_ID, CLIENT_SECRET)

    @property
    def profile_path(self) -> Path:
        return self.folder / "default.toml"

    def write_profile(self, **ledger: Any) -> None:
        """The profile with these keys of [ledger] in place of the usual ones."""
        usual = {
            "api_url": self.url,
            "issuer": f"{self.url}/realms/bexio",
            "redirect_uri": self.redirect_uri,
        }
        self.profile = {"ledger": usual | ledger, "shop": {"path": "./shop", "quiet_seconds": 0.0}}
        self.profile_path.write_text(tomli_w.dumps(self.profile))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "BEXSYNC_STATE_DIR": str(self.folder / "state"),
            "BEXSYNC_CLIENT_SECRET": CLIENT_SECRET,
            "BROWSER": f"{sys.executable} {VISITOR} %s",
            **dates.for_processes(datetime.now(UTC)),
        }

    def cli(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """The installed program, as a script would start it."""
        return subprocess.run(
            [BEXSYNC, "--profile", self.profile_path, *arguments],
            env={k: v for k, v in (self.environment | environment).items() if v},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def desk(self) -> LoginService:
        return open_auth_desk(str(self.profile_path))

    def log_in(self) -> None:
        """A login in this process, kept in a plain file."""
        desk = self.desk
        attempt = desk.begin(self.app, scopes_to_ask_for(desk.profile))
        desk.keep(desk.finish(self.app, attempt, went_to(attempt.url)), FILE_STORE)

    def is_alive(self) -> bool:
        return self.sandbox.identity.is_alive()


@contextmanager
def a_login_world(
    folder: Path, monkeypatch: Any, *, moment: datetime | None = dates.NOW, **options: Any
) -> Iterator[LoginWorld]:
    """A fresh world whose time goes on by itself from `moment`; None is the computer's own date, as cron has it."""
    with dates.at(moment) if moment else nullcontext():
        yield from _login_world(folder, monkeypatch, **options)


def _login_world(folder: Path, monkeypatch: Any, **options: Any) -> Iterator[LoginWorld]:
    sandbox = Sandbox(rate_limits=False, **options)
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    sandbox.register_app(CLIENT_ID, CLIENT_SECRET, [redirect_uri])
    with sandbox.serve() as url:
        (folder / "home").mkdir()
        (folder / "shop").mkdir()
        world = LoginWorld(folder, sandbox, url, redirect_uri)
        world.write_profile()
        for name in (
            "BEXSYNC_ACCESS_TOKEN",
            "BEXSYNC_ACCESS_TOKEN_FILE",
            "BEXSYNC_KEY_FILE",
            "DBUS_SESSION_BUS_ADDRESS",
        ):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("BEXSYNC_STATE_DIR", str(folder / "state"))
        monkeypatch.setenv("HOME", str(folder / "home"))
        yield world
    sandbox.close()


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within the login server only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if "/realms/" not in newurl.partition("?")[0]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def went_to(address: str, decision: str = "allow") -> str:
    """Logs in and decides as a person would; where the browser is sent to in the end."""
    form_of = _visitor().Form
    opener = urllib.request.build_opener(_Stays(), urllib.request.HTTPCookieProcessor(CookieJar()))
    body = None
    for _ in range(5):
        try:
            with opener.open(address, body, timeout=10) as answer:
                page, where = answer.read().decode(), answer.url
        except urllib.error.HTTPError as answer:
            return str(answer.headers["Location"])
        form = form_of(page)
        answers = {"password": "sandbox"} if form.has_password else {"decision": decision}
        address, body = urljoin(where, form.action), urlencode({**form.values, **answers}).encode()
    raise AssertionError("the login does not come to an end")


def _visitor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("visitor", VISITOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
