"""A connection test for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.envelope import error, problem_error
from bexsync.cli.views.page import Page
from bexsync.planning.checks import Check, Verdict

if TYPE_CHECKING:
    from bexsync.cli.views import Output
    from bexsync.errors import Exit
    from bexsync.jobs.connection import Report

_COLOURS = {Verdict.OK: "green", Verdict.ATTENTION: "yellow", Verdict.WRONG: "bold red"}
_USUAL_NAME, _WIDEST_NAME = 17, 22
_QUESTIONS = {
    "search:in_on_api_reference": ("many invoices can be asked for at once by their references", "one by one only"),
    "search:in_on_id": ("many invoices can be asked for at once by their ids", "by status and one by one"),
    "search:mail_ignores_case": ("a search for a mail ignores the case", "minds the case"),
    "search:order_by_id": ("searches come in the order asked for", "in an order of their own"),
    "negative_prices": ("a deduction may be a line of its own", "deductions lower the prices of their lines"),
}


def print_report(output: Output, report: Report, *, shown: int, in_a_row: int) -> Exit:
    """What a connection test came to; `shown` of its checks were shown before."""
    code = report.exit_code
    errors = [
        error(check.name.replace(" ", "_"), _sentence(check), check.hint)
        for check in report.checks
        if check.status is Verdict.WRONG
    ]
    if output.json:
        return output.data(code, _data(report), [*errors, *([problem_error(report.problem)] if report.problem else [])])
    if not output.quiet:
        show_trial(report, output.command, shown, output.ledger, in_full=output.verbose)
    if not output.on_terminal or output.quiet:
        for wrong in errors:
            output.say_error(f"{output.command}: {wrong['message']} {wrong['hint']}".rstrip())
    if report.problem is not None and output.is_worth_saying(code, in_a_row):
        output.say_problem(report.problem)
    return code


def _data(report: Report) -> dict[str, Any]:
    return {
        "company": report.company,
        "checks": [asdict(check) for check in report.checks],
        "trial": {**report.trial, "tried": report.tried, "left": [asdict(left) for left in report.left]},
        "learned": dict(report.learned),
        "requests": report.requests,
    }


def _sentence(check: Check) -> str:
    return f"{check.name}: {check.sentence}" if check.sentence else f"{check.name}: {check.value}."


def show_settings(company: str, checks: Sequence[Check]) -> None:
    """The settings, each with what to do where something is to be done."""
    page = Page()
    page.line(Text(company or "The company", style="bold") + Text(" and what the profile makes of it"))
    page.line()
    _show_checks(page, checks)
    page.line()
    page.show()


def show_trial(report: Report, command: str, shown: int, ledger: str, *, in_full: bool) -> None:
    """What came of the trial, in full with what was learned, and a summary; `shown` checks were shown before."""
    page = Page()
    rest = report.checks[shown:]
    if rest:
        page.line(Text("Trial" if report.tried else "Earlier tests", style="bold"))
        page.line()
        _show_checks(page, rest)
        page.line()
    if report.learned and in_full:
        page.line(Text(f"Learned of this {ledger}", style="bold"))
        page.line()
        for sentence in _learned(report.learned):
            page.line(sentence, indent=2)
        page.line()
    page.line(_summary(report, command))
    page.show()


def _show_checks(page: Page, checks: Sequence[Check]) -> None:
    room = min(max([_USUAL_NAME, *(len(check.name) for check in checks)]), _WIDEST_NAME)
    for check in checks:
        label = Text("  ") + Text(f"{check.status.value:<9}", style=_COLOURS[check.status]) + Text("  ")
        page.paragraph(label + Text(f"{check.name:<{room}}  "), list(_words(check)))


def _words(check: Check) -> Iterable[Text]:
    """Value, sentence and hint; what is well needs no more than a line where it fits one."""
    is_well = check.status is Verdict.OK
    value = Text(check.value, style="" if is_well else "bold")
    if check.value:
        yield value
    if check.sentence:
        yield Text(check.sentence, style="dim" if is_well else "")
    if check.hint:
        yield Text(f"→ {check.hint}")


def _learned(learned: Mapping[str, bool]) -> Iterable[str]:
    for name, answer in learned.items():
        question, otherwise = _QUESTIONS.get(name, (name.replace("_", " "), "no"))
        yield f"{question}: yes" if answer else f"{question}: no, {otherwise}"


def _summary(report: Report, command: str) -> Text:
    counts = {status: sum(check.status is status for check in report.checks) for status in Verdict}
    wrong, attention = counts[Verdict.WRONG], counts[Verdict.ATTENTION]
    requests = f"({report.requests} request{'' if report.requests == 1 else 's'})"
    if report.problem is not None:
        said = Text("it ended early", style="magenta")
    elif wrong:
        said = Text(f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong", style="bold red")
        if not report.worth_trying:
            said += Text("; nothing was tried, as no invoice could be written", style="default not bold")
    elif attention:
        said = Text(
            f"it works, {attention} thing{'s deserve' if attention > 1 else ' deserves'} a look", style="yellow"
        )
    else:
        said = Text("all is well" if report.tried else "all is well as far as one can see", style="green")
    return Text(f"{command}: ") + said + Text(f" {requests}")
