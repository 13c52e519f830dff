"""The same promises over real sockets, where connections break in the middle."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from contextlib import contextmanager

import pytest
from http_doubles import CANARY, ManualClock, client_on

from bexsync.errors import ConfigurationProblem, NotSent, Unanswered, Unreachable
from bexsync.http.responses import RequestEffect

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hear(connection: socket.socket) -> None:
    """Reads the whole request, because closing with bytes unread resets the connection."""
    heard = b""
    while not (heard.endswith(b"}") or heard.startswith(b"\x16")):
        heard += connection.recv(65536) or b"}"


def answers(reply: bytes, then=lambda _connection: None):
    def behave(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(reply)
        then(connection)

    return behave


@contextmanager
def serving(behave, context: ssl.SSLContext | None = None):
    """A server that treats each connection in this way, and a count of the connections it had."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                seen.append(1)
                with connection:
                    connection.settimeout(5)
                    try:
                        if context is None:
                            behave(connection)
                        else:
                            with context.wrap_socket(connection, server_side=True) as secured:
                                behave(secured)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}", seen
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def send(url: str, effect: RequestEffect, **more):
    with client_on(ManualClock(), url, timeout_seconds=0.05, **more) as client:
        answer = client.send("POST", "/2.0/contact", json={"name": "x"}, effect=effect, bucket="default")
        return answer.body


HALF = OK + b"Content-Length: 100\r\n\r\n[1, 2"
BROKEN = {
    "reset before the answer": answers(b"", reset),
    "reset in mid-answer": answers(HALF, reset),
    "closed without an answer": answers(b""),
    "closed in mid-answer": answers(HALF),
    "closed in mid-chunk": answers(OK + b"Transfer-Encoding: chunked\r\n\r\n50\r\n[1, 2"),
    "closed in mid-header": answers(OK),
    "no HTTP": answers(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "no answer in time": answers(b"", lambda connection: connection.recv(1)),
    "half an answer in time": answers(HALF, lambda connection: connection.recv(1)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_a_write_is_in_doubt(name):
    with serving(BROKEN[name]) as (url, seen), pytest.raises(Unanswered) as caught:
        send(url, RequestEffect.WRITE)
    assert len(seen) == 1
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_a_read_is_asked_for_again(name):
    with serving(BROKEN[name]) as (url, seen), pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        send(url, RequestEffect.READ)
    assert len(seen) == 5


def test_a_whole_answer():
    with serving(answers(whole(b"[1]"))) as (url, _):
        assert send(url, RequestEffect.WRITE) == [1]


def test_a_proxy_never_sees_what_stays_on_this_computer(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(answers(whole(b"[1]"))) as (url, _):
        assert send(url, RequestEffect.READ) == [1]


def test_a_dripping_answer_ends(monkeypatch):
    clock = ManualClock()

    def drip(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK + b"Content-Length: 100\r\n\r\n")
        for _ in range(20):
            clock.seconds += 40
            connection.sendall(b" ")
            threading.Event().wait(0.005)

    with serving(drip) as (url, _), client_on(clock, url) as client, pytest.raises(Unanswered, match="come to an end"):
        client.send("POST", "/2.0/contact", json={}, effect=RequestEffect.WRITE, bucket="default")


@pytest.mark.parametrize(("effect", "kind"), [(RequestEffect.READ, Unreachable), (RequestEffect.WRITE, NotSent)])
def test_nobody_listens(effect, kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(kind, match=r"127\.0\.0\.1 cannot be reached: the connection was refused"):
        send(f"http://127.0.0.1:{port}", effect)


@pytest.mark.parametrize(("effect", "kind"), [(RequestEffect.READ, Unreachable), (RequestEffect.WRITE, NotSent)])
def test_a_name_nobody_knows(effect, kind, monkeypatch):
    def unknown(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(kind, match=r"ledger\.test cannot be reached: its name cannot be resolved"):
        send("https://ledger.test", effect)


def test_no_tls_at_the_other_end_is_worth_another_try():
    plain = answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with serving(plain) as (url, seen), pytest.raises(Unreachable, match="no secure connection"):
        send(url.replace("http:", "https:"), RequestEffect.READ)
    assert len(seen) == 5


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=sandbox", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return str(files[0]), context


@pytest.mark.parametrize(
    ("effect", "kind"), [(RequestEffect.READ, ConfigurationProblem), (RequestEffect.WRITE, NotSent)]
)
def test_an_unknown_authority_wants_a_person(certificate, effect, kind):
    _, context = certificate
    server = serving(answers(whole(b"[1]")), context)
    with server as (url, seen), pytest.raises(kind, match="certificate of 127") as caught:
        send(url, effect)
    assert caught.value.code == "certificate"
    assert len(seen) == 1


def test_the_authority_in_ca_file_is_trusted(certificate):
    file, context = certificate
    with serving(answers(whole(b"[1]")), context) as (url, _):
        assert send(url, RequestEffect.WRITE, ca_file=file) == [1]
