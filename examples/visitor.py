"""A person's part of the login, played by a script: opens a page, logs in, allows, and goes where that leads.

Usage: visitor.py ADDRESS. As a browser: BROWSER="python examples/visitor.py %s" bexsync auth login
It only knows the sandbox's pages.
"""

from __future__ import annotations

import sys
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

PASSWORD = "sandbox"


class Form(HTMLParser):
    """The first form of a page: where it goes, and what is filled in already."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.has_password = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects fields; of several people the first is taken."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = found.get("action", "")
        if tag == "input" and found.get("name"):
            self.has_password |= found.get("type") == "password"
            self.values.setdefault(found["name"], found.get("value", ""))


def visit(address: str, decision: str = "allow", password: str = PASSWORD) -> tuple[str, str]:
    """Logs in and decides; gives the address and the text of the page where that ended."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page, where = _read(opener.open(address, timeout=30))
    for _ in range(3):
        form = Form(page)
        if not form.action:
            break
        answers = {"password": password} if form.has_password else {"decision": decision}
        body = urlencode({**form.values, **answers}).encode()
        page, where = _read(opener.open(urljoin(where, form.action), body, timeout=30))
    return where, page


def _read(answer: HTTPResponse) -> tuple[str, str]:
    with answer:
        return answer.read().decode(), answer.url


if __name__ == "__main__":
    visit(sys.argv[1])
