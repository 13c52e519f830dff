"""Every command on one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer

from bexsync.cli import entrypoint, options
from bexsync.cli.lazy import LightCommand, Make, lazy_group
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import command_name, run_command
from bexsync.errors import Exit

HELP = """Keep a shop and the accounting in {ledger} telling the same story.

Every command may be repeated: nothing is booked or mailed twice. Exit codes: 0 done, 1 some records failed,
2 wrong usage, 70 a bug, 75 try later, 77 log in again, 78 configuration. `bexsync sandbox serve` is a {ledger} to try
it on.
"""

JOB = "profile json verbose quiet"

Group = dict[str, Make]  # what a group holds, by name

commands: Group = {}
app = typer.Typer(
    name="bexsync",
    cls=lazy_group(commands),
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


def _group(name: str, help_text: str, above: Group = commands, *, alone: str = "") -> Group:
    """Adds a group, which is empty yet; `alone` is what it does without a command."""
    group: Group = {}

    def make() -> Any:
        made = typer.Typer(
            name=name, help=help_text, no_args_is_help=True, rich_markup_mode=None, cls=lazy_group(group)
        )
        if alone:
            made.callback(invoke_without_command=True, no_args_is_help=False)(_function(alone))
        return typer.main.get_group(made)

    above[name] = make
    return group


def _command(group: Group, name: str, path: str, shared: str = "profile json") -> None:
    """Adds a command by the path of its function below `commands`, whose docstring is its help.

    The function gets the call and its own options, and returns the exit code. The options in `shared` come after them
    on the command line, and the call knows what they say.
    """

    def make() -> Any:
        function = _function(path)
        made = typer.Typer(rich_markup_mode=None, add_completion=False)
        # The ledger has a name there.
        made.command(name, cls=LightCommand, help=(function.__doc__ or "").format(ledger=LEDGER))(
            _runner(function, shared)
        )
        return typer.main.get_command(made)

    group[name] = make


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"bexsync.cli.commands.{module}"), name)
    return found


def _runner(function: Callable[..., Exit], shared: str) -> Callable[..., None]:
    """The function of a command as typer wants it."""

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
    return run


_command(commands, "init", "init.init")
_command(commands, "status", "status.status", "profile json quiet")
_command(commands, "runs", "status.runs")
_command(commands, "test-connection", "connection.try_out", JOB)
_command(commands, "docs", "docs.docs", "json")

auth = _group("auth", f"Log in to {LEDGER}, look at the login, end it.")
_command(auth, "login", "auth.login")
_command(auth, "status", "auth.status")
_command(auth, "refresh", "auth.refresh")
_command(auth, "logout", "auth.logout")

invoices = _group("invoices", f"Invoices of the shop into {LEDGER}.")
_command(invoices, "push", "invoices.push", JOB)
_command(invoices, "list", "invoices.list_")
_command(invoices, "show", "invoices.show")

orders = _group("orders", f"Orders of the shop into {LEDGER}, by their status.")
_command(orders, "sync", "orders.sync", JOB)
_command(orders, "list", "orders.list_")
_command(orders, "rules", "orders.rules")

refunds = _group("refunds", "Credits to write by hand, for refunds and credit notes.", orders, alone="orders.alone")
_command(refunds, "close", "orders.close")

payments = _group("payments", f"What was paid in {LEDGER}, back to the shop.")
_command(payments, "poll", "invoices.poll", JOB)

products = _group("products", f"Products of the shop and items in {LEDGER}, field by field.")
_command(products, "sync", "products.sync", JOB)
_command(products, "list", "products.list_")
_command(products, "check", "products.check", JOB)

stock = _group("stock", f"Stock in {LEDGER}, back to the shop.")
_command(stock, "pull", "products.pull", JOB)

errors = _group("errors", "What went wrong, and what to do about it.", alone="errors.alone")
_command(errors, "list", "errors.list_")
_command(errors, "show", "errors.show")
_command(errors, "ack", "errors.ack")
_command(errors, "retry", "errors.retry")

links = _group("links", f"Which invoice of the shop is which document in {LEDGER}.")
_command(links, "list", "links.list_")
_command(links, "show", "links.show")
_command(links, "adopt", "links.adopt")
_command(links, "forget", "links.forget")

state = _group("state", "Copy, restore, move and clean up what bexsync remembers.")
_command(state, "backup", "state.backup")
_command(state, "restore", "state.restore")
_command(state, "take-over", "state.take_over")
_command(state, "prune", "state.prune")

config = _group("config", "Check the profile and show all its settings.")
_command(config, "check", "config.check", JOB)
_command(config, "show", "config.show")
_command(config, "example", "config.example", "json")

vat = _group("vat", f"Map the rates and classes of the shop to taxes in {LEDGER}.")
_command(vat, "map", "vat.map_", JOB)

schedule = _group("schedule", "Print lines for cron, or units for systemd.")
_command(schedule, "cron", "schedule.cron")
_command(schedule, "systemd", "schedule.systemd")

examples = _group("examples", "Examples of what a shop hands over, to try things on.")
_command(examples, "copy", "docs.copy_examples", "json")

sandbox = _group("sandbox", f"A local {LEDGER} to try things on.")
_command(sandbox, "serve", "sandbox.serve", "json")
_command(sandbox, "doubts", "sandbox.doubts", "json")


def run() -> None:
    """Runs the command line; whatever goes wrong becomes a sentence and an exit code."""
    entrypoint.run(app)
