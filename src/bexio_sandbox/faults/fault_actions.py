"""What each fault does around the work of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from time import sleep
from typing import Any

from werkzeug.wrappers import Response

from bexio_sandbox.errors import ApiError
from bexio_sandbox.faults import wire
from bexio_sandbox.faults.context import FaultContext
from bexio_sandbox.faults.creation_log import Creation
from bexio_sandbox.requests import Work
from bexio_sandbox.state.deliveries import DELIVERIES
from bexio_sandbox.state.documents import Documents
from bexio_sandbox.state.invoices import INVOICES
from bexio_sandbox.state.orders import ORDERS
from bexio_sandbox.state.tables import Row

_TICKS_PER_SECOND = 10
_TABLES = {
    "contact": "contacts",
    "kb_order": "orders",
    "kb_delivery": "deliveries",
    "kb_invoice": "invoices",
    "article": "articles",
}
# By the end of the path of a request that makes one.
_MADE = {"kb_order": ORDERS, "delivery": DELIVERIES, "kb_invoice": INVOICES, "invoice": INVOICES}


def drop_before(context: FaultContext, _: Work) -> Response:
    """Resets the connection; nothing was done."""
    wire.reset(context.incoming.environ)


def drop_after(context: FaultContext, work: Work) -> Response:
    """Resets the connection; everything was done."""
    work()
    wire.reset(context.incoming.environ)


def error_before(context: FaultContext, _: Work) -> Response:
    """Answers with an error; nothing was done."""
    return _error(context.fault["status"])


def error_after(context: FaultContext, work: Work) -> Response:
    """Answers with an error; everything was done."""
    work()
    return _error(context.fault["status"])


def late_commit(context: FaultContext, work: Work) -> Response:
    """Never answers; the work is done when the client has given up."""
    done = context.sandbox.late.schedule(context.fault["seconds"], work)
    wire.wait_for_hang_up(context.incoming.environ, done)
    wire.reset(context.incoming.environ)


def half_create(context: FaultContext, work: Work) -> Response:
    """Answers 500 to a create and leaves only the first half of the positions."""
    with context.sandbox.state.lock:
        response = work()
        if response.status_code != HTTPStatus.CREATED:
            return response
        _cut(context, _MADE[context.request.path.rsplit("/", 1)[1]], json.loads(response.get_data())["id"])
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR)


def _cut(context: FaultContext, documents: Documents, number: int) -> None:
    state = context.sandbox.state
    with state.transaction():
        keys = documents.find(state, number)["positions"]
        for kind, position_id in keys[len(keys) // 2 :]:
            document = documents.find(state, number)
            if [kind, position_id] in document["positions"]:
                documents.drop_position(state, document, kind, position_id)


def too_many(context: FaultContext, _: Work) -> Response:
    """Answers 429; nothing was done."""
    seconds = str(context.fault["seconds"])
    headers = {
        "usable": {"ratelimit-limit": "1000", "ratelimit-remaining": "0", "ratelimit-reset": seconds},
        "retry_after": {"Retry-After": seconds},
        "none": {},
        "nonsense": {"ratelimit-limit": "-", "ratelimit-remaining": "-5", "ratelimit-reset": "soon", "Retry-After": ""},
    }[context.fault["headers"]]
    return _error(HTTPStatus.TOO_MANY_REQUESTS, headers)


def html_502(_: FaultContext, __: Work) -> Response:
    """Answers with the page of a gateway; nothing was done."""
    return _gateway_page()


def html_after(_: FaultContext, work: Work) -> Response:
    """Answers with the page of a gateway; everything was done."""
    work()
    return _gateway_page()


def truncated(context: FaultContext, work: Work) -> Response:
    """Answers with the first half of the JSON; everything was done."""
    response = work()
    body = response.get_data()
    half = body[: len(body) // 2]
    if context.fault["content_length"] == "none":
        return wire.answer_until_close(context.incoming.environ, response, half)
    response.response = _broken_off(half)
    response.headers["Content-Length"] = str(len(body))
    return response


def _broken_off(part: bytes) -> Iterator[bytes]:
    yield part
    raise wire.ConnectionLost


def drip(context: FaultContext, work: Work) -> Response:
    """Answers a few bytes at a time; everything was done."""
    response = work()
    body = response.get_data()
    response.response = _drops(body, context.fault["bytes_per_second"])
    response.headers["Content-Length"] = str(len(body))
    return response


def _drops(body: bytes, per_second: int) -> Iterator[bytes]:
    size = max(1, per_second // _TICKS_PER_SECOND)
    for start in range(0, len(body), size):
        drop = body[start : start + size]
        sleep(len(drop) / per_second)
        yield drop


def doubled_search(_: FaultContext, work: Work) -> Response:
    """Answers a search with every result twice."""
    response = work()
    found = json.loads(response.get_data()) if response.status_code == HTTPStatus.OK else None
    if isinstance(found, list):
        response.set_data(_json([row for row in found for _ in range(2)]))
    return response


def lagging_search(context: FaultContext, work: Work) -> Response:
    """Answers a search without the documents that are too young for it."""
    fault, creation_log = context.fault, context.sandbox.creation_log
    oldest_hidden = context.sandbox.clock() - timedelta(seconds=fault["seconds"] or 0)
    first_hidden = context.request.number - (fault["requests"] or 0)

    def is_too_young(creation: Creation) -> bool:
        if fault["requests"] is not None:
            return creation.request >= first_hidden
        return creation.moment > oldest_hidden

    with creation_log.hidden(_TABLES[context.request.path.split("/")[2]], is_too_young):
        return work()


def token_expired(context: FaultContext, work: Work) -> Response:
    """Lets the token of this request expire; a new one is accepted."""
    token = _token(context)
    if token:
        context.sandbox.tokens.expire(token["token"])
    return work()


def token_revoked(context: FaultContext, work: Work) -> Response:
    """Revokes every token of the user who asks; only a new login helps."""
    token = _token(context)
    if token:
        context.sandbox.tokens.revoke_user(token["user_id"])
        with context.sandbox.state.transaction():
            context.sandbox.logins.end_of("all access of the user was taken back", user_id=token["user_id"])
    return work()


def _token(context: FaultContext) -> Row | None:
    try:
        with context.sandbox.state.lock:
            return context.sandbox.tokens.of_header(context.incoming.headers.get("Authorization", ""))
    except ApiError:
        return None


def clock_jump(context: FaultContext, work: Work) -> Response:
    """Moves the sandbox's clock before the work."""
    context.sandbox.clock.jump(context.fault["seconds"])
    return work()


def _error(status: int, headers: dict[str, str] | None = None) -> Response:
    body = ApiError(status, HTTPStatus(status).phrase).body()
    return Response(_json(body), status, {"Content-Type": "application/json", **(headers or {})})


def _gateway_page() -> Response:
    page = "<!doctype html>\n<title>502 Bad Gateway</title>\n<h1>502 Bad Gateway</h1>\n"
    return Response(page, HTTPStatus.BAD_GATEWAY, {"Content-Type": "text/html; charset=utf-8"})


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
