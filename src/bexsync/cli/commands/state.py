"""bexsync state ..."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, make_sure
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
    call: Command,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; by default beside the state.")
    ] = None,
) -> Exit:
    """Copy the state to a file, also while jobs are running."""
    target = _desk(call).backup(file)
    return call.output.said(f"The state is copied to {target}.", {"file": str(target)})


def restore(
    call: Command,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A copy that `state backup` wrote; what stood there is kept.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Exit:
    """Put a copy in the place of the state.

    What happened since the copy is found in {ledger} again, and nothing is mailed twice.
    """
    desk = _desk(call)
    desk.check_copy(file)
    make_sure(call, yes, f"Replace the state of profile {call.profile} by {file}?")
    kept = desk.restore(file)
    return call.output.said(f"The state is that of {file}; the one before is kept in {kept}.", {"kept": str(kept)})


def take_over(
    call: Command,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Exit:
    """Go on here with a state that another computer wrote. Stop bexsync there first: two must not work at once."""
    make_sure(call, yes, "Has bexsync been stopped on the other computer?")

    before = _desk(call).take_over()
    sentence = f"The state belongs to this computer now; before it belonged to {before}."
    return call.output.said(sentence, {"before": before})


def prune(
    call: Command,
    days: Annotated[int, typer.Option(min=30, help="Keep everything of what was settled in the last N days.")] = 365,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Leave the shop's done/ and failed/ as they are.")
    ] = False,
    keep_backups: Annotated[bool, typer.Option("--keep-backups", help="Leave old copies of the state.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only count; delete nothing.")] = False,
) -> Exit:
    """Delete old names, addresses, mails, texts and files.

    Of what was settled long ago; also old copies of the state. In {ledger} nothing is deleted.

    Figures, numbers, fingerprints and links stay, so that nothing is booked again. `bexsync docs personal-data`
    says what is stored where, and what stays.
    """
    counts = _desk(call).prune(days, files=not keep_files, backups=not keep_backups, dry=dry_run)
    said = ", ".join(f"{count} {_PRUNED.get(name, name)}" for name, count in counts.items() if count)
    sentence = "Nothing is old enough to be deleted."
    if said:
        verb = "To be deleted" if dry_run else "Deleted"
        sentence = f"{verb}: {said}. Figures, numbers and links stay, and in {LEDGER} nothing changes."
    return call.output.said(sentence, {"forgotten": counts, "dry_run": dry_run})


def _desk(call: Command) -> StateAdmin:
    """The state of the profile's company as a file."""
    from bexsync.wiring import open_state_desk

    return open_state_desk(call.profile)
