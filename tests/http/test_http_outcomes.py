"""What every kind of answer comes to: one table, for reads and for writes."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from decimal import Decimal

import pytest
import respx
from http_doubles import CANARY, ManualClock, client_on

from bexsync.errors import (
    BexsyncError,
    ConfigurationProblem,
    Defect,
    LoginNeeded,
    NotPermitted,
    NotSent,
    Refused,
    Unanswered,
    Unreachable,
)
from bexsync.hooks import observed_by
from bexsync.http import client as client_module
from bexsync.http.responses import Answer, RequestEffect
from constants import set_constant

httpx = client_module.httpx
URL = "https://ledger.test/2.0/contact"
BACKOFF = [1.0, 2.0, 4.0, 8.0]
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}


def answer(status: int, body: bytes | str = b"", headers: dict[str, str] | None = None):
    return httpx.Response(status, content=body, headers=headers if headers is not None else JSON)


def said(status: int, headers: dict[str, str] | None = None):
    return answer(status, json.dumps({"error_code": status, "message": "So steht es."}), {**JSON, **(headers or {})})


@dataclass(frozen=True)
class Case:
    """The answer that comes every time; what READ and WRITE make of it, in how many requests and pauses."""

    name: str
    gives: object
    read: object
    write: object
    reads: int = 1
    writes: int = 1
    read_sleeps: tuple[float, ...] = ()
    write_sleeps: tuple[float, ...] = ()


def final(name, gives, read, write):
    return Case(name, gives, read, write)


def doubtful(name, gives):
    """Repeated as a READ, in doubt as a WRITE."""
    return Case(name, gives, Unreachable, Unanswered, 5, 1, tuple(BACKOFF))


def never_left(name, gives):
    """Repeated as both, for a while; nothing counts as a request."""
    return Case(name, gives, Unreachable, (NotSent, Unreachable), 0, 0, tuple(BACKOFF), (1.0, 2.0))


def limited(name, headers, *pauses):
    gives = said(429, headers)
    number = len(pauses) + 1
    return Case(name, gives, Unreachable, (NotSent, Unreachable), number, number, pauses, pauses)


TWICE = gzip.compress(gzip.compress(b'{"id": 1}'))
TOO_DEEP = "[" * 200_000
CASES = [
    final("200 JSON", answer(200, '{"id": 1}'), {"id": 1}, {"id": 1}),
    final("201 JSON", answer(201, '{"id": 1}'), {"id": 1}, {"id": 1}),
    final(
        "exact decimals", answer(200, '{"total": 108.10}'), {"total": Decimal("108.10")}, {"total": Decimal("108.10")}
    ),
    final("byte order mark", answer(200, b"\xef\xbb\xbf[1]"), [1], [1]),
    final("problem+json as kind", answer(200, "[]", {"content-type": "application/hal+json"}), [], []),
    final("no content type, but JSON", answer(200, "[]", {}), [], []),
    final("204", answer(204), None, None),
    final("200 without a body", answer(200), None, None),
    final("200 blank body", answer(200, " \n"), None, None),
    doubtful("200 truncated JSON", answer(200, '{"id": 1')),
    doubtful("200 HTML", answer(200, "<html>Wartung</html>", HTML)),
    doubtful("200 JSON that calls itself HTML", answer(200, "[]", HTML)),
    doubtful("200 not UTF-8", answer(200, b'{"name": "\xff\xfe"}')),
    doubtful("200 NaN", answer(200, '{"total": NaN}')),
    doubtful("200 nested without end", answer(200, TOO_DEEP)),
    doubtful("200 endless number", answer(200, "1" * 5000)),
    doubtful("200 number beyond all bounds", answer(200, "1e99999999999999999999")),
    doubtful("200 damaged gzip", answer(200, b"nonsense", {**JSON, "x-lazy": "gzip"})),
    doubtful("200 packed twice", answer(200, TWICE, {**JSON, "x-lazy": "gzip"})),
    doubtful("200 packed without a word", answer(200, gzip.compress(b"[]"))),
    doubtful("200 packed in another way than it says", answer(200, gzip.compress(b"[]"), {**JSON, "x-lazy": "br"})),
    final("200 packed twice, as it says", answer(200, TWICE, {**JSON, "x-lazy": "gzip, gzip"}), {"id": 1}, {"id": 1}),
    doubtful("422 damaged gzip", answer(422, b"nonsense", {**JSON, "x-lazy": "gzip"})),
    doubtful("304", answer(304)),
    final(
        "301",
        answer(301, headers={"location": "https://evil.test/"}),
        ConfigurationProblem,
        (NotSent, ConfigurationProblem),
    ),
    final("302", answer(302, headers={"location": "https://evil.test/"}), ConfigurationProblem, Unanswered),
    final("303", answer(303, headers={"location": "https://evil.test/"}), ConfigurationProblem, Unanswered),
    final(
        "307",
        answer(307, headers={"location": "https://evil.test/"}),
        ConfigurationProblem,
        (NotSent, ConfigurationProblem),
    ),
    final(
        "308",
        answer(308, headers={"location": "https://evil.test/"}),
        ConfigurationProblem,
        (NotSent, ConfigurationProblem),
    ),
    final("400", said(400), Refused, Refused),
    final("401", said(401), LoginNeeded, (NotSent, LoginNeeded)),
    final("401 HTML", answer(401, "<h1>No</h1>", HTML), LoginNeeded, (NotSent, LoginNeeded)),
    final("403", said(403), NotPermitted, (NotSent, NotPermitted)),
    final("404", said(404), Refused, Refused),
    final("405", said(405), Refused, Refused),
    doubtful("408", said(408)),
    final("409", said(409), Refused, Refused),
    final("411", said(411), Refused, Refused),
    final("415", said(415), Refused, Refused),
    final("418", said(418), Refused, Refused),
    final("422", said(422), Refused, Refused),
    final("422 HTML", answer(422, "<p>Nein", HTML), Refused, Refused),
    final("422 empty", answer(422), Refused, Refused),
    final("422 nested without end", answer(422, TOO_DEEP), Refused, Refused),
    limited("429 with reset", {"ratelimit-reset": "7"}, 8.0, 11.0, 22.0),
    limited("429 with Retry-After", {"retry-after": "20"}, 21.0, 24.0, 35.0),
    limited(
        "429 with a moment",
        {"retry-after": "Mon, 02 Mar 2026 09:00:30 GMT", "date": "Mon, 02 Mar 2026 09:00:00 GMT"},
        31.0,
        34.0,
        45.0,
    ),
    limited("429 with both", {"ratelimit-reset": "3", "retry-after": "5"}, 6.0, 9.0, 20.0),
    limited("429 without a word", {}, 61.0, 63.0, 71.0),
    limited("429 with nonsense", {"retry-after": "soon", "ratelimit-reset": "-1"}, 61.0, 63.0, 71.0),
    limited("429 for an hour", {"retry-after": "3600"}),
    doubtful("500", said(500)),
    doubtful("502 HTML", answer(502, "<html>Bad Gateway</html>", HTML)),
    doubtful("503", said(503)),
    Case("503 Retry-After", said(503, {"retry-after": "10"}), Unreachable, Unanswered, 5, 1, (10.0,) * 4),
    Case("503 for an hour", said(503, {"retry-after": "3600"}), Unreachable, Unanswered),
    Case("503 for a minute", said(503, {"retry-after": "50"}), Unreachable, Unanswered, 3, 1, (50.0, 50.0)),
    doubtful("504", answer(504)),
    doubtful("520", answer(520)),
    doubtful("600", answer(600)),
    never_left("connect error", httpx.ConnectError("no")),
    never_left("connect timeout", httpx.ConnectTimeout("no")),
    never_left("pool timeout", httpx.PoolTimeout("no")),
    never_left("proxy error", httpx.ProxyError("407")),
    doubtful("read timeout", httpx.ReadTimeout("no")),
    doubtful("write timeout", httpx.WriteTimeout("no")),
    doubtful("reset while reading", httpx.ReadError("no")),
    doubtful("reset while writing", httpx.WriteError("no")),
    doubtful("broken off", httpx.RemoteProtocolError("no")),
    doubtful("our own protocol error", httpx.LocalProtocolError(f"Illegal header value b'Bearer {CANARY}'")),
    doubtful("damaged encoding", httpx.DecodingError("no")),
]


def outcome(clock: ManualClock, gives: object, effect: RequestEffect, **more):
    counted: list[int] = []
    client = client_on(clock, on_request=lambda _: counted.append(1), **more)
    fresh = (
        (lambda _request: raise_(type(gives)(str(gives))))
        if isinstance(gives, Exception)
        else (lambda _request: copied(gives))
    )
    with respx.mock, client:
        respx.route(url=URL).mock(side_effect=fresh)
        try:
            result = client.send("POST", "/2.0/contact", json={"a": 1}, effect=effect, bucket="default")
        except BexsyncError as problem:
            result = problem
    assert len(counted) >= client.requests, "the hook is called before a request leaves, whether or not it then does"
    return result, client.requests


def raise_(error):
    raise error


def copied(response):
    headers = {key: value for key, value in response.headers.items() if key not in ("content-length", "x-lazy")}
    if "x-lazy" in response.headers:
        headers["content-encoding"] = response.headers["x-lazy"]
        return httpx.Response(response.status_code, stream=httpx.ByteStream(response.content), headers=headers)
    return httpx.Response(response.status_code, content=response.content, headers=headers)


def assert_is(result, expected):
    if isinstance(expected, tuple):
        assert type(result) is expected[0]
        assert isinstance(result.cause, expected[1])
    elif isinstance(expected, type):
        assert isinstance(result, expected)
    else:
        assert isinstance(result, Answer)
        assert result.body == expected


def everything_told(error: BaseException) -> str:
    """All a crash report could find by following the error."""
    texts, seen, todo = [], set(), [error]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts.append(f"{each!r} {each} {vars(each)}")
        todo += [each.__cause__, each.__context__, getattr(each, "cause", None)]
    return "\n".join(texts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_read(case, caplog):
    caplog.set_level("DEBUG")
    clock = ManualClock()
    result, requests = outcome(clock, case.gives, RequestEffect.READ)
    assert_is(result, case.read)
    assert requests == case.reads
    assert clock.slept == list(case.read_sleeps)
    assert CANARY not in caplog.text
    if isinstance(result, BaseException):
        assert CANARY not in everything_told(result)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_write(case, caplog):
    caplog.set_level("DEBUG")
    clock = ManualClock()
    result, requests = outcome(clock, case.gives, RequestEffect.WRITE)
    assert_is(result, case.write)
    assert requests == case.writes
    assert clock.slept == list(case.write_sleeps)
    assert CANARY not in caplog.text
    if isinstance(result, BaseException):
        assert CANARY not in everything_told(result)


@pytest.mark.parametrize("effect", RequestEffect)
@pytest.mark.parametrize("kind", [LoginNeeded, Unreachable, ConfigurationProblem])
def test_without_a_token_nothing_is_sent(kind, effect):
    def no_token():
        raise kind("No.")

    result, requests = outcome(ManualClock(), answer(200), effect, token=no_token)
    assert_is(result, kind if effect is RequestEffect.READ else (NotSent, kind))
    assert requests == 0


@pytest.mark.parametrize("token", ["", f"{CANARY}\n", f"{CANARY} x", f"{CANARY}é"])
def test_a_damaged_token_is_neither_sent_nor_shown(token):
    result, requests = outcome(ManualClock(), answer(200), RequestEffect.WRITE, token=lambda: token)
    assert_is(result, (NotSent, LoginNeeded))
    assert requests == 0
    assert CANARY not in everything_told(result)


@pytest.mark.parametrize(
    ("body", "said_words", "fields"),
    [
        (
            '{"message": "Nein", "errors": ["name: Pflichtfeld", "global: x"]}',
            "Nein",
            ("name: Pflichtfeld", "global: x"),
        ),
        ('{"message": "Nein", "errors": {"name": ["fehlt", "kurz"]}}', "Nein", ("name: fehlt", "name: kurz")),
        ('{"message": "Nein", "errors": {"name": "fehlt"}}', "Nein", ("name: fehlt",)),
        ('{"message": "Nein", "errors": {"name": {"a": 1}}}', "Nein", ('name: {"a": 1}',)),
        ('{"message": "Nein", "errors": "global"}', "Nein", ("global",)),
        ('{"message": "Nein", "errors": [{"field": "name", "message": "fehlt"}]}', "Nein", ("name: fehlt",)),
        ('{"message": "Nein", "errors": [1, null, 1.5]}', "Nein", ("1", "null", '"1.5"')),
        ('{"message": "Nein", "errors": []}', "Nein", ()),
        ('{"error": "invalid", "error_description": "Nicht gut"}', "Nicht gut", ()),
        ('{"message": {"a": 1}}', "it gave no reason", ()),
        ('"nur Text"', "nur Text", ()),
        ("[]", "it gave no reason", ()),
        ("null", "it gave no reason", ()),
        ("", "it gave no reason", ()),
        ("<html><head><title>x</title></head><h1>Nicht\n  <b>da</b></h1><script>boo()</script>", "Nicht da", ()),
        (b"\xff\x00\x1b[31mrot", "[31mrot", ()),
        (f'{{"message": "token {CANARY} is bad"}}', "token *** is bad", ()),
        ('{"message": "see ?code=abc123&x=1"}', "see ?code=***&x=1", ()),
    ],
)
def test_the_words_of_a_refusal(body, said_words, fields):
    result, _ = outcome(ManualClock(), answer(422, body), RequestEffect.WRITE)
    assert isinstance(result, Refused)
    assert (result.status, result.said, result.fields) == (422, said_words, fields)


def test_long_words_are_cut():
    body = json.dumps({"message": "x" * 5000, "errors": [f"f{n}: " + "y" * 5000 for n in range(100)]})
    result, _ = outcome(ManualClock(), answer(422, body), RequestEffect.WRITE)
    assert len(result.said) == 300
    assert len(result.fields) == 20
    assert all(len(field) == 300 for field in result.fields)


def test_a_huge_answer_is_refused(monkeypatch):
    set_constant(monkeypatch, "LARGEST_BODY", 1000)
    huge = answer(200, json.dumps(["x" * 2000]))
    assert_is(outcome(ManualClock(), huge, RequestEffect.WRITE)[0], Unanswered)
    result, requests = outcome(ManualClock(), huge, RequestEffect.READ)
    assert_is(result, Unreachable)
    assert requests == 1


@respx.mock
def test_a_read_recovers():
    clock = ManualClock()
    respx.get(URL).mock(
        side_effect=[said(503), httpx.ReadTimeout("no"), said(429, {"retry-after": "2"}), answer(200, "[1]")]
    )
    with client_on(clock) as client:
        got = client.send("GET", "/2.0/contact", effect=RequestEffect.READ, bucket="default")
        assert got.body == [1]
        assert client.requests == 4
    assert clock.slept == [1.0, 2.0, 3.0]


@respx.mock
def test_a_write_waits_out_the_limit_and_is_sent_once_more():
    clock = ManualClock()
    respx.post(URL).mock(side_effect=[said(429, {"ratelimit-reset": "9"}), answer(201, '{"id": 7}')])
    with client_on(clock) as client:
        assert client.send("POST", "/2.0/contact", json={}, effect=RequestEffect.WRITE, bucket="default").body == {
            "id": 7
        }
    assert clock.slept == [10.0]


@respx.mock
def test_after_a_429_nobody_s_request_of_its_bucket_leaves():
    """It may be another worker's, which has heard nothing of it."""
    clock = ManualClock()
    limited = said(429, {"retry-after": "20"})
    respx.get(URL).mock(side_effect=[limited, limited, limited, limited])
    with client_on(clock) as client:
        with pytest.raises(Unreachable):
            client.send("GET", "/2.0/contact", effect=RequestEffect.READ, bucket="items")
        assert client.setbacks == 4
        waited = {bucket: client._rate_limiter.before(bucket) for bucket in ("default", "items")}
    assert waited == {"default": 0, "items": 21}


