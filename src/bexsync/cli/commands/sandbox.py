"""bexsync sandbox ..."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli.runner import Command
from bexsync.cli.views import Output, write
from bexsync.errors import ConfigurationProblem, Exit, TryLater, UsageProblem

if TYPE_CHECKING:
    from bexio_sandbox import Fired
    from bexio_sandbox.command import Served


def serve(
    call: Command,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the books in this file; without it they are forgotten.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Let the minutes of the rate limits pass N times faster.")] = 1,
    latency: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Let every answer take so long, as bexio's do; with --speed 1."),
    ] = 0,
    doubt: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="How to behave where nobody knows; `sandbox doubts` lists them."),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Faults to rehearse; `bexsync docs rehearsing` tells of them."),
    ] = None,
    company: Annotated[str, typer.Option(metavar="vat|no-vat", help="Whether the company is subject to VAT.")] = "vat",
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Accept this token; otherwise one is made and printed.")
    ] = None,
) -> Exit:
    """Serve a local bexio: the same rules, none of the consequences. Its page is /sandbox, scripts find /sandbox/api.

    With --json the one object comes as soon as it is served: addresses, client id and secret, password and token.
    """
    from bexio_sandbox import UnusableStateFile
    from bexio_sandbox.command import TOKEN, InvalidOption, ServeOptions, assignments
    from bexio_sandbox.command import serve as run
    from bexio_sandbox.server import PortUnavailable

    try:
        behaviours = assignments(doubt or (), "--doubt")
    except InvalidOption as problem:
        raise UsageProblem(str(problem), "`bexsync sandbox doubts` lists them.") from None
    options = ServeOptions(port, data, speed, behaviours, faults, company, token or TOKEN, latency)
    try:
        run(options, lambda served: _welcome(call.output, served), lambda fired: _tell(call.output, fired))
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


def doubts(call: Command) -> Exit:
    """List what is not known about bexio.

    And how the sandbox can be told to behave in each case.
    """
    from bexio_sandbox.behaviours import BEHAVIOURS

    if call.output.json:
        listed = [{"name": name, **asdict(behaviour)} for name, behaviour in BEHAVIOURS.items()]
        return call.output.data(Exit.OK, {"doubts": listed}, [])
    for name, behaviour in BEHAVIOURS.items():
        values = " | ".join(f"{value} (default)" if value == behaviour.default else value for value in behaviour.values)
        call.output.say(f"{name} = {values}\n    {behaviour.sentence}")
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
