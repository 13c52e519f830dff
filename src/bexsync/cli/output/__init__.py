"""The only printer: text for a person on a terminal, one JSON object for a script, silence for cron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bexsync.cli.output.envelope import envelope, outcome_errors
from bexsync.errors import BexsyncError, Exit

if TYPE_CHECKING:
    from bexsync.engine.result import Result
    from bexsync.ports import StatusRow
    from bexsync.store import ErrorRow

LATER_IS_SAID_AFTER = 3
Progress = Callable[[str, int, int], None]


@dataclass
class Output:
    """Where one command's words go."""

    command: str
    profile: str
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    site: str = ""

    @property
    def on_terminal(self) -> bool:
        """Whether a person is reading."""
        return sys.stdout.isatty() and not self.json

    @property
    def talkative(self) -> bool:
        """Whether success deserves words."""
        return (self.on_terminal or self.verbose) and not self.quiet and not self.json

    def result(self, result: Result, *, in_a_row: int = 0) -> Exit:
        """A run that came to its end."""
        code = result.exit_code
        if self.json:
            self._print_json(code, _data(result), [*outcome_errors(result.outcomes), *_later_error(result)])
            return code
        if self.talkative or "plan" in result.data:
            from bexsync.cli.output.text import show_result

            show_result(result, self.command, with_errors=self.on_terminal)
        if not self.on_terminal:
            self._say_failures(result)
        if result.later and (self.on_terminal or in_a_row >= LATER_IS_SAID_AFTER):
            self.say_error(f"{self.command}: {result.later}")
        return code

    def ended(self, result: Result, problem: BexsyncError, *, in_a_row: int) -> Exit:
        """A run that ended early: what was done, then why it ended."""
        code = problem.exit_code
        if self.json:
            self._print_json(code, _data(result), [*outcome_errors(result.outcomes), _error(problem)])
            return code
        if self.talkative and result.outcomes:
            from bexsync.cli.output.text import show_result

            show_result(result, self.command, with_errors=self.on_terminal)
        if not self.on_terminal:
            self._say_failures(result)
        if code is not Exit.TRY_LATER or self.on_terminal or in_a_row >= LATER_IS_SAID_AFTER:
            self._say_problem(problem)
        return code

    def failed(self, problem: BexsyncError) -> Exit:
        """A command that could not even begin."""
        code = problem.exit_code
        if self.json:
            self._print_json(code, {}, [_error(problem)])
        elif code is not Exit.TRY_LATER or self.on_terminal or self.verbose:
            self._say_problem(problem)
        return code

    def invoices(self, rows: Sequence[StatusRow]) -> Exit:
        """The list of invoices."""
        if self.json:
            self._print_json(Exit.OK, {"invoices": [asdict(row) for row in rows]}, [])
        else:
            from bexsync.cli.output.text import show_invoices

            show_invoices(rows)
        return Exit.OK

    def errors(self, rows: Sequence[ErrorRow], *, in_full: bool = False) -> Exit:
        """The list of errors."""
        if self.json:
            self._print_json(Exit.OK, {"errors": [asdict(row) for row in rows]}, [])
        else:
            from bexsync.cli.output.text import show_errors

            show_errors(rows, in_full=in_full)
        return Exit.OK

    def changed_errors(self, rows: Sequence[ErrorRow], what: str) -> Exit:
        """Errors a person has dealt with."""
        if self.json:
            self._print_json(Exit.OK, {"errors": [asdict(row) for row in rows]}, [])
        elif not self.quiet:
            noun = "error" if len(rows) == 1 else "errors"
            sys.stdout.write(f"{len(rows)} {noun} {what}.\n")
        return Exit.OK

    def say(self, text: str) -> None:
        """A line for a person."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def say_error(self, text: str) -> None:
        """A line on stderr, where cron's mail comes from."""
        sys.stderr.write(f"{text}\n")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A bar for work that takes a while, on a terminal only."""
        if not (self.on_terminal and sys.stderr.isatty()) or self.quiet:
            yield lambda _what, _done, _all: None
            return
        from bexsync.cli.output.progress import bar

        with bar() as progress:
            yield progress

    def _say_failures(self, result: Result) -> None:
        """One line per cause, however many records share it; the summary last."""
        causes: dict[str, list[str]] = {}
        hints: dict[str, str] = {}
        for error in outcome_errors(result.outcomes):
            causes.setdefault(error["message"], []).append(error["shop_id"])
            hints[error["message"]] = error["hint"]
        for message, shop_ids in causes.items():
            shown = ", ".join(shop_ids[:5]) + (f" and {len(shop_ids) - 5} more" if len(shop_ids) > 5 else "")
            self.say_error(f"{self.command}: {shown}: {message} {hints[message]}".rstrip())
        if causes:
            counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in result.counts.items())
            self.say_error(f"{self.command}: {counts}. `bexsync errors list` shows what is open.")

    def _say_problem(self, problem: BexsyncError) -> None:
        hint = f" {problem.hint}" if problem.hint else ""
        self.say_error(f"{self.command}: {problem.message}{hint}")

    def _print_json(self, code: Exit, data: dict[str, Any], errors: list[dict[str, str]]) -> None:
        sys.stdout.write(envelope(self.command, self.profile, self.site, code, data, errors))


def _data(result: Result) -> dict[str, Any]:
    from bexsync.cli.output.envelope import result_data

    return result_data(result)


def _error(problem: BexsyncError) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "hint": problem.hint, "kind": "", "shop_id": ""}


def _later_error(result: Result) -> list[dict[str, str]]:
    if not result.later:
        return []
    return [{"code": "try_later", "message": result.later, "hint": "", "kind": "", "shop_id": ""}]
