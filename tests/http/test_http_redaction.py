"""Secrets never reach a log, however they are dressed."""

from __future__ import annotations

import io
import json
import logging
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.http.redaction import RedactingFilter, redact, register_secret

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'Authorization': 'Bearer abc', 'Accept': 'x'}", "{'Authorization': '***', 'Accept': 'x'}"),
        ("sent bearer abc-1_2~3+/= today", "sent bearer *** today"),
        ("Basic dXNlcjpwYXNzd29yZA== sent", "Basic *** sent"),
        (f"token {JWT} expired", "token *** expired"),
        ("http://127.0.0.1/cb?code=ab%2Fc.d-e&state=1", "http://127.0.0.1/cb?code=***&state=1"),
        ("redirect%3Fcode%3Dabc%26x", "redirect%3Fcode%3D***"),
        ("grant_type=x&client_secret=a+b&refresh_token=c", "grant_type=x&client_secret=***&refresh_token=***"),
        ('{"access_token": "a \\" b", "expires_in": 1}', '{"access_token": "***", "expires_in": 1}'),
        ("{'id_token': 'a b', 'x': 1}", "{'id_token': '***', 'x': 1}"),
        ('"{\\"refresh_token\\": \\"abc\\"}"', '"{\\"refresh_token\\": \\"***\\"}"'),
        ("client_secret: hunter2", "client_secret: ***"),
        ("CLIENT_SECRET=hunter2", "CLIENT_SECRET=***"),
        ('{"access_token": "cut o', '{"access_token": "***"'),
        ("error_code=422 postcode=8000 invoice RE-1", "error_code=422 postcode=8000 invoice RE-1"),
        ('{"code": "unreachable"}', '{"code": "unreachable"}'),
        ("Grüezi, 108.10 CHF", "Grüezi, 108.10 CHF"),
        ("", ""),
    ],
)
def test_what_looks_like_a_secret(text, shown):
    assert redact(text) == shown
    assert redact(shown) == shown


def test_secrets_that_are_named():
    assert redact("my pass phrase!", ["pass phrase"]) == "my ***!"
    register_secret("registered-by-name")
    assert redact("it is registered-by-name.") == "it is ***."
    register_secret("the")  # too short to be one
    assert redact("the end") == "the end"


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=6, max_size=40)


@given(secret=SECRETS, before=st.text(max_size=10), after=st.text(max_size=10))
def test_a_known_secret_never_survives(secret, before, after):
    for dressed in (
        f"{before}{secret}{after}",
        json.dumps({"x": secret}),
        json.dumps({"x": secret}, ensure_ascii=False),
        urlencode({"x": secret}),
        f"https://x.test/{quote(secret)}",
        repr({"x": secret}),
    ):
        shown = redact(dressed, [secret])
        assert secret not in shown
        assert json.dumps(secret)[1:-1] not in shown
        assert quote(secret, safe="") not in shown


OPAQUE = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", min_size=24, max_size=60)


@given(secret=OPAQUE, name=st.sampled_from(["access_token", "refresh_token", "client_secret", "id_token"]))
def test_an_unknown_secret_is_known_by_its_name(secret, name):
    for dressed in (
        urlencode({"a": 1, name: secret, "b": 2}),
        json.dumps({name: secret}),
        json.dumps(json.dumps({name: secret})),
        repr({name: secret}),
        f"https://x.test/?code={secret}#x",
        f"Authorization: Bearer {secret}",
    ):
        assert secret not in redact(dressed)


@pytest.fixture
def logger():
    """A logger whose handler redacts, and what it wrote."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(message)s %(extra_fact)s", defaults={"extra_fact": ""}))
    handler.addFilter(RedactingFilter())
    log = logging.Logger("redacted")
    log.addHandler(handler)
    return log, written


def test_arguments_facts_and_tracebacks_are_redacted(logger):
    log, written = logger
    log.info("got %s", {"access_token": "canary-1"}, extra={"extra_fact": {"client_secret": "canary-2"}})
    try:
        raise ValueError("Bearer canary-3") from KeyError("?code=canary-4")
    except ValueError:
        log.exception("failed", stack_info=True)
    assert "canary-" not in written.getvalue().replace('"Bearer canary-3"', "").replace('"?code=canary-4"', "")
    assert "ValueError: Bearer ***" in written.getvalue()
    assert written.getvalue().count("got {'access_token': '***'}") == 1


def test_a_message_that_does_not_fit_its_arguments_is_still_written(logger):
    log, written = logger
    log.info("%d of it", "Bearer canary-5")
    assert written.getvalue().startswith("%d of it")
    assert "canary-5" not in written.getvalue()
