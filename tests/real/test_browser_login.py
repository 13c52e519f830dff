"""Logging in through a real browser: what a person sees, presses and reads, from the login page to the terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from browsing import Person, a_login, chromium
from login_kit import CLIENT_SECRET, LoginWorld
from playwright.sync_api import Browser

from bexio_sandbox.scopes import WORDS
from bexsync.auth.service import scopes_to_ask_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium"),
]
LUCA, REGULA = "Luca Ferrari", "Regula Brunner"
IN_A_FILE = ("--token-store", "file", "--json")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def person(browser: Browser) -> Iterator[Person]:
    """Somebody in front of a browser that has never been used."""
    context = browser.new_context()
    person = Person(context.new_page())
    yield person
    context.close()
    assert person.hosts_asked() == {"127.0.0.1"}, "a page asked for something from elsewhere"
    assert not any(person.scripts.values()), f"a page holds something that could run: {person.scripts}"


def test_a_person_logs_in_allows_and_is_told_so(world: LoginWorld, person: Person) -> None:
    with a_login(world, *IN_A_FILE) as login:
        person.opens(login.address())
        person.sees("Log in")
        assert "Bergladen GmbH" in person.reads()
        person.photographs("login")
        person.logs_in(LUCA)

        person.sees("asks for access to Bergladen GmbH")
        assert LUCA in person.reads()
        asked = scopes_to_ask_for(world.desk.profile)
        rows = person.page.locator(".scopes li").all_inner_texts()
        assert [row.splitlines()[0] for row in rows] == [words for scope, words in WORDS.items() if scope in asked]
        person.photographs("consent")
        person.presses("Allow")

        person.sees("bexsync is logged in")
        person.photographs("success")
        shown = person.page.content()
        code, out, err = login.ends()
    assert code == 0, err
    said = json.loads(out)["data"]
    assert (said["company"], said["user"], said["store"]) == ("Bergladen GmbH", LUCA, "file")
    kept = world.desk.login()
    for secret in (kept.access_token, kept.refresh_token, CLIENT_SECRET):
        assert secret not in shown + out + err
    assert person.complaints == []
    assert world.cli("invoices", "push").returncode == 0


def test_the_keyboard_is_enough(world: LoginWorld, person: Person) -> None:
    """The password field has the focus; the arrows choose who one is, and Enter goes on."""
    with a_login(world, *IN_A_FILE) as login:
        person.opens(login.address())
        person.sees("Log in")
        person.types("Shift+Tab", "ArrowDown", "Tab", *"sandbox", "Enter")
        person.sees("asks for access")
        assert LUCA in person.reads()
        person.tabs_to("Allow")
        person.types("Enter")
        person.sees("bexsync is logged in")
        assert login.ends()[0] == 0


def test_who_declines_is_told_in_the_browser_and_in_the_terminal(world: LoginWorld, person: Person) -> None:
    with a_login(world, *IN_A_FILE[:2]) as login:
        person.opens(login.address())
        person.logs_in(REGULA)
        person.presses("Decline")
        person.sees("bexsync is not logged in")
        read = person.reads()
        person.photographs("failure")
        code, out, err = login.ends()
    assert (code, out) == (77, "")
    assert "Click Allow" in read
    for sentence in read.splitlines()[1:]:
        assert sentence in " ".join(err.replace("`", "").split()), "both say the same"
    assert world.desk.record is None
    assert world.sandbox.identity.logins == []


def test_a_wrong_password_is_told_and_the_right_one_goes_on(world: LoginWorld, person: Person) -> None:
    with a_login(world, *IN_A_FILE) as login:
        person.opens(login.address())
        person.logs_in(LUCA, "Sandbox")
        person.page.get_by_role("alert").wait_for()
        assert person.page.get_by_role("alert").inner_text() == "This password does not belong to this person."
        assert person.page.get_by_label(LUCA).is_checked(), "who was chosen stays chosen"
        person.photographs("wrong-password")
        person.logs_in(LUCA)
        person.presses("Allow")
        person.sees("bexsync is logged in")
        assert login.ends()[0] == 0


def test_a_second_login_in_the_same_browser_needs_no_password(world: LoginWorld, person: Person) -> None:
    with a_login(world, *IN_A_FILE) as first:
        person.opens(first.address())
        person.logs_in(LUCA)
        person.presses("Allow")
        person.sees("bexsync is logged in")
        assert first.ends()[0] == 0
    before = world.desk.login()
    with a_login(world, *IN_A_FILE) as second:
        person.opens(second.address())
        person.sees("asks for access")
        assert LUCA in person.reads()
        person.presses("Allow")
        person.sees("bexsync is logged in")
        assert second.ends()[0] == 0
    assert world.desk.login().id != before.id


def test_somebody_else_can_log_in_instead(world: LoginWorld, person: Person) -> None:
    with a_login(world, *IN_A_FILE) as login:
        person.opens(login.address())
        person.logs_in(REGULA)
        person.page.get_by_role("link", name="Somebody else?").click()
        person.logs_in(LUCA)
        person.presses("Allow")
        person.sees("bexsync is logged in")
        code, out, _ = login.ends()
    assert (code, json.loads(out)["data"]["user"]) == (0, LUCA)


def test_an_answer_of_another_login_ends_nothing(world: LoginWorld, person: Person) -> None:
    """A page from elsewhere may send the browser to the callback; the login still waits for the right answer."""
    with a_login(world, *IN_A_FILE) as login:
        address = login.address()
        person.opens(f"{world.redirect_uri}?state=somebody-elses&code=x")
        person.sees("bexsync is not logged in")
        person.opens(address)
        person.logs_in(LUCA)
        person.presses("Allow")
        person.sees("bexsync is logged in")
        assert login.ends()[0] == 0
