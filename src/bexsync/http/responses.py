"""What an answer of the ledger means: a value, its refusal, or a setback that patience may or may not mend."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn

from bexsync.errors import (
    BexsyncError,
    ConfigurationProblem,
    LoginNeeded,
    NotPermitted,
    NotSent,
    Refused,
    Unanswered,
    Unreachable,
)
from bexsync.http.redaction import redact

LONGEST_SAID = 300
MOST_FIELDS = 20

_HALF_A_SIGN = re.compile(rb"\\u[dD][89a-fA-F]")
_WORDS_KEYS = ("message", "error_description", "detail", "title", "error")
LOG_IN_AGAIN = "Run `bexsync auth login`, or renew the token that BEXSYNC_ACCESS_TOKEN or its file holds."
_RATHER_LATER = "Nothing needs to be done: the next run goes on from here."


class RequestEffect(StrEnum):
    """Whether a request may be repeated: a READ may, a WRITE never blindly."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Answer:
    """What the ledger answered: the body is parsed JSON with exact decimals, or None; header names are lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Received:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class RequestFailed(Exception):
    """One attempt without an answer to hand on; `maybe_done` says that the request may have taken effect.

    `has_ended` says that the server is not at work on it any more.
    """

    def __init__(
        self,
        problem: BexsyncError,
        *,
        maybe_done: bool,
        again: bool = True,
        limited: bool = False,
        headers: Mapping[str, str] | None = None,
        has_ended: bool = False,
    ) -> None:
        super().__init__(problem.message)
        self.has_ended = has_ended
        self.problem = problem
        self.maybe_done = maybe_done
        self.again = again
        self.limited = limited
        self.headers = headers or {}

    def outcome(self, effect: RequestEffect) -> BexsyncError:
        """What the caller of `send` gets to know when patience has ended."""
        if effect is RequestEffect.READ:
            return self.problem
        if self.maybe_done:
            hint = "Whether it took effect is looked up before anything else is done."
            return Unanswered(self.problem.message, hint, has_ended=self.has_ended)
        return NotSent(self.problem)


def interpret(received: Received, ledger: str, host: str, request: str) -> Answer:
    """The answer that was received to a request (as in `GET /2.0/contact`), or a Setback, or Refused."""
    status = received.status
    if 200 <= status < 300:
        return Answer(status, _body(received, host), received.headers)
    if 300 <= status < 400:
        _redirected(received, host)
    said, fields = _words(received.content)
    if status == 408 or not 400 <= status < 500:
        problem = Unreachable(f"{host} could not answer {request} ({status}): {said}", _RATHER_LATER)
        raise RequestFailed(problem, maybe_done=True, headers=received.headers, has_ended=status == 500)
    if status == 429:
        problem = Unreachable(f"{host} asks for patience: its request limit is used up.", _RATHER_LATER)
        raise RequestFailed(problem, maybe_done=False, limited=True, headers=received.headers)
    if status == 401:
        login = LoginNeeded(f"{host} does not accept the token (401): {said}", LOG_IN_AGAIN)
        raise RequestFailed(login, maybe_done=False, again=False)
    if status == 403:
        raise RequestFailed(_not_permitted(host, request, said), maybe_done=False, again=False)
    raise Refused(ledger, status, said, fields)


def words_of(received: Received) -> str:
    """What an answer says for people: one short line, without markup and secrets."""
    return _words(received.content)[0]


def garbled(host: str, how: str, *, again: bool = True) -> RequestFailed:
    """An answer came, but it says nothing one could rely on."""
    return RequestFailed(Unreachable(f"The answer of {host} {how}.", _RATHER_LATER), maybe_done=True, again=again)


def _body(received: Received, host: str) -> Any:
    if not received.content.strip():
        return None
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise garbled(host, f"is {redact(kind[:60])} instead of JSON")
    body = _parsed(received.content)
    if body is _NOT_JSON:
        raise garbled(host, "is not complete JSON")
    return body


def _redirected(received: Received, host: str) -> NoReturn:
    if received.status == 304:
        # bexsync never asks conditionally, so that "not changed" answers nothing.
        raise garbled(host, 'is "not changed" (304), which was not asked for')
    problem = ConfigurationProblem(
        f"{host} sends requests elsewhere ({received.status}), which bexsync never follows.",
        "Check api_url in the profile: it must be the address of the API itself.",
        code="redirected",
    )
    # After the other kinds of redirect the request may well have been carried out.
    maybe_done = received.status not in (301, 307, 308)
    raise RequestFailed(problem, maybe_done=maybe_done, again=False)


def _not_permitted(host: str, request: str, said: str) -> NotPermitted:
    return NotPermitted(
        f"{host} does not permit {request} (403): {said}",
        "The token may lack a scope, its user a right, or the company has not booked the module.",
    )


# What a proxy packed twice, or without saying so, is no sentence.
_PACKED = b"\x1f\x8b"


class _NotJson:
    """Stands for a body that is not JSON, because None is a value of JSON."""


_NOT_JSON = _NotJson()


def _parsed(content: bytes) -> Any:
    try:
        body = json.loads(content, parse_float=_decimal, parse_constant=_no_constant)
        return _storable(body) if _HALF_A_SIGN.search(content) else body
    except (ValueError, RecursionError):
        return _NOT_JSON


def _storable(value: Any) -> Any:
    """Half a surrogate pair is a sign that neither the state nor a terminal can take."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("a number beyond all bounds") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _words(content: bytes) -> tuple[str, tuple[str, ...]]:
    """What the ledger says about a request it did not carry out, and about single fields."""
    body = _parsed(content)
    if body is _NOT_JSON:
        return _tidy("" if content.startswith(_PACKED) else _without_markup(content)).rstrip("."), ()
    if not isinstance(body, dict):
        return _tidy(body if isinstance(body, str) else ""), ()
    said = next((body[key] for key in _WORDS_KEYS if isinstance(body.get(key), str) and body[key].strip()), "")
    fields = [_tidy(text) for text in _field_texts(body.get("errors")) if text.strip()]
    return _tidy(said), tuple(fields[:MOST_FIELDS])


def _field_texts(errors: Any) -> Iterator[str]:
    """The texts about fields, which come as a list, as an object from field to text or texts, or as one text."""
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, list):
        for entry in errors:
            yield from _field_texts(_told(entry))
    elif isinstance(errors, dict):
        for field, texts in errors.items():
            for text in texts if isinstance(texts, list) else [texts]:
                yield f"{field}: {_flat(text)}"


def _told(entry: Any) -> Any:
    """An entry of a list of errors that names its field and its text in keys, as one text."""
    if not isinstance(entry, dict) or not isinstance(entry.get("message"), str):
        return entry if isinstance(entry, (str, dict)) else _flat(entry)
    field = entry.get("field") or entry.get("path") or ""
    return f"{_flat(field)}: {entry['message']}" if field else entry["message"]


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)[:LONGEST_SAID]


def _without_markup(content: bytes) -> str:
    text = content[:20_000].decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1>|$)", " ", text)
    text = re.sub(r"(?i)(?<=[^\s.:!?>])\s*</(p|h[1-6]|div|li|title|header)>", ". ", text)
    return html.unescape(re.sub(r"<[^>]*>?", " ", text))


def _tidy(text: str) -> str:
    """One short printable line without secrets."""
    text = redact(text[:20_000])
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    text = " ".join(text.replace("\N{REPLACEMENT CHARACTER}", " ").split())
    if len(text) > LONGEST_SAID:
        text = text[: LONGEST_SAID - 1] + "…"
    return text or "it gave no reason"
