"""Runs one command: profile, signals, logging, and every error as a sentence with an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from bexsync.cli.views import LATER_IS_SAID_AFTER, Output, OutputLost
from bexsync.errors import BexsyncError, ConfigurationProblem, Defect, Exit, TryLater, UsageProblem, fault_in_words
from bexsync.interruption import CutOff, is_waiting

if TYPE_CHECKING:
    from bexsync.config.profile import Profile
    from bexsync.engine.result import Result
    from bexsync.jobs.workspace import Workspace
    from bexsync.store import Store


_A_DAY = 23 * 3600
# Seconds that a request under way gets after SIGTERM, and between later looks whether another one is under way.
_GRACE = 10.0
_BETWEEN = 0.1


@dataclass(frozen=True)
class Command:
    """How a command was called; `names_profile` says that somebody named the profile."""

    name: str
    profile: str
    output: Output
    context: typer.Context
    names_profile: bool


def run_command(context: typer.Context, name: str, work: Callable[[Command], Exit]) -> NoReturn:
    """Run a command with what its options and the environment say, and leave with its exit code."""
    options = context.params
    named = options.get("profile") or context.obj or os.environ.get("BEXSYNC_PROFILE") or ""
    profile = (named or "default") if "profile" in options else ""  # what serves all profiles has no such option
    verbose, quiet, json = (options.get(option, False) for option in ("verbose", "quiet", "json"))
    _set_up_logging(verbose)
    output = Output(name, profile, json=json, verbose=verbose > 0, quiet=quiet)
    call = Command(name, profile, output, context, bool(named))
    raise typer.Exit(int(guarded(call, lambda: work(call))))


def command_name(context: typer.Context) -> str:
    """The words of a command, without the program's own name."""
    words: list[str] = []
    here: Any = context
    while here.parent is not None:
        words.insert(0, here.info_name)
        here = here.parent
    return " ".join(words)


def run_job(
    call: Command,
    job: Callable[[Workspace], Result],
    *,
    why_not: Callable[[Profile], str] = lambda _: "",
) -> Exit:
    """Opens the workspace, runs a job in it and shows what came of it, unless the profile says why not."""

    def work() -> Exit:
        from bexsync.engine.result import Result
        from bexsync.wiring import disabled_reason

        reason = disabled_reason(call.profile, why_not)
        if reason:
            return call.output.result(Result(disabled=True, message=reason))
        return _run_in_workspace(call, job)

    return guarded(call, work, only_if_repeated=True)


@contextmanager
def local_state(call: Command) -> Iterator[tuple[Profile, Store]]:
    """The profile and its state, for looking at it; nothing is asked of the ledger."""
    from bexsync.wiring import open_local_state

    profile, store = open_local_state(call.profile)
    call.output.site, call.output.ledger = store.site, profile.ledger.words.name
    try:
        yield profile, store
    finally:
        store.close()


@contextmanager
def opened_workspace(call: Command) -> Iterator[Workspace]:
    """The workspace of a job, which a signal stops; why it cannot be opened is kept in the history of runs."""
    from bexsync.wiring import note_failed_start, open_workspace

    try:
        workspace = open_workspace(call.profile)
    except BexsyncError as problem:
        if not call.output.rehearsing:
            note_failed_start(call.profile, call.name, problem)
        raise
    call.output.site, call.output.ledger = workspace.store.site, workspace.profile.ledger.words.name
    stop = StopRequest(call.output)
    workspace.stop_when(stop)
    try:
        yield workspace
    finally:
        stop.settle()
        workspace.close()


def _run_in_workspace(call: Command, job: Callable[[Workspace], Result]) -> Exit:
    from bexsync.jobs.lifecycle import RunEnded

    problem = None
    with opened_workspace(call) as workspace:
        try:
            with call.output.progress() as progress:
                workspace.progress = progress
                result = job(workspace)
            _remind(call, workspace.warning())
        except RunEnded as ended:
            result, problem = ended.result, ended.problem
        return _show(call, workspace, result, problem)


def _show(call: Command, workspace: Workspace, result: Result, problem: BexsyncError | None) -> Exit:
    """Show what came of a job, and unattended only what was not said within a day."""
    from bexsync.jobs.repeats import Repeats

    code = problem.exit_code if problem else result.exit_code
    in_a_row = times_put_off(call, code)
    repeats = Repeats(workspace, call.name)
    news = repeats.without_repeats(result) if call.output.is_unattended else result
    if problem is None:
        call.output.result(result, news, in_a_row=in_a_row)
    else:
        call.output.ended(result, problem, news, in_a_row=in_a_row)
    if call.output.is_unattended:
        repeats.remember(news, result, with_troubles=call.output.is_worth_saying(code, in_a_row))
    return code


