"""The sandbox behind a real port of this machine."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOOPBACK = "127.0.0.1"
_WAITING_AT_MOST = 128
# Every other parameter of an address may be a code, a state, a token or a name of a person.
_LOGGED_PARAMETERS = ("limit", "offset", "order_by", "show_archived")
AccessLog = Callable[[str], None]
_log = logging.getLogger(__name__)


class PortUnavailable(OSError):
    """A port that cannot be served; the text is a sentence that says why."""

    def __str__(self) -> str:
        return str(self.strerror)

    @property
    def is_in_use(self) -> bool:
        """Whether another program has the port."""
        return self.errno == errno.EADDRINUSE


@contextmanager
def serving(app: Any, port: int, access_log: AccessLog | None = None) -> Iterator[str]:
    """Serve a WSGI application in threads for as long as the block lasts, and give its address."""
    with _listening(port) as listener:
        server = _Server(LOOPBACK, port, app, _handler(access_log), fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listening(port: int) -> socket.socket:
    # Werkzeug's own way to a port ends the process where the port is taken, and says more than one sentence.
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_WAITING_AT_MOST)
    except OSError as problem:
        listener.close()
        is_in_use = problem.errno == errno.EADDRINUSE
        reason = "is in use" if is_in_use else f"cannot be served: {problem.strerror}"
        raise PortUnavailable(problem.errno, f"Port {port} {reason}.") from None
    return listener


class _Server(ThreadedWSGIServer):
    """A server that logs where the sandbox failed, but neither values nor messages: they may quote a token."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: ARG002
        if type == "error":
            kind, _, frames = sys.exc_info()
            name = kind.__name__ if kind else "error"
            _log.error("A request failed with %s\n%s", name, "".join(traceback.format_tb(frames)))

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        self.log("error", "")


def _handler(access_log: AccessLog | None) -> type[WSGIRequestHandler]:
    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave in separate packets; without this every answer waits for the client's receipt.
        disable_nagle_algorithm = True

        def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
            # There is nothing left to read the next request from.
            self.close_connection = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
            if access_log:
                access_log(f"{self.command} {_redacted(self.path)} {code}")

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: ARG002
            # The arguments quote the first line of the request, which may hold a code or a token.
            if type == "error":
                _log.error("A request that is not valid HTTP was refused.")

    return Handler


def _redacted(address: str) -> str:
    """Return the path and the names of the parameters; a value is shown only where it is known to be harmless."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "***"
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    shown = "&".join(f"{name}={value if name in _LOGGED_PARAMETERS else '***'}" for name, value in parameters)
    return f"{parts.path}?{shown}" if shown else parts.path
