"""How things stand, and the history of runs, for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.admin.status import run_counts
from bexsync.cli.views.envelope import counted, error
from bexsync.cli.views.page import Page, Row, local_time
from bexsync.store.values import moment

if TYPE_CHECKING:
    from bexsync.admin.status import LoginEnd, StatusReport, Waiting
    from bexsync.cli.views import Output
    from bexsync.errors import Exit
    from bexsync.ports.store import RunRow, RunState

_MEANINGS = {
    0: "done",
    1: "some failed",
    70: "a bug",
    75: "try later",
    77: "log in again",
    78: "configuration",
}


def show_status(report: StatusReport) -> None:
    """The jobs, then what waits, the errors and the login; what deserves attention last."""
    page = Page()
    if not report.enabled:
        page.line("This profile says enabled = false: its jobs do nothing.")
        page.line()
    if report.jobs:
        rows = [
            Row(
                (
                    Text(job.job),
                    Text(local_time(job.started_at)),
                    _ended(job.state, job.exit_code),
                    Text(local_time(job.succeeded_at) or "never"),
                ),
                Text(_counted(job.counts, job.exit_code), style="dim"),
                (Text(job.message, style="dim"),) if job.message and job.exit_code else (),
            )
            for job in report.jobs
        ]
        page.table(("job", "last run", "ended", "last success", "records"), rows)
    else:
        page.line("No job has run yet.")
    page.line()
    for label, sentence in (
        ("waiting", _waiting(report.waiting)),
        ("errors", _errors(report)),
        ("login", _login(report.login)),
    ):
        page.paragraph(Text(f"{label:<9}", style="bold"), [Text(sentence)])
    if report.problems:
        page.line()
    for problem in report.problems:
        page.line(Text(problem.message, style="yellow"))
        page.line(f"→ {problem.hint}", indent=4)
    page.show()


def show_runs(runs: Sequence[RunRow]) -> None:
    """One line a run, the newest first; what it said beneath."""
    page = Page()
    if not runs:
        page.line("There is no such run.")
    else:
        rows = [
            Row(
                (
                    Text(local_time(run.started_at)),
                    Text(run.job),
                    Text(_took(run)),
                    _ended(run.state, run.exit_code),
                    Text(str(run.requests)),
                ),
                Text(_counted(run_counts(run), run.exit_code), style="dim"),
                (Text(run.message, style="dim"),) if run.message else (),
            )
            for run in runs
        ]
        page.table(("started", "job", "took", "ended", "requests", "records"), rows, right=("took", "requests"))
    page.show()


def print_status(output: Output, report: StatusReport, *, check: bool) -> Exit:
    """How things stand; a check says only what is wrong and ends with its exit code."""
    if not check:
        return output.show(asdict(report), lambda: show_status(report))
    if output.json:
        return output.data(
            report.exit_code, asdict(report), [error(p.code, p.message, p.hint) for p in report.problems]
        )
    for problem in report.problems:
        output.say_error(f"{output.command}: {problem.message} {problem.hint}")
    if not report.problems and not output.quiet:
        output.say("All is well." if report.enabled else "This profile says enabled = false.")
    return report.exit_code


def runs_data(runs: Sequence[RunRow]) -> dict[str, Any]:
    """The runs for a script."""
    return {
        "runs": [
            {
                "id": run.id,
                "job": run.job,
                "started_at": run.started_at,
                "state": run.state,
                "ended_at": run.ended_at or "",
                "exit_code": run.exit_code,
                "counts": run_counts(run),
                "requests": run.requests,
                "message": run.message,
            }
            for run in runs
        ]
    }


def _ended(state: RunState, exit_code: int | None) -> Text:
    if exit_code is None:
        return Text(str(state), style="yellow")
    colour = "green" if exit_code == 0 else "yellow" if exit_code in (1, 75) else "red"
    return Text(f"{exit_code} {_MEANINGS.get(exit_code, '')}".strip(), style=colour)


def _took(run: RunRow) -> str:
    if not run.ended_at:
        return ""
    seconds = (moment(run.ended_at) - moment(run.started_at)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _counted(counts: Mapping[str, int], exit_code: int | None) -> str:
    return counted(counts) or ("" if exit_code else "nothing to do")


def _waiting(waiting: Waiting) -> str:
    said = (
        (waiting.files, "file{s} in in/" + (f", the oldest of {local_time(waiting.oldest_file_at)}")),
        (waiting.claimed_files, "file{s} in work/, whose records are not all settled"),
        (waiting.records, "invoice{s} for the next push"),
        (waiting.blocked_records, "invoice{s} that a person must correct"),
        (waiting.orders, "order{s} for the next sync"),
        (waiting.blocked_orders, "order{s} that a person must correct"),
        (waiting.unknown_outcomes, "request{s} whose outcome is unknown"),
        (waiting.not_reported, "document{s} of which the shop has not been told everything"),
    )
    parts = [f"{count} {words.replace('{s}', '' if count == 1 else 's')}" for count, words in said if count]
    return "; ".join(parts) + "." if parts else "nothing."


def _errors(report: StatusReport) -> str:
    acknowledged = f" ({report.acknowledged_errors} acknowledged)" if report.acknowledged_errors else ""
    if not report.errors:
        return f"none{acknowledged}."
    return f"{report.errors}{acknowledged}; `bexsync errors list` shows them. The last: {report.error_samples[-1]}"


def _login(login: LoginEnd) -> str:
    if login.problem:
        return f"{login.problem} {login.hint}".rstrip()
    whose = " of ".join(part for part in (login.user, login.company) if part) or "a token from the environment"
    if not login.ends_at:
        return f"{whose}; when it expires is not known."
    end = local_time(login.ends_at)
    if login.renews_itself:
        return f"{whose}; it renews itself, and expires on {end} if unused."
    return f"{whose}; expires on {end}."
