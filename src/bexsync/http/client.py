"""The one way over the network, and the one module that imports httpx."""

from __future__ import annotations

import json
import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx  # noqa: TID251  this module is the one place
import truststore
from tenacity import RetryCallState, Retrying, retry_if_exception

from bexsync import __version__
from bexsync.errors import BexsyncError, ConfigurationProblem, Defect, LoginNeeded, Unreachable
from bexsync.hooks import notify
from bexsync.http.address import Address, api_hint, parse_address
from bexsync.http.clock import Clock
from bexsync.http.rate_limit import RateLimiter, RetryPolicy
from bexsync.http.redaction import redact, register_secret
from bexsync.http.responses import LOG_IN_AGAIN, Answer, Received, RequestEffect, RequestFailed, garbled, interpret
from bexsync.interruption import may_be_cut_off
from bexsync.ports.ledger_description import LedgerDescription
from bexsync.workers import outside, sleep

__all__ = ["Answer", "Client", "Params", "Received", "RequestEffect"]

Params = Mapping[str, str | int]

LARGEST_BODY = 64 * 1024 * 1024
CONNECTIONS = httpx.Limits(max_connections=32, max_keepalive_connections=32)
LONGEST_ANSWER = 5  # times the read timeout, so that a dripping answer ends

_NETWORK_HINT = "Check the network, the proxy and api_url; the next run goes on from here."
_SANDBOX_HINT = "Is `bexsync sandbox serve` running, and on the port that api_url names?"
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_log = logging.getLogger("bexsync.http")


