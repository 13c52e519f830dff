"""bexsync errors ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.runner import Command, command, finish
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.admin.errors import ErrorAdmin
    from bexsync.ports.store import ErrorRow

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
        return _show(call, desk, desk.open_errors(include_acknowledged=all_))

    _at_desk(call, work)


def show(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Show all about an error, {ledger}'s own words too."""
    call = command(context, "errors show", profile=profile, json=json)

    def work(desk: ErrorAdmin) -> Exit:
        return _show(call, desk, desk.pick(numbers), in_full=True)

    _at_desk(call, work)


def ack(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Acknowledge errors until their records change.

    Acknowledged errors no longer count, and their records are left alone until the shop changes them or you
    retry them.
    """
    call = command(context, "errors ack", profile=profile, json=json)
    _at_desk(call, lambda desk: _show_changed(call, desk.acknowledge(numbers), "acknowledged"))


def retry(
    context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False
) -> None:
    """Let the next run try these records again.

    Also where {ledger} refused them. What was in doubt is looked up again before anything is repeated.
    """
    call = command(context, "errors retry", profile=profile, json=json)
    _at_desk(call, lambda desk: _show_changed(call, desk.retry(numbers), "to be tried again"))


def _show(call: Command, desk: ErrorAdmin, rows: Sequence[ErrorRow], *, in_full: bool = False) -> Exit:
    from bexsync.cli.views.errors import errors_data, show_errors

    places, ledger = desk.places(rows), call.output.ledger
    return call.output.show(errors_data(rows, places), lambda: show_errors(rows, places, ledger, in_full=in_full))


def _show_changed(call: Command, rows: Sequence[ErrorRow], what: str) -> Exit:
    """Errors a person has dealt with."""
    from bexsync.cli.views.errors import changed_errors

    return call.output.said(changed_errors(rows, what), {"errors": [asdict(row) for row in rows]})


def _at_desk(call: Command, work: Callable[[ErrorAdmin], Exit]) -> None:
    def at_desk() -> Exit:
        from bexsync.wiring import open_error_desk

        with open_error_desk(call.profile) as desk:
            call.output.site = desk.site
            return work(desk)

    finish(call, at_desk)
