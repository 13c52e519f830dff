"""Faults on request: what networks, servers, tokens and people do to a client in the middle of its work."""

from bexsync.sandbox.faults.fault import Fault
from bexsync.sandbox.faults.parameters import FaultError
from bexsync.sandbox.faults.plan import Faults
from bexsync.sandbox.faults.scene import Fired
from bexsync.sandbox.faults.wire import ConnectionLost

__all__ = ["ConnectionLost", "Fault", "FaultError", "Faults", "Fired"]
