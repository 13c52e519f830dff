"""Runs one command: profile, signals, logging, and every error as a sentence with an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from bexsync.cli.output import Output
from bexsync.errors import BexsyncError, Defect, Exit

if TYPE_CHECKING:
    from bexsync.engine.result import Result
    from bexsync.jobs.workspace import Workspace


@dataclass(frozen=True)
class Command:
    """How a command was called."""

    name: str
    profile: str
    output: Output


def command(
    context: typer.Context, name: str, *, profile: str | None, json: bool, verbose: int = 0, quiet: bool = False
) -> Command:
    """The call with its defaults filled in."""
    chosen = profile or context.obj or os.environ.get("BEXSYNC_PROFILE") or "default"
    _set_up_logging(verbose)
    return Command(name, chosen, Output(name, chosen, json=json, verbose=verbose > 0, quiet=quiet))


def run_job(call: Command, job: Callable[[Workspace], Result]) -> NoReturn:
    """Opens the workspace, runs a job in it and shows what came of it."""

    def work() -> Exit:
        from bexsync.jobs.run import RunEnded
        from bexsync.wiring import open_workspace

        workspace = open_workspace(call.profile)
        call.output.site = workspace.store.site
        workspace.stopping = _stop_at_next_step()
        try:
            with call.output.progress() as progress:
                workspace.progress = progress
                result = job(workspace)
            return call.output.result(result, in_a_row=_later_in_a_row(workspace, call.name))
        except RunEnded as ended:
            in_a_row = _later_in_a_row(workspace, call.name)
            return call.output.ended(ended.result, ended.problem, in_a_row=in_a_row)
        finally:
            workspace.close()

    finish(call, work)


def finish(call: Command, work: Callable[[], Exit]) -> NoReturn:
    """Runs the command's work and leaves with its exit code."""
    try:
        code = work()
    except BexsyncError as problem:
        code = call.output.failed(problem)
    except KeyboardInterrupt:
        code = Exit(75) if call.output.json else Exit.TRY_LATER
        call.output.say_error("Interrupted; the next run goes on from here.")
    except typer.Exit:
        raise
    except Exception as problem:  # noqa: BLE001  the last line of defence against a traceback on a terminal
        code = call.output.failed(_defect(problem))
    raise typer.Exit(int(code))


def _defect(problem: Exception) -> Defect:
    """A bug: where it happened, without any of the values that were at hand."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "bexsync" in frame.filename] or frames
    where = f"{ours[-1].filename.rpartition('bexsync/')[2]}:{ours[-1].lineno}" if ours else "unknown"
    return Defect(
        f"A bug in bexsync: {type(problem).__name__} at {where}.",
        "Nothing is lost; the next run settles what was under way. Please report this line.",
    )


def _later_in_a_row(workspace: Workspace, job: str) -> int:
    return workspace.store.runs.trailing(job, int(Exit.TRY_LATER))


def _stop_at_next_step() -> Callable[[], bool]:
    """SIGTERM and the first Ctrl-C let the step under way come to its end."""
    asked: list[int] = []

    def note(number: int, _frame: Any) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(asked)


def _set_up_logging(verbose: int) -> None:
    from bexsync.http.redaction import RedactingFilter

    logging.captureWarnings(True)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    root = logging.getLogger("bexsync")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel(logging.DEBUG if verbose > 1 else logging.WARNING)