@respx.mock
def test_a_read_ends_after_two_minutes():
    clock = ManualClock()

    def slow(_request):
        clock.seconds += 60
        raise httpx.ReadTimeout("no")

    respx.get(URL).mock(side_effect=slow)
    with (
        client_on(clock) as client,
        pytest.raises(Unreachable, match=r"ledger\.test gave no complete answer: it did not answer in time"),
    ):
        client.send("GET", "/2.0/contact", effect=RequestEffect.READ, bucket="default")
    assert client.requests == 2


@respx.mock
def test_what_a_request_looks_like(monkeypatch):
    route = respx.post("https://ledger.test/api/2.0/contact/search").mock(
        side_effect=lambda _request: httpx.Response(200, json=[], headers={"set-cookie": "a=b", "X-Total-Count": "3"})
    )
    with client_on(ManualClock(), "https://ledger.test/api/", language="fr") as client:
        for _ in range(2):
            got = client.send(
                "POST",
                "/2.0/contact/search",
                json=[{"value": Decimal("1.50"), "name": "Zoë"}],
                params={"limit": 5},
                effect=RequestEffect.READ,
                bucket="search",
            )
    request = route.calls.last.request
    assert request.url.query == b"limit=5"
    assert request.headers["authorization"] == f"Bearer {CANARY}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-language"] == "fr"
    assert request.headers["user-agent"].startswith("bexsync/")
    assert "cookie" not in request.headers
    assert json.loads(request.content) == [{"value": "1.50", "name": "Zoë"}]
    assert got.headers["x-total-count"] == "3"
    assert CANARY not in repr(client)


