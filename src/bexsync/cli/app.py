"""Every command on one line."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli import entrypoint, options
from bexsync.cli.commands import (
    auth,
    config,
    connection,
    docs,
    errors,
    init,
    invoices,
    links,
    payments,
    products,
    sandbox,
    schedule,
    state,
    status,
    stock,
    vat,
)

HELP = """Keep a shop and the accounting in bexio telling the same story.

Every command may be repeated: nothing is booked or mailed twice. Exit codes: 0 done, 1 some records failed,
2 wrong usage, 70 a bug, 75 try later, 77 log in again, 78 configuration. `bexsync sandbox serve` is a bexio to try
it on.
"""

app = typer.Typer(
    name="bexsync",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from bexsync import __version__

        typer.echo(f"bexsync {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    profile: options.Profile = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command hold for every command."""
    del version
    context.obj = profile


def _group(name: str, help_text: str) -> typer.Typer:
    group = typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(group, name=name)
    return group


auth_app = _group("auth", "Log in to bexio, look at the login, end it.")
invoices_app = _group("invoices", "Invoices of the shop into bexio.")
payments_app = _group("payments", "What was paid in bexio, back to the shop.")
products_app = _group("products", "Products of the shop and items in bexio, field by field.")
stock_app = _group("stock", "Stock in bexio, back to the shop.")
errors_app = _group("errors", "What went wrong, and what to do about it.")
links_app = _group("links", "Which invoice of the shop is which document in bexio.")
state_app = _group("state", "Copy, restore, move and clean up what bexsync remembers.")
config_app = _group("config", "Check the profile and show all its settings.")
vat_app = _group("vat", "Map the rates and classes of the shop to taxes in bexio.")
schedule_app = _group("schedule", "Print lines for cron, or units for systemd.")
examples_app = _group("examples", "Examples of what a shop hands over, to try things on.")
sandbox_app = _group("sandbox", "A local bexio to try things on.")

app.command("init")(init.init)
auth_app.command("login")(auth.login)
auth_app.command("status")(auth.status)
auth_app.command("refresh")(auth.refresh)
auth_app.command("logout")(auth.logout)
app.command("status")(status.status)
app.command("runs")(status.runs)
app.command("test-connection")(connection.try_out)
invoices_app.command("push")(invoices.push)
invoices_app.command("list")(invoices.list_)
invoices_app.command("show")(invoices.show)
payments_app.command("poll")(payments.poll)
products_app.command("sync")(products.sync)
products_app.command("list")(products.list_)
products_app.command("check")(products.check)
stock_app.command("pull")(stock.pull)
errors_app.callback(invoke_without_command=True, no_args_is_help=False)(errors.alone)
errors_app.command("list")(errors.list_)
errors_app.command("show")(errors.show)
errors_app.command("ack")(errors.ack)
errors_app.command("retry")(errors.retry)
links_app.command("list")(links.list_)
links_app.command("show")(links.show)
links_app.command("adopt")(links.adopt)
links_app.command("forget")(links.forget)
state_app.command("backup")(state.backup)
state_app.command("restore")(state.restore)
state_app.command("take-over")(state.take_over)
state_app.command("prune")(state.prune)
config_app.command("check")(config.check)
config_app.command("show")(config.show)
config_app.command("example")(config.example)
app.command("docs")(docs.docs)
examples_app.command("copy")(docs.copy_examples)
vat_app.command("map")(vat.map_)
schedule_app.command("cron")(schedule.cron)
schedule_app.command("systemd")(schedule.systemd)
sandbox_app.command("serve")(sandbox.serve)
sandbox_app.command("doubts")(sandbox.doubts)


def run() -> None:
    """Runs the command line; whatever goes wrong becomes a sentence and an exit code."""
    entrypoint.run(app)
