"""bexsync errors ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.runner import Command, command, finish
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.admin.errors import ErrorAdmin

Numbers = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Numbers from `errors list`, ids or numbers of records, or `all`.",
        autocompletion=completion.errors,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Also those that were acknowledged.")]


def alone(
    context: typer.Context, all_: All = False, profile: options.Profile = None, json: options.Json = False
) -> None:
    """What went wrong, and what to do about it; without a command it lists."""
    if context.invoked_subcommand is None:
        list_(context, all_, profile, json)
    elif profile:
        context.obj = profile


def list_(
    context: typer.Context, all_: All = False, profile: options.Profile = None, json: options.Json = False
) -> None:
    """List open errors: since when, how often, what to do."""
    call = command(context, "errors list", profile=profile, json=json)

    def work(desk: ErrorAdmin) -> Exit:
        rows = desk.open_errors(include_acknowledged=all_)
        return call.output.errors(rows, desk.places(rows))

    _at_desk(call, work)


def show(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Show all about an error, {ledger}'s own words too."""
    call = command(context, "errors show", profile=profile, json=json)

    def work(desk: ErrorAdmin) -> Exit:
        rows = desk.pick(numbers)
        return call.output.errors(rows, desk.places(rows), in_full=True)

    _at_desk(call, work)


def ack(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Acknowledge errors until their records change.

    Acknowledged errors no longer count, and their records are left alone until the shop changes them or you
    retry them.
    """
    call = command(context, "errors ack", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.changed_errors(desk.acknowledge(numbers), "acknowledged"))


def retry(
    context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False
) -> None:
    """Let the next run try these records again.

    Also where {ledger} refused them. What was in doubt is looked up again before anything is repeated.
    """
    call = command(context, "errors retry", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.changed_errors(desk.retry(numbers), "to be tried again"))


def _at_desk(call: Command, work: Callable[[ErrorAdmin], Exit]) -> None:
    def at_desk() -> Exit:
        from bexsync.wiring import open_error_desk

        with open_error_desk(call.profile) as desk:
            call.output.site = desk.site
            return work(desk)

    finish(call, at_desk)
