"""The sandbox started by itself, and what it writes into logs while it is served."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import resources
from pathlib import Path

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from realms import CLIENT, OPENID

from bexio_sandbox import BEHAVIOURS, Sandbox
from bexio_sandbox.server import serving

CANARY = "canary-7f3a91"


def alone(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bexio_sandbox", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_it_serves_without_any_other_program(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nname = "error_before"\npath = "/2.0/contact"\n')
    command = [sys.executable, "-m", "bexio_sandbox", "--port", "0", "--json", "--token", "mine", "--faults", faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        served = json.loads(server.stdout.readline())
        headers = {"Authorization": f"Bearer {served['access_token']}", "Accept": "application/json"}
        with httpx.Client(base_url=served["api_url"], headers=headers) as client:
            assert client.get("/3.0/users/me").json()["lastname"] == "Brunner"
            assert client.get("/2.0/contact").status_code == 500
        with urllib.request.urlopen(served["web_url"], timeout=10) as page:
            assert page.status == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert server.stderr.read() == "fault error_before at request 2, GET /2.0/contact\n"


def test_it_lists_its_behaviours() -> None:
    listed = alone("--list-behaviours").stdout
    assert all(f"{name} = {behaviour.default}" in listed for name, behaviour in BEHAVIOURS.items())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--behaviour", "tea"), 2, "--behaviour tea has no value; write NAME=VALUE."),
        (("--behaviour", "tea=yes"), 2, "tea"),
        (("--data", "nowhere/books.db"), 2, "there is no folder nowhere."),
        (("--faults", "nowhere.toml"), 2, "nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = alone("--port", "0", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr.splitlines()[-1]


def test_a_port_in_use_is_one_sentence() -> None:
    with Sandbox().serve() as url:
        port = url.rsplit(":", 1)[1]
        done = alone("--port", port)
    assert (done.returncode, done.stderr) == (1, f"python -m bexio_sandbox: Port {port} is in use.\n")


def test_its_readme_is_installed_with_it() -> None:
    readme = resources.files("bexio_sandbox").joinpath("README.md").read_text(encoding="utf-8")
    assert "python -m bexio_sandbox" in readme
    assert "What it does not know about bexio" in readme


def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    sandbox = Sandbox(token=CANARY)
    realm_parameters = dict.fromkeys(("state", "code", "nonce", "login_hint", "id_token_hint", "csrf"), CANARY)
    with sandbox.serve(access_log=lines.append) as url, httpx.Client(base_url=url) as client:
        headers = {"Authorization": f"Bearer {CANARY}", "Accept": "application/json"}
        assert client.get("/2.0/contact", params={"limit": 5}, headers=headers).status_code == 200
        client.get("/2.0/contact", params={"access_token": CANARY}, headers={"Cookie": f"SANDBOX_IDENTITY={CANARY}"})
        client.get(f"{OPENID}/auth", params={**CLIENT, **realm_parameters})
        client.get(f"{OPENID}/logout", params={"id_token_hint": CANARY})
        client.post(f"{OPENID}/token", data={**CLIENT, "grant_type": "authorization_code", "code": CANARY})
        client.post(f"{OPENID}/token", data={"client_id": "x", "client_secret": CANARY}, auth=("x", CANARY))
        client.get("/sandbox", params={"once": CANARY, "said": CANARY})
    # httpx is the client here, and logs the addresses it asks for.
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    written = "\n".join([*lines, *logged, *capfd.readouterr()])
    assert "GET /2.0/contact?limit=5 200" in lines
    assert "GET /2.0/contact?access_token=*** 401" in lines
    assert len(lines) == 7
    assert CANARY not in written


def test_a_failure_is_logged_without_what_it_says(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(environ: object, start_response: object) -> list[bytes]:
        raise RuntimeError(f"a failure that quotes {CANARY}")

    with serving(failing, 0) as url, httpx.Client(base_url=url) as client:
        assert client.get("/", params={"code": CANARY}).status_code == 500
        deadline = time.monotonic() + 10  # the server answers first, and logs then
        while "A request failed" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "A request failed with RuntimeError" in caplog.text
    assert "in failing" in caplog.text
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert CANARY not in "\n".join([*logged, *capfd.readouterr()])
