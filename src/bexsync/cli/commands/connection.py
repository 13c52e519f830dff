"""bexsync test-connection"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, guarded, make_sure, opened_workspace, times_put_off
from bexsync.cli.views import LATER_IS_SAID_AFTER
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.jobs.connection import Report

_OF_THE_NUMBER = f"Where {LEDGER} numbers invoices, the draft uses up one number."


def try_out(
    call: Command,
    read_only: Annotated[
        bool, typer.Option("--read-only", help=f"Only look; create nothing in {LEDGER}. For cron, with --quiet.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Create the test contact and the test draft without asking.")
    ] = False,
) -> Exit:
    """Check that profile, login and {ledger} fit together.

    Tries it with a contact and a draft, which are archived and deleted afterwards.

    Shows the company, user, currency, account, tax, numbering and rights, and what a push would do; every problem
    at once. Then it creates one contact and one draft, reads the draft back, compares the sum, learns how this {ledger}
    searches, deletes the draft and archives the contact. Nothing is issued, nothing is mailed; where {ledger} numbers
    invoices, the draft uses up a number.
    """
    if not (read_only or call.output.asks):
        make_sure(
            call,
            yes,
            f"A test contact and a test draft are created, then archived and deleted. {_OF_THE_NUMBER}",
        )
    return guarded(
        call,
        lambda: run_test(call, read_only=read_only, yes=yes),
        only_if_repeated=call.output.quiet,
    )


def run_test(call: Command, *, read_only: bool, yes: bool) -> Exit:
    """Looks, tries it where that is wanted, and shows what came of it."""
    from bexsync.cli.views.connection import print_report, show_settings
    from bexsync.engine.result import Result
    from bexsync.jobs.connection import try_connection
    from bexsync.wiring import is_enabled

    if not is_enabled(call.profile):
        return call.output.result(Result(disabled=True, message="This profile says enabled = false."))
    shown = 0

    def wants_trial(report: Report) -> bool:
        nonlocal shown
        shown = len(report.checks)
        if not (call.output.json or call.output.quiet):
            show_settings(report.company, report.checks)
        if read_only or not report.worth_trying:
            return False
        where = report.company or "this company"
        if call.output.asks and not yes and workspace.profile.ledger.numbering == "ledger":
            call.output.say(_OF_THE_NUMBER)
        make_sure(call, yes, f"Create a test contact and a test draft in {where}, then archive and delete them?")
        return True

    with opened_workspace(call) as workspace:
        report = try_connection(workspace, wants_trial)
    in_a_row = times_put_off(call, report.exit_code) if call.output.quiet else LATER_IS_SAID_AFTER
    return print_report(call.output, report, shown=shown, in_a_row=in_a_row)
