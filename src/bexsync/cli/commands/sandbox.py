"""bexsync sandbox ..."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bexsync.cli.options import Json
from bexsync.cli.runner import Command, command, finish


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the books in this file; without it they are forgotten.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Let the minutes of the rate limits pass N times faster.")] = 1,
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
    json: Json = False,
) -> None:
    """Serve a local bexio: the same rules, none of the consequences. Its page is /sandbox, scripts find /sandbox/api.

    With --json the one object comes as soon as it is served: addresses, client id and secret, password and token.
    """
    from bexio_sandbox.command import TOKEN, ServeOptions
    from bexsync.cli.sandbox_server import run

    options = ServeOptions(port, data, speed, {}, faults, company, token or TOKEN)
    call = _call(context, "sandbox serve", json)
    finish(call, lambda: run(call.output, options, doubt or ()))


def doubts(context: typer.Context, json: Json = False) -> None:
    """List what is not known about bexio.

    And how the sandbox can be told to behave in each case.
    """
    from bexsync.cli.sandbox_server import show_doubts

    call = _call(context, "sandbox doubts", json)
    finish(call, lambda: show_doubts(call.output))


def _call(context: typer.Context, name: str, json: bool) -> Command:
    call = command(context, name, profile=None, json=json)
    call.output.profile = ""  # a sandbox is nobody's
    return call
