"""The sandbox behind a real port of this machine."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOOPBACK = "127.0.0.1"
_WAITING_AT_MOST = 128
AccessLog = Callable[[str], None]
_log = logging.getLogger(__name__)


@contextmanager
def serving(app: Any, port: int, access_log: AccessLog | None = None) -> Iterator[str]:
    """Serves a WSGI application in threads for as long as the block lasts, and gives its address."""
    with _listening(port) as listener:
        handler = _handler(access_log)
        server = make_server(LOOPBACK, port, app, threaded=True, request_handler=handler, fd=listener.fileno())
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
    except BaseException:
        listener.close()
        raise
    return listener


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
                access_log(f"{self.command} {self.path} {code}")

        def log(self, type: str, message: str, *args: Any) -> None:
            if type == "error":
                _log.error(message, *args)

    return Handler
