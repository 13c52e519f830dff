"""What a fault has at hand when it fault_actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox.books.state import Books
from bexio_sandbox.faults.creation_log import Births
from bexio_sandbox.faults.late import LateWork
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.moments import Clock
from bexio_sandbox.tokens import Tokens
from bexio_sandbox.ui_actions import Person

if TYPE_CHECKING:
    from bexio_sandbox.api.app import Request
    from bexio_sandbox.faults.fault import Fault

Work = Callable[[], Response]


@dataclass(frozen=True)
class Stage:
    """The sandbox as the faults see it."""

    books: Books
    tokens: Tokens
    person: Person
    clock: Clock
    late: LateWork
    logins: Logins
    births: Births


@dataclass
class Fired:
    """A fault that struck: when, by the sandbox's clock, on which request, and what it could not do."""

    fault: Fault
    number: int
    method: str
    path: str
    at: datetime
    problem: str = ""


@dataclass(frozen=True)
class Scene:
    """One request under one fault."""

    stage: Stage
    fault: Fault
    request: Request
    incoming: WerkzeugRequest
    fired: Fired


Strike = Callable[[Scene, Work], Response]
