"""bexsync config ..."""

from __future__ import annotations

import os

from bexsync.cli.runner import Command
from bexsync.errors import Exit


def check(
    call: Command,
) -> Exit:
    """Look for everything that is wrong with the profile.

    Asks nothing of {ledger}.

    The profile line by line, the VAT map, the variables, the shop's folders and the tables that wait there, the
    state, certificates and the token's file. Exit code 78 if something is wrong. `bexsync test-connection` goes on
    where this ends.
    """
    from datetime import datetime

    from bexsync.admin.config import check_configuration
    from bexsync.cli.views.checks import print_findings
    from bexsync.paths import profile_path, state_folder

    today = datetime.now().astimezone().date()
    file = profile_path(call.profile).absolute()
    return print_findings(call.output, check_configuration(file, state_folder(), os.environ, today))


def show(call: Command) -> Exit:
    """Show the profile with all its defaults.

    Also where each value that is no default comes from.
    """
    from bexsync.admin.config import settings_in_force
    from bexsync.cli.views.checks import settings_data, show_settings_in_force
    from bexsync.paths import profile_path

    file = profile_path(call.profile).absolute()
    settings = settings_in_force(file)
    return call.output.show(settings_data(file, settings), lambda: show_settings_in_force(file, settings))


def example(call: Command) -> Exit:
    """Print a profile in which every key is explained."""
    from bexsync.shipped import example_profile

    text = example_profile()
    return call.output.said(text.rstrip(), {"text": text})
