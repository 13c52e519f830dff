"""A canary sings in no log: secrets through every command and every failure, looked for in every byte left behind.

Commands are found by walking the program, so that a new one is watched from its first day.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import typer
from werkzeug.test import Client as WebClient
from werkzeug.wrappers import Request, Response

from bexio_sandbox import Fault
from bexio_sandbox.server import serving
from bexsync.auth.login import App
from bexsync.auth.stores import StoreChoice
from bexsync.cli import entrypoint
from bexsync.cli.app import app
from bexsync.errors import BexsyncError, Exit
from bexsync.hooks import observed_by
from bexsync.jobs.lifecycle import RunEnded
from bexsync.wiring import open_auth_desk
from world import BEXSYNC, TOKEN, World, a_world, an_invoice

FILE_TOKEN = "canary-in-a-file-81be20d9"
PASSWORD = "canary-p@ss:word/4d17f6"
APP_SECRET = "canary-of-an-app-0c7d41e9"
SECRETS = (TOKEN, FILE_TOKEN, PASSWORD, APP_SECRET)


def songs() -> set[bytes]:
    """Each secret in every spelling it might be written in."""
    found = set()
    for secret in SECRETS:
        plain = secret.encode()
        for said in (plain, b"Bearer " + plain, b"proxyuser:" + plain):
            found |= {
                base64.b64encode(said).rstrip(b"="),
                base64.urlsafe_b64encode(said).rstrip(b"="),
                plain.hex().encode(),
            }
        found |= {plain, quote(secret, safe="").encode(), quote(secret).encode(), json.dumps(secret)[1:-1].encode()}
        found |= {plain[::-1], secret.encode("utf-16-le")}
    return {song.lower() for song in found}


SONGS = songs()


def quiet(where: str, content: bytes) -> None:
    lower = content.lower()
    heard = [song for song in SONGS if song in lower]
    assert not heard, f"{where} holds {heard[0]!r}: {content[:2000]!r}"


def all_quiet(world: World, *said: str | bytes) -> None:
    """Nothing was said, and nothing written anywhere."""
    for number, text in enumerate(said):
        quiet(f"output {number}", text.encode() if isinstance(text, str) else text)
    for path in world.folder.rglob("*"):
        quiet(str(path), str(path).encode())
        if path.is_file() and path.name != "token-file":
            quiet(str(path), path.read_bytes())
    page = WebClient(world.sandbox.app).get("/sandbox")
    assert page.status_code == 200
    quiet("the sandbox's page", page.data.replace(APP_SECRET.encode(), b""))  # there one learns it


# the commands


@dataclass(frozen=True)
class Called:
    """One command as it can be called: its words, and what it understands."""

    words: tuple[str, ...]
    options: frozenset[str]
    arguments: tuple[str, ...] = field(default=())

    def lines(self, *values: str) -> Iterator[list[str]]:
        """It with every option that changes how much it says."""
        filled = [*self.words, *(values or self.arguments)]
        if "--yes" in self.options:
            filled.append("--yes")
        yield filled
        for more in (["--json"], ["-vv"], ["--json", "-vv"], ["--dry-run", "-vv"]):
            if {"-v" if one == "-vv" else one for one in more} <= self.options:
                yield [*filled, *more]


def commands() -> list[Called]:
    found = []

    def walk(command: Any, words: tuple[str, ...]) -> None:
        inner = getattr(command, "commands", None)
        if inner is not None:
            for name, one in inner.items():
                walk(one, (*words, name))
        if inner is None or getattr(command, "invoke_without_command", False):
            options = frozenset(o for p in command.params if p.param_type_name == "option" for o in p.opts)
            needed = [p for p in command.params if p.param_type_name == "argument" and p.required]
            found.append(Called(words, options, tuple("1" for _ in needed)))

    walk(typer.main.get_command(app), ())
    return found


COMMANDS = commands()
(PUSH,) = [one for one in COMMANDS if one.words == ("invoices", "push")]
LASTING = {("sandbox", "serve")}  # runs until it is stopped


def test_every_command_is_found() -> None:
    names = {" ".join(one.words) for one in COMMANDS}
    assert {"invoices push", "payments poll", "errors", "errors show", "state restore", "sandbox serve"} <= names
    assert len(names) == len(COMMANDS) > 15


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str]]]:
    """The program in this process: exit code, and all it said on both streams."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    log = logging.getLogger("bexsync")
    before = log.handlers, log.propagate, log.level
    monkeypatch.chdir(tmp_path)  # some commands write where they are called

    def run(*words: str) -> tuple[int, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["bexsync", *words])
        with pytest.raises(SystemExit) as left:
            entrypoint.run(app)
        said = capfd.readouterr()
        assert "Traceback" not in said.err + said.out
        return int(left.value.code or 0), said.out + said.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    log.handlers, log.propagate = before[:2]
    log.setLevel(before[2])
    logging.captureWarnings(False)


