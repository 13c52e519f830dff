"""bexsync init"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import command, finish
from bexsync.errors import Exit, TryLater, UsageProblem

Text = str | None


def init(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take every default.")] = False,
    api_url: Annotated[Text, typer.Option(metavar="URL", help=f"Of a sandbox; without it, {LEDGER} itself.")] = None,
    web_url: Annotated[Text, typer.Option(metavar="URL", help="Where links lead; follows from --api-url.")] = None,
    issuer: Annotated[Text, typer.Option(metavar="URL", help="Who logs people in; follows from --api-url.")] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Log in with a personal access token, read from input.")
    ] = False,
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Log in with this app of yours, in the browser.")
    ] = None,
    client_secret_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the app's secret.")] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the login's address, and take the one you were sent back to.")
    ] = False,
    token_store: Annotated[
        Text, typer.Option(metavar="keyring|encrypted-file|file|command", help="Where the login is kept.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The key of the encrypted file.")] = None,
    revenue_account: Annotated[
        Text, typer.Option(metavar="NUMBER", help="Account of income that lines are booked on.")
    ] = None,
    tax_code: Annotated[
        Text, typer.Option(metavar="CODE", help=f"Tax of lines that name none; empty: {LEDGER}'s default.")
    ] = None,
    currency: Annotated[Text, typer.Option(metavar="CODE", help="Of invoices that name none.")] = None,
    user: Annotated[Text, typer.Option(metavar="MAIL", help=f"{LEDGER} user that documents belong to.")] = None,
    bank_account: Annotated[Text, typer.Option(metavar="IBAN", help="On the payment part.")] = None,
    shop: Annotated[Text, typer.Option(metavar="FOLDER", help="Of the shop; made where there is none.")] = None,
    site: Annotated[Text, typer.Option(metavar="NAME", help="Lasting name of the shop.")] = None,
    start_date: Annotated[Text, typer.Option(metavar="DATE", help="Older invoices are left alone.")] = None,
    finish_: Annotated[
        Text,
        typer.Option(
            "--finish",
            metavar="draft|issue|send",
            help="How far an invoice is brought.",
            autocompletion=completion.one_of("draft", "issue", "send"),
        ),
    ] = None,
    send_to: Annotated[
        Text,
        typer.Option(
            metavar="me|customer",
            help="Who gets the mails; `me` to rehearse.",
            autocompletion=completion.one_of("me", "customer"),
        ),
    ] = None,
    due_days: Annotated[Text, typer.Option(metavar="DAYS", help="Term where the invoice has none.")] = None,
    language: Annotated[Text, typer.Option(metavar="de|fr|it|en", help="Of invoices that name none.")] = None,
    max_documents: Annotated[Text, typer.Option(metavar="N", help="New invoices in one run.")] = None,
    max_mails: Annotated[Text, typer.Option(metavar="N", help="Mails in one run.")] = None,
    skip_test: Annotated[bool, typer.Option("--skip-test", help="Leave the connection test for later.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Answer some questions, and get a profile that works.

    Logs in, lets you choose account and tax from your own books, makes the shop's folder, and shows the profile
    before it is written. A profile that is there already is never touched. For scripts: --yes takes every default
    that no option names, as in `bexsync init --yes --token-stdin --token-store file < token.txt`.
    """
    call = command(context, "init", profile=profile, json=json)
    answers = {
        "--api-url": api_url, "--web-url": web_url, "--issuer": issuer, "--revenue-account": revenue_account,
        "--tax-code": tax_code, "--currency": currency, "--user": user, "--bank-account": bank_account,
        "--shop": shop, "--site": site, "--start-date": start_date, "--finish": finish_, "--send-to": send_to,
        "--due-days": due_days, "--language": language, "--max-documents": max_documents, "--max-mails": max_mails,
    }  # fmt: skip

    def work() -> Exit:
        if not (yes or call.output.asks):
            raise UsageProblem(
                "`bexsync init` is a conversation, and nobody is there to answer.",
                "Add --yes to take every default, and options for what is to be different.",
            )
        from bexsync.cli.commands.first_run import FirstRun
        from bexsync.cli.prompts.asking import Asker
        from bexsync.cli.prompts.init_prompts import choose_name, hold
        from bexsync.cli.prompts.login_prompts import Wishes
        from bexsync.http.clock import SystemClock

        asker = Asker(answers, asks=not yes)
        named = bool(profile or context.obj or os.environ.get("BEXSYNC_PROFILE"))
        chosen = choose_name(call, asker, named=named)
        wishes = Wishes(
            no_browser=no_browser,
            token_stdin=token_stdin,
            store=token_store or "",
            key_file=key_file,
            client_id=client_id or "",
            client_secret_file=client_secret_file,
        )
        written = hold(chosen, asker, wishes, SystemClock().now().astimezone().date())
        if written is None:
            return Exit.USAGE
        try:
            return FirstRun(context, chosen, asker, written).go(test=not skip_test)
        except (KeyboardInterrupt, typer.Abort):
            raise TryLater(
                f"Interrupted; the profile {written.path} is written.", "Try it with `bexsync test-connection`.",
                code="interrupted",
            ) from None  # fmt: skip

    finish(call, work)
