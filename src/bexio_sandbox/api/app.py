"""The WSGI side of the API, and everything bexio checks before it looks at a form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.api import contacts, deliveries, invoices, items, master_data, orders, payments, positions
from bexio_sandbox.api.call import Answer, Call, Route
from bexio_sandbox.errors import ApiError, not_found
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.limits import DEFAULT, Allowance, RateLimits
from bexio_sandbox.messages import preferred
from bexio_sandbox.requests import Dispatcher, Interceptor
from bexio_sandbox.rights import Rights
from bexio_sandbox.scopes import allows
from bexio_sandbox.state.tables import Row, State

ROUTES: tuple[Route, ...] = (
    *contacts.ROUTES,
    *orders.ROUTES,
    *deliveries.ROUTES,
    *invoices.ROUTES,
    *positions.ROUTES,
    *payments.ROUTES,
    *items.ROUTES,
    *master_data.ROUTES,
)
_WITH_BODY = ("POST", "PUT", "PATCH")
_COMMON_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "Vary": "Origin",
}


@dataclass(frozen=True)
class Match:
    """The route of a request, with the ids in its path."""

    route: Route
    ids: dict[str, int]


class ApiApp:
    """Answers API requests."""

    def __init__(self, state: State, tokens: Tokens, limits: RateLimits, interceptor: Interceptor) -> None:
        self.dispatcher = Dispatcher(state.lock, interceptor, state.clock)
        self._state = state
        self._tokens = tokens
        self._limits = limits
        self._rights = Rights(state)
        self._map = _route_map()

    def serve(self, incoming: WerkzeugRequest) -> Response:
        """Answers one request."""
        # Read in any case: what stays unread would be taken for the next request of a kept connection.
        data = incoming.get_data()
        match = self._match(incoming)
        bucket = match.route.bucket if match else DEFAULT
        work = partial(self._answered, incoming, data, match, bucket)
        return self.dispatcher.serve(incoming, _logged(data), bucket, work)

    def _match(self, incoming: WerkzeugRequest) -> Match | None:
        adapter: MapAdapter = self._map.bind("api.bexio.com")
        try:
            rule, ids = adapter.match(incoming.path, method=incoming.method, return_rule=True)
        except HTTPException:
            return None
        return Match(rule.endpoint, dict(ids))

    def _answered(self, incoming: WerkzeugRequest, data: bytes, match: Match | None, bucket: str) -> Response:
        with self._state.lock:
            allowance = self._limits.look(bucket)
            try:
                token = self._tokens.of_header(incoming.headers.get("Authorization", ""))
                allowance = self._limits.take(bucket)
                if allowance.is_exceeded:
                    return self._too_many(allowance)
                answer = self._work(incoming, data, match, token)
            except ApiError as error:
                answer = Answer(error.body(), error.status)
        return self._response(incoming, answer, allowance)

    def _work(self, incoming: WerkzeugRequest, data: bytes, match: Match | None, token: Row) -> Answer:
        if match is None:
            raise not_found()
        route = match.route
        if not allows(token["scopes"], route.scope):
            raise self._rights.refusal(f"The scope {route.scope} is missing.")
        with self._rights.enforced(route.scope, incoming.path, match.ids, token["user_id"]):
            call = self._call(incoming, data, token)
            with self._state.transaction():
                return route.handler(call, **match.ids)

    def _call(self, incoming: WerkzeugRequest, data: bytes, token: Row) -> Call:
        if not incoming.accept_mimetypes["application/json"]:
            raise ApiError(415, "Unsupported Media Type")
        body: Any = {}
        if incoming.method in _WITH_BODY:
            body = _parsed(incoming, data)
        language = preferred(incoming.headers.get("Accept-Language", ""))
        return Call(self._state, body, incoming.args.to_dict(), language, token["user_id"], token["scopes"])

    def _too_many(self, allowance: Allowance) -> Response:
        behaviours = self._state.behaviours
        body, kind = {
            "json": (_json(ApiError(429, "Too many requests").body()), "application/json"),
            "empty": (b"", "application/json"),
            "html": (b"<html><body><h1>429 Too Many Requests</h1></body></html>", "text/html"),
        }[behaviours["body_of_429"]]
        response = Response(body, 429, {**_COMMON_HEADERS, **allowance.headers()})
        response.headers["Content-Type"] = kind
        if behaviours["retry_after"] == "yes":
            response.headers["Retry-After"] = str(allowance.reset)
        return response

    def _response(self, incoming: WerkzeugRequest, answer: Answer, allowance: Allowance) -> Response:
        headers = {**_COMMON_HEADERS, **allowance.headers(), **answer.headers}
        known = incoming.headers.get("If-None-Match", "").strip('"')
        is_known = bool(known) and known == answer.headers.get("etag") and incoming.method == "GET"
        if is_known and self._state.behaviours["if_none_match"] == "honoured":
            return Response(b"", 304, headers)
        return Response(_json(answer.body), answer.status, headers)


@cache
def _route_map() -> Map:
    # Compiled once for all sandboxes of the process: it takes longer than everything else about them.
    rules = [Rule(route.path, methods=[route.method], endpoint=route) for route in ROUTES]
    return Map(rules, merge_slashes=False, strict_slashes=True)


def _parsed(incoming: WerkzeugRequest, data: bytes) -> Any:
    if incoming.content_length is None:
        raise ApiError(411, "Length Required")
    if not data:
        return {}
    if incoming.mimetype != "application/json":
        raise ApiError(415, "Unsupported Media Type")
    try:
        return json.loads(data, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _logged(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
