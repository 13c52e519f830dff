"""The only printer: text for a person on a terminal, one JSON object for a script, silence for cron."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bexsync.characters import lines_of_text
from bexsync.cli.options import LEDGER
from bexsync.cli.views.envelope import (
    counted,
    envelope,
    error,
    left_alone,
    outcome_errors,
    problem_error,
    result_data,
    trouble_sentences,
)
from bexsync.errors import BexsyncError, Exit

if TYPE_CHECKING:
    from bexsync.engine.result import Result
    from bexsync.jobs.workspace import Progress

LATER_IS_SAID_AFTER = 3
_AT_ONCE = 1 << 16


class OutputLost(Exception):
    """What was to be printed could not be; `reason` is empty where the reader simply went away."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(str(problem))
        self.reason = "" if isinstance(problem, BrokenPipeError) else (problem.strerror or str(problem))


def write(text: str) -> None:
    """Prints at once; raises OutputLost."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as problem:
        raise OutputLost(problem) from None


def flush() -> None:
    """Brings out what others have printed; raises OutputLost."""
    write("")


@dataclass
class Output:
    """Where one command's words go; one that is `awaited` is never started by cron."""

    command: str
    profile: str
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    rehearsing: bool = False
    awaited: bool = False
    site: str = ""
    ledger: str = LEDGER

    @property
    def on_terminal(self) -> bool:
        """Whether a person is reading."""
        return sys.stdout.isatty() and not self.json

    @property
    def talkative(self) -> bool:
        """Whether success deserves words: a person reads, or asked for them, or for a plan."""
        return (((self.on_terminal or self.verbose) and not self.quiet) or self.rehearsing) and not self.json

    @property
    def is_unattended(self) -> bool:
        """Whether what is said ends in a mail of cron or a log, and nobody asked for more than usual."""
        return not (self.on_terminal or self.json or self.verbose or self.rehearsing or self.awaited)

    def result(self, result: Result, news: Result | None = None, *, in_a_row: int = 0) -> Exit:
        """A run that came to its end; `news` is the part of it that unattended was not said before."""
        code = result.exit_code
        if self.json:
            return self.data(code, result_data(result), [*outcome_errors(result.outcomes), *_later_error(result)])
        self._show(result, news or result, code, in_a_row)
        if result.later and self.is_worth_saying(code, in_a_row):
            self.say_error(f"{self.command}: {result.later}")
        return code

    def ended(self, result: Result, problem: BexsyncError, news: Result | None = None, *, in_a_row: int) -> Exit:
        """A run that ended early: what was done, then why it ended."""
        code = problem.exit_code
        if self.json:
            return self.data(code, result_data(result), [*outcome_errors(result.outcomes), problem_error(problem)])
        if result.outcomes or result.mentions:
            self._show(result, news or result, code, in_a_row)
        if self.is_worth_saying(code, in_a_row):
            self.say_problem(problem)
        return code

    def failed(self, problem: BexsyncError, *, in_a_row: int = LATER_IS_SAID_AFTER) -> Exit:
        """A command that could not even begin."""
        code = problem.exit_code
        if self.json:
            return self.data(code, {}, [problem_error(problem)])
        if self.is_worth_saying(code, in_a_row):
            self.say_problem(problem)
        return code

    def is_worth_saying(self, code: Exit, in_a_row: int) -> bool:
        """Time mends a 75 by itself, so cron hears of it only when it does not."""
        return code is not Exit.TRY_LATER or self.on_terminal or self.verbose or in_a_row >= LATER_IS_SAID_AFTER

    def _show(self, result: Result, news: Result, code: Exit, in_a_row: int) -> None:
        if self.talkative:
            from bexsync.cli.views.text import show_result

            with_files = self.verbose or self.rehearsing
            show_result(result, self.command, self.ledger, with_errors=self.on_terminal, with_files=with_files)
        shown_already = self.talkative and self.on_terminal
        if shown_already:
            return
        if not (self.talkative or self.quiet):
            self._say_what_was_left(news)
        if self.is_worth_saying(code, in_a_row):
            self._say_failures(news, counted(result.counts))

    def show(self, data: dict[str, Any], page: Callable[[], None]) -> Exit:
        """A result: an object for a script, or a page for a person."""
        if self.json:
            return self.data(Exit.OK, data)
        page()
        return Exit.OK

    def said(self, sentence: str, data: dict[str, Any], *, code: Exit = Exit.OK) -> Exit:
        """A command whose result is one sentence."""
        if self.json:
            return self.data(code, data)
        if not self.quiet:
            self.say(sentence)
        return code

    def data(self, code: Exit, data: dict[str, Any], errors: Sequence[dict[str, str]] = ()) -> Exit:
        """A result for a script."""
        return self.write_all(envelope(self.command, self.profile, self.site, code, data, errors), code)

    def write_all(self, parts: Iterable[str], code: Exit = Exit.OK) -> Exit:
        """Prints text in parts; what ends it early is said beside the part that was printed, which is no whole."""
        written, ready = False, io.StringIO()
        try:
            for part in parts:
                ready.write(part)
                if ready.tell() >= _AT_ONCE:
                    write(ready.getvalue())
                    written, ready = True, io.StringIO()
        except BexsyncError as problem:
            if not written:
                raise
            self.say_problem(problem)
            return problem.exit_code
        write(ready.getvalue())
        return code

    @property
    def asks(self) -> bool:
        """Whether somebody is there to answer a question."""
        return self.on_terminal and sys.stdin.isatty()

    def say(self, text: str) -> None:
        """A line for a person."""
        write(f"{lines_of_text(text)}\n")

    def say_error(self, text: str) -> None:
        """A line on stderr, where cron's mail comes from."""
        with suppress(OSError):
            sys.stderr.write(f"{lines_of_text(text)}\n")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A bar for work that takes a while, on a terminal only."""
        if not (self.on_terminal and sys.stderr.isatty()) or self.quiet:
            yield lambda _what, _done, _of, _pace_setter="": None
            return
        from bexsync.cli.views.page import bar

        with bar() as progress:
            yield progress

    def _say_what_was_left(self, news: Result) -> None:
        """The records and files that nothing was done with, and why."""
        for sentence in (*left_alone(news.outcomes), *news.mentions.values()):
            self.say_error(f"{self.command}: {sentence}")

    def _say_failures(self, news: Result, counts: str) -> None:
        """What is to be done by hand, what did not go well, and the summary last."""
        by_hand = [o for o in news.outcomes if o.needs_a_word and not o.is_trouble]
        troubles = [o for o in news.outcomes if o.is_trouble]
        for sentence in (*trouble_sentences(by_hand, {}), *trouble_sentences(troubles, news.unlisted_troubles)):
            self.say_error(f"{self.command}: {sentence}")
        if troubles:
            self.say_error(f"{self.command}: {counts}. `bexsync errors list` shows what is open.")

    def say_problem(self, problem: BexsyncError) -> None:
        """Why a command ended, and what to do."""
        hint = f" {problem.hint}" if problem.hint else ""
        self.say_error(f"{self.command}: {problem.message}{hint}")


def _later_error(result: Result) -> list[dict[str, str]]:
    if not result.later:
        return []
    return [error("try_later", result.later)]
