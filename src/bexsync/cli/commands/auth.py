"""bexsync auth ..."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bexsync.cli.options import LOGIN
from bexsync.cli.runner import Command, guarded, make_sure
from bexsync.errors import Exit

StoreName = Annotated[
    str | None,
    typer.Option(
        "--token-store",
        metavar="keyring|encrypted-file|file|command",
        help="Where the login is kept. It stays there; `bexsync docs login` says which suits which machine.",
    ),
]


def login(
    call: Command,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and take the one you were sent back to.")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help=f"Read a personal access token ({LOGIN.token_page}) from input.")
    ] = False,
    all_scopes: Annotated[
        bool, typer.Option("--all-scopes", help="Ask for all that bexsync may ever need, not only for this profile.")
    ] = False,
    token_store: StoreName = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key of the encrypted file; it is made where there is none."),
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help=f"Of your app at {LOGIN.portal}; asked for the first time.")
    ] = None,
    client_secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the app's client secret; else it is asked for, hidden.")
    ] = None,
    new_app: Annotated[bool, typer.Option("--new-app", help="Ask for client id and secret again.")] = False,
) -> Exit:
    """Log in to {ledger}, once; from then on the login renews itself.

    The first time it says how to make an app of your own in {ledger}'s developer portal, asks for its client id and
    secret, and opens the browser. On a server use --no-browser. For a five-minute trial a personal access token
    will do: bexsync auth login --token-stdin < token.txt
    """
    from bexsync.cli.prompts.login_prompts import LoginOptions, log_in

    login_options = LoginOptions(
        no_browser=no_browser,
        token_stdin=token_stdin,
        all_scopes=all_scopes,
        store=token_store or "",
        key_file=key_file,
        client_id=client_id or "",
        client_secret_file=client_secret_file,
        new_app=new_app,
    )
    return guarded(call, lambda: log_in(call, login_options), interrupted="Nothing was changed.")


def status(
    call: Command,
    offline: Annotated[bool, typer.Option("--offline", help="Look at what is kept here only; ask nobody.")] = False,
) -> Exit:
    """Show whose login it is and when it expires.

    Also where it is kept, and which scopes and rights bexsync has or lacks.
    """
    from bexsync.cli.views.login import show_status, status_data, status_problems
    from bexsync.wiring import login_status

    found = login_status(call.profile, offline=offline)
    code = found.trouble.exit_code if found.trouble else Exit.CONFIGURATION if found.problems else Exit.OK
    if call.output.json:
        return call.output.data(code, status_data(found), status_problems(found))
    show_status(found)
    return code


def refresh(
    call: Command,
    if_needed: Annotated[bool, typer.Option("--if-needed", help="Do nothing while the login holds.")] = False,
) -> Exit:
    """Renew the login now. Every command does that by itself when it is due."""
    from bexsync.auth.service import nobody
    from bexsync.wiring import open_auth_desk

    desk = open_auth_desk(call.profile)
    record = desk.record
    if record is None:
        raise nobody()
    renewed = desk.keeper(record).renewed(force=not if_needed)
    until = renewed.expires_at
    shown = f"{until.astimezone():%Y-%m-%d %H:%M}" if until else "further notice"
    data = {"expires_at": until.isoformat() if until else ""}
    return call.output.said(f"The login holds until {shown}, then it renews itself.", data)


def logout(
    call: Command,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Exit:
    """Revoke the login at {ledger}, then forget it here."""
    from bexsync.auth.service import nobody
    from bexsync.wiring import open_auth_desk

    desk = open_auth_desk(call.profile)
    if desk.record is None:
        raise nobody()
    ledger = desk.profile.ledger.words.name
    make_sure(call, yes, f"Log out of {ledger}? The jobs of profile {call.profile} stop until the next login.")
    done = desk.log_out()
    data = {"company": done.record.company, "revoked": not done.not_revoked, "reason": done.not_revoked}
    code = Exit.SOME_FAILED if done.not_revoked and done.record.kind == "app" else Exit.OK
    sentence = f"Logged out of {done.record.company}."
    if done.not_revoked:
        sentence = f"The login is forgotten here, but {ledger} may still accept it: {done.not_revoked}"
    return call.output.said(sentence, data, code=code)