class _Connection:
    """The connections to one host: opened when first needed, each answer read to its end and within bounds."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        headers: Mapping[str, str],
        timeout_seconds: float,
        ca_file: str | None,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._address = address
        self._clock = clock
        self._headers = headers
        self._timeout_seconds = timeout_seconds
        self._ca_file = ca_file
        self._transport = transport
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self.requests = 0

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def exchange(self, request: httpx.Request) -> Received:
        """Sends the request and reads the whole answer; exceptions of httpx end here."""
        try:
            received = self._received(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            failure = self._failure(error)
            never_left = not failure.maybe_done
        except RequestFailed as too_much:
            failure, never_left = too_much, False
        else:
            self._count()
            return received
        if not never_left:
            self._count()
        raise failure.with_traceback(None) from None

    def _received(self, request: httpx.Request) -> Received:
        response = self.client().send(request, stream=True)
        try:
            return Received(response.status_code, dict(response.headers), b"".join(self._chunks(response)))
        finally:
            response.close()

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body bit by bit, so that neither its size nor its slowness is without bounds."""
        host = self._address.host
        started = self._clock.monotonic()
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > LARGEST_BODY:
                raise garbled(host, f"is larger than {LARGEST_BODY // 1024 // 1024} MB", again=False)
            if self._clock.monotonic() - started > LONGEST_ANSWER * self._timeout_seconds:
                raise garbled(host, "does not come to an end")
            yield chunk

    def _failure(self, error: Exception) -> RequestFailed:
        host = self._address.host
        untrusted = _caused_by(error, ssl.SSLCertVerificationError)
        if untrusted is not None:
            return RequestFailed(_untrusted(host, untrusted), maybe_done=False, again=False)
        never_left = isinstance(error, _NEVER_LEFT)
        what = "cannot be reached" if never_left else "gave no complete answer"
        hint = _SANDBOX_HINT if never_left and self._address.local else _NETWORK_HINT
        return RequestFailed(Unreachable(f"{host} {what}: {_reason(error)}.", hint), maybe_done=not never_left)

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    def client(self) -> httpx.Client:
        """The open client."""
        with self._lock:
            if self._http is None:
                self._http = self._opened()
            return self._http

    def _opened(self) -> httpx.Client:
        _silence_libraries()
        timeout = httpx.Timeout(connect=10, read=self._timeout_seconds, write=30, pool=10)
        try:
            client = httpx.Client(
                headers=self._headers,
                verify=_tls(self._ca_file),
                timeout=timeout,
                limits=CONNECTIONS,
                follow_redirects=False,
                transport=self._transport,
                # A proxy for plain http would be handed the token of a ledger on this very computer.
                trust_env=not self._address.local,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            # Without the cause: the address of a proxy may hold a password.
            client = None
        if client is None:
            raise ConfigurationProblem(
                "The proxy named in the environment cannot be used.", "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."
            )
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return client


class Client:
    """Sends requests to one API, at its pace, and says truthfully what came of each."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        *,
        ledger: LedgerDescription,
        rate_limiter: RateLimiter,
        clock: Clock,
        timeout_seconds: float = 60,
        language: str = "de",
        ca_file: str | None = None,
        user_agent: str = f"bexsync/{__version__}",
        transport: httpx.BaseTransport | None = None,
        on_request: Callable[[RequestEffect], None] | None = None,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._address = parse_address(base_url, api_hint(ledger))
        self._ledger = ledger.words.name
        self._token = token
        self._rate_limiter = rate_limiter
        self._clock = clock
        headers = {"Accept": "application/json", "Accept-Language": language, "User-Agent": user_agent}
        self._connection = _Connection(self._address, clock, headers, timeout_seconds, ca_file, transport)
        self._on_request = on_request
        self._randomness = randomness
        self._setbacks = 0

    @property
    def requests(self) -> int:
        """How many requests have left."""
        return self._connection.requests

    @property
    def setbacks(self) -> int:
        """How many requests were refused for their number, or not answered as they should be."""
        return self._setbacks

    @property
    def was_limited(self) -> bool:
        """Whether in the last minute a request had to wait since there had been too many."""
        return self._rate_limiter.was_limited

    def __repr__(self) -> str:
        return f"Client({self._address.base!r})"

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Params | None = None,
        effect: RequestEffect,
        bucket: str,
    ) -> Answer:
        """Sends one request and returns the ledger's answer to it, which is always a 2xx.

        A READ is repeated when that may help. A WRITE is repeated only while it provably had no effect.
        When there is no answer to return, the exception says what happened:

        * Refused: the ledger said no, with its reasons (READ and WRITE).
        * NotSent (WRITE): it had no effect; `cause` is what a READ would have raised.
        * Unanswered (WRITE): nobody knows whether it took effect.
        * Unreachable, LoginNeeded, NotPermitted, ConfigurationProblem (READ): why there is nothing to read.
        """
        retry_policy = RetryPolicy(effect, self._clock, self._rate_limiter, self._randomness)
        content = _encoded(json)
        attempt = partial(self._attempt, method, path, content, params, effect, bucket, retry_policy)
        retrying = Retrying(
            sleep=partial(sleep, self._clock),
            retry=retry_if_exception(retry_policy.lasts),
            wait=lambda _state: retry_policy.pause,
            before_sleep=_log_failure,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except RequestFailed as failure:
            outcome = failure.outcome(effect)
        # Raised out here, so that no chain of exceptions leads back to the request and its headers.
        raise outcome

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        form: Mapping[str, str] | None = None,
        bearer: str = "",
        effect: RequestEffect,
    ) -> Received:
        """Sends one request of the login, once, and returns the answer whatever its status.

        No token but `bearer` travels with it. Raises Unreachable or ConfigurationProblem (READ), NotSent or
        Unanswered (WRITE).
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        try:
            url = self._address.url(path)
            request = self._connection.client().build_request(method, url, params=params, data=form, headers=headers)
            return self._connection.exchange(request)
        except RequestFailed as failure:
            outcome = failure.outcome(effect)
        raise outcome

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Params | None,
        effect: RequestEffect,
        bucket: str,
        retry_policy: RetryPolicy,
    ) -> Answer:
        try:
            retry_policy.excuse(self._rate_limiter.before(bucket, effect))
            request = self._build(method, path, content, params)
        except Defect:
            raise
        except BexsyncError as problem:
            raise RequestFailed(problem, maybe_done=False, again=False) from None
        if self._on_request is not None:
            self._on_request(effect)
        notify("request:before", method=method, path=path, effect=effect)
        started = self._clock.monotonic()
        with may_be_cut_off(), outside():
            received = self._exchanged(request, bucket)
        took = self._clock.monotonic() - started
        notify("request:after", method=method, path=path, effect=effect, status=str(received.status))
        _log.debug("%s %s: %s after %.2f s", method, path, received.status, took)
        self._rate_limiter.after(bucket, received.headers, took=took)
        try:
            return interpret(received, self._ledger, self._address.host, f"{method} {path}")
        except RequestFailed as failure:
            self._note_setback(bucket, failure)
            raise

    def _exchanged(self, request: httpx.Request, bucket: str) -> Received:
        try:
            return self._connection.exchange(request)
        except RequestFailed as failure:
            self._note_setback(bucket, failure)
            raise

    def _note_setback(self, bucket: str, failure: RequestFailed) -> None:
        """Count what asks for fewer requests at once; where there were too many, none leaves until that is over."""
        self._setbacks += failure.limited or failure.maybe_done
        if failure.limited:
            self._rate_limiter.close_bucket(bucket, failure.headers)

    def _build(self, method: str, path: str, content: bytes | None, params: Params | None) -> httpx.Request:
        url = self._address.url(path)
        # Set on each request, so that neither a .netrc nor a cookie speaks for another user.
        headers = {"Authorization": f"Bearer {self._usable_token()}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._connection.client().build_request(method, url, content=content, params=params, headers=headers)
        except httpx.InvalidURL:
            raise ConfigurationProblem(
                f"No request can be addressed to {self._address.host}.", "Check api_url in the profile."
            ) from None

    def _usable_token(self) -> str:
        token = self._token()
        register_secret(token)
        if not token or not all("!" <= sign <= "~" for sign in token):
            raise LoginNeeded("The stored token is damaged.", LOG_IN_AGAIN)
        return token


@lru_cache(maxsize=8)
def _tls(ca_file: str | None) -> ssl.SSLContext:
    """The trust of the operating system and, if named, one more authority; shared, because it is dear to build."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise ConfigurationProblem(
                f"The certificate file {ca_file} cannot be used: {error.strerror or error}.",
                "It must hold the certificate of an authority in PEM form.",
            ) from None
    return context


def _silence_libraries() -> None:
    """Below WARNING they log full addresses and header lines, which may hold secrets."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)


def _encoded(body: Any) -> bytes | None:
    if body is None:
        return None
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Defect(f"A request cannot be written as JSON: {error}") from None


def _plain(value: object) -> str:
    """Money travels as text; nothing else may come by surprise."""
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} has no place in a request")


