"""bexsync invoices ... and bexsync payments ..."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, local_state, run_job
from bexsync.errors import Exit, UsageProblem

Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="ID",
        help="Only this invoice (shop id or number); repeatable.",
        autocompletion=completion.invoices,
    ),
]


def push(
    call: Command,
    ids: Ids = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only invoices dated from here on.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="At most this many invoices; the rest waits for the next run."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the plan and what it costs; change nothing.")
    ] = False,
    confirm: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Allow a plan of exactly N documents above the limits.")
    ] = None,
) -> Exit:
    """Push approved invoices into {ledger}.

    They stay drafts, are issued, or are issued and mailed, as the profile says.

    Files dropped into the shop's in/ folder are taken in. Contacts are found by shop id, mail or name, or
    created; the number and link go back to the shop. Repeating it is safe: what is already there stays as it is.
    """
    from bexsync.jobs.invoice_choice import PushOptions
    from bexsync.jobs.invoices import push as run

    call.output.rehearsing = dry_run
    chosen = PushOptions(tuple(ids or ()), since.date() if since else None, limit, confirm, dry_run)
    return run_job(call, lambda workspace: run(workspace, chosen))


def list_(
    call: Command,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help="Only with this status: open (or unpaid), overdue, waiting, blocked, draft, sent, paid, ...",
            autocompletion=completion.statuses,
        ),
    ] = None,
    unpaid: Annotated[bool, typer.Option("--unpaid", help="Only what customers still owe: --status open.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is unpaid after its due date.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only invoices dated from here on.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only customers with this in their name or mail.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="Sort by date, due, customer, amount, paid, open, status, number or id; -amount sorts downwards.",
            autocompletion=completion.sort_fields,
        ),
    ] = "date",
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="Show at most N; the sums count all.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet, without sums.")] = False,
) -> Exit:
    """List the invoices, what is paid and what is open.

    Shows customer, amount, dates, and the sums of each currency. Asks nothing of {ledger}.
    """
    from bexsync.admin.invoice_list import Selection, list_invoices
    from bexsync.cli.views.invoices import print_invoices
    from bexsync.http.clock import SystemClock

    if csv and call.output.json:
        raise UsageProblem("--csv and --json exclude each other.", "Use one of them.")
    day = since.date() if since else None
    selection = Selection(status or "", unpaid, overdue, day, customer or "", sort, limit)
    with local_state(call) as (profile, store):
        found = list_invoices(store, profile, selection, SystemClock().now().astimezone().date())
        return print_invoices(call.output, found, selection, csv=csv)


def show(
    call: Command,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help=f"The shop's id of the invoice, or its number in the shop or in {LEDGER}.",
            autocompletion=completion.every_invoice,
        ),
    ],
) -> Exit:
    """Show the whole story of one invoice.

    Also why it was not booked or mailed. Asks nothing of {ledger}.
    """
    from bexsync.admin.invoice_history import tell_story
    from bexsync.cli.views.invoices import show_invoice_story
    from bexsync.http.clock import SystemClock

    with local_state(call) as (profile, store):
        story = tell_story(store, profile, name, SystemClock().now().astimezone().date())
    return call.output.show(asdict(story), lambda: show_invoice_story(story, call.output.ledger))


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
