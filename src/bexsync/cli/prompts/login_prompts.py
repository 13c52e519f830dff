"""The conversation of `auth login`, and whether cron would reach the login."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bexsync.auth.listener import Listener
from bexsync.auth.login import App
from bexsync.auth.records import LoginRecord
from bexsync.auth.service import LoggedIn, LoginService, scopes_to_ask_for
from bexsync.auth.source import names_token
from bexsync.auth.stores import StoreChoice, suggest
from bexsync.auth.stores.encrypted_file import CREDENTIALS, KEY_FILE, make_key
from bexsync.cli.prompts.asking import tell
from bexsync.errors import ConfigurationProblem, Exit, LoginNeeded, TokenStoreProblem, UsageProblem
from bexsync.http.redaction import register_secret
from bexsync.paths import config_folder, expanded
from bexsync.wiring import open_auth_desk

if TYPE_CHECKING:
    from bexsync.cli.runner import Command

SECRET_VARIABLE = "BEXSYNC_CLIENT_SECRET"  # noqa: S105  a name, not a secret
PATIENCE_SECONDS = 300
_CRON_SECONDS = 60
_KEPT_FOR_CRON = ("BEXSYNC_STATE_DIR", "BEXSYNC_CONFIG_DIR", "BEXSYNC_KEY_FILE", "BEXSYNC_HOST")
_BUS = "DBUS_SESSION_BUS_ADDRESS"


@dataclass(frozen=True)
class LoginOptions:
    """The options of `auth login`."""

    no_browser: bool = False
    token_stdin: bool = False
    all_scopes: bool = False
    store: str = ""
    key_file: Path | None = None
    client_id: str = ""
    client_secret_file: Path | None = None
    new_app: bool = False


def log_in(call: Command, login_options: LoginOptions) -> Exit:
    """Logs in, keeps the login, and says what comes next."""
    desk = open_auth_desk(call.profile)
    record, lines = make_login(desk, login_options)
    said, reached = rehearsal(desk.path, record.store)
    lines += said
    which = "" if call.profile == "default" else f"-p {call.profile} "
    lines.append(f"Next: bexsync {which}test-connection")
    data = {
        "company": record.company,
        "company_id": record.company_id,
        "user": record.user,
        "mail": record.mail,
        "store": record.store.name,
        "reached_by_cron": reached,
    }
    return call.output.said("\n".join(lines), data)


def make_login(desk: LoginService, login_options: LoginOptions) -> tuple[LoginRecord, list[str]]:
    """Logs in and keeps the login; what is known of it, and the sentences about it."""
    choice = desk.tried_out(choose_store(desk, login_options))
    if login_options.token_stdin:
        new = _with_token(desk)
        record = desk.keep(new, choice)
    else:
        new, record = _with_app(desk, login_options, choice)
    store = desk.store(choice)
    lines = [
        f"Logged in to {record.company or record.company_id} as {record.user or 'unknown'}"
        f"{f' ({record.mail})' if record.mail else ''}.",
        f"The login is kept in {store.where}{f', {store.warning}' if store.warning else ''}.",
    ]
    lines += _ending(new)
    if names_token():
        lines.append(
            "The environment holds a token too, and speaks over this login: unset BEXSYNC_ACCESS_TOKEN[_FILE]."
        )
    return record, lines


def choose_store(desk: LoginService, login_options: LoginOptions) -> StoreChoice:
    """The store that was named, or the one of the login before, or what this machine suggests; never a silent guess."""
    record = desk.record
    name = login_options.store or desk.profile.ledger.token_store
    if not name and login_options.key_file:
        name = "encrypted-file"
    if record is not None and name in ("", record.store.name) and not login_options.key_file:
        return record.store
    if not name:
        suggestion = suggest()
        if suggestion.choice is None:
            raise TokenStoreProblem(
                f"Where should the login be kept? {suggestion.why}",
                "Name it: --token-store encrypted-file (servers), file (plain text), or command (pass, Vault ...).",
            )
        return suggestion.choice
    if name != "encrypted-file":
        return StoreChoice(name)
    return StoreChoice(name, _key(login_options.key_file))


def _key(key_file: Path | None) -> dict[str, str]:
    """The key file to record; where there is no key yet, one is made."""
    named = os.environ.get(KEY_FILE, "").strip()
    if key_file is None and not named and os.environ.get(CREDENTIALS):
        return {}  # systemd gives the key
    path = expanded(key_file or (Path(named) if named else config_folder() / "key")).absolute()
    if not path.exists():
        make_key(path)
        tell(f"Made a key in {path}; whoever has it and the encrypted file has the login.")
    return {"key_file": str(path)}


def _with_token(desk: LoginService) -> LoggedIn:
    if sys.stdin.isatty():
        token = str(typer.prompt("Personal access token", hide_input=True, err=True)).strip()
    else:
        token = sys.stdin.readline().strip()
    register_secret(token)
    if not token or not all("!" <= sign <= "~" for sign in token):
        raise UsageProblem(
            "The input holds no token.",
            f"Make one at https://{desk.profile.ledger.login.token_page} "
            "and pass it: bexsync auth login --token-stdin < FILE",
        )
    return desk.use_token(token)


def _with_app(desk: LoginService, login_options: LoginOptions, choice: StoreChoice) -> tuple[LoggedIn, LoginRecord]:
    browser = None if login_options.no_browser else _browser()  # before anybody types anything
    app = _app(desk, login_options)
    attempt = desk.begin(app, scopes_to_ask_for(desk.profile, everything=login_options.all_scopes))

    def finish(address: str) -> tuple[LoggedIn, LoginRecord]:
        new = desk.finish(app, attempt, address)
        return new, desk.keep(new, choice)

    if browser is None:
        return finish(_pasted(attempt.url))
    name = desk.profile.ledger.words.name
    with Listener(desk.profile.ledger.redirect_uri, finish, lambda done: _greeting(done[1])) as listener:
        tell(f"Opening the login page of {name}. If nothing opens, open this address yourself:\n\n  {attempt.url}\n")
        if not browser.open(attempt.url):
            tell("The browser did not open; open the address yourself, or start again with --no-browser.")
        tell("Waiting for you there; Ctrl-C gives up. An error page instead of the login means that the client id or")
        tell(f"the redirect URI is not that of your app ({desk.profile.ledger.redirect_uri}).")
        return listener.wait(PATIENCE_SECONDS)


def _greeting(record: LoginRecord) -> str:
    return f"{record.company or record.company_id}, as {record.user or record.mail or 'unknown'}"


def _app(desk: LoginService, login_options: LoginOptions) -> App:
    known = None if login_options.new_app or login_options.client_id else desk.known_app()
    if known is not None:
        return known
    if not login_options.client_id:
        _needs_a_person("the client id of your app", "--client-id ID")
        _show_first_steps(desk)
    client_id = login_options.client_id or str(typer.prompt("Client id", err=True)).strip()
    if not desk.profile.ledger.login.confidential:
        return App(client_id, "")
    secret = _secret(login_options.client_secret_file)
    register_secret(secret)
    return App(client_id, secret)


def _secret(file: Path | None) -> str:
    if file is not None:
        try:
            return expanded(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigurationProblem(
                f"The file {file} with the client secret cannot be read.", "Check its path and its rights."
            ) from problem
    named = os.environ.get(SECRET_VARIABLE, "").strip()
    if named:
        return named
    _needs_a_person("the client secret of your app", f"--client-secret-file FILE or {SECRET_VARIABLE}")
    return str(typer.prompt("Client secret (hidden)", hide_input=True, err=True)).strip()


def _needs_a_person(what: str, option: str) -> None:
    if not sys.stdin.isatty():
        raise UsageProblem(f"The login needs {what}, and nobody is there to ask.", f"Pass it with {option}.")


def _show_first_steps(desk: LoginService) -> None:
    name, login = desk.profile.ledger.words.name, desk.profile.ledger.login
    if desk.profile.ledger.issuer != login.issuer:
        tell(
            f"This profile logs in at {desk.profile.ledger.issuer}, not at {name}.\n"
            "A sandbox has printed client id and client secret when it was started.\n"
        )
        return
    tell(
        "bexsync logs in with an app of your own. That is done once:\n\n"
        f"  1. Log in at https://{login.portal} with your {name} account.\n"
        '  2. Create an app there; call it "bexsync", say.\n'
        "  3. Enter this as its allowed redirect URL, to the letter:\n\n"
        f"       {desk.profile.ledger.redirect_uri}\n\n"
        "  4. Copy its client id and client secret to here.\n"
    )


def _pasted(url: str) -> str:
    tell(
        f"Open this address in any browser, on any computer, log in and allow it:\n\n  {url}\n\n"
        "The browser is then sent to a page that it may not be able to show. That is fine:\n"
        "copy the address of that page, all of it, to here."
    )
    if not sys.stdin.isatty():
        returned = sys.stdin.readline().strip()
        if "state=" not in returned:
            raise LoginNeeded(
                "That is not the address of the page you were sent to.", "Start again, and copy all of it."
            )
        return returned
    while True:
        returned = str(typer.prompt("Address", err=True)).strip()
        if "state=" in returned:
            return returned
        tell("That is not the address of the page you were sent to; it holds state=... Copy all of it.")


def _browser() -> webbrowser.BaseBrowser:
    try:
        return webbrowser.get()
    except webbrowser.Error:
        raise ConfigurationProblem(
            "There is no browser on this computer.",
            "Use any other computer's: bexsync auth login --no-browser",
            code="browser",
        ) from None


def _ending(new: LoggedIn) -> list[str]:
    if new.login.renewable:
        return ["It renews itself."]
    if new.login.kind == "app":
        return ["It cannot be renewed: allow your app the scope offline_access, then log in again."]
    ends = f" on {new.login.expires_at:%Y-%m-%d}" if new.login.expires_at else ""
    return [f"It expires{ends} and cannot renew itself; for cron log in with an app of your own: bexsync auth login"]


def rehearsal(profile: str, choice: StoreChoice) -> tuple[list[str], bool | None]:
    """Whether cron reaches the login of a written profile, and what it needs for that; None where there is no cron."""
    if sys.platform == "darwin":
        return [], None
    said = _attempt_as_cron(profile, {})
    if not said:
        return ["Cron reaches it as it is."], True
    kept = {name: os.environ[name] for name in _KEPT_FOR_CRON if os.environ.get(name)}
    for bus in _buses() if choice.name == "keyring" else [{}]:
        variables = {**kept, **bus}
        said = _attempt_as_cron(profile, variables) if variables else said
        if not said:
            lines = (f"  {name}={value}" for name, value in variables.items())
            return ["Cron reaches it with these lines in the crontab:", *lines], True
    return [
        f"Cron does not reach it: {said}",
        "For cron keep it elsewhere: bexsync auth login --token-store encrypted-file --key-file ~/.config/bexsync/key",
    ], False


def _buses() -> list[dict[str, str]]:
    """The user's lasting bus, then the one of this session, which may be the same or end with it."""
    addresses = [f"unix:path=/run/user/{os.getuid()}/bus", os.environ.get(_BUS, "")]
    return [{_BUS: address} for address in dict.fromkeys(addresses) if address]


def _attempt_as_cron(profile: str, more: dict[str, str]) -> str:
    """What went wrong in a process of its own, "" if nothing."""
    environment = {
        "HOME": os.path.expanduser("~"),  # noqa: PTH111  what cron takes from the password file
        "LOGNAME": os.environ.get("LOGNAME") or os.environ.get("USER") or "",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
        **more,
    }
    command = [sys.executable, "-m", "bexsync", "--profile", profile, "auth", "status", "--offline", "--json"]
    try:
        done = subprocess.run(  # noqa: S603  this very program
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_CRON_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "It did not answer in time."
    if done.returncode == 0:
        return ""
    try:
        error = json.loads(done.stdout)["errors"][0]
        return f"{error['message']} {error['hint']}".strip()
    except (ValueError, LookupError, TypeError):
        return f"It ended with {done.returncode}."
