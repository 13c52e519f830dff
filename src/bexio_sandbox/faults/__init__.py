"""Faults on request: what networks, servers, tokens and people do to a client in the middle of its work."""

from bexio_sandbox.faults.context import Fired
from bexio_sandbox.faults.fault import Fault
from bexio_sandbox.faults.parameters import FaultError
from bexio_sandbox.faults.plan import Faults
from bexio_sandbox.faults.wire import ConnectionLost

__all__ = ["ConnectionLost", "Fault", "FaultError", "Faults", "Fired"]
