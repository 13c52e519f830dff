"""bexsync status and bexsync runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.runner import Command, local_state
from bexsync.errors import BexsyncError, Exit, UsageProblem

if TYPE_CHECKING:
    from bexsync.admin.status import LoginEnd


def status(
    call: Command,
    check: Annotated[
        bool, typer.Option("--check", help="For monitoring: say what is wrong, and end with its exit code.")
    ] = False,
    max_age: Annotated[
        int, typer.Option(min=1, metavar="HOURS", help="With --check: how long ago a job may last have gone through.")
    ] = 26,
    login_days: Annotated[
        int,
        typer.Option(min=0, metavar="DAYS", help="With --check: how long a login must last that renews not itself."),
    ] = 14,
) -> Exit:
    """Show how all jobs stand, what waits and what is wrong.

    Shows the last run of every job, the errors, and when the login expires. Asks nothing of {ledger}.

    With --check: 0 all is well; 1 errors wait, a job is overdue, or the login ends soon; 75 requests stay without
    an answer; 77 the login has ended; 78 a job stopped at its configuration.
    """
    from bexsync.admin.status import Limits, report_status
    from bexsync.cli.views.status import print_status
    from bexsync.http.clock import SystemClock
    from bexsync.paths import profile_path
    from bexsync.registry import shop_package

    limits = Limits(timedelta(hours=max_age), timedelta(days=login_days))
    with local_state(call) as (profile, store):
        shop = shop_package(profile.shop.type).waiting(profile.shop, profile_path(call.profile).resolve())
        report = report_status(store, profile, shop, _login_end(call.profile), SystemClock().now(), limits)
    return print_status(call.output, report, check=check)


def _login_end(profile: str) -> LoginEnd:
    """When the login expires, as far as this computer knows; that it cannot be read is part of the answer."""
    from bexsync.admin.status import LoginEnd
    from bexsync.wiring import login_status

    try:
        login = login_status(profile, offline=True)
    except BexsyncError as problem:
        return LoginEnd(problem=problem.message, hint=problem.hint)
    end = login.idle_end if login.renewable else login.expires_at
    return LoginEnd(
        kind=login.kind,
        company=login.company,
        user=login.user or login.mail,
        ends_at=end.isoformat(timespec="seconds") if end else "",
        renews_itself=login.renewable,
    )


def runs(
    call: Command,
    job: Annotated[
        str | None,
        typer.Option(metavar="JOB", help='Only this job, like "invoices push".', autocompletion=completion.jobs),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that did not end with 0.")] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many, the newest first.")] = 20,
) -> Exit:
    """List the runs of all jobs and how they ended."""
    from bexsync.cli.views.status import runs_data, show_runs

    with local_state(call) as (_, store):
        known = store.runs.jobs()
        wanted = job.replace("-", " ").strip() if job else None
        if wanted and wanted not in known:
            hint = f"Those that have run are {', '.join(known)}." if known else "No job has run yet."
            raise UsageProblem(f'There is no run of "{job}".', hint)
        found = store.runs.newest(wanted, limit, failed=failed)
    return call.output.show(runs_data(found), lambda: show_runs(found))
