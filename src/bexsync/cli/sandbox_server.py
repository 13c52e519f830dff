"""Serves the sandbox from the command line until somebody stops it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import typer

from bexsync.errors import Exit
from bexsync.sandbox import Fired, Sandbox
from bexsync.sandbox.doubts import DOUBTS
from bexsync.sandbox.faults.file import read as read_faults
from bexsync.sandbox.identity.apps import STANDARD_ID, STANDARD_SECRET
from bexsync.sandbox.identity.people import PASSWORD
from bexsync.sandbox.identity.settings import REALM

TOKEN = "sandbox-token"  # noqa: S105  it opens nothing but a sandbox on this computer


def run(
    *,
    port: int,
    data: Path | None,
    speed: float,
    doubts: Sequence[str],
    faults: Path | None,
    company: str,
    token: str | None,
) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    token = token or TOKEN
    try:
        planned = read_faults(faults) if faults else []
        sandbox = Sandbox(doubts=_answers(doubts), data=data, speed=speed, company=company, token=token)
    except ValueError as problem:
        _refuse(f"{problem}")
    sandbox.faults.plan(planned)
    sandbox.faults.listeners.append(_tell)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with sandbox.serve(port) as url:
            _welcome(url, token, data, len(planned))
            stop.wait()
    except (OSError, SystemExit) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is in use"
        _refuse(
            f"Port {port} cannot be served: {reason}. Take another with --port, or 0 for a free one.", Exit.TRY_LATER
        )
    finally:
        with suppress(Exception):
            sandbox.close()


def show_doubts() -> None:
    """One paragraph per open question."""
    for name, doubt in DOUBTS.items():
        values = " | ".join(f"{value} (default)" if value == doubt.default else value for value in doubt.values)
        sys.stdout.write(f"{name} = {values}\n    {doubt.sentence}\n")


def _answers(doubts: Sequence[str]) -> Mapping[str, str]:
    answers = {}
    for text in doubts:
        name, equals, value = text.partition("=")
        if not equals:
            _refuse(f"--doubt {text} has no value; write NAME=VALUE. `bexsync sandbox doubts` lists them.")
        answers[name] = value
    return answers


def _welcome(url: str, token: str, data: Path | None, faults: int) -> None:
    kept = f"kept in {data}" if data else "forgotten in the end (--data FILE keeps them)"
    planned = f"  the faults      {faults} planned, told here as they strike\n" if faults else ""
    sys.stdout.write(
        f"A local bexio at {url}\n"
        f"  look at it      {url}/sandbox\n"
        f'  under [ledger]  api_url = "{url}"\n'
        f'                  web_url = "{url}/sandbox"\n'
        f'                  issuer = "{url}{REALM}"\n'
        f"  to log in       client id {STANDARD_ID}, client secret {STANDARD_SECRET}\n"
        f"                  everybody's password is {PASSWORD}\n"
        f"  in the shell    export BEXSYNC_ACCESS_TOKEN={token}\n"
        f"  the books       {kept}\n"
        f"{planned}"
        "Stop it with Ctrl-C.\n"
    )
    sys.stdout.flush()


def _tell(fired: Fired) -> None:
    place = f"request {fired.number}, {fired.method} {fired.path}"
    failed = f" could not: {fired.problem}" if fired.problem else ""
    sys.stdout.write(f"fault {fired.fault.name} at {place}{failed}\n")
    sys.stdout.flush()


def _refuse(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    sys.stderr.write(f"sandbox serve: {message}\n")
    raise typer.Exit(int(code))
