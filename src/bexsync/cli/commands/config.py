"""bexsync config ..."""

from __future__ import annotations

import os

import typer

from bexsync.cli import options
from bexsync.cli.runner import command, finish
from bexsync.errors import Exit


def check(
    context: typer.Context,
    profile: options.Profile = None,
    json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Look for everything that is wrong with the profile.

    Asks nothing of {ledger}.

    The profile line by line, the VAT map, the variables, the shop's folders and the tables that wait there, the
    state, certificates and the token's file. Exit code 78 if something is wrong. `bexsync test-connection` goes on
    where this ends.
    """
    call = command(context, "config check", profile=profile, json=json, verbose=verbose, quiet=quiet)

    def work() -> Exit:
        from datetime import datetime

        from bexsync.admin.config import check_configuration
        from bexsync.cli.views.checks import print_findings
        from bexsync.paths import profile_path, state_folder

        today = datetime.now().astimezone().date()
        file = profile_path(call.profile).absolute()
        return print_findings(call.output, check_configuration(file, state_folder(), os.environ, today))

    finish(call, work)


def show(context: typer.Context, profile: options.Profile = None, json: options.Json = False) -> None:
    """Show the profile with all its defaults.

    Also where each value that is no default comes from.
    """
    call = command(context, "config show", profile=profile, json=json)

    def work() -> Exit:
        from bexsync.admin.config import settings_in_force
        from bexsync.cli.views.checks import settings_data, show_settings_in_force
        from bexsync.paths import profile_path

        file = profile_path(call.profile).absolute()
        settings = settings_in_force(file)
        return call.output.show(settings_data(file, settings), lambda: show_settings_in_force(file, settings))

    finish(call, work)


def example(context: typer.Context, json: options.Json = False) -> None:
    """Print a profile in which every key is explained."""
    call = command(context, "config example", profile=None, json=json)
    call.output.profile = ""

    def work() -> Exit:
        from bexsync.shipped import example_profile

        text = example_profile()
        return call.output.said(text.rstrip(), {"text": text})

    finish(call, work)
