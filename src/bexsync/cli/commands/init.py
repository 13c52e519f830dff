"""bexsync init"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command
from bexsync.errors import Exit, TryLater, UsageProblem

if TYPE_CHECKING:
    from bexsync.cli.prompts.login_prompts import LoginOptions

Text = str | None

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take every default.")]
ApiUrl = Annotated[Text, typer.Option(metavar="URL", help=f"Of a sandbox; without it, {LEDGER} itself.")]
WebUrl = Annotated[Text, typer.Option(metavar="URL", help="Where links lead; follows from --api-url.")]
Issuer = Annotated[Text, typer.Option(metavar="URL", help="Who logs people in; follows from --api-url.")]
TokenStdin = Annotated[
    bool, typer.Option("--token-stdin", help="Log in with a personal access token, read from input.")
]
ClientId = Annotated[str | None, typer.Option(metavar="ID", help="Log in with this app of yours, in the browser.")]
ClientSecretFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the app's secret.")]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the login's address, and take the one you were sent back to.")
]
TokenStore = Annotated[
    Text, typer.Option(metavar="keyring|encrypted-file|file|command", help="Where the login is kept.")
]
KeyFile = Annotated[Path | None, typer.Option(metavar="FILE", help="The key of the encrypted file.")]
RevenueAccount = Annotated[Text, typer.Option(metavar="NUMBER", help="Account of income that lines are booked on.")]
TaxCode = Annotated[Text, typer.Option(metavar="CODE", help=f"Tax of lines that name none; empty: {LEDGER}'s default.")]
Currency = Annotated[Text, typer.Option(metavar="CODE", help="Of invoices that name none.")]
User = Annotated[Text, typer.Option(metavar="MAIL", help=f"{LEDGER} user that documents belong to.")]
BankAccount = Annotated[Text, typer.Option(metavar="IBAN", help="On the payment part.")]
Shop = Annotated[Text, typer.Option(metavar="FOLDER", help="Of the shop; made where there is none.")]
Site = Annotated[Text, typer.Option(metavar="NAME", help="Lasting name of the shop.")]
StartDate = Annotated[Text, typer.Option(metavar="DATE", help="Older invoices are left alone.")]
Finish = Annotated[
    Text,
    typer.Option(
        "--finish",
        metavar="draft|issue|send",
        help="How far an invoice is brought.",
        autocompletion=completion.one_of("draft", "issue", "send"),
    ),
]
SendTo = Annotated[
    Text,
    typer.Option(
        metavar="me|customer",
        help="Who gets the mails; `me` to rehearse.",
        autocompletion=completion.one_of("me", "customer"),
    ),
]
DueDays = Annotated[Text, typer.Option(metavar="DAYS", help="Term where the invoice has none.")]
Language = Annotated[Text, typer.Option(metavar="de|fr|it|en", help="Of invoices that name none.")]
MaxDocuments = Annotated[Text, typer.Option(metavar="N", help="New invoices in one run.")]
MaxMails = Annotated[Text, typer.Option(metavar="N", help="Mails in one run.")]
SkipTest = Annotated[bool, typer.Option("--skip-test", help="Leave the connection test for later.")]


def init(
    call: Command,
    yes: Yes = False,
    api_url: ApiUrl = None,
    web_url: WebUrl = None,
    issuer: Issuer = None,
    token_stdin: TokenStdin = False,
    client_id: ClientId = None,
    client_secret_file: ClientSecretFile = None,
    no_browser: NoBrowser = False,
    token_store: TokenStore = None,
    key_file: KeyFile = None,
    revenue_account: RevenueAccount = None,
    tax_code: TaxCode = None,
    currency: Currency = None,
    user: User = None,
    bank_account: BankAccount = None,
    shop: Shop = None,
    site: Site = None,
    start_date: StartDate = None,
    finish_: Finish = None,
    send_to: SendTo = None,
    due_days: DueDays = None,
    language: Language = None,
    max_documents: MaxDocuments = None,
    max_mails: MaxMails = None,
    skip_test: SkipTest = False,
) -> Exit:
    """Answer some questions, and get a profile that works.

    Logs in, lets you choose account and tax from your own books, makes the shop's folder, and shows the profile
    before it is written. A profile that is there already is never touched. For scripts: --yes takes every default
    that no option names, as in `bexsync init --yes --token-stdin --token-store file < token.txt`.
    """
    from bexsync.cli.prompts.login_prompts import LoginOptions

    answers = {
        "--api-url": api_url, "--web-url": web_url, "--issuer": issuer, "--revenue-account": revenue_account,
        "--tax-code": tax_code, "--currency": currency, "--user": user, "--bank-account": bank_account,
        "--shop": shop, "--site": site, "--start-date": start_date, "--finish": finish_, "--send-to": send_to,
        "--due-days": due_days, "--language": language, "--max-documents": max_documents, "--max-mails": max_mails,
    }  # fmt: skip
    login_options = LoginOptions(
        no_browser=no_browser, token_stdin=token_stdin, store=token_store or "", key_file=key_file,
        client_id=client_id or "", client_secret_file=client_secret_file,
    )  # fmt: skip
    return _set_up(call, answers, login_options, asks=not yes, test=not skip_test)


def _set_up(
    call: Command, answers: Mapping[str, str | None], login_options: LoginOptions, *, asks: bool, test: bool
) -> Exit:
    """Hold the conversation, write the profile and make its first run."""
    if asks and not call.output.asks:
        raise UsageProblem(
            "`bexsync init` is a conversation, and nobody is there to answer.",
            "Add --yes to take every default, and options for what is to be different.",
        )
    from bexsync.cli.commands.first_run import FirstRun
    from bexsync.cli.prompts.asking import Asker
    from bexsync.cli.prompts.init_prompts import choose_name, hold
    from bexsync.http.clock import SystemClock

    asker = Asker(answers, asks=asks)
    chosen = choose_name(call, asker)
    written = hold(chosen, asker, login_options, SystemClock().now().astimezone().date())
    if written is None:
        return Exit.USAGE
    try:
        return FirstRun(chosen, asker, written).go(test=test)
    except (KeyboardInterrupt, typer.Abort):
        raise TryLater(
            f"Interrupted; the profile {written.path} is written.", "Try it with `bexsync test-connection`.",
            code="interrupted",
        ) from None  # fmt: skip
