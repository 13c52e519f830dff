"""bexsync payments ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli import options
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import command, run_job


def poll(
    context: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Also look at everything that changed, as happens once a day.")
    ] = False,
    confirm: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help=f"Believe that up to N open invoices were deleted in {LEDGER}."),
    ] = None,
    profile: options.Profile = None,
    json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Tell the shop what was paid or changed in {ledger}.

    Asks {ledger} about open invoices: paid, partly paid, reopened, cancelled, changed.

    Costs one request per 500 open invoices. Meant for cron, every two hours.
    """
    from bexsync.jobs.payments import poll as run

    call = command(context, "payments poll", profile=profile, json=json, verbose=verbose, quiet=quiet)
    run_job(call, lambda workspace: run(workspace, full=full, confirm=confirm))
