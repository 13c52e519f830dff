"""Logging in: the whole way through the installed program, and every way it can end otherwise."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from login_kit import CLIENT_ID, CLIENT_SECRET, FILE_STORE, LoginWorld, a_login_world, went_to

from bexsync.auth.listener import Listener, failure
from bexsync.auth.login import App, login_from, personal_login
from bexsync.auth.service import scopes_to_ask_for
from bexsync.auth.stores import StoreChoice
from bexsync.errors import BexsyncError, ConfigurationProblem, LoginNeeded, TryLater, WrongCompany
from front_door import called


def secrets_of(world: LoginWorld) -> list[str]:
    login = world.desk.login()
    return [login.access_token, login.refresh_token, CLIENT_SECRET]


def test_a_login_through_the_browser_and_everything_after_it(world: LoginWorld) -> None:
    done = world.cli("auth", "login", "--token-store", "file", "--client-id", CLIENT_ID, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["data"]
    assert said["company"] == "Bergladen GmbH"
    assert said["company_id"] == "bergladen7270"
    assert said["store"] == "file"
    assert said["reached_by_cron"] is True
    secrets = secrets_of(world)

    pushed = called(world, "invoices", "push")
    assert (pushed.returncode, pushed.stdout, pushed.stderr) == (0, "", "")

    status = called(world, "auth", "status", "--json")
    data = json.loads(status.stdout)["data"]
    assert status.returncode == 0
    assert data["user"] == said["user"]
    assert data["renewable"] is True
    asked = {row["scope"] for row in data["scopes"] if row["granted"]}
    assert asked == set(scopes_to_ask_for(world.desk.profile))
    assert {row["right"] for row in data["scopes"] if row["needed"] and row["right"]} == {"granted"}

    again = world.cli("auth", "login", "--all-scopes", "--json", BEXSYNC_CLIENT_SECRET="")
    assert again.returncode == 0, again.stderr
    assert secrets_of(world) != secrets, "the second login needs no client id, and is kept in place of the first"

    out = called(world, "auth", "logout", "--yes")
    assert out.returncode == 0, out.stderr
    assert not world.sandbox.identity.is_alive(world.sandbox.identity.logins[-1].id)
    assert called(world, "invoices", "push").returncode == 77
    for text in (done, pushed, status, again, out):
        assert not [secret for secret in secrets if secret in text.stdout + text.stderr]


def test_the_address_pasted_back(world: LoginWorld) -> None:
    desk = world.desk
    attempt = desk.begin(world.app, scopes_to_ask_for(desk.profile))
    new = desk.finish(world.app, attempt, went_to(attempt.url))
    record = desk.keep(new, FILE_STORE)
    assert record.company == "Bergladen GmbH"
    assert desk.login().refresh_token == new.login.refresh_token
    # The door itself: a person who pastes anything else is told so.
    pasted = called(
        world, "auth", "login", "--no-browser", "--client-id", CLIENT_ID, "--token-store", "file", stdin="http://x\n"
    )
    assert pasted.returncode == 77
    assert "That is not the address" in pasted.stderr


def test_a_personal_access_token(world: LoginWorld) -> None:
    token = world.sandbox.create_token(lifetime=timedelta(days=5))
    done = called(world, "auth", "login", "--token-stdin", "--token-store", "file", stdin=f"{token}\n")
    assert done.returncode == 0, done.stderr
    assert "cannot renew itself" in done.stdout
    status = called(world, "auth", "status")
    assert "The access token ends on" in status.stdout
    first, second = called(world, "invoices", "push"), called(world, "invoices", "push")
    assert first.returncode == second.returncode == 0
    assert "The access token ends on" in first.stderr, "cron's mail warns of it"
    assert second.stderr == "", "but once a day only"
    assert token not in done.stdout + done.stderr + status.stdout + first.stderr


def test_a_token_that_bexio_does_not_know_is_not_kept(world: LoginWorld) -> None:
    done = called(world, "auth", "login", "--token-stdin", "--token-store", "file", stdin="no-such-token-at-all\n")
    assert done.returncode == 77
    assert "does not accept the token" in done.stderr
    assert not list((world.folder / "state" / "logins").glob("*.json"))


def test_an_ended_token_says_when_it_ended(world: LoginWorld) -> None:
    token = world.sandbox.create_token(lifetime=timedelta(seconds=-60))
    done = called(world, "auth", "login", "--token-stdin", "--token-store", "file", stdin=f"{token}\n")
    assert done.returncode == 77
    assert "This token ended on 20" in done.stderr


Changes = Callable[[LoginWorld], Any]
EACH_FAILURE: dict[str, tuple[type[BexsyncError], str]] = {
    "wrong app": (ConfigurationProblem, "Compare the client id"),
    "wrong redirect": (ConfigurationProblem, "to the letter"),
    "wrong secret": (ConfigurationProblem, "does not accept the client id and secret"),
    "declined": (LoginNeeded, "Click Allow"),
    "unknown scope": (ConfigurationProblem, "a scope that was asked for"),
    "another login's answer": (LoginNeeded, "belongs to another login"),
    "somebody else's answer": (LoginNeeded, "Somebody else than the login page"),
    "nobody's answer": (LoginNeeded, "Somebody else than the login page"),
    "no code": (LoginNeeded, "Paste the whole address"),
    "code used twice": (LoginNeeded, "Run `bexsync auth login` again"),
    "nobody there": (TryLater, "cannot be reached"),
    "no login server": (ConfigurationProblem, "Check issuer in the profile"),
    "clock off": (LoginNeeded, "check this computer's clock"),
    "server in trouble": (TryLater, "cannot answer"),
}


@pytest.mark.parametrize("failure", EACH_FAILURE)
def test_each_failure_is_a_sentence(world: LoginWorld, failure: str) -> None:
    kind, words = EACH_FAILURE[failure]
    with pytest.raises(kind) as caught:
        attempt_with(world, failure)
    problem = caught.value
    assert words in f"{problem.message} {problem.hint}"
    assert "\n" not in problem.message
    assert world.desk.record is None, "nothing was kept"


def attempt_with(world: LoginWorld, failure: str) -> None:
    """A login in which one thing is wrong."""
    app, scopes, decision = world.app, list(scopes_to_ask_for(world.desk.profile)), "allow"
    match failure:
        case "wrong app":
            app = App("no-such-app", "secret-of-nobody")
        case "wrong redirect":
            world.write_profile(redirect_uri=world.redirect_uri.replace("callback", "elsewhere"))
        case "wrong secret":
            app = App(CLIENT_ID, "not-the-secret")
        case "declined":
            decision = "decline"
        case "unknown scope":
            scopes.append("general")
        case "nobody there":
            world.write_profile(issuer="http://127.0.0.1:9/realms/bexio")
        case "no login server":
            world.write_profile(issuer=f"{world.url}/nowhere")
        case "clock off":
            world.sandbox.identity.settings.clock_offset = -2 * 86400
    desk = world.desk
    attempt = desk.begin(app, scopes)
    returned = went_to(attempt.url, decision)
    if failure == "server in trouble":
        from bexio_sandbox import Fault

        path = "/realms/bexio/protocol/openid-connect/token"
        world.sandbox.faults.add(Fault("error_before", "POST", path, status=503, repeat=0))
    if failure == "code used twice":
        desk.finish(app, attempt, returned)
    desk.finish(app, attempt, changed(returned, failure))


def changed(address: str, failure: str) -> str:
    """The address with one parameter that is not as it was."""
    query = dict(parse_qsl(urlsplit(address).query))
    match failure:
        case "another login's answer":
            query["state"] = "somebody-elses-state"
        case "somebody else's answer":
            query["iss"] = "https://evil.example/realms/bexio"
        case "nobody's answer":
            del query["iss"]
        case "no code":
            del query["code"]
        case _:
            return address
    return f"{address.partition('?')[0]}?{urlencode(query)}"


def test_the_nonce_is_checked(world: LoginWorld) -> None:
    from dataclasses import replace

    desk = world.desk
    attempt = desk.begin(world.app, scopes_to_ask_for(desk.profile))
    returned = went_to(attempt.url)
    with pytest.raises(LoginNeeded, match="not to be trusted"):
        desk.finish(world.app, replace(attempt, nonce="another"), returned)


def test_another_company_is_refused_before_anything_is_kept(world: LoginWorld, tmp_path: Path) -> None:
    world.log_in()
    before = world.desk.login()
    book = json.loads((tmp_path / "state" / "companies.json").read_text())
    for company in book["companies"]:
        company.update(id="another", anchor="another-anchor", name="Another AG", tokens=[])
    book["profiles"] = dict.fromkeys(book["profiles"], "another")
    (tmp_path / "state" / "companies.json").write_text(json.dumps(book))
    with pytest.raises(WrongCompany, match=r"Bergladen GmbH.*Another AG"):
        world.log_in()
    assert world.desk.login() == before


def test_a_busy_port_is_said_and_nothing_else_is_listened_on(world: LoginWorld) -> None:
    port = urlsplit(world.redirect_uri).port
    with socket.create_server(("127.0.0.1", port or 0)):
        done = world.cli("auth", "login", "--token-store", "file", "--client-id", CLIENT_ID)
    assert done.returncode == 78
    assert f"Port {port} on 127.0.0.1 cannot be listened on" in done.stderr
    assert "--no-browser" in done.stderr


def test_no_browser_is_said(world: LoginWorld, tmp_path: Path) -> None:
    done = world.cli("auth", "login", "--token-store", "file", "--client-id", CLIENT_ID, BROWSER="", PATH=str(tmp_path))
    assert done.returncode == 78
    assert (
        "There is no browser on this computer. Use any other computer's: bexsync auth login --no-browser" in done.stderr
    )


def test_nobody_to_ask_is_said(world: LoginWorld) -> None:
    done = world.cli("auth", "login", "--token-store", "file")
    assert done.returncode == 2
    assert "--client-id" in done.stderr
    done = called(world, "auth", "login", "--client-id", CLIENT_ID)
    assert done.returncode == 78
    assert "--token-store encrypted-file" in done.stderr, "a server's store is never guessed"


@pytest.mark.long
def test_the_store_stays_what_it_was_chosen_to_be(world: LoginWorld) -> None:
    key = world.folder / "keys" / "key"
    arguments = ("auth", "login", "--client-id", CLIENT_ID, "--json")
    assert world.cli(*arguments, "--token-store", "encrypted-file", "--key-file", str(key)).returncode == 0
    assert key.stat().st_mode & 0o777 == 0o600
    again = json.loads(world.cli("auth", "login", "--json").stdout)
    assert again["data"]["store"] == "encrypted-file"
    key.write_text("another key, but a long one all the same")
    broken = called(world, "invoices", "push")
    assert broken.returncode == 78
    assert str(key) in broken.stderr


def test_a_login_that_moves_leaves_nothing_behind_and_one_that_stays_is_not_lost(
    world: LoginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bexsync.auth.stores.encrypted_file import make_key

    desk = world.desk
    attempt = desk.begin(world.app, scopes_to_ask_for(desk.profile))
    new = desk.finish(world.app, attempt, went_to(attempt.url))
    for name in ("one", "two"):
        make_key(world.folder / name)
        monkeypatch.setenv("BEXSYNC_KEY_FILE", str(world.folder / name))
        desk.keep(new, desk.tried_out(StoreChoice("encrypted-file")))
        assert desk.login() == new.login
    desk.keep(new, FILE_STORE)
    assert desk.login() == new.login
    assert not list((world.folder / "state" / "logins").glob("*.enc"))


def ask(address: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode(), dict(problem.headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_listener_waits_for_the_right_answer_only(world: LoginWorld, host: str) -> None:
    uri = world.redirect_uri.replace("127.0.0.1", host)

    def finish(address: str) -> str:
        query = dict(parse_qsl(urlsplit(address).query))
        if query.get("state") != "right":
            raise LoginNeeded("This answer <script>belongs</script> to another login.", "", code="other_login")
        return query["code"]

    with Listener(uri, finish) as listener:
        port = urlsplit(uri).port or 0
        idle = socket.create_connection((host, port))  # as browsers open them in advance
        assert ask(uri.replace("callback", "favicon.ico"))[0] == 404
        status, text, headers = ask(f"{uri}?state=wrong&code=x")
        assert status == 400
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "bexsync" not in headers.get("Server", "") or "Python" not in headers["Server"]
        status, text, _ = ask(f"{uri}?state=right&code=the-code")
        assert status == 200
        assert "the-code" not in text
        assert listener.wait(5) == "the-code"
        idle.close()
    with socket.create_server(("127.0.0.1", port)):
        pass  # nothing is left listening
    assert threading.active_count() < 20


def test_the_page_is_there_before_the_program_can_end(world: LoginWorld) -> None:
    def finish(address: str) -> str:
        raise LoginNeeded("Declined.", "Click Allow.")

    address = urlsplit(world.redirect_uri)
    with (
        Listener(world.redirect_uri, finish) as listener,
        socket.create_connection((address.hostname or "", address.port or 0)) as browser,
    ):
        browser.sendall(f"GET {address.path}?state=s HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        with pytest.raises(LoginNeeded):
            listener.wait(5)
        browser.setblocking(False)
        assert b"Declined." in browser.recv(65536)


def test_nobody_comes(world: LoginWorld) -> None:
    with Listener(world.redirect_uri, str) as listener, pytest.raises(LoginNeeded, match="Nobody came back"):
        listener.wait(0.05)


def test_pages_are_escaped() -> None:
    html = failure("<b>bold</b>", '"><script>alert(1)</script>')
    assert "<b>" not in html
    assert "<script>" not in html


def test_a_foreign_redirect_uri_is_not_listened_on() -> None:
    with pytest.raises(ConfigurationProblem), Listener("https://shop.example/callback", str):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"v": 2}', "\x00", "{" * 5000, '{"v":1,"app":3}'])
def test_what_is_no_login_is_said_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="not a login that bexsync wrote"):
        login_from(text)


def test_a_login_is_kept_as_it_was(world: LoginWorld) -> None:
    world.log_in()
    login = world.desk.login()
    assert login_from(login.to_text()) == login
    for secret in (login.access_token, login.refresh_token, CLIENT_SECRET):
        assert secret not in repr(login)


def test_a_token_of_the_environment_speaks_over_a_login(world: LoginWorld) -> None:
    world.log_in()
    status = called(world, "auth", "status", "--offline", "--json", BEXSYNC_ACCESS_TOKEN="a-token-of-the-environment")
    data = json.loads(status.stdout)["data"]
    assert data["where"] == "the variable BEXSYNC_ACCESS_TOKEN"
    assert any("the environment speaks over it" in warning for warning in data["warnings"])


@pytest.mark.parametrize("key", ["api_url", "issuer"])
def test_a_login_is_shown_to_the_server_it_was_made_for_and_to_no_other(
    world: LoginWorld, key: str, tmp_path: Path
) -> None:
    """A profile that names another address, by mistake or by somebody else's hand, gets no token out of it."""
    world.log_in()
    (tmp_path / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patch, a_login_world(tmp_path / "elsewhere", patch) as other:
        world.write_profile(**{key: f"{other.url}/realms/bexio" if key == "issuer" else other.url})
        for command in (("invoices", "push"), ("auth", "refresh"), ("auth", "status")):
            done = called(world, *command)
            assert done.returncode == 78
            assert "The login was made for" in done.stderr
            assert "auth login --new-app" in done.stderr
        assert not other.sandbox.requests
        assert not other.sandbox.identity.requests
    world.write_profile()
    assert called(world, "auth", "status", "--offline").returncode == 0


def test_status_says_why_bexio_could_not_be_asked(world: LoginWorld) -> None:
    world.log_in()
    world.sandbox.identity.end_logins()
    status = called(world, "auth", "status", "--json")
    assert status.returncode == 77
    assert json.loads(status.stdout)["errors"][0]["code"] == "login_needed"


def test_scope_right_and_module_are_three_sentences(world: LoginWorld) -> None:
    world.log_in()
    person = world.sandbox.person
    everything = called(world, "auth", "status")
    assert everything.returncode == 0
    person.set_right(1, "kb_invoice", edit="none")
    person.unbook_module("contact")
    told = called(world, "auth", "status")
    assert told.returncode == 78
    assert "has no right in bexio to create and send invoices" in told.stdout
    assert "has not booked the module that lets bexsync find and create contacts" in told.stdout

    token = world.sandbox.create_token(["contact_show", "kb_invoice_edit"])
    lacks = called(world, "auth", "status", "--json", BEXSYNC_ACCESS_TOKEN=token)
    errors = [error["message"] for error in json.loads(lacks.stdout)["errors"]]
    assert any("lacks the scope contact_edit" in message for message in errors)


def test_personal_tokens_that_say_nothing_or_nonsense_of_themselves(world: LoginWorld) -> None:
    now = world.desk.clock.now()
    for token in ("opaque", "a.b.c", "eyJhbGciOiJub25lIn0.bm8ganNvbg.x", "x.e30.y", "x.eyJleHAiOiAiYSJ9.y"):
        assert personal_login(token, now).expires_at is None


def test_choices_are_compared_with_their_settings() -> None:
    assert StoreChoice("file") != StoreChoice("encrypted-file", {"key_file": "/k"})
