"""bexsync payments ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, run_job
from bexsync.errors import Exit


def poll(
    call: Command,
    full: Annotated[
        bool, typer.Option("--full", help="Also look at everything that changed, as happens once a day.")
    ] = False,
    confirm: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help=f"Believe that up to N open invoices were deleted in {LEDGER}."),
    ] = None,
) -> Exit:
    """Tell the shop what was paid or changed in {ledger}.

    Asks {ledger} about open invoices: paid, partly paid, reopened, cancelled, changed.

    Costs one request per 500 open invoices. Meant for cron, every two hours.
    """
    from bexsync.jobs.payments import poll as run

    return run_job(call, lambda workspace: run(workspace, full=full, confirm=confirm))
