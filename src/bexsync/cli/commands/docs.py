"""bexsync docs and bexsync examples ..."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.runner import Command
from bexsync.errors import ConfigurationProblem, Exit


def docs(
    call: Command,
    topic: Annotated[
        str,
        typer.Argument(metavar="[TOPIC]", help="The page; without it, the list.", autocompletion=completion.pages),
    ] = "",
) -> Exit:
    """Print a page of the manual, or list its topics."""
    from bexsync.shipped import page, pages

    if topic:
        found = page(topic)
        return call.output.said(found.text.rstrip(), {"topic": found.topic, "title": found.title, "text": found.text})
    listed = pages()
    width = max(len(one.topic) for one in listed)
    text = "\n".join(f"{one.topic:<{width}}  {one.title}" for one in listed)
    return call.output.said(text, {"topics": [{"topic": one.topic, "title": one.title} for one in listed]})


def copy_examples(
    call: Command,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet, or an empty one.")],
) -> Exit:
    """Copy the examples into a folder.

    Invoices, tables, catalogs and profiles to try things on.
    """
    from bexsync.shipped import copy_examples

    try:
        count = copy_examples(folder)
    except OSError as problem:
        raise ConfigurationProblem(
            f"{problem.filename or folder} cannot be written: {problem.strerror}.", "Name another folder."
        ) from problem
    return call.output.said(f"{count} files are copied to {folder}.", {"folder": str(folder), "files": count})
