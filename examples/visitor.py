"""A person's part of the login, played by a script: opens a page, logs in, allows, and goes where that leads.

Usage: visitor.py [--user MAIL] [--password PASSWORD] [--decline] ADDRESS
As a browser: BROWSER="python examples/visitor.py %s" bexsync auth login
It only knows the sandbox's pages. What keeps it from its way it says in one line, and ends with 1.
"""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit

PASSWORD = "sandbox"
_STEPS_AT_MOST = 5
_WORDS_AT_MOST = 250


class Lost(Exception):
    """The way ends at a page that is not the one to come; the text says which."""


class Form(HTMLParser):
    """The first form of a page: where it goes, what is filled in already, whom one may choose; and the page's words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.people: list[str] = []
        self.has_password = False
        self.asks_for_decision = False
        self.problem = ""
        self.words = ""
        self._telling = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects fields; of several people the one that is chosen on the page is taken, else the first."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = found.get("action", "")
        if tag == "input" and found.get("name"):
            self._take(found)
        if tag == "button":
            self.asks_for_decision |= found.get("name") == "decision"
        if tag == "h1":
            self.words = ""  # what stands above is on every page
        if tag in ("h1", "p"):
            self._telling = "problem" if found.get("role") == "alert" else "words"

    def handle_endtag(self, tag: str) -> None:
        """Ends a heading or a paragraph."""
        if tag == "h1":
            self.words += ":"
        if tag in ("h1", "p"):
            self._telling = ""

    def handle_data(self, data: str) -> None:
        """Collects headings and paragraphs, and what a page complains of."""
        if self._telling:
            said = f"{getattr(self, self._telling)} {' '.join(data.split())}".strip()
            setattr(self, self._telling, said)

    def _take(self, found: dict[str, str]) -> None:
        name, value = found["name"], found.get("value", "")
        self.has_password |= found.get("type") == "password"
        if found.get("type") == "radio":
            self.people.append(value)
            if "checked" in found:
                self.values[name] = value
        self.values.setdefault(name, value)


def visit(address: str, decision: str = "allow", password: str = PASSWORD, user: str = "") -> tuple[str, str]:
    """Logs in and decides; gives the address and the text of the page where that ended."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    server = _origin(address)
    page, where = _opened(opener, address)
    for _ in range(_STEPS_AT_MOST):
        if _origin(where) != server:
            return where, page
        form = Form(page)
        if form.problem:
            raise Lost(f"The login page says: {form.problem}")
        if form.has_password:
            answers = {"password": password, **_chosen(form, user)}
        elif form.asks_for_decision:
            answers = {"decision": decision}
        else:
            break
        body = urlencode({**form.values, **answers}).encode()
        page, where = _opened(opener, urljoin(where, form.action), body)
    raise Lost(f"{_plain(where)} is not a page of the login: {_beginning(Form(page).words)}")


def _chosen(form: Form, user: str) -> dict[str, str]:
    if user and user not in form.people:
        raise Lost(f"Nobody on the login page is {user}; there are {', '.join(form.people)}.")
    return {"username": user} if user else {}


def _opened(opener: urllib.request.OpenerDirector, address: str, body: bytes | None = None) -> tuple[str, str]:
    try:
        with opener.open(address, body, timeout=30) as answer:
            return answer.read().decode(errors="replace"), answer.url
    except urllib.error.HTTPError as refusal:
        with refusal:
            words = Form(refusal.read().decode(errors="replace")).words
        raise Lost(f"{_plain(refusal.url)} answered {refusal.code}: {_beginning(words)}") from None
    except (OSError, HTTPException, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise Lost(f"{_plain(address)} does not answer: {reason}.") from None


def _origin(address: str) -> str:
    return urlsplit(address).netloc


def _plain(address: str) -> str:
    """The address without its query, which may hold a code."""
    return address.partition("?")[0]


def _beginning(words: str) -> str:
    return f"{words[:_WORDS_AT_MOST]} ..." if len(words) > _WORDS_AT_MOST else words or "it says nothing."


def main() -> int:
    """Visits the address of the command line."""
    parser = argparse.ArgumentParser(description="Plays a person who logs in at the sandbox.")
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument("--user", default="", metavar="MAIL", help="who logs in; else whom the page proposes")
    parser.add_argument("--password", default=PASSWORD, help="everybody's is %(default)s")
    parser.add_argument("--decline", action="store_true", help="allow nothing")
    chosen = parser.parse_args()
    try:
        visit(chosen.address, "decline" if chosen.decline else "allow", chosen.password, chosen.user)
    except Lost as lost:
        sys.stderr.write(f"visitor: {lost}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
