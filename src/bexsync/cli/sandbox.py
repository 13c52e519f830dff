"""bexsync sandbox ..."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the books in this file; without it they are forgotten.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Let the minutes of the rate limits pass N times faster.")] = 1,
    doubt: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="How to behave where nobody knows; `sandbox doubts` lists them."),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Let go wrong what this file says; see docs/rehearsing.md.")
    ] = None,
    company: Annotated[str, typer.Option(metavar="vat|no-vat", help="Whether the company is subject to VAT.")] = "vat",
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Accept this token; otherwise one is made and printed.")
    ] = None,
) -> None:
    """Serve a local bexio: the same rules, none of the consequences. Its page is /sandbox."""
    from bexsync.cli.sandbox_server import run

    run(port=port, data=data, speed=speed, doubts=doubt or [], faults=faults, company=company, token=token)


def doubts() -> None:
    """List what nobody knows about bexio, and how the sandbox can be told to behave."""
    from bexsync.cli.sandbox_server import show_doubts

    show_doubts()
