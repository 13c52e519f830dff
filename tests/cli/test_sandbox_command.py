"""`bexsync sandbox` as a person or a script starts it: what it says when it is ready, and why it does not begin."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bexio_sandbox import BEHAVIOURS
from front_door import started
from world import BEXSYNC, World


@contextmanager
def serving(*arguments: str | Path) -> Iterator[str]:
    """A sandbox in a process of its own, and the first line it says."""
    command = [BEXSYNC, "sandbox", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        yield server.stdout.readline()
        server.send_signal(signal.SIGTERM)
        assert (server.stdout.read(), server.stderr.read(), server.wait(10)) == ("", "", 0)


def test_a_script_is_told_all_it_needs_in_one_object(tmp_path: Path) -> None:
    books = tmp_path / "books.db"
    with serving("--json", "--token", "mine", "--data", books) as line:
        said = json.loads(line)
        assert (said["command"], said["status"], said["profile"]) == ("sandbox serve", "ok", "")
        data = said["data"]
        assert (data["books"], data["client_id"], data["access_token"]) == (str(books), "bexsync-sandbox", "mine")
        request = urllib.request.Request(
            f"{data['api_url']}/3.0/users/me",
            headers={"Authorization": f"Bearer {data['access_token']}", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["lastname"] == "Brunner"
        with urllib.request.urlopen(data["actions_url"], timeout=10) as answer:
            assert "pay" in json.load(answer)["actions"]
        with urllib.request.urlopen(f"{data['issuer']}/.well-known/openid-configuration", timeout=10) as answer:
            assert json.load(answer)["issuer"] == data["issuer"]


def test_the_address_alone_leads_to_the_page_and_a_second_server_on_the_same_file_is_refused(
    world: World, tmp_path: Path
) -> None:
    books = tmp_path / "books.db"
    with serving("--json", "--data", books) as line:
        data = json.loads(line)["data"]
        with urllib.request.urlopen(f"{data['api_url']}/", timeout=10) as answer:
            assert answer.url == data["web_url"]
        second = started(world, "sandbox", "serve", "--port", "0", "--data", str(books))
        assert (second.returncode, second.stdout) == (78, "")
        assert f"{books} is served by another sandbox already." in second.stderr
    with serving("--json", "--data", books) as line:
        assert json.loads(line)["exit_code"] == 0


def test_doubts_can_be_read_by_a_script(world: World) -> None:
    said = json.loads(started(world, "sandbox", "doubts", "--json").stdout)
    assert {doubt["name"]: doubt["default"] for doubt in said["data"]["doubts"]} == {
        name: doubt.default for name, doubt in BEHAVIOURS.items()
    }
    assert started(world, "sandbox", "doubts").stdout.count("(default)") == len(BEHAVIOURS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--data", "nope/x.db"), 78, "For the file x.db there is no folder nope."),
        (("--data", "default.toml"), 78, "default.toml is no file of books."),
        (("--data", "."), 78, ". is a folder, not a file."),
        (("--doubt", "tea=yes"), 2, "tea"),
        (("--doubt", "tea"), 2, "--doubt tea has no value; write NAME=VALUE."),
        (("--faults", "nope.toml"), 2, "nope.toml"),
        (("--company", "club"), 2, "company can be vat, no-vat, not 'club'"),
        (("--port", "80000"), 2, "'--port': Input should be less than or equal to 65535"),
        (("--port", "-1"), 2, "'--port': Input should be greater than or equal to 0"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    world: World, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = started(world, "sandbox", "serve", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    in_json = started(world, "sandbox", "serve", *arguments, "--json")
    assert in_json.returncode == code
    assert said in json.loads(in_json.stdout)["errors"][0]["message"]


def test_a_port_in_use_is_said_once(world: World) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [BEXSYNC, "sandbox", "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=20, check=False)
    sentence = f"sandbox serve: Port {port} is in use. Take another with --port, or 0 for a free one.\n"
    assert (done.returncode, done.stdout, done.stderr) == (75, "", sentence)
