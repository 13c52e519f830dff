"""The loopback listener: where the browser is sent back to after the login (RFC 8252)."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Generic, Self, TypeVar
from urllib.parse import urlsplit

from bexsync.auth.provider import OTHER_LOGIN
from bexsync.errors import BexsyncError, ConfigurationProblem, LoginNeeded
from bexsync.http.address import parse_address

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}
_PATIENCE_WITH_BROWSER = 10.0  # a connection that a browser opens in advance must not stay for ever
T = TypeVar("T")


class Listener(Generic[T]):
    """Waits for the browser on the redirect URI; `finish` completes the login with the address it came with, or raises.

    Only what `finish` says decides which page is shown. An answer that belongs to another login is told so, and the
    right one still waited for, so that no page from elsewhere can end a login.
    """

    def __init__(
        self, redirect_uri: str, finish: Callable[[str], T], greeting: Callable[[T], str] = lambda _done: ""
    ) -> None:
        self._uri = redirect_uri
        self._finish = finish
        self._greeting = greeting
        self._answers: queue.Queue[T | BexsyncError] = queue.Queue()
        self._one_at_a_time = threading.Lock()
        self._servers: list[ThreadingHTTPServer] = []

    def __enter__(self) -> Self:
        parts = urlsplit(self._uri)
        address = parse_address(f"{parts.scheme}://{parts.netloc}", "Check redirect_uri in the profile.")
        if not address.local or parts.scheme != "http" or not parts.port:
            raise ConfigurationProblem(
                f"The redirect URI {self._uri} is not one of this computer.",
                "Register http://127.0.0.1:27182/callback for your app, or log in with --no-browser.",
            )
        hosts = ("127.0.0.1", "::1") if parts.hostname == "localhost" else (str(parts.hostname),)
        for host in hosts:
            try:
                self._serve(host, parts.port, parts.path)
            except OSError as problem:
                if host == "::1" and not isinstance(problem, PermissionError) and not _is_taken(problem):
                    continue  # this computer has no IPv6
                self.__exit__(None, None, None)
                raise ConfigurationProblem(
                    f"Port {parts.port} on {host} cannot be listened on: {problem.strerror or problem}.",
                    "Is another login under way? Else log in with --no-browser, or register another redirect URI "
                    "for your app and name it as redirect_uri in the profile.",
                    code="port",
                ) from problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()

    def wait(self, seconds: float) -> T:
        """What `finish` gave; raises LoginNeeded when nobody comes in time, and what `finish` raised."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise LoginNeeded(
                f"Nobody came back from the login page within {seconds / 60:.0f} minutes.",
                "Run `bexsync auth login` again, with --no-browser where the browser is on another computer.",
            ) from None
        if isinstance(answer, BexsyncError):
            raise answer
        return answer

    def _serve(self, host: str, port: int, path: str) -> None:
        server = _server(host)((host, port), _handler(self._outcome, self._page_of, self._give, path))
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def _outcome(self, address: str) -> T | BexsyncError:
        with self._one_at_a_time:
            try:
                return self._finish(address)
            except BexsyncError as problem:
                return problem

    def _page_of(self, outcome: T | BexsyncError) -> tuple[int, str]:
        if isinstance(outcome, BexsyncError):
            return 400, failure(outcome.message, outcome.hint)
        return 200, _page("success.html", whose=self._greeting(outcome))

    def _give(self, outcome: T | BexsyncError) -> None:
        if not isinstance(outcome, BexsyncError) or outcome.code != OTHER_LOGIN:
            self._answers.put(outcome)


def _handler(
    outcome_of: Callable[[str], T | BexsyncError],
    page_of: Callable[[T | BexsyncError], tuple[int, str]],
    give: Callable[[T | BexsyncError], None],
    path: str,
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_WITH_BROWSER
        server_version, sys_version = "bexsync", ""

        def do_GET(self) -> None:
            if urlsplit(self.path).path != path:
                self._show(404, failure("There is nothing here.", "This address only takes the answer of a login."))
                return
            outcome = outcome_of(f"http://{self.headers.get('Host', '')}{self.path}")
            try:
                self._show(*page_of(outcome))
            finally:
                give(outcome)  # only now: the program may end with it, and the page would never come

        def _show(self, status: int, html: str) -> None:
            content = html.encode()
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # a browser that has gone needs no page
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address holds the code."""

    return Handler


def failure(message: str, hint: str) -> str:
    """The page for a login that did not come to be; both texts are escaped."""
    return _page("failure.html", message=_parts(message), hint=_parts(hint))


def _parts(text: str) -> list[str]:
    """Words and commands in turn, as the backquotes of our sentences part them."""
    return text.split("`")


def _page(name: str, **words: str | list[str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(loader=PackageLoader("bexsync.auth", "pages"), autoescape=True, undefined=StrictUndefined)
    return templates.get_template(name).render(words)


def _server(host: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A broken connection of a browser is no news."""

    return Server


def _is_taken(problem: OSError) -> bool:
    import errno

    return problem.errno == errno.EADDRINUSE
