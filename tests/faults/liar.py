"""A proxy before the sandbox that hands on every request, and tells lies about some of the answers.

What is asked and done stays true: the books of the sandbox judge in the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from bexio_sandbox import Sandbox
from bexio_sandbox.server import serving

Alter = Callable[[Any], Any]


@dataclass(frozen=True)
class Lie:
    """One way of answering wrongly; `alter` makes a JSON value or raw bytes of the true JSON value."""

    name: str
    alter: Alter
    content_type: str = "application/json"
    encoding: str = ""


@dataclass
class Liar:
    """Lies about the answers of one endpoint, `METHOD /path/{id}`, as long as `lie` is set."""

    sandbox: Sandbox
    endpoint: str = ""
    lie: Lie | None = None
    told: int = 0
    heard: dict[str, Any] = field(default_factory=dict)  # what was answered truly while a lie was set

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        response = Response.from_app(self.sandbox.app, environ)
        endpoint = f"{environ['REQUEST_METHOD']} {re.sub(r'/[0-9]+(?=/|$)', '/{id}', environ['PATH_INFO'])}"
        if response.status_code < 300:
            if self.lie is not None:
                self.heard[endpoint] = self.heard.get(endpoint) or json.loads(response.get_data() or b"null")
            if self.lie is not None and endpoint == self.endpoint:
                response = self._lied(response, self.lie)
        return response(environ, start_response)

    def _lied(self, response: Response, lie: Lie) -> Response:
        self.told += 1
        told = lie.alter(json.loads(response.get_data() or b"null"))
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        headers = {"Content-Encoding": lie.encoding} if lie.encoding else {}
        return Response(content, status=response.status_code, content_type=lie.content_type, headers=headers)

    @contextmanager
    def lying(self, endpoint: str, lie: Lie) -> Iterator[None]:
        self.endpoint, self.lie = endpoint, lie
        try:
            yield
        finally:
            self.lie = None


@contextmanager
def a_liar(sandbox: Sandbox) -> Iterator[tuple[Liar, str]]:
    liar = Liar(sandbox)
    with serving(liar, 0) as url:
        yield liar, url


# the answer as a whole


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _other_shape(value: Any) -> Any:
    return {"data": value} if isinstance(value, list) else [value]


def _twice(value: Any) -> Any:
    return [row for row in value for _ in range(2)] if isinstance(value, list) else value


def _with(thing: Any) -> Alter:
    return lambda value: [thing, *value] if isinstance(value, list) else thing


WHOLE = (
    Lie("nothing", lambda _: b""),
    Lie("blanks", lambda _: b"  \n"),
    Lie("half", lambda v: _text(v).encode()[: len(_text(v)) // 2]),
    Lie("all but the last sign", lambda v: _text(v).encode()[:-1]),
    Lie("one sign too many", lambda v: _text(v).encode() + b"]"),
    Lie("null", lambda _: None),
    Lie("an empty list", lambda _: []),
    Lie("an empty object", lambda _: {}),
    Lie("a word", lambda _: "ok"),
    Lie("true", lambda _: True),
    Lie("zero", lambda _: 0),
    Lie("NaN", lambda _: b"NaN"),
    Lie("a list of nothing", lambda _: [None]),
    Lie("a list of lists", lambda _: [[[]]]),
    Lie("a row too many: null", _with(None)),
    Lie("a row too many: empty", _with({})),
    Lie("a row too many: a word", _with("row")),
    Lie("list and object swapped", _other_shape),
    Lie("everything twice", _twice),
    Lie("an error with 200", lambda _: {"error_code": 500, "message": "Internal error", "errors": []}),
    Lie("a row of another kind", lambda v: [{"id": 1, "name": "Stk"}] if isinstance(v, list) else {"id": 1}),
    Lie("another list", lambda v: [{"id": 7, "total": "1.00", "kb_item_status_id": 9}] if isinstance(v, list) else v),
    Lie("a hundred thousand brackets", lambda _: b"[" * 100_000 + b"]" * 100_000),
    Lie("nine hundred brackets", lambda _: b"[" * 900 + b"]" * 900),
    Lie("nine hundred rows in rows", lambda _: b'{"id":' * 900 + b"1" + b"}" * 900),
    Lie("a number of five thousand digits", lambda _: b"[" + b"9" * 5000 + b"]"),
    Lie("a boundless exponent", lambda _: b'{"id": 1e999999999999999999999}'),
    Lie("UTF-16", lambda v: _text(v).encode("utf-16")),
    Lie("Latin-1", lambda v: json.dumps({"name": "Zürich"}, ensure_ascii=False).encode("latin-1")),
    Lie("a mark in front", lambda v: b"\xef\xbb\xbf" + _text(v).encode()),
    Lie("random bytes", lambda _: bytes(range(255, 0, -1)) * 9),
    Lie("a gateway's page", lambda _: b"<html><body>Bad gateway</body></html>", "text/html"),
    Lie("a page called JSON", lambda _: b"<html><body>Bad gateway</body></html>"),
    Lie("packed that is not", lambda v: _text(v).encode(), encoding="gzip"),
)


# single fields


class _Raw(str):
    """JSON as it stands, which Python would not write."""


def _placed(value: Any, key: str, put: Any) -> Any:
    """The key of the object, or of every row, replaced, or taken away for Ellipsis."""
    if isinstance(value, list):
        return [_placed(row, key, put) for row in value]
    if not isinstance(value, dict) or key not in value:
        return value
    return {k: put if k == key else v for k, v in value.items() if not (k == key and put is ...)}


def _field_lie(name: str, key: str, put: Any) -> Lie:
    def alter(value: Any) -> Any:
        if not isinstance(put, _Raw):
            return _placed(value, key, put)
        return json.dumps(_placed(value, key, "@raw@")).replace('"@raw@"', put).encode()

    return Lie(f"`{key}` {name}", alter)


PUT: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "a word": "Nase",
    "empty": "",
    "NaN in words": "NaN",
    "Infinity in words": "-Infinity",
    "zero": 0,
    "below zero": -1,
    "a fraction": 1.5,
    "huge": 10**30,
    "huge in words": "1E+999999",
    "tiny": _Raw("1e-400000000"),
    "beyond floats": _Raw("1e400"),
    "NaN": _Raw("NaN"),
    "true": True,
    "a list": [],
    "a list of numbers": [1, 2],
    "an object": {"id": 1},
    "half a sign": _Raw(r'"\ud83d"'),
    "a null sign": "a\x00b",
    "signs for a terminal": "\x1b[31m\r\n",
    "very long": "x" * 100_000,
    "a way out": "../../../../tmp/x",
}


def field_lies(keys: Iterable[str]) -> list[Lie]:
    return [_field_lie(name, key, put) for key in keys for name, put in PUT.items()]


def keys_of(answer: Any) -> list[str]:
    """The keys of an answer, or of its rows."""
    row = answer[0] if isinstance(answer, list) and answer else answer
    return list(row) if isinstance(row, dict) else []
