"""Serves the sandbox from the command line until somebody stops it."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bexio_sandbox import Fault, Fired, Sandbox, UnusableStateFile
from bexio_sandbox.behaviours import BEHAVIOURS
from bexio_sandbox.faults.file import read as read_faults
from bexio_sandbox.identity.apps import STANDARD_ID, STANDARD_SECRET
from bexio_sandbox.identity.people import PASSWORD
from bexio_sandbox.identity.settings import REALM
from bexsync.cli.views import Output, write
from bexsync.errors import ConfigurationProblem, Exit, TryLater, UsageProblem

TOKEN = "sandbox-token"  # noqa: S105  it opens nothing but a sandbox on this computer


@dataclass(frozen=True)
class Wishes:
    """How the sandbox is to be served."""

    port: int
    data: Path | None
    speed: float
    doubts: Sequence[str]
    faults: Path | None
    company: str
    token: str


def run(output: Output, wishes: Wishes) -> Exit:
    """Serves until SIGTERM or Ctrl-C."""
    sandbox, planned = _opened(wishes)
    sandbox.faults.plan(planned)
    sandbox.faults.listeners.append(lambda fired: _tell(output, fired))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with _a_port(wishes.port), sandbox.serve(wishes.port) as url:
            if output.json:
                output.data(Exit.OK, _entrance(url, wishes, len(planned)), [])
            else:
                write(_welcome(url, wishes, len(planned)))
            stop.wait()
    finally:
        with suppress(Exception):
            sandbox.close()
    return Exit.OK


def show_doubts(output: Output) -> Exit:
    """One paragraph per open question."""
    if output.json:
        return output.data(
            Exit.OK, {"doubts": [{"name": name, **asdict(doubt)} for name, doubt in BEHAVIOURS.items()]}, []
        )
    for name, doubt in BEHAVIOURS.items():
        values = " | ".join(f"{value} (default)" if value == doubt.default else value for value in doubt.values)
        output.say(f"{name} = {values}\n    {doubt.sentence}")
    return Exit.OK


def _opened(wishes: Wishes) -> tuple[Sandbox, list[Fault]]:
    try:
        planned = read_faults(wishes.faults) if wishes.faults else []
        answers = _answers(wishes.doubts)
        sandbox = Sandbox(
            behaviours=answers, data=wishes.data, speed=wishes.speed, company=wishes.company, token=wishes.token
        )
    except UnusableStateFile as problem:
        hint = "Name another file with --data; it is made where there is none."
        raise ConfigurationProblem(str(problem), hint) from None
    except ValueError as problem:
        raise UsageProblem(str(problem)) from None
    return sandbox, planned


def _answers(doubts: Sequence[str]) -> Mapping[str, str]:
    answers = {}
    for text in doubts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageProblem(
                f"--doubt {text} has no value; write NAME=VALUE.", "`bexsync sandbox doubts` lists them."
            )
        answers[name] = value
    return answers


@contextmanager
def _a_port(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        hint = "Take another with --port, or 0 for a free one."
        if problem.errno == errno.EADDRINUSE:
            raise TryLater(f"Port {port} is in use.", hint, code="port_in_use") from None
        raise UsageProblem(f"Port {port} cannot be served: {problem.strerror}.", hint) from None


def _entrance(url: str, wishes: Wishes, faults: int) -> dict[str, object]:
    return {
        "api_url": url,
        "web_url": f"{url}/sandbox",
        "issuer": f"{url}{REALM}",
        "actions_url": f"{url}/sandbox/api",
        "client_id": STANDARD_ID,
        "client_secret": STANDARD_SECRET,
        "password": PASSWORD,
        "access_token": wishes.token,
        "books": str(wishes.data) if wishes.data else None,
        "faults": faults,
    }


def _welcome(url: str, wishes: Wishes, faults: int) -> str:
    kept = f"kept in {wishes.data}" if wishes.data else "forgotten in the end (--data FILE keeps them)"
    planned = f"  the faults      {faults} planned, told here as they strike\n" if faults else ""
    return (
        f"A local bexio at {url}\n"
        f"  look at it      {url}/sandbox\n"
        f'  under [ledger]  api_url = "{url}"\n'
        f'                  web_url = "{url}/sandbox"\n'
        f'                  issuer = "{url}{REALM}"\n'
        f"  to log in       client id {STANDARD_ID}, client secret {STANDARD_SECRET}\n"
        f"                  everybody's password is {PASSWORD}\n"
        f"  in the shell    export BEXSYNC_ACCESS_TOKEN={wishes.token}\n"
        f"  the books       {kept}\n"
        f"{planned}"
        "Stop it with Ctrl-C.\n"
    )


def _tell(output: Output, fired: Fired) -> None:
    """Says what struck; with --json beside the one object, not after it."""
    place = f"request {fired.number}, {fired.method} {fired.path}"
    failed = f" could not: {fired.problem}" if fired.problem else ""
    stream = sys.stderr if output.json else sys.stdout
    stream.write(f"fault {fired.fault.name} at {place}{failed}\n")
    stream.flush()
