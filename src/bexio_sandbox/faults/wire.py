"""The client's connection, and how it comes to an end."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, NoReturn

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LOOK_EVERY = 0.05


class ConnectionLost(ConnectionResetError):
    """The connection was dropped by a fault; without a socket this is all that a client sees."""

    def __init__(self) -> None:
        super().__init__("a fault of the sandbox dropped the connection")


def reset(environ: WSGIEnvironment) -> NoReturn:
    """Resets the connection at once."""
    connection = _connection(environ)
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The server would say goodbye properly before it closes; a descriptor of our own is closed without a word.
        socket.close(connection.detach())
    raise ConnectionLost


def wait_for_hang_up(environ: WSGIEnvironment, enough: threading.Event) -> None:
    """Leaves the client waiting until it hangs up, or until it was enough."""
    connection = _connection(environ)
    if connection is None:
        return
    connection.settimeout(_LOOK_EVERY)
    while not enough.is_set():
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                return
        except TimeoutError:
            continue
        except OSError:
            return
        enough.wait(_LOOK_EVERY)


def answer_until_close(environ: WSGIEnvironment, response: Response, body: bytes) -> Response:
    """Sends a body without its length, which lasts until the connection is closed."""
    connection = _connection(environ)
    if connection is None:
        return Response(body, response.status, content_type=response.content_type)
    kept = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in kept), "Connection: close"]
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    raise ConnectionLost


def _connection(environ: WSGIEnvironment) -> socket.socket | None:
    found = environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None