def a_busy_world(world: World) -> None:
    """Something of everything, so that every list has rows: mailed, blocked, refused, unreadable."""
    world.drop(
        an_invoice("1"), an_invoice("2", currency="XXX"), an_invoice("3", leave_as_draft=True), name="three.json"
    )
    world.drop_bytes(b"{", "broken.json")
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice/{id}/send")])
    with suppress(RunEnded):
        world.push()
    world.sandbox.faults.clear()


ABOUT_LOGINS = ("auth", "init")


def walk(world: World, call: Callable[..., tuple[int, str]], copy: Path) -> list[int]:
    """Every command in every manner; where something goes wrong it says so, and no more. The codes of the jobs."""
    codes = []
    for one in sorted(COMMANDS, key=lambda one: one.words[0] in ABOUT_LOGINS):  # after a logout little works
        if one.words in LASTING:
            continue
        values = [str(copy)] if one.words == ("state", "restore") else ()
        for line in one.lines(*values):
            code, said = call("--profile", str(world.profile_path), *line)
            assert code != Exit.BUG, said
            all_quiet(world, said)
            if one.words[0] not in ABOUT_LOGINS:
                codes.append(code)
    return codes


@pytest.mark.slow
def test_every_command_when_all_is_well(world: World, call: Any, tmp_path: Path) -> None:
    a_busy_world(world)
    copy = tmp_path / "copy.db"
    assert call("--profile", str(world.profile_path), "state", "backup", str(copy))[0] == 0
    codes = walk(world, call, copy)
    assert codes.count(0) > 20


TROUBLES = ("unknown", "revoked", "with a line break", "not ASCII", "in a file", "no such file")


