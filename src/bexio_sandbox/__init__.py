"""A strict local bexio for tests, rehearsals and the demo; it shares no code with the client side."""

from bexio_sandbox.behaviours import BEHAVIOURS, Behaviour
from bexio_sandbox.faults import ConnectionLost, Fault, FaultError, Faults, Fired
from bexio_sandbox.requests import Hooks, Request
from bexio_sandbox.sandbox import Mail, Sandbox
from bexio_sandbox.state.storage import UnusableStateFile
from bexio_sandbox.ui_actions import UiActions

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "ConnectionLost",
    "Fault",
    "FaultError",
    "Faults",
    "Fired",
    "Hooks",
    "Mail",
    "Request",
    "Sandbox",
    "UiActions",
    "UnusableStateFile",
]
