"""Every command on one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

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
    orders,
    products,
    sandbox,
    schedule,
    state,
    status,
    vat,
)
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import command_name, run_command
from bexsync.errors import Exit

HELP = """Keep a shop and the accounting in {ledger} telling the same story.

Every command may be repeated: nothing is booked or mailed twice. Exit codes: 0 done, 1 some records failed,
2 wrong usage, 70 a bug, 75 try later, 77 log in again, 78 configuration. `bexsync sandbox serve` is a {ledger} to try
it on.
"""

JOB = "profile json verbose quiet"

app = typer.Typer(
    name="bexsync",
    help=HELP.format(ledger=LEDGER),
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


def _group(name: str, help_text: str, above: typer.Typer = app) -> typer.Typer:
    group = typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)
    above.add_typer(group, name=name)
    return group


def _command(group: typer.Typer, name: str, function: Callable[..., Exit], shared: str = "profile json") -> None:
    """Adds a command, whose docstring is its help; the ledger has a name there.

    The function gets the call and its own options, and returns the exit code. The options in `shared` come after them
    on the command line, and the call knows what they say.
    """

    def run(context: typer.Context, **arguments: Any) -> None:
        own = {option: value for option, value in arguments.items() if option in signature.parameters}
        run_command(context, command_name(context), lambda call: function(call, **own))

    signature = inspect.signature(function, eval_str=True)
    _, *own_options = signature.parameters.values()
    parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    parameters += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own_options]
    for option in shared.split():
        kind, default = options.SHARED[option]
        parameters.append(inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    group.command(name, help=(function.__doc__ or "").format(ledger=LEDGER))(run)


auth_app = _group("auth", f"Log in to {LEDGER}, look at the login, end it.")
invoices_app = _group("invoices", f"Invoices of the shop into {LEDGER}.")
orders_app = _group("orders", f"Orders of the shop into {LEDGER}, by their status.")
refunds_app = _group("refunds", "Credits to write by hand, for refunds and credit notes.", orders_app)
payments_app = _group("payments", f"What was paid in {LEDGER}, back to the shop.")
products_app = _group("products", f"Products of the shop and items in {LEDGER}, field by field.")
stock_app = _group("stock", f"Stock in {LEDGER}, back to the shop.")
errors_app = _group("errors", "What went wrong, and what to do about it.")
links_app = _group("links", f"Which invoice of the shop is which document in {LEDGER}.")
state_app = _group("state", "Copy, restore, move and clean up what bexsync remembers.")
config_app = _group("config", "Check the profile and show all its settings.")
vat_app = _group("vat", f"Map the rates and classes of the shop to taxes in {LEDGER}.")
schedule_app = _group("schedule", "Print lines for cron, or units for systemd.")
examples_app = _group("examples", "Examples of what a shop hands over, to try things on.")
sandbox_app = _group("sandbox", f"A local {LEDGER} to try things on.")

_command(app, "init", init.init)
_command(auth_app, "login", auth.login)
_command(auth_app, "status", auth.status)
_command(auth_app, "refresh", auth.refresh)
_command(auth_app, "logout", auth.logout)
_command(app, "status", status.status, "profile json quiet")
_command(app, "runs", status.runs)
_command(app, "test-connection", connection.try_out, JOB)
_command(invoices_app, "push", invoices.push, JOB)
_command(invoices_app, "list", invoices.list_)
_command(invoices_app, "show", invoices.show)
_command(orders_app, "sync", orders.sync, JOB)
_command(orders_app, "list", orders.list_)
_command(orders_app, "rules", orders.rules)
refunds_app.callback(invoke_without_command=True, no_args_is_help=False)(orders.alone)
_command(refunds_app, "close", orders.close)
_command(payments_app, "poll", invoices.poll, JOB)
_command(products_app, "sync", products.sync, JOB)
_command(products_app, "list", products.list_)
_command(products_app, "check", products.check, JOB)
_command(stock_app, "pull", products.pull, JOB)
errors_app.callback(invoke_without_command=True, no_args_is_help=False)(errors.alone)
_command(errors_app, "list", errors.list_)
_command(errors_app, "show", errors.show)
_command(errors_app, "ack", errors.ack)
_command(errors_app, "retry", errors.retry)
_command(links_app, "list", links.list_)
_command(links_app, "show", links.show)
_command(links_app, "adopt", links.adopt)
_command(links_app, "forget", links.forget)
_command(state_app, "backup", state.backup)
_command(state_app, "restore", state.restore)
_command(state_app, "take-over", state.take_over)
_command(state_app, "prune", state.prune)
_command(config_app, "check", config.check, JOB)
_command(config_app, "show", config.show)
_command(config_app, "example", config.example, "json")
_command(app, "docs", docs.docs, "json")
_command(examples_app, "copy", docs.copy_examples, "json")
_command(vat_app, "map", vat.map_, JOB)
_command(schedule_app, "cron", schedule.cron)
_command(schedule_app, "systemd", schedule.systemd)
_command(sandbox_app, "serve", sandbox.serve, "json")
_command(sandbox_app, "doubts", sandbox.doubts, "json")


def run() -> None:
    """Runs the command line; whatever goes wrong becomes a sentence and an exit code."""
    entrypoint.run(app)
