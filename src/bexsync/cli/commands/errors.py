"""bexsync errors ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.runner import Command, run_command
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
    del json
    if context.invoked_subcommand is None:
        run_command(context, "errors list", lambda call: list_(call, all_))
    elif profile:
        context.obj = profile


def list_(call: Command, all_: All = False) -> Exit:
    """List open errors: since when, how often, what to do."""
    with _desk(call) as desk:
        return _show(call, desk, desk.open_errors(include_acknowledged=all_))


def show(call: Command, numbers: Numbers) -> Exit:
    """Show all about an error, {ledger}'s own words too."""
    with _desk(call) as desk:
        return _show(call, desk, desk.pick(numbers), in_full=True)


def ack(call: Command, numbers: Numbers) -> Exit:
    """Acknowledge errors until their records change.

    Acknowledged errors no longer count, and their records are left alone until the shop changes them or you
    retry them.
    """
    with _desk(call) as desk:
        return _show_changed(call, desk.acknowledge(numbers), "acknowledged")


def retry(call: Command, numbers: Numbers) -> Exit:
    """Let the next run try these records again.

    Also where {ledger} refused them. What was in doubt is looked up again before anything is repeated.
    """
    with _desk(call) as desk:
        return _show_changed(call, desk.retry(numbers), "to be tried again")


def _show(call: Command, desk: ErrorAdmin, rows: Sequence[ErrorRow], *, in_full: bool = False) -> Exit:
    from bexsync.cli.views.errors import errors_data, show_errors

    places, ledger = desk.places(rows), call.output.ledger
    return call.output.show(errors_data(rows, places), lambda: show_errors(rows, places, ledger, in_full=in_full))


def _show_changed(call: Command, rows: Sequence[ErrorRow], what: str) -> Exit:
    """Errors a person has dealt with."""
    from bexsync.cli.views.errors import changed_errors

    return call.output.said(changed_errors(rows, what), {"errors": [asdict(row) for row in rows]})


@contextmanager
def _desk(call: Command) -> Iterator[ErrorAdmin]:
    """The errors of the profile's site."""
    from bexsync.wiring import open_error_desk

    with open_error_desk(call.profile) as desk:
        call.output.site = desk.site
        yield desk
