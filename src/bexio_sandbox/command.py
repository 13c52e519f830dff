"""Serves a sandbox until the process is told to stop; what starts it decides what is printed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bexio_sandbox.faults import Fired
from bexio_sandbox.faults.file import read
from bexio_sandbox.identity.directory import PASSWORD, STANDARD_ID, STANDARD_SECRET
from bexio_sandbox.identity.settings import REALM
from bexio_sandbox.sandbox import Sandbox

TOKEN = "sandbox-token"  # noqa: S105  it opens nothing but a sandbox on this computer


class InvalidOption(ValueError):
    """An option that does not fit, as one sentence."""


@dataclass(frozen=True)
class ServeOptions:
    """How a sandbox is to be served."""

    port: int = 8765
    data: Path | None = None
    speed: float = 1
    behaviours: Mapping[str, str] = field(default_factory=dict)
    faults: Path | None = None
    company: str = "vat"
    token: str = TOKEN
    latency: float = 0


@dataclass(frozen=True)
class Served:
    """Where a sandbox is served, and what opens it."""

    api_url: str
    web_url: str
    issuer: str
    actions_url: str
    client_id: str
    client_secret: str
    password: str
    access_token: str
    books: str | None
    faults: int


def serve(options: ServeOptions, on_served: Callable[[Served], object], on_fault: Callable[[Fired], object]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises InvalidOption, UnusableStateFile or PortUnavailable, each with a sentence, where it cannot begin.
    """
    try:
        planned = read(options.faults) if options.faults else []
        sandbox = Sandbox(
            behaviours=options.behaviours,
            data=options.data,
            speed=options.speed,
            company=options.company,
            token=options.token,
            latency=options.latency,
        )
    except ValueError as problem:
        raise InvalidOption(str(problem)) from None
    sandbox.faults.plan(planned)
    sandbox.faults.listeners.append(on_fault)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with sandbox.serve(options.port) as url:
            on_served(_served(url, options, len(planned)))
            stop.wait()
    finally:
        with suppress(Exception):
            sandbox.close()


def _served(url: str, options: ServeOptions, faults: int) -> Served:
    return Served(
        api_url=url,
        web_url=f"{url}/sandbox",
        issuer=f"{url}{REALM}",
        actions_url=f"{url}/sandbox/api",
        client_id=STANDARD_ID,
        client_secret=STANDARD_SECRET,
        password=PASSWORD,
        access_token=options.token,
        books=str(options.data) if options.data else None,
        faults=faults,
    )


def assignments(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return the values of an option that is written NAME=VALUE, by their names."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidOption(f"{option} {text} has no value; write NAME=VALUE.")
        values[name] = value
    return values
