"""A strict local bexio for tests, rehearsals and the demo; it shares no code with the client side."""

from bexsync.sandbox.api.door import Hooks, Request
from bexsync.sandbox.books.storage import UnusableBooks
from bexsync.sandbox.doubts import DOUBTS, Doubt
from bexsync.sandbox.faults import ConnectionLost, Fault, FaultError, Faults, Fired
from bexsync.sandbox.person import Person
from bexsync.sandbox.sandbox import Mail, Sandbox

__all__ = [
    "DOUBTS",
    "ConnectionLost",
    "Doubt",
    "Fault",
    "FaultError",
    "Faults",
    "Fired",
    "Hooks",
    "Mail",
    "Person",
    "Request",
    "Sandbox",
    "UnusableBooks",
]
