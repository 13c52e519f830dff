"""Keeping secrets out of logs and messages."""

from __future__ import annotations

import json
import logging
import re
import threading
import traceback
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST_SECRET = 6  # hiding shorter texts would make every log unreadable

_NAMES = "access_token|refresh_token|client_secret|id_token|code_verifier|client_assertion"
_VALUE = r"[^\s\"'\\&,;}\]<>]+"
_RULES = (
    # Authorization: Bearer abc
    (re.compile(r"(?i)\b(authorization\\*[\"']?\s*[:=]\s*\\*(?:b?[\"'])?)[^\"'\r\n\\]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer)(\s+|%20)[\w.~+/=%-]+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"(?i)\b(basic)\s+[a-z0-9+/]{8,}={0,2}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}"), HIDDEN),
    # "access_token": "a \" b"
    (re.compile(rf"(?i)((?:{_NAMES})[\"']\s*[:=]\s*)\"(?:[^\"\\]|\\.)*\"?"), rf'\1"{HIDDEN}"'),
    (re.compile(rf"(?i)((?:{_NAMES})[\"']\s*[:=]\s*)'(?:[^'\\]|\\.)*'?"), rf"\1'{HIDDEN}'"),
    # access_token=abc, access_token%3Dabc, access_token: abc, \"access_token\": \"abc\"
    (re.compile(rf"(?i)((?:{_NAMES})\\*[\"']?(?:\s*[:=]\s*|%3D)\\*[\"']?)(?!\*\*\*){_VALUE}"), rf"\1{HIDDEN}"),
    # ?code=abc, but neither error_code= nor postcode=
    (re.compile(rf"(?i)((?<![a-z0-9_])code(?:=|%3D))(?!\*\*\*){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)((?:%3F|%26)code%3D)(?!\*\*\*){_VALUE}"), rf"\1{HIDDEN}"),
)
_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_registered: set[str] = set()
_lock = threading.Lock()


def register_secret(value: str) -> None:
    """Hides this value from now on wherever text is redacted."""
    if len(value) >= SHORTEST_SECRET:
        with _lock:
            _registered.add(value)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets, without registered ones, and without whatever looks like one."""
    with _lock:
        known = _registered | {secret for secret in secrets if secret}
    for spelling in sorted(_spellings(known), key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _spellings(secrets: Iterable[str]) -> set[str]:
    """Each secret as it looks in plain text, in a URL, in a form, in JSON and in a `repr`."""
    spellings = set()
    for secret in secrets:
        spellings |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]}
        spellings |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return spellings


class RedactingFilter(logging.Filter):
    """Put on a handler, it takes the secrets out of messages, tracebacks and extra facts."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redacts the record in place and lets it through."""
        record.msg, record.args = redact(_message(record)), ()
        if record.exc_info:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            # A handler that draws its own tracebacks must not find the original.
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name in vars(record).keys() - _STANDARD_ATTRIBUTES:
            value = getattr(record, name)
            if value is not None and not isinstance(value, (bool, int, float)):
                setattr(record, name, redact(str(value)))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"
