"""The only printer: text for a person on a terminal, one JSON object for a script, silence for cron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bexsync.characters import lines_of_text
from bexsync.cli.options import LEDGER
from bexsync.cli.views.envelope import counted, envelope, outcome_errors
from bexsync.errors import BexsyncError, Exit

if TYPE_CHECKING:
    from pathlib import Path

    from bexsync.admin.config import Setting
    from bexsync.admin.invoice_history import InvoiceStory
    from bexsync.admin.invoice_list import InvoiceList, Selection
    from bexsync.admin.links import LinkStory
    from bexsync.admin.status import StatusReport
    from bexsync.engine.result import Result
    from bexsync.jobs.connection import Report
    from bexsync.planning.checks import Check
    from bexsync.ports.shop_package import Finding
    from bexsync.ports.store import ErrorRow, Link, RunRow

LATER_IS_SAID_AFTER = 3
Progress = Callable[[str, int, int], None]


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
    _shown: int = 0

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
            self._print_json(code, _data(result), [*outcome_errors(result.outcomes), *_later_error(result)])
            return code
        self._show(result, news or result, code, in_a_row)
        if result.later and self.is_worth_saying(code, in_a_row):
            self.say_error(f"{self.command}: {result.later}")
        return code

    def ended(self, result: Result, problem: BexsyncError, news: Result | None = None, *, in_a_row: int) -> Exit:
        """A run that ended early: what was done, then why it ended."""
        code = problem.exit_code
        if self.json:
            self._print_json(code, _data(result), [*outcome_errors(result.outcomes), _error(problem)])
            return code
        if result.outcomes or result.mentions:
            self._show(result, news or result, code, in_a_row)
        if self.is_worth_saying(code, in_a_row):
            self._say_problem(problem)
        return code

    def failed(self, problem: BexsyncError, *, in_a_row: int = LATER_IS_SAID_AFTER) -> Exit:
        """A command that could not even begin."""
        code = problem.exit_code
        if self.json:
            self._print_json(code, {}, [_error(problem)])
        elif self.is_worth_saying(code, in_a_row):
            self._say_problem(problem)
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

    def invoices(self, found: InvoiceList, selection: Selection, *, csv: bool = False) -> Exit:
        """The list of invoices that were asked for."""
        from bexsync.cli.views.invoices import invoices_csv, invoices_data, show_invoices

        if self.json:
            self._print_json(Exit.OK, invoices_data(found), [])
        elif csv:
            write(invoices_csv(found))
        else:
            show_invoices(found, selection, self.ledger)
        return Exit.OK

    def invoice(self, story: InvoiceStory) -> Exit:
        """One invoice with its story."""
        from bexsync.cli.views.invoice_story import show_invoice_story

        if self.json:
            self._print_json(Exit.OK, asdict(story), [])
        else:
            show_invoice_story(story, self.ledger)
        return Exit.OK

    def status(self, report: StatusReport, *, check: bool) -> Exit:
        """How things stand; a check says only what is wrong and ends with its exit code."""
        from bexsync.cli.views.status import show_status

        code = report.exit_code if check else Exit.OK
        if self.json:
            errors = [
                {"code": p.code, "message": p.message, "hint": p.hint, "kind": "", "shop_id": ""}
                for p in report.problems
                if check
            ]
            self._print_json(code, asdict(report), errors)
        elif not check:
            show_status(report)
        else:
            for problem in report.problems:
                self.say_error(f"{self.command}: {problem.message} {problem.hint}")
            if not report.problems and not self.quiet:
                self.say("All is well." if report.enabled else "This profile says enabled = false.")
        return code

    def runs(self, runs: Sequence[RunRow]) -> Exit:
        """The history of runs."""
        from bexsync.cli.views.status import runs_data, show_runs

        if self.json:
            self._print_json(Exit.OK, runs_data(runs), [])
        else:
            show_runs(runs)
        return Exit.OK

    def errors(self, rows: Sequence[ErrorRow], places: Mapping[int, str], *, in_full: bool = False) -> Exit:
        """The list of errors, with the places in the shop's files that they are about."""
        if self.json:
            found = [{**asdict(row), "place": places.get(row.id, "")} for row in rows]
            self._print_json(Exit.OK, {"errors": found}, [])
        else:
            from bexsync.cli.views.text import show_errors

            show_errors(rows, places, self.ledger, in_full=in_full)
        return Exit.OK

    def changed_errors(self, rows: Sequence[ErrorRow], what: str) -> Exit:
        """Errors a person has dealt with."""
        if self.json:
            self._print_json(Exit.OK, {"errors": [asdict(row) for row in rows]}, [])
        elif not self.quiet:
            noun = "error" if len(rows) == 1 else "errors"
            from bexsync.cli.views.envelope import MOST_OF_A_KIND

            lines = [f"  {row.kind} {row.shop_id}: {row.message}" for row in rows[:MOST_OF_A_KIND]]
            more = [f"  and {len(rows) - MOST_OF_A_KIND} more"] if len(rows) > MOST_OF_A_KIND else []
            write("\n".join([f"{len(rows)} {noun} {what}:", *lines, *more]) + "\n")
        return Exit.OK

    def products(self, rows: Sequence[Mapping[str, str]]) -> Exit:
        """The list of products."""
        if self.json:
            self._print_json(Exit.OK, {"products": [dict(row) for row in rows]}, [])
        else:
            from bexsync.cli.views.products import show_products

            show_products(rows)
        return Exit.OK

    def links(self, links: Sequence[Link]) -> Exit:
        """The list of links."""
        if self.json:
            self._print_json(Exit.OK, {"links": [_link_data(link) for link in links]}, [])
        else:
            from bexsync.cli.views.links import show_links

            show_links(links)
        return Exit.OK

    def link(self, story: LinkStory) -> Exit:
        """One link with its story."""
        if self.json:
            self._print_json(Exit.OK, {**asdict(story), "link": _link_data(story.link) if story.link else None}, [])
        else:
            from bexsync.cli.views.links import show_story

            show_story(story)
        return Exit.OK

    def settings(self, company: str, checks: Sequence[Check]) -> None:
        """The first half of a connection test, before anybody is asked whether the second is wanted."""
        self._shown = len(checks)
        if not (self.json or self.quiet):
            from bexsync.cli.views.connection import show_settings

            show_settings(company, checks)

    def connection(self, report: Report, *, in_a_row: int = LATER_IS_SAID_AFTER) -> Exit:
        """The rest of a connection test."""
        code = report.exit_code
        errors = [
            {"code": check.name.replace(" ", "_"), "message": _sentence(check), "hint": check.hint}
            for check in report.checks
            if check.status.value == "wrong"
        ]
        if self.json:
            everything = [{**error, "kind": "", "shop_id": ""} for error in errors]
            self._print_json(
                code, _connection_data(report), [*everything, *([_error(report.problem)] if report.problem else [])]
            )
            return code
        if not self.quiet:
            from bexsync.cli.views.connection import show_trial

            show_trial(report, self.command, self._shown, self.ledger, in_full=self.verbose)
        if not self.on_terminal or self.quiet:
            for error in errors:
                self.say_error(f"{self.command}: {error['message']} {error['hint']}".rstrip())
        if report.problem is not None and self.is_worth_saying(code, in_a_row):
            self._say_problem(report.problem)
        return code

    def findings(self, findings: Sequence[Finding]) -> Exit:
        """A check of the configuration: all of it for a person, else only what is not as it should be."""
        from bexsync.cli.views.checks import place, show_findings

        wrong = [finding for finding in findings if finding.level == "wrong"]
        code = Exit.CONFIGURATION if wrong else Exit.OK
        if self.json:
            errors = [
                {"code": "configuration", "message": f.message, "hint": f.hint, "kind": "", "shop_id": ""}
                for f in wrong
            ]
            self._print_json(code, {"findings": [asdict(finding) for finding in findings]}, errors)
        elif self.talkative:
            show_findings(findings, self.ledger)
        else:
            for finding in findings if not self.quiet else wrong:
                if finding.level != "ok":
                    self.say_error(f"{self.command}: {place(finding)}: {finding.message} {finding.hint}".rstrip())
        return code

    def profile_in_force(self, profile_file: Path, settings: Sequence[Setting]) -> Exit:
        """The profile with all its defaults, and who says what."""
        from bexsync.cli.views.checks import show_settings_in_force

        if self.json:
            rows = [
                {"key": ".".join(s.key), "value": _plain(s.value), "variable": s.variable, "line": s.line}
                for s in settings
            ]
            self._print_json(Exit.OK, {"file": str(profile_file), "settings": rows}, [])
        else:
            show_settings_in_force(profile_file, settings)
        return Exit.OK

    def said(self, sentence: str, data: dict[str, Any], *, code: Exit = Exit.OK) -> Exit:
        """A command whose result is one sentence."""
        if self.json:
            self._print_json(code, data, [])
        elif not self.quiet:
            self.say(sentence)
        return code

    def data(self, code: Exit, data: dict[str, Any], errors: list[dict[str, str]]) -> Exit:
        """A result for a script."""
        self._print_json(code, data, errors)
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
            yield lambda _what, _done, _all: None
            return
        from bexsync.cli.views.progress import bar

        with bar() as progress:
            yield progress

    def _say_what_was_left(self, news: Result) -> None:
        """The records and files that nothing was done with, and why."""
        from bexsync.cli.views.envelope import left_alone

        for sentence in (*left_alone(news.outcomes), *news.mentions.values()):
            self.say_error(f"{self.command}: {sentence}")

    def _say_failures(self, news: Result, counts: str) -> None:
        """What is to be done by hand, what did not go well, and the summary last."""
        from bexsync.cli.views.envelope import trouble_sentences

        by_hand = [o for o in news.outcomes if o.needs_a_word and not o.is_trouble]
        troubles = [o for o in news.outcomes if o.is_trouble]
        for sentence in (*trouble_sentences(by_hand, {}), *trouble_sentences(troubles, news.unlisted_troubles)):
            self.say_error(f"{self.command}: {sentence}")
        if troubles:
            self.say_error(f"{self.command}: {counts}. `bexsync errors list` shows what is open.")

    def _say_problem(self, problem: BexsyncError) -> None:
        hint = f" {problem.hint}" if problem.hint else ""
        self.say_error(f"{self.command}: {problem.message}{hint}")

    def _print_json(self, code: Exit, data: dict[str, Any], errors: list[dict[str, str]]) -> None:
        write(envelope(self.command, self.profile, self.site, code, data, errors))


def _link_data(link: Link) -> dict[str, Any]:
    """A link for a script; `documents` where it holds more than one."""
    data = asdict(link)
    return data if link.documents else {name: value for name, value in data.items() if name != "documents"}


def _data(result: Result) -> dict[str, Any]:
    from bexsync.cli.views.envelope import result_data

    return result_data(result)


def _error(problem: BexsyncError) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "hint": problem.hint, "kind": "", "shop_id": ""}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | list | tuple | None) else str(value)


def _later_error(result: Result) -> list[dict[str, str]]:
    if not result.later:
        return []
    return [{"code": "try_later", "message": result.later, "hint": "", "kind": "", "shop_id": ""}]


def _sentence(check: Check) -> str:
    return f"{check.name}: {check.sentence}" if check.sentence else f"{check.name}: {check.value}."


def _connection_data(report: Report) -> dict[str, Any]:
    return {
        "company": report.company,
        "checks": [asdict(check) for check in report.checks],
        "trial": {**report.trial, "tried": report.tried, "left": [asdict(left) for left in report.left]},
        "learned": dict(report.learned),
        "requests": report.requests,
    }
