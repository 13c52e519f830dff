"""bexsync state ..."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bexsync.cli import options
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, command, finish, make_sure
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.admin.state import StateAdmin

_PRUNED = {
    "records": "records with names and texts",
    "links": "links with texts",
    "intents": "steps with names and texts",
    "contacts": "local copies of contacts",
    "errors": "settled errors",
}


def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; by default beside the state.")
    ] = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Copy the state to a file, also while jobs are running."""
    call = command(context, "state backup", profile=profile, json=json)

    def work(desk: StateAdmin) -> tuple[str, dict[str, Any]]:
        target = desk.backup(file)
        return f"The state is copied to {target}.", {"file": str(target)}

    _at_desk(call, work)


def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A copy that `state backup` wrote; what stood there is kept.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Put a copy in the place of the state.

    What happened since the copy is found in {ledger} again, and nothing is mailed twice.
    """
    call = command(context, "state restore", profile=profile, json=json)

    def work(desk: StateAdmin) -> tuple[str, dict[str, Any]]:
        desk.check_copy(file)
        make_sure(call, yes, f"Replace the state of profile {call.profile} by {file}?")
        kept = desk.restore(file)
        return f"The state is that of {file}; the one before is kept in {kept}.", {"kept": str(kept)}

    _at_desk(call, work)


def take_over(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Go on here with a state that another computer wrote. Stop bexsync there first: two must not work at once."""
    call = command(context, "state take-over", profile=profile, json=json)
    make_sure(call, yes, "Has bexsync been stopped on the other computer?")

    def work(desk: StateAdmin) -> tuple[str, dict[str, Any]]:
        before = desk.take_over()
        return f"The state belongs to this computer now; before it belonged to {before}.", {"before": before}

    _at_desk(call, work)


def prune(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=30, help="Keep everything of what was settled in the last N days.")] = 365,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Leave the shop's done/ and failed/ as they are.")
    ] = False,
    keep_backups: Annotated[bool, typer.Option("--keep-backups", help="Leave old copies of the state.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only count; delete nothing.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Delete old names, addresses, mails, texts and files.

    Of what was settled long ago; also old copies of the state. In {ledger} nothing is deleted.

    Figures, numbers, fingerprints and links stay, so that nothing is booked again. `bexsync docs personal-data`
    says what is stored where, and what stays.
    """
    call = command(context, "state prune", profile=profile, json=json)

    def work(desk: StateAdmin) -> tuple[str, dict[str, Any]]:
        counts = desk.prune(days, files=not keep_files, backups=not keep_backups, dry=dry_run)
        said = ", ".join(f"{count} {_PRUNED.get(name, name)}" for name, count in counts.items() if count)
        sentence = "Nothing is old enough to be deleted."
        if said:
            verb = "To be deleted" if dry_run else "Deleted"
            sentence = f"{verb}: {said}. Figures, numbers and links stay, and in {LEDGER} nothing changes."
        return sentence, {"forgotten": counts, "dry_run": dry_run}

    _at_desk(call, work)


def _at_desk(call: Command, work: Callable[[StateAdmin], tuple[str, dict[str, Any]]]) -> None:
    def at_desk() -> Exit:
        from bexsync.wiring import open_state_desk

        sentence, data = work(open_state_desk(call.profile))
        return call.output.said(sentence, data)

    finish(call, at_desk)
