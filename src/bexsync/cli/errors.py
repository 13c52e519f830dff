"""bexsync errors ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import options
from bexsync.cli.running import Command, command, finish
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.jobs.error_desk import ErrorDesk

Numbers = Annotated[list[str], typer.Argument(metavar="ID...", help="Numbers from `errors list`, or `all`.")]


def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """List open errors: record, since when, how often, what happened, what to do."""
    call = command(context, "errors list", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.errors(desk.open_errors(include_acknowledged=all_)))


def show(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Show everything about an error, bexio's own words included."""
    call = command(context, "errors show", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.errors(desk.pick(numbers), in_full=True))


def ack(context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False) -> None:
    """Acknowledge errors: bexsync lets go of these records until their content changes or you retry them."""
    call = command(context, "errors ack", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.changed_errors(desk.acknowledge(numbers), "acknowledged"))


def retry(
    context: typer.Context, numbers: Numbers, profile: options.Profile = None, json: options.Json = False
) -> None:
    """Let the next run try these records again, even where bexio refused them."""
    call = command(context, "errors retry", profile=profile, json=json)
    _at_desk(call, lambda desk: call.output.changed_errors(desk.retry(numbers), "to be tried again"))


def _at_desk(call: Command, work: Callable[[ErrorDesk], Exit]) -> None:
    def at_desk() -> Exit:
        from bexsync.wiring import open_error_desk

        with open_error_desk(call.profile) as desk:
            return work(desk)

    finish(call, at_desk)
