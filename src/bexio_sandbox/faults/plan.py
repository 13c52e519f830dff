"""The faults of a sandbox: which are planned, and which have struck."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.faults.context import FaultContext, Fired, SandboxParts
from bexio_sandbox.faults.creation_log import CreationLog
from bexio_sandbox.faults.fault import Fault, is_of_identity
from bexio_sandbox.faults.kinds import Reach
from bexio_sandbox.faults.late import LateWork
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.moments import Clock
from bexio_sandbox.requests import Request, Work
from bexio_sandbox.state.tables import State
from bexio_sandbox.ui_actions import UiActions


@dataclass
class _Planned:
    fault: Fault
    seen: int = 0

    def is_due(self) -> bool:
        """Counts one more matching request and says whether it is hit."""
        self.seen += 1
        start, repeat = self.fault.nth, self.fault.repeat
        return self.seen >= start and (repeat == 0 or self.seen < start + repeat)


class Faults:
    """Plans faults; `fired` lists what struck since the start.

    Every listener is told when a fault strikes, and once more when it could not do what it should.
    """

    def __init__(self, state: State, tokens: Tokens, logins: Logins, person: UiActions, clock: Clock) -> None:
        self.fired: list[Fired] = []
        self.listeners: list[Callable[[Fired], object]] = []
        self._sandbox = SandboxParts(state, tokens, person, clock, LateWork(), logins, CreationLog(state))
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    @property
    def is_armed(self) -> bool:
        """Whether any fault is planned."""
        return bool(self._planned)

    def add(self, *faults: Fault) -> None:
        """Plans more faults; each counts its requests from now on."""
        with self._lock:
            if not self._planned:
                self._sandbox.creation_log.begin()
            self._planned += [_Planned(fault) for fault in faults]

    def plan(self, faults: Iterable[Fault]) -> None:
        """Plans these faults instead of those before."""
        self.clear()
        self.add(*faults)

    def clear(self) -> None:
        """Plans nothing any more; what struck stays listed, and what is late still comes."""
        with self._lock:
            self._planned = []

    def finish_late_work(self) -> None:
        """Lets every late commit happen now, and returns when they have."""
        self._sandbox.late.finish()

    def close(self) -> None:
        """Forgets the commits that are still to come."""
        self._sandbox.late.forget()

    def serve(self, request: Request, incoming: WerkzeugRequest, work: Work) -> Response:
        """Does the work of a request under the faults that are due."""
        work = partial(self._observed, request, work)
        for fault in reversed(self._due(request)):
            work = partial(self._apply, fault, request, incoming, work)
        response = work()
        request.status = response.status_code
        return response

    def _due(self, request: Request) -> list[Fault]:
        """Counts the request, and returns the faults that hit it, the outermost first."""
        with self._lock:
            matching = [each for each in self._planned if each.fault.matches(request.method, request.path)]
            due = [each.fault for each in matching if each.is_due()]
        # There is one answer, so only one fault can spoil it.
        spoilers = [fault for fault in due if fault.kind.reach is Reach.ANSWER][:1]
        others = [fault for fault in due if fault.kind.reach is not Reach.ANSWER]
        return [*spoilers, *sorted(others, key=lambda fault: fault.kind.reach)]

    def _apply(self, fault: Fault, request: Request, incoming: WerkzeugRequest, work: Work) -> Response:
        fired = Fired(fault, request.number, request.method, request.path, self._sandbox.clock())
        self.fired.append(fired)
        self._tell(fired)
        response = fault.kind.action(FaultContext(self._sandbox, fault, request, incoming, fired), work)
        if fired.problem:
            self._tell(fired)
        return response

    def _tell(self, fired: Fired) -> None:
        for listener in self.listeners:
            listener(fired)

    def _observed(self, request: Request, work: Work) -> Response:
        try:
            return work()
        finally:
            if not is_of_identity(request.path):
                self._sandbox.creation_log.note(request.number)
