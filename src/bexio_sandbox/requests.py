"""The requests that were served, and what happens around the work of each: hooks of tests and faults."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.limits import DEFAULT


@dataclass
class Request:
    """A request that was served, or is being served while its status is 0; it came `at` this Unix time."""

    number: int
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int = 0
    bucket: str = DEFAULT
    at: float = 0.0


# Other names would let a page from elsewhere reach the sandbox through a name server of its own.
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
Hook = Callable[[Request], None]
Work = Callable[[], Response]


@dataclass
class Hooks:
    """Functions that are called before the work of a request, and after its commit but before the response is sent."""

    before: list[Hook] = field(default_factory=list)
    after_commit: list[Hook] = field(default_factory=list)


class Interceptor(Protocol):
    """Changes what happens to a request: does its work early, late, in part or not at all."""

    @property
    def is_armed(self) -> bool:
        """Whether any request may be changed."""

    def serve(self, request: Request, incoming: WerkzeugRequest, work: Work) -> Response:
        """Do the work of a request and return the response that the client gets."""


class Dispatcher:
    """Records the requests of one service and runs each of them between its hooks."""

    def __init__(self, lock: threading.RLock, interceptor: Interceptor, clock: Callable[[], datetime]) -> None:
        self.hooks = Hooks()
        self.requests: list[Request] = []
        self._lock = lock
        self._interceptor = interceptor
        self._clock = clock

    def serve(self, incoming: WerkzeugRequest, body: Any, bucket: str, work: Work) -> Response:
        """Record a request, do its work and return the response."""
        with self._lock:
            number = len(self.requests) + 1
            query, at = incoming.args.to_dict(), self._clock().timestamp()
            request = Request(number, incoming.method, incoming.path, query, body, bucket=bucket, at=at)
            self.requests.append(request)
        for hook in self.hooks.before:
            hook(request)

        def committed() -> Response:
            response = work()
            request.status = response.status_code
            for hook in self.hooks.after_commit:
                hook(request)
            return response

        return self._interceptor.serve(request, incoming, committed) if self._interceptor.is_armed else committed()


def is_for_this_machine(incoming: WerkzeugRequest) -> bool:
    """Return whether a request names this machine as its host."""
    return incoming.host in _HOSTS or incoming.host.rsplit(":", 1)[0] in _HOSTS
