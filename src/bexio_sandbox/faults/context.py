"""What a fault has at hand when it acts on a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.faults.creation_log import CreationLog
from bexio_sandbox.faults.late import LateWork
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.moments import Clock
from bexio_sandbox.requests import Request, Work
from bexio_sandbox.state.tables import State
from bexio_sandbox.ui_actions import UiActions


class FaultSettings(Protocol):
    """A fault as its action reads it: the parameters that were given, and by index those with their defaults."""

    @property
    def name(self) -> str:
        """The name of the fault."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters that were given."""

    def __getitem__(self, key: str) -> Any:
        """Return a parameter, or its default."""


@dataclass(frozen=True)
class SandboxParts:
    """The parts of the sandbox that faults act on."""

    state: State
    tokens: Tokens
    person: UiActions
    clock: Clock
    late: LateWork
    logins: Logins
    creation_log: CreationLog


@dataclass
class Fired:
    """A fault that struck: when, by the sandbox's clock, on which request, and what it could not do."""

    fault: FaultSettings
    number: int
    method: str
    path: str
    at: datetime
    problem: str = ""

    def __str__(self) -> str:
        failed = f" could not: {self.problem}" if self.problem else ""
        return f"fault {self.fault.name} at request {self.number}, {self.method} {self.path}{failed}"


@dataclass(frozen=True)
class FaultContext:
    """One request under one fault."""

    sandbox: SandboxParts
    fault: FaultSettings
    request: Request
    incoming: WerkzeugRequest
    fired: Fired


FaultAction = Callable[[FaultContext, Work], Response]