def _log_failure(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.debug("%s Trying again in %.1f s.", error, state.upcoming_sleep)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _caused_by(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    return next((cause for cause in _chain(error) if isinstance(cause, kind)), None)


def _untrusted(host: str, error: BaseException) -> ConfigurationProblem:
    why = getattr(error, "verify_message", "") or "it is not trusted"
    return ConfigurationProblem(
        f"The certificate of {host} cannot be accepted: {redact(str(why)).rstrip('.')}.",
        "If a company proxy re-signs traffic, name its authority as ca_file; else check api_url and the clock.",
        code="certificate",
    )


def _reason(error: Exception) -> str:
    """Why there was no answer, in words that cannot hold anything of the request."""
    causes: tuple[tuple[type[BaseException], str], ...] = (
        (socket.gaierror, "its name cannot be resolved"),
        (ConnectionRefusedError, "the connection was refused"),
        (httpx.ConnectTimeout, "it did not accept the connection in time"),
        (httpx.PoolTimeout, "no connection became free in time"),
        (httpx.TimeoutException, "it did not answer in time"),
        (httpx.ProxyError, "the proxy refused the connection"),
        (ssl.SSLError, "no secure connection could be made"),
        (ConnectionResetError, "the connection was reset"),
        (httpx.DecodingError, "its answer is damaged"),
        (httpx.ConnectError, "no connection could be made"),
    )
    return next((words for kind, words in causes if _caused_by(error, kind)), "the connection broke off")
