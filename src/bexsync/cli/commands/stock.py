"""bexsync stock ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli import options
from bexsync.cli.commands.products import Skus
from bexsync.cli.runner import command, run_job


def pull(
    context: typer.Context,
    skus: Skus = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show every number, old and new; change nothing.")
    ] = False,
    profile: options.Profile = None,
    json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Bring {ledger}'s stock to the shop.

    Of linked products, and only the numbers that differ.

    A number that moved in the shop meanwhile, because something was sold, is not overwritten: the next run tries
    again. {ledger} has no interface for stock movements; with `stock = "shop"` it is `bexsync products sync` that
    writes the shop's numbers, for as long as nothing was booked on an item.
    """
    from bexsync.jobs.stock import StockOptions, why_no_stock
    from bexsync.jobs.stock import pull as run

    call = command(context, "stock pull", profile=profile, json=json, verbose=verbose, quiet=quiet)
    call.output.rehearsing = dry_run
    chosen = StockOptions(tuple(skus or ()), dry_run)
    run_job(call, lambda workspace: run(workspace, chosen), why_not=why_no_stock)
