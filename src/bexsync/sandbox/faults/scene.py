"""What a fault has at hand when it strikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexsync.sandbox.books.state import Books
from bexsync.sandbox.faults.births import Births
from bexsync.sandbox.faults.late import LateWork
from bexsync.sandbox.identity.logins import Logins
from bexsync.sandbox.moments import Clock
from bexsync.sandbox.person import Person
from bexsync.sandbox.tokens import Tokens

if TYPE_CHECKING:
    from bexsync.sandbox.api.door import Request
    from bexsync.sandbox.faults.fault import Fault

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
