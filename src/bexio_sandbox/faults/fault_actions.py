"""What each fault does around the work of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from time import sleep
from typing import Any

from werkzeug.wrappers import Response

from bexio_sandbox.books import invoices
from bexio_sandbox.books.state import Row
from bexio_sandbox.errors import ApiError
from bexio_sandbox.faults import wire
from bexio_sandbox.faults.context import Scene, Work
from bexio_sandbox.faults.creation_log import Birth

_TICKS_PER_SECOND = 10
_TABLES = {"contact": "contacts", "kb_invoice": "invoices", "article": "articles"}


def drop_before(scene: Scene, _: Work) -> Response:
    """Resets the connection; nothing was done."""
    wire.reset(scene.incoming.environ)


def drop_after(scene: Scene, work: Work) -> Response:
    """Resets the connection; everything was done."""
    work()
    wire.reset(scene.incoming.environ)


def error_before(scene: Scene, _: Work) -> Response:
    """Answers with an error; nothing was done."""
    return _error(scene.fault["status"])


def error_after(scene: Scene, work: Work) -> Response:
    """Answers with an error; everything was done."""
    work()
    return _error(scene.fault["status"])


def late_commit(scene: Scene, work: Work) -> Response:
    """Never answers; the work is done when the client has given up."""
    done = scene.stage.late.schedule(scene.fault["seconds"], work)
    wire.wait_for_hang_up(scene.incoming.environ, done)
    wire.reset(scene.incoming.environ)


def half_create(scene: Scene, work: Work) -> Response:
    """Answers 500 to a create and leaves only the first half of the positions."""
    with scene.stage.books.lock:
        response = work()
        if response.status_code != HTTPStatus.CREATED:
            return response
        _cut(scene, json.loads(response.get_data())["id"])
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR)


def _cut(scene: Scene, invoice_id: int) -> None:
    books = scene.stage.books
    with books.transaction():
        keys = invoices.find(books, invoice_id)["positions"]
        for kind, number in keys[len(keys) // 2 :]:
            if [kind, number] in invoices.find(books, invoice_id)["positions"]:
                invoices.remove_position(books, invoice_id, kind, number)


def too_many(scene: Scene, _: Work) -> Response:
    """Answers 429; nothing was done."""
    seconds = str(scene.fault["seconds"])
    headers = {
        "usable": {"ratelimit-limit": "1000", "ratelimit-remaining": "0", "ratelimit-reset": seconds},
        "retry_after": {"Retry-After": seconds},
        "none": {},
        "nonsense": {"ratelimit-limit": "-", "ratelimit-remaining": "-5", "ratelimit-reset": "soon", "Retry-After": ""},
    }[scene.fault["headers"]]
    return _error(HTTPStatus.TOO_MANY_REQUESTS, headers)


def html_502(_: Scene, __: Work) -> Response:
    """Answers with the page of a gateway; nothing was done."""
    return _gateway_page()


def html_after(_: Scene, work: Work) -> Response:
    """Answers with the page of a gateway; everything was done."""
    work()
    return _gateway_page()


def truncated(scene: Scene, work: Work) -> Response:
    """Answers with the first half of the JSON; everything was done."""
    response = work()
    body = response.get_data()
    half = body[: len(body) // 2]
    if scene.fault["content_length"] == "none":
        return wire.answer_until_close(scene.incoming.environ, response, half)
    response.response = _broken_off(half)
    response.headers["Content-Length"] = str(len(body))
    return response


def _broken_off(part: bytes) -> Iterator[bytes]:
    yield part
    raise wire.ConnectionLost


def drip(scene: Scene, work: Work) -> Response:
    """Answers a few bytes at a time; everything was done."""
    response = work()
    body = response.get_data()
    response.response = _drops(body, scene.fault["bytes_per_second"])
    response.headers["Content-Length"] = str(len(body))
    return response


def _drops(body: bytes, per_second: int) -> Iterator[bytes]:
    size = max(1, per_second // _TICKS_PER_SECOND)
    for start in range(0, len(body), size):
        drop = body[start : start + size]
        sleep(len(drop) / per_second)
        yield drop


def doubled_search(_: Scene, work: Work) -> Response:
    """Answers a search with every result twice."""
    response = work()
    found = json.loads(response.get_data()) if response.status_code == HTTPStatus.OK else None
    if isinstance(found, list):
        response.set_data(_json([row for row in found for _ in range(2)]))
    return response


def lagging_search(scene: Scene, work: Work) -> Response:
    """Answers a search without the documents that are too young for it."""
    fault, births = scene.fault, scene.stage.births
    oldest_hidden = scene.stage.clock() - timedelta(seconds=fault["seconds"] or 0)
    first_hidden = scene.request.number - (fault["requests"] or 0)

    def is_too_young(birth: Birth) -> bool:
        if fault["requests"] is not None:
            return birth.request >= first_hidden
        return birth.moment > oldest_hidden

    with births.hidden(_TABLES[scene.request.path.split("/")[2]], is_too_young):
        return work()


def token_expired(scene: Scene, work: Work) -> Response:
    """Lets the token of this request expire; a new one is accepted."""
    token = _token(scene)
    if token:
        scene.stage.tokens.expire(token["token"])
    return work()


def token_revoked(scene: Scene, work: Work) -> Response:
    """Revokes every token of the user who asks; only a new login helps."""
    token = _token(scene)
    if token:
        scene.stage.tokens.revoke_user(token["user_id"])
        with scene.stage.books.transaction():
            scene.stage.logins.end_of("all access of the user was taken back", user_id=token["user_id"])
    return work()


def _token(scene: Scene) -> Row | None:
    try:
        with scene.stage.books.lock:
            return scene.stage.tokens.of_header(scene.incoming.headers.get("Authorization", ""))
    except ApiError:
        return None


def clock_jump(scene: Scene, work: Work) -> Response:
    """Moves the sandbox's clock before the work."""
    scene.stage.clock.jump(scene.fault["seconds"])
    return work()


def _error(status: int, headers: dict[str, str] | None = None) -> Response:
    body = ApiError(status, HTTPStatus(status).phrase).body()
    return Response(_json(body), status, {"Content-Type": "application/json", **(headers or {})})


def _gateway_page() -> Response:
    page = "<!doctype html>\n<title>502 Bad Gateway</title>\n<h1>502 Bad Gateway</h1>\n"
    return Response(page, HTTPStatus.BAD_GATEWAY, {"Content-Type": "text/html; charset=utf-8"})


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