def times_put_off(call: Command, code: Exit) -> int:
    """How many times in a row the command is put off now; where somebody waits, or that cannot be kept, enough to say.

    The count is kept beside the state, which may be what is locked.
    """
    if call.output.rehearsing or call.output.awaited:
        return 0 if code is not Exit.TRY_LATER else LATER_IS_SAID_AFTER
    try:
        path = _note(call, call.name)
        if code is not Exit.TRY_LATER:
            path.unlink(missing_ok=True)
            return 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        count = _number_in(path) + 1
        from bexsync.files import PRIVATE, replacement

        with replacement(path, mode=PRIVATE) as stream:
            stream.write(f"{count}\n".encode())
    except (OSError, ConfigurationProblem):  # the second where nobody has a home folder
        return 0 if code is not Exit.TRY_LATER else LATER_IS_SAID_AFTER
    return count


def _note(call: Command, about: str) -> Path:
    """A file that remembers something about how commands of this profile fared."""
    import hashlib

    from bexsync.paths import profile_path, state_folder

    name = f"{profile_path(call.profile).absolute()} {about}"
    return state_folder() / "later" / hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16]


def _remind(call: Command, warning: str) -> None:
    """What will be wrong one day: a person hears it every time, cron's mail once a day."""
    if not warning or call.output.quiet:
        return
    if not call.output.on_terminal:
        from bexsync.files import PRIVATE, replacement

        note = _note(call, "warned")
        with suppress(OSError):
            if note.exists() and 0 <= time.time() - note.stat().st_mtime < _A_DAY:
                return
            note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacement(note, mode=PRIVATE):
                pass  # its time alone says something
            now = time.time()
            os.utime(note, (now, now))  # a file system may have a clock of its own
    call.output.say_error(f"{call.name}: {warning}")


def _number_in(path: Path) -> int:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def guarded(
    call: Command,
    work: Callable[[], Exit],
    *,
    only_if_repeated: bool = False,
    interrupted: str = "The next run goes on from here.",
) -> Exit:
    """Return the exit code of the work, and show why it ended; a 75 perhaps only where it repeats."""
    try:
        return work()
    except BexsyncError as problem:
        return _failed(call, problem, only_if_repeated)
    except KeyboardInterrupt:
        return call.output.failed(TryLater("Interrupted.", interrupted, code="interrupted"))
    except typer.Abort:
        call.output.say_error("Nothing was changed.")
        return Exit.USAGE
    except (typer.Exit, OutputLost):
        raise
    except Exception as problem:  # noqa: BLE001  the last line of defence against a traceback on a terminal
        return _failed(call, defect(problem), only_if_repeated)


def make_sure(call: Command, yes: bool, question: str) -> None:
    """Asks on a terminal; a script has to say --yes."""
    if yes:
        return
    if not call.output.asks:
        raise UsageProblem(f"{question} There is no terminal to ask on.", "Add --yes if it is meant.")
    if not typer.confirm(question):
        raise typer.Exit(int(Exit.USAGE))


def _failed(call: Command, problem: BexsyncError, only_if_repeated: bool) -> Exit:
    in_a_row = times_put_off(call, problem.exit_code) if only_if_repeated else LATER_IS_SAID_AFTER
    return call.output.failed(problem, in_a_row=in_a_row)


def defect(problem: Exception) -> Defect:
    """A bug: where it happened, without any of the values that were at hand."""
    return Defect(
        f"A bug in bexsync: {fault_in_words(problem)}.",
        "Nothing is lost; the next run settles what was under way. Please report this line.",
    )


class StopRequest:
    """Whether SIGTERM or Ctrl-C came: requests under way have ten seconds, and none after a second signal."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._asked = False
        self._has_alarm = False
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError):  # outside the main thread nobody is signalled
                signal.signal(number, self._note)

    def __call__(self) -> bool:
        """Return whether the run is to stop."""
        return self._asked

    def settle(self) -> None:
        """Cut nothing off any more, because the run has ended."""
        if self._has_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _note(self, number: int, _frame: Any) -> None:
        is_again, self._asked = self._asked, True
        if is_again and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._has_alarm = True
        signal.signal(signal.SIGALRM, _cut_off)
        signal.setitimer(signal.ITIMER_REAL, _BETWEEN if is_again else _GRACE, _BETWEEN)
        if number == signal.SIGTERM:
            return
        with suppress(RuntimeError, ValueError):  # it may come in the middle of another line
            self._output.say_error(
                f"{self._output.command}: Stopping after the requests under way; Ctrl-C again stops at once."
            )


def _cut_off(_number: int, _frame: Any) -> None:
    """End a wait for an answer; at any other moment the step is about to end by itself."""
    if is_waiting():
        raise CutOff


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