@respx.mock
def test_a_netrc_does_not_speak_for_us(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ledger.test login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    route = respx.get(URL).mock(return_value=answer(200, "[]"))
    with client_on(ManualClock()) as client:
        client.send("GET", "/2.0/contact", effect=RequestEffect.READ, bucket="default")
    assert route.calls.last.request.headers["authorization"] == f"Bearer {CANARY}"


@respx.mock
def test_the_points_a_crash_test_may_watch():
    seen = []
    respx.post(URL).mock(return_value=answer(200, "not JSON"))
    watching = observed_by(lambda point, **facts: seen.append((point, facts)))
    with client_on(ManualClock()) as client, watching, pytest.raises(Unanswered):
        client.send("POST", "2.0/contact", effect=RequestEffect.WRITE, bucket="default")
    what = {"method": "POST", "path": "2.0/contact", "effect": "write"}
    assert seen == [("request:before", what), ("request:after", {**what, "status": "200"})]


def test_the_libraries_stay_silent_whatever_was_set(caplog):
    caplog.set_level("DEBUG")
    for name in ("httpx", "httpcore"):
        caplog.set_level("DEBUG", logger=name)
    outcome(ManualClock(), answer(200, "[]"), RequestEffect.READ)
    assert {record.name for record in caplog.records} == {"bexsync.http"}


@respx.mock
def test_an_answer_that_was_not_carried_out_is_told_in_the_ledgers_words():
    respx.post(URL).mock(return_value=answer(502, "<html><h1>Bad Gateway</h1></html>", HTML))
    told = r"^ledger\.test could not answer POST /2\.0/contact \(502\): Bad Gateway$"
    with client_on(ManualClock()) as client, pytest.raises(Unanswered, match=told):
        client.send("POST", "/2.0/contact", effect=RequestEffect.WRITE, bucket="default")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.bexio.com",
        "http://127.0.0.1.evil.test",
        "http://localhost.evil.test",
        "http://[2001:db8::1]",
        f"https://me:{CANARY}@ledger.test",
        f"https://ledger.test/?code={CANARY}",
        "https://ledger.test/#x",
        "https://ledger.test//api",
        "https://ledger.test:port",
        "https://ledger test",
        "https://bücher.test",
        "ftp://localhost",
        "https://[::1",
        "ledger.test",
        "",
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(ConfigurationProblem) as caught:
        client_on(ManualClock(), url)
    assert CANARY not in everything_told(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://127.8.0.1", "http://[::1]:1/api/", "http://localhost:1", "https://x.test/"]
)
def test_addresses_that_are_accepted(url):
    client_on(ManualClock(), url).close()


@pytest.mark.parametrize("path", ["", "/", "/2.0//contact", "/2.0/../x", "/2.0/contact?x=1", "/2.0/contact/", "/a b"])
def test_paths_that_are_a_bug(path):
    with client_on(ManualClock()) as client, pytest.raises(Defect):
        client.send("GET", path, effect=RequestEffect.READ, bucket="default")


@pytest.mark.parametrize("body", [{"a": 1j}, {"a": float("nan")}, {"a": Decimal("NaN")}])
def test_bodies_that_are_a_bug(body):
    with client_on(ManualClock()) as client, pytest.raises(Defect):
        client.send("POST", "/2.0/contact", json=body, effect=RequestEffect.WRITE, bucket="default")


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_useless_certificate_file(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    result, requests = outcome(ManualClock(), answer(200), RequestEffect.WRITE, ca_file=str(file))
    assert_is(result, (NotSent, ConfigurationProblem))
    assert requests == 0


def test_a_useless_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"gopher://me:{CANARY}@proxy.test")
    result, _ = outcome(ManualClock(), answer(200), RequestEffect.READ)
    assert_is(result, ConfigurationProblem)
    assert CANARY not in everything_told(result)


@pytest.mark.parametrize("packed", [TWICE, gzip.compress(b'{"message": "Name fehlt"}')], ids=["twice", "once"])
def test_a_refusal_that_cannot_be_read_is_not_printed_as_bytes(packed):
    problem, _ = outcome(ManualClock(), answer(422, packed), RequestEffect.WRITE)
    assert str(problem) == "bexio refused it (422): it gave no reason"
