"""Prints what `bexsync sandbox` says; the sandbox itself is the package bexio_sandbox."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from bexio_sandbox import Fired, UnusableStateFile
from bexio_sandbox.behaviours import BEHAVIOURS
from bexio_sandbox.command import InvalidOption, Served, ServeOptions, assignments, serve
from bexio_sandbox.server import PortUnavailable
from bexsync.cli.views import Output, write
from bexsync.errors import ConfigurationProblem, Exit, TryLater, UsageProblem


def run(output: Output, options: ServeOptions, doubts: Sequence[str]) -> Exit:
    """Serve until SIGTERM or Ctrl-C."""
    try:
        options = replace(options, behaviours=assignments(doubts, "--doubt"))
    except InvalidOption as problem:
        raise UsageProblem(str(problem), "`bexsync sandbox doubts` lists them.") from None
    try:
        serve(options, lambda served: _welcome(output, served), lambda fired: _tell(output, fired))
    except UnusableStateFile as problem:
        hint = "Name another file with --data; it is made where there is none."
        raise ConfigurationProblem(str(problem), hint) from None
    except InvalidOption as problem:
        raise UsageProblem(str(problem)) from None
    except PortUnavailable as problem:
        hint = "Take another with --port, or 0 for a free one."
        if problem.is_in_use:
            raise TryLater(str(problem), hint, code="port_in_use") from None
        raise UsageProblem(str(problem), hint) from None
    return Exit.OK


def show_doubts(output: Output) -> Exit:
    """Show one paragraph per open question."""
    if output.json:
        listed = [{"name": name, **asdict(behaviour)} for name, behaviour in BEHAVIOURS.items()]
        return output.data(Exit.OK, {"doubts": listed}, [])
    for name, behaviour in BEHAVIOURS.items():
        values = " | ".join(f"{value} (default)" if value == behaviour.default else value for value in behaviour.values)
        output.say(f"{name} = {values}\n    {behaviour.sentence}")
    return Exit.OK


def _welcome(output: Output, served: Served) -> None:
    if output.json:
        output.data(Exit.OK, asdict(served), [])
        return
    kept = f"kept in {served.books}" if served.books else "forgotten in the end (--data FILE keeps them)"
    planned = f"  the faults      {served.faults} planned, told here as they strike\n" if served.faults else ""
    write(
        f"A local bexio at {served.api_url}\n"
        f"  look at it      {served.web_url}\n"
        f'  under [ledger]  api_url = "{served.api_url}"\n'
        f'                  web_url = "{served.web_url}"\n'
        f'                  issuer = "{served.issuer}"\n'
        f"  to log in       client id {served.client_id}, client secret {served.client_secret}\n"
        f"                  everybody's password is {served.password}\n"
        f"  in the shell    export BEXSYNC_ACCESS_TOKEN={served.access_token}\n"
        f"  the books       {kept}\n"
        f"{planned}"
        "Stop it with Ctrl-C.\n"
    )


def _tell(output: Output, fired: Fired) -> None:
    """Print what struck; with --json to stderr, as stdout holds the one object."""
    stream = sys.stderr if output.json else sys.stdout
    stream.write(f"{fired}\n")
    stream.flush()