@pytest.mark.parametrize(
    "trouble",
    [pytest.param(one, marks=pytest.mark.slow) for one in TROUBLES],
)
def test_every_command_with_another_token(
    trouble: str, world: World, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_busy_world(world)
    match trouble:
        case "unknown":
            monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", FILE_TOKEN)
        case "revoked":
            world.sandbox.revoke_token(TOKEN)
        case "with a line break":
            monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", f"{FILE_TOKEN}\nX: {TOKEN}")
        case "not ASCII":
            monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", f"{FILE_TOKEN}é{TOKEN}")
        case "in a file":
            monkeypatch.delenv("BEXSYNC_ACCESS_TOKEN")
            (tmp_path / "token-file").write_text(f"{TOKEN}\n")
            monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN_FILE", str(tmp_path / "token-file"))
        case "no such file":
            monkeypatch.delenv("BEXSYNC_ACCESS_TOKEN")
            monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN_FILE", str(tmp_path / "none"))
    codes = walk(world, call, tmp_path / "no-copy.db")
    assert (Exit.LOGIN in codes) == (trouble != "in a file")


@pytest.mark.long
def test_every_command_with_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    """Tokens and client secret of a login lie in its store only, and there encrypted."""
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        world.set_profile(ledger={"issuer": f"{world.url}/realms/bexio", "redirect_uri": "http://127.0.0.1:9/callback"})
        world.sandbox.register_app("canary-app", APP_SECRET, ["http://127.0.0.1:9/callback"])
        a_busy_world(world)
        monkeypatch.delenv("BEXSYNC_ACCESS_TOKEN")
        (tmp_path / "key").touch(mode=0o600)
        (tmp_path / "key").write_text("a key of the test")
        monkeypatch.setenv("BEXSYNC_KEY_FILE", str(tmp_path / "key"))
        desk = open_auth_desk(str(world.profile_path))
        app_of_ours = App("canary-app", APP_SECRET)
        attempt = desk.begin(app_of_ours, ["openid", "offline_access", "contact_edit", "kb_invoice_edit"])
        new = desk.finish(app_of_ours, attempt, world.sandbox.identity.approve(attempt.url))
        desk.keep(new, desk.tried_out(StoreChoice("encrypted-file")))
        for secret in (new.login.access_token, new.login.refresh_token, attempt.verifier, attempt.state):
            SONGS.add(secret.lower().encode())
        codes = walk(world, call, tmp_path / "no-copy.db")
        assert Exit.LOGIN not in codes[:10]
        assert codes.count(0) > 10


# a bexio, or whatever stands before it, that repeats what it was sent


def echo(status: int, form: str) -> Callable[..., Any]:
    def answer(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        heard = "\n".join(f"{name}: {value}" for name, value in request.headers)
        curl = f"curl -H 'Authorization: {request.headers.get('Authorization')}' {request.url}"
        if form == "html":
            link = f"<a href='?token={request.headers.get('Authorization')}'>again</a>"
            body = f"<html><h1>Oops</h1><pre>{heard}</pre>{link} {curl}</html>"
            response = Response(body, status, content_type="text/html")
        else:
            told = {
                "message": f"Refused: {heard}",
                "errors": [curl, {"field": heard}, {heard: [curl]}],
                "headers": heard,
            }
            response = Response(json.dumps(told), status, content_type="application/json")
        response.headers["X-Heard"] = curl
        if status in (302, 307):
            response.headers["Location"] = f"https://elsewhere.example/?{quote(curl)}"
        return response(environ, start_response)

    return answer


@dataclass
class Parrot:
    """Hands requests on to the sandbox, except those it repeats to whoever sent them."""

    world: World
    answer: Callable[..., Any]
    strikes: re.Pattern[str]
    repeated: int = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if not self.strikes.search(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"):
            return self.world.sandbox.app(environ, start_response)
        self.repeated += 1
        return self.answer(environ, start_response)


@contextmanager
def a_parrot(world: World, status: int, form: str, strikes: str) -> Iterator[Parrot]:
    parrot = Parrot(world, echo(status, form), re.compile(strikes))
    with serving(parrot, 0) as url:
        world.set_profile(ledger={"api_url": url})
        yield parrot


WHERE = (r"POST /2.0/kb_invoice$", r"/send$", r"GET /2.0/contact$", r"GET /3.0/", r"")


ANSWERS = [
    (status, form) for status in (200, 302, 307, 400, 401, 403, 404, 422, 429, 500, 503) for form in ("html", "json")
]
SHORT = {(422, "json"), (500, "html")}
LONG = SHORT | {(200, "json"), (302, "html"), (403, "html")}


@pytest.mark.parametrize(
    ("status", "form"),
    [
        pytest.param(*a, marks=() if a in SHORT else pytest.mark.long if a in LONG else pytest.mark.slow)
        for a in ANSWERS
    ],
)
def test_an_answer_that_repeats_the_request(status: int, form: str, world: World, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for number, strikes in enumerate(WHERE):
        with a_parrot(world, status, form, strikes) as parrot:
            world.drop(an_invoice(f"{number}"), name=f"{number}.json")
            try:
                result = world.push()
                said += [str(outcome) for outcome in result.outcomes] + [result.later, result.message]
            except RunEnded as ended:
                said += [ended.problem.message, ended.problem.hint, str(ended.result)]
            except BexsyncError as problem:
                said += [problem.message, problem.hint]
            assert parrot.repeated or number == 3
            world.clock.forward(minutes=5)
    assert sum(map(len, said)) > 200
    assert status not in (403, 422) or any("***" in one for one in said)  # it was there to be hidden
    all_quiet(world, *said, *(record.getMessage() for record in caplog.records))


@pytest.mark.parametrize("form", [pytest.param("html", marks=pytest.mark.long), "json"])
def test_it_is_repeated_to_the_command_line(form: str, world: World, call: Any) -> None:
    for number, strikes in enumerate((r"POST /2.0/kb_invoice$", "")):
        for line in PUSH.lines():
            with a_parrot(world, 422, form, strikes):
                world.drop(an_invoice(f"{number}"), name=f"{number}.json")
                code, said = call("--profile", str(world.profile_path), *line)
            assert code in (0, 1, 78)
            all_quiet(world, said)
    for line in (["errors", "show", "all"], ["errors", "show", "all", "--json"], ["links", "list", "--json"]):
        all_quiet(world, call("--profile", str(world.profile_path), *line)[1])


def test_a_bug_tells_where_and_nothing_else(world: World, call: Any) -> None:
    def break_down(point: str, **facts: str) -> None:
        if point == "request:before":
            raise ValueError(f"Authorization: Bearer {TOKEN} {PASSWORD}")

    world.drop(an_invoice("1"))
    for more in ([], ["--json"], ["-vv"]):
        with observed_by(break_down):
            code, said = call("--profile", str(world.profile_path), "invoices", "push", *more)
        assert code == Exit.BUG
        assert "ValueError at" in said
        all_quiet(world, said)


# proxies


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://proxyuser:{quote(PASSWORD, safe='')}@127.0.0.1:1",
        f"http://proxyuser:{PASSWORD}@127.0.0.1:1",
        f"http://proxyuser:{quote(PASSWORD, safe='')}@127.0.0.1:notaport",
        f"socks9://proxyuser:{quote(PASSWORD, safe='')}@127.0.0.1:1",
        f"proxyuser:{quote(PASSWORD, safe='')}@",
        "http://proxyuser:{password}@{parrot}",
    ],
)
def test_a_proxy_with_a_password(proxy: str, world: World, caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.DEBUG)
    with a_parrot(world, 407, "html", "") as parrot:
        place = world.profile["ledger"]["api_url"].removeprefix("http://")
        proxy = proxy.replace("{parrot}", place).replace("{password}", quote(PASSWORD, safe=""))
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        world.set_profile(ledger={"api_url": "https://bexio.example"})
        world.drop(an_invoice("1"))
        with pytest.raises(BexsyncError) as raised:
            world.push()
        assert ("{parrot}" not in proxy) or parrot.repeated
    problem = raised.value
    assert problem.exit_code in (Exit.TRY_LATER, Exit.CONFIGURATION)
    chain: list[str] = []
    error: BaseException | None = problem
    while error is not None:
        chain.append(repr(error))
        error = error.__cause__ or error.__context__
    all_quiet(world, problem.message, problem.hint, *chain, *(record.getMessage() for record in caplog.records))


# real processes


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no process list to read")
@pytest.mark.parametrize("killed", [pytest.param(False, marks=pytest.mark.long), True])
def test_the_process_list_and_what_a_kill_leaves_behind(
    killed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        (tmp_path / "token-file").write_text(TOKEN)
        environment = world.environment | {
            "BEXSYNC_ACCESS_TOKEN_FILE": str(tmp_path / "token-file"),
            "HTTPS_PROXY": f"http://proxyuser:{quote(PASSWORD, safe='')}@127.0.0.1:1",
        }
        del environment["BEXSYNC_ACCESS_TOKEN"]
        world.drop(an_invoice("1"))
        process = subprocess.Popen(
            [BEXSYNC, "--profile", world.profile_path, "invoices", "push", "-vv"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        seen: list[bytes] = []

        def look(request: Any) -> None:
            seen.append(cmdline(process.pid))
            if killed and request.path == "/2.0/kb_invoice" and request.method == "POST":
                os.kill(process.pid, signal.SIGKILL)

        world.sandbox.hooks.before.append(look)
        said = process.communicate(timeout=60)
        assert process.returncode == (-signal.SIGKILL if killed else 0), said
        assert len(seen) > 10
        all_quiet(world, *said, *seen)


def test_the_sandbox_itself_keeps_the_secrets_of_its_surroundings(world: World) -> None:
    process = subprocess.Popen(
        [BEXSYNC, "sandbox", "serve", "--port", "0", "--data", str(world.folder / "books.db")],
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert b"http://127.0.0.1:" in first
        listed = cmdline(process.pid)
        time.sleep(0.1)
    finally:
        process.terminate()
        rest = process.communicate(timeout=20)[0]
    all_quiet(world, first, rest, listed)
