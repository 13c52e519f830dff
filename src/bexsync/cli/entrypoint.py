"""What goes wrong outside of a command: a wrong option, a reader that went away, a bug before the first line."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import typer

from bexsync.cli.runner import command_name, defect
from bexsync.cli.views import Output, OutputLost, flush
from bexsync.errors import Exit, UsageProblem

_MISUSED: Any = typer.BadParameter.__base__  # click's UsageError, which typer names in no other way


def run(app: typer.Typer) -> NoReturn:
    """Runs the command line and leaves with its exit code, never with a traceback."""
    _prepare_streams()
    try:
        code = _exit_code(app)
        flush()
    except OutputLost as lost:
        code = _unwritable(lost)
    sys.exit(code)


def _prepare_streams() -> None:
    """A closed stream swallows what is said, and an alphabet too small for it costs single signs only."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  for as long as we run
        getattr(sys, name).reconfigure(errors="replace")


def _exit_code(app: typer.Typer) -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except _MISUSED as problem:
        return _misused(problem)
    except (typer.Abort, KeyboardInterrupt):
        return int(Exit.TRY_LATER)
    except OutputLost:
        raise
    except OSError as problem:  # outside of a command nothing is written but help
        raise OutputLost(problem) from None
    except Exception as problem:  # noqa: BLE001  the last line of defence against a traceback
        return int(_output(None).failed(defect(problem)))


def _misused(problem: Any) -> int:
    """As click words it for a person, in the envelope for a script."""
    if "--json" not in sys.argv:
        problem.show()
        return int(Exit.USAGE)
    context = problem.ctx
    path = context.command_path if context else "bexsync"
    said = problem.format_message() or "A command is missing."
    return int(_output(context).failed(UsageProblem(said, f"`{path} --help` shows how it is used.")))


def _output(context: Any) -> Output:
    command, profile = "bexsync", None
    if context is not None:
        command = command_name(context) or command
        profile = context.params.get("profile") or context.find_root().obj
    profile = profile or os.environ.get("BEXSYNC_PROFILE") or "default"
    return Output(command, str(profile), json="--json" in sys.argv)


def _unwritable(lost: OutputLost) -> int:
    """Nobody reads, or the disk under the output is full: the work is done, its report is lost."""
    if lost.reason:
        with suppress(OSError):
            sys.stderr.write(f"bexsync: the output could not be written: {lost.reason}.\n")
    with suppress(OSError, ValueError):
        # What is still in the buffer goes nowhere, instead of into a complaint while Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(Exit.TRY_LATER)
