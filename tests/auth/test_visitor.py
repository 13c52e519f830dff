"""The script that plays the person who logs in: it finds its way, or says in one line where it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from login_kit import CLIENT_ID, VISITOR, LoginWorld

from bexsync.auth.service import scopes_to_ask_for

LUCA = "luca.ferrari@bergladen.example"


def login_page(world: LoginWorld) -> str:
    return world.desk.begin(world.app, scopes_to_ask_for(world.desk.profile)).url


def visited(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, VISITOR, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.long
def test_it_logs_in_whom_it_is_told_to(world: LoginWorld) -> None:
    arguments = ("auth", "login", "--token-store", "file", "--client-id", CLIENT_ID)
    done = world.cli(*arguments, BROWSER=f"{sys.executable} {VISITOR} --user {LUCA} %s")
    assert (done.returncode, "visitor:" in done.stderr) == (0, False), done.stderr
    record = world.desk.record
    assert record is not None
    assert record.mail == LUCA


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--password", "wrong"), "The login page says: This password does not belong to this person."),
        (("--user", "nobody@mail.example"), "Nobody on the login page is nobody@mail.example; there are regula."),
    ],
)
def test_what_the_login_page_says_is_said(world: LoginWorld, options: tuple[str, ...], said: str) -> None:
    done = visited(*options, login_page(world))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"visitor: {said}")


def test_a_wrong_secret_is_one_line_and_no_traceback(world: LoginWorld) -> None:
    arguments = ("auth", "login", "--token-store", "file", "--client-id", CLIENT_ID)
    done = world.cli(*arguments, BEXSYNC_CLIENT_SECRET="wrong")
    lines = [line for line in done.stderr.splitlines() if line.startswith("visitor: ")]
    assert len(lines) == 1
    assert lines[0].startswith(f"visitor: {world.redirect_uri} answered 400: bexsync is not logged in")
    assert "Traceback" not in done.stderr
    assert "code=" not in lines[0]


def test_other_pages_and_none_are_one_line(world: LoginWorld) -> None:
    for address, said in (
        (f"{world.url}/sandbox", f"{world.url}/sandbox is not a page of the login: Bergladen GmbH"),
        (f"{world.url}/sandbox/api/state", "is not a page of the login: it says nothing."),
        (login_page(world).replace(CLIENT_ID, "nobody"), "answered 400: This login cannot go on: No app is registered"),
        (world.redirect_uri, "does not answer"),
        ("nonsense", "nonsense does not answer: unknown url type"),
    ):
        done = visited(address)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert said in done.stderr
