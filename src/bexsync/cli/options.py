"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bexsync.cli import completion
from bexsync.registry import ledger_description

# Help texts speak of the ledger that a profile is for unless it names another.
LEDGER = ledger_description().words.name
LOGIN = ledger_description().login

Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="Profile by name, or the path of its .toml file; else BEXSYNC_PROFILE, else `default`.",
        autocompletion=completion.profiles,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice shows the requests.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")]

# What commands take after their own options, with the value where nothing is said.
SHARED: dict[str, tuple[Any, Any]] = {
    "profile": (Profile, None),
    "json": (Json, False),
    "verbose": (Verbose, 0),
    "quiet": (Quiet, False),
}
