"""A strict local bexio for tests, rehearsals and the demo; it shares no code with the client side."""

from bexsync.sandbox.api.door import Hooks, Request
from bexsync.sandbox.doubts import DOUBTS, Doubt
from bexsync.sandbox.person import Person
from bexsync.sandbox.sandbox import Mail, Sandbox

__all__ = ["DOUBTS", "Doubt", "Hooks", "Mail", "Person", "Request", "Sandbox"]
